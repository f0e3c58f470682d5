-- sequences: sequences of users.
-- returns   oid, namespace, name, oid of the table that owns it, whether we may read it
select c.oid, n.nspname, c.relname,
       (select d.refobjid
          from pg_catalog.pg_depend d
         where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
           and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
           and d.deptype in ('a', 'i') and d.refobjsubid > 0
         limit 1),
       pg_catalog.has_sequence_privilege(c.oid, 'SELECT')
       and pg_catalog.has_schema_privilege(n.oid, 'USAGE')
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'S'
   and c.relpersistence in ('p', 'u')
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = c.oid and d.deptype = 'e')
 order by c.oid
