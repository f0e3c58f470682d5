-- privileges: who may do what. An object whose privileges nobody touched has those that it got when
--           it was made; of objects of the system and of extensions only the changes are shown.
-- $1 int    version of the older of both servers
-- returns   class, parent, identity, property, value
with object (class, parent, identity, catalog, oid, number, owner, acl, original) as (
  select c.relkind::text, null, pg_catalog.format('%I.%I', n.nspname, c.relname),
         'pg_catalog.pg_class'::pg_catalog.regclass, c.oid, 0, c.relowner, c.relacl,
         pg_catalog.acldefault(case c.relkind when 'S' then 's'::"char" else 'r' end, c.relowner)
    from pg_catalog.pg_class c
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f') and c.relpersistence <> 't'
     and n.nspname !~ '^pg_(toast|temp)'
     and n.nspname not in ('information_schema', 'pgcopydb')
  union all
  select 'column', pg_catalog.format('%s %I.%I', c.relkind, n.nspname, c.relname),
         pg_catalog.quote_ident(a.attname), 'pg_catalog.pg_class'::pg_catalog.regclass, c.oid,
         a.attnum, c.relowner, a.attacl, '{}'
    from pg_catalog.pg_attribute a
         join pg_catalog.pg_class c on c.oid = a.attrelid
         join pg_catalog.pg_namespace n on n.oid = c.relnamespace
   where a.attacl is not null and not a.attisdropped
     and n.nspname not in ('information_schema', 'pgcopydb')
  union all
  select case coalesce(pg_catalog.to_jsonb(f) ->> 'prokind',
                       case pg_catalog.to_jsonb(f) ->> 'proisagg' when 'true' then 'a' end)
         when 'p' then 'procedure' when 'a' then 'aggregate' else 'function' end, null,
         pg_catalog.format('%I.%I(%s)', n.nspname, f.proname,
                           pg_catalog.oidvectortypes(f.proargtypes)),
         'pg_catalog.pg_proc'::pg_catalog.regclass, f.oid, 0, f.proowner, f.proacl,
         pg_catalog.acldefault('f', f.proowner)
    from pg_catalog.pg_proc f
         join pg_catalog.pg_namespace n on n.oid = f.pronamespace
   where (f.oid >= 16384 or f.proacl is not null)
     and n.nspname not in ('information_schema', 'pgcopydb')
     -- Functions of a range type come with it.
     and not exists (
           select from pg_catalog.pg_depend e
            where e.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
              and e.objid = f.oid and e.deptype = 'i')
  union all
  select 'type', null, pg_catalog.format('%I.%I', n.nspname, t.typname),
         'pg_catalog.pg_type'::pg_catalog.regclass, t.oid, 0, t.typowner, t.typacl,
         pg_catalog.acldefault('T', t.typowner)
    from pg_catalog.pg_type t
         join pg_catalog.pg_namespace n on n.oid = t.typnamespace
         left join pg_catalog.pg_class c on c.oid = t.typrelid
   where (t.oid >= 16384 or t.typacl is not null)
     and n.nspname not in ('information_schema', 'pgcopydb')
     and (c.oid is null or c.relkind = 'c') and t.typtype <> 'm'
     and not exists (select from pg_catalog.pg_type el where el.typarray = t.oid)
  union all
  select 'schema', null, pg_catalog.quote_ident(n.nspname),
         'pg_catalog.pg_namespace'::pg_catalog.regclass, n.oid, 0, n.nspowner, n.nspacl,
         pg_catalog.acldefault('n', n.nspowner)
    from pg_catalog.pg_namespace n
   where n.nspname !~ '^pg_(toast|temp)'
     and n.nspname not in ('information_schema', 'pgcopydb')
  union all
  select 'language', null, pg_catalog.quote_ident(l.lanname),
         'pg_catalog.pg_language'::pg_catalog.regclass, l.oid, 0, l.lanowner, l.lanacl,
         pg_catalog.acldefault('l', l.lanowner)
    from pg_catalog.pg_language l
  union all
  select 'foreign data wrapper', null, pg_catalog.quote_ident(w.fdwname),
         'pg_catalog.pg_foreign_data_wrapper'::pg_catalog.regclass, w.oid, 0, w.fdwowner, w.fdwacl,
         pg_catalog.acldefault('F', w.fdwowner)
    from pg_catalog.pg_foreign_data_wrapper w
  union all
  select 'server', null, pg_catalog.quote_ident(s.srvname),
         'pg_catalog.pg_foreign_server'::pg_catalog.regclass, s.oid, 0, s.srvowner, s.srvacl,
         pg_catalog.acldefault('S', s.srvowner)
    from pg_catalog.pg_foreign_server s
), known as (
  -- What the object had when initdb or its extension had made it.
  select o.class, o.parent, o.identity, o.owner, o.acl,
         coalesce(i.initprivs, o.original) as original,
         -- The namespace that every database has is the user's.
         (o.class, o.identity) <> ('schema', 'public')
         and (i.objoid is not null or o.oid < 16384 or exists (
                select from pg_catalog.pg_depend e
                 where e.classid = o.catalog and e.objid = o.oid and e.deptype = 'e'))
           as is_system
    from object o
         left join pg_catalog.pg_init_privs i
           on i.classoid = o.catalog and i.objoid = o.oid and i.objsubid = o.number
), privilege (class, parent, identity, owner, prefix, grantee, grantor, name, is_grantable) as (
  select k.class, k.parent, k.identity, k.owner, 'privilege', a.grantee, a.grantor,
         a.privilege_type, a.is_grantable
    from known k
         cross join lateral pg_catalog.aclexplode(coalesce(k.acl, k.original)) a
   where not k.is_system
  union all
  (select k.class, k.parent, k.identity, k.owner, 'granted', a.grantee, a.grantor,
          a.privilege_type, a.is_grantable
     from known k
          cross join lateral pg_catalog.aclexplode(k.acl) a
    where k.is_system and k.acl <> k.original
   except all
   select k.class, k.parent, k.identity, k.owner, 'granted', a.grantee, a.grantor,
          a.privilege_type, a.is_grantable
     from known k
          cross join lateral pg_catalog.aclexplode(k.original) a
    where k.is_system and k.acl <> k.original)
  union all
  (select k.class, k.parent, k.identity, k.owner, 'revoked', a.grantee, a.grantor,
          a.privilege_type, a.is_grantable
     from known k
          cross join lateral pg_catalog.aclexplode(k.original) a
    where k.is_system and k.acl <> k.original
   except all
   select k.class, k.parent, k.identity, k.owner, 'revoked', a.grantee, a.grantor,
          a.privilege_type, a.is_grantable
     from known k
          cross join lateral pg_catalog.aclexplode(k.acl) a
    where k.is_system and k.acl <> k.original)
)
select p.class, p.parent, p.identity,
       pg_catalog.format('%s %s of %s', p.prefix, p.name,
         case p.grantee when 0 then 'public' when p.owner then 'the owner'
                        else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.grantee)) end),
       pg_catalog.format('by %s%s',
         pg_catalog.string_agg(
           case p.grantor when p.owner then 'the owner'
                          else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(p.grantor)) end
           || case when p.is_grantable then ' with grant option' else '' end,
           ', ' order by pg_catalog.pg_get_userbyid(p.grantor)::text collate "C"), '')
  from privilege p
 -- It came with 17.
 where p.name <> 'MAINTAIN' or $1::int >= 170000
 group by p.class, p.parent, p.identity, p.prefix, p.name, p.grantee, p.owner
