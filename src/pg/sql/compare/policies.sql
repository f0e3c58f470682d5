-- policies: row security policies.
-- returns   class, parent, identity, property, value
select 'policy', pg_catalog.format('%s %I.%I', c.relkind, n.nspname, c.relname),
       pg_catalog.quote_ident(o.polname), p.property, p.value
  from pg_catalog.pg_policy o
       join pg_catalog.pg_class c on c.oid = o.polrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       cross join lateral (values
         ('kind', case when o.polpermissive then 'permissive' else 'restrictive' end),
         ('command', case o.polcmd when 'r' then 'select' when 'a' then 'insert' when 'w' then 'update'
                                   when 'd' then 'delete' else 'all' end),
         ('roles', (select pg_catalog.string_agg(role.name, ', ' order by role.name collate "C")
                      from (select case when r.oid = 0 then 'public' else
                                     pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(r.oid)) end
                              from pg_catalog.unnest(o.polroles) r (oid)) role (name))),
         ('using', pg_catalog.pg_get_expr(o.polqual, o.polrelid)),
         ('check', pg_catalog.pg_get_expr(o.polwithcheck, o.polrelid)),
         ('comment', pg_catalog.obj_description(o.oid, 'pg_policy'))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and e.objid = c.oid and e.deptype = 'e')
