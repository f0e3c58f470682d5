-- tables: tables with rows of their own, and partitioned ones; the largest first.
-- $1        whether sizes are those of the planner's statistics
-- returns   oid, namespace, name, relkind, parent of a partition, bytes, heap pages, reltuples,
--           access method, column that key ranges can be made of, top of the partition tree if
--           rows may belong into other partitions on another server, bytes of values outside the
--           heap if they may be compressed
with recursive enum_hash (oid, root) as (
  -- Partitions by the hash of an enum, whose values are OIDs.
  select h.inhrelid, h.inhparent
    from pg_catalog.pg_partitioned_table p
         join pg_catalog.pg_inherits h on h.inhparent = p.partrelid
   where p.partstrat = 'h'
     and exists (
           select
             from pg_catalog.unnest(p.partclass) as used (opclass)
                  join pg_catalog.pg_opclass o on o.oid = used.opclass
                  join pg_catalog.pg_type t on t.oid = o.opcintype
            where t.typname = 'anyenum')
  union
  select h.inhrelid, e.root
    from enum_hash e
         join pg_catalog.pg_inherits h on h.inhparent = e.oid
), via (oid, root, depth) as (
  select oid, root, 0 from enum_hash
  union
  select v.oid, h.inhparent, v.depth + 1
    from via v
         join pg_catalog.pg_inherits h on h.inhrelid = v.root
)
select c.oid, n.nspname, c.relname, c.relkind,
       case when c.relispartition then h.inhparent end,
       case when c.relkind <> 'r' then 0
            when $1::boolean
            then (c.relpages + coalesce(t.relpages, 0))::bigint
                 * pg_catalog.current_setting('block_size')::bigint
            else pg_catalog.pg_table_size(c.oid) end as bytes,
       case when c.relkind <> 'r' then 0
            when $1::boolean then c.relpages
            else pg_catalog.pg_relation_size(c.oid)
                 / pg_catalog.current_setting('block_size')::bigint end,
       c.reltuples, coalesce(am.amname, 'heap'), k.attname,
       (select v.root from via v where v.oid = c.oid order by v.depth desc limit 1),
       case when t.oid is null or not exists (
                   select from pg_catalog.pg_attribute a
                    where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                      and a.attstorage in ('x', 'm'))
            then 0
            when $1::boolean
            then t.relpages::bigint * pg_catalog.current_setting('block_size')::bigint
            else coalesce(pg_catalog.pg_relation_size(t.oid), 0) end
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_inherits h on h.inhrelid = c.oid and c.relispartition
       left join pg_catalog.pg_class t on t.oid = c.reltoastrelid
       left join pg_catalog.pg_am am on am.oid = c.relam
       left join lateral (
         select a.attname
           from pg_catalog.pg_index i
                join pg_catalog.pg_attribute a
                  on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
          where i.indrelid = c.oid
            and i.indisunique and i.indisvalid and i.indpred is null
            and pg_catalog.array_upper(i.indclass, 1) = 0
            and a.atttypid in (20, 21, 23)
          order by i.indisprimary desc, i.indexrelid
          limit 1) k on true
 where c.relkind in ('r', 'p')
   and c.relpersistence in ('p', 'u')
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = c.oid and d.deptype = 'e')
 order by bytes desc, c.oid
