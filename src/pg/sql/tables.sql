-- tables: tables with rows of their own, and partitioned ones; the largest first.
-- returns   oid, namespace, name, relkind, parent of a partition, bytes, heap pages, reltuples,
--           access method, column that key ranges can be made of
select c.oid, n.nspname, c.relname, c.relkind,
       case when c.relispartition then h.inhparent end,
       case when c.relkind = 'r' then pg_catalog.pg_table_size(c.oid) else 0 end as bytes,
       case when c.relkind = 'r'
            then pg_catalog.pg_relation_size(c.oid)
                 / pg_catalog.current_setting('block_size')::bigint
            else 0 end,
       c.reltuples, coalesce(am.amname, 'heap'), k.attname
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_inherits h on h.inhrelid = c.oid and c.relispartition
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
