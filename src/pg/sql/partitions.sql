-- partitions: what is directly below a partitioned table, but for foreign tables.
-- $1 text   the partitioned table, quoted where that is needed
-- returns   their names, quoted where that is needed, with commas between; null if there is none
select pg_catalog.string_agg(
           pg_catalog.format('%I.%I', n.nspname, c.relname), ', ' order by c.oid)
  from pg_catalog.pg_inherits i
       join pg_catalog.pg_class c on c.oid = i.inhrelid and c.relkind in ('r', 'p')
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where i.inhparent = pg_catalog.to_regclass($1)
