-- filter_names: names that a line of a filter file could mean.
-- $1 text   the relkinds in question
-- returns   namespace, name
select n.nspname, c.relname
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where pg_catalog.strpos($1::text, c.relkind::text) > 0
   and c.relpersistence in ('p', 'u')
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
 order by n.nspname, c.relname
