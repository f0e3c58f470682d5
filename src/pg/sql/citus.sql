-- citus: tables that the extension citus keeps on other nodes, reference tables first. Partitions go
--        with the table that they are of.
-- returns   relation oid, partition method, replication model, distribution column, colocation id, shards
select c.oid, p.partmethod, p.repmodel,
       case when p.partkey is not null
            then pg_catalog.column_to_column_name(p.logicalrelid, p.partkey) end,
       p.colocationid,
       (select pg_catalog.count(*) from pg_catalog.pg_dist_shard s
         where s.logicalrelid = p.logicalrelid)
  from pg_catalog.pg_dist_partition p
       join pg_catalog.pg_class c on c.oid = p.logicalrelid
 where not c.relispartition
 order by p.partmethod <> 'n', c.oid
