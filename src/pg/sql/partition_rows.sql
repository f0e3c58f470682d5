-- partition_rows: which rows belong into a partition, as a condition that can be compared with that of
-- another server.
-- $1 text   namespace
-- $2 text   name
-- returns   the condition; NULL if it is no partition
select pg_catalog.regexp_replace(pg_catalog.pg_get_partition_constraintdef(c.oid),
                                 'satisfies_hash_partition\(''\d+''::oid',
                                 'satisfies_hash_partition(', 'g')
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1 and c.relname = $2 and c.relispartition
