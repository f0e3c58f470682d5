-- target_tables: tables of the target that rows can be copied into.
-- returns   namespace, name, whether it is partitioned, whether our role may truncate it
select n.nspname, c.relname, c.relkind = 'p',
       pg_catalog.has_table_privilege(c.oid, 'TRUNCATE')
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p')
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
