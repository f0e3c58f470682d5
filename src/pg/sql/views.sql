-- views: materialized views.
-- returns   oid, namespace, name, bytes, whether it is populated
select c.oid, n.nspname, c.relname, pg_catalog.pg_table_size(c.oid), c.relispopulated
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'm'
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
 order by c.oid
