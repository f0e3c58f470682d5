-- partition_leaves: the partitions that have the rows of a partitioned table.
-- $1 text   the table, quoted where that is needed
-- returns   namespace, name
with recursive down (oid) as (
select i.inhrelid
  from pg_catalog.pg_inherits i
 where i.inhparent = pg_catalog.to_regclass($1)
 union all
select i.inhrelid
  from down d
       join pg_catalog.pg_inherits i on i.inhparent = d.oid
)
select n.nspname, c.relname
  from down d
       join pg_catalog.pg_class c on c.oid = d.oid and c.relkind <> 'p'
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
