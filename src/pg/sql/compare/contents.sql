-- contents: what has rows: tables, partitioned tables, materialized views, and what extensions keep
--           for the user.
-- returns   oid, namespace, name, relkind, parent of a partition, bytes, heap pages, access method,
--           column that key ranges can be made of, partition key, partition bound, whether rows may
--           belong into other partitions on another server, whether it is populated, condition that
--           the user's rows satisfy, columns (JSON array of name and type oid)
select c.oid, n.nspname, c.relname, c.relkind,
       case when c.relispartition then h.inhparent end,
       case when c.relkind = 'p' then 0 else pg_catalog.pg_table_size(c.oid) end,
       case when c.relkind = 'p' then 0
            else pg_catalog.pg_relation_size(c.oid)
                 / pg_catalog.current_setting('block_size')::bigint end,
       coalesce(am.amname, 'heap'), k.attname,
       case when c.relkind = 'p' then pg_catalog.pg_get_partkeydef(c.oid) end,
       pg_catalog.pg_get_expr(c.relpartbound, c.oid),
       -- The hash of an enum is made of OIDs.
       exists (
         select
           from pg_catalog.pg_partitioned_table p
                cross join lateral pg_catalog.unnest(p.partclass) used (opclass)
                join pg_catalog.pg_opclass o on o.oid = used.opclass
                join pg_catalog.pg_type t on t.oid = o.opcintype
          where p.partrelid = c.oid and p.partstrat = 'h' and t.typname = 'anyenum'),
       c.relispopulated,
       coalesce(e.extcondition[pg_catalog.array_position(e.extconfig, c.oid)], ''),
       (select coalesce(pg_catalog.json_agg(pg_catalog.json_build_array(
                          a.attname, coalesce(nullif(t.typbasetype, 0), t.oid)::bigint)
                        order by a.attnum), '[]')
          from pg_catalog.pg_attribute a
               join pg_catalog.pg_type t on t.oid = a.atttypid
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       left join pg_catalog.pg_inherits h on h.inhrelid = c.oid and c.relispartition
       left join pg_catalog.pg_am am on am.oid = c.relam
       left join pg_catalog.pg_depend d
         on d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
            and d.objsubid = 0 and d.deptype = 'e'
       left join pg_catalog.pg_extension e on e.oid = d.refobjid
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
 where c.relkind in ('r', 'p', 'm')
   and c.relpersistence in ('p', 'u')
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and (e.oid is null or c.oid = any (e.extconfig))
