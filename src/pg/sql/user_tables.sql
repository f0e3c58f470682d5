-- user_tables: tables that changes could be followed of, partitions not among them.
-- returns   namespace, name
select n.nspname, c.relname
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and c.relpersistence = 'p' and not c.relispartition
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = c.oid and d.deptype = 'e')
 order by 1, 2
