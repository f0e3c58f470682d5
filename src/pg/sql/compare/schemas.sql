-- schemas: namespaces.
-- returns   class, parent, identity, property, value
select 'schema', null, pg_catalog.quote_ident(n.nspname), p.property, p.value
  from pg_catalog.pg_namespace n
       cross join lateral (values
         ('owner', pg_catalog.pg_get_userbyid(n.nspowner)::text),
         ('comment', nullif(pg_catalog.obj_description(n.oid, 'pg_namespace'),
                            case when n.nspname = 'public' then 'standard public schema' end))
       ) p (property, value)
 where p.value is not null
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend e
          where e.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass
            and e.objid = n.oid and e.deptype = 'e')
