-- never_analyzed: tables that have rows but no statistics. Before 14 a table without statistics has
--           0 rows, from then on -1.
-- returns   namespace, name
select n.nspname, c.relname
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r'
   and c.relpersistence in ('p', 'u')
   and c.relpages = 0 and c.reltuples <= 0
   and pg_catalog.pg_relation_size(c.oid) > 0
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
 order by c.oid
