-- indexes: valid indexes of user tables and materialized views. Those of partitioned tables come
--           whether valid or not, as they are as long as a partition lacks its own.
-- returns   oid, namespace, name, table oid, definition, columns, is primary, is unique,
--           is partitioned, tablespace, bytes, has collated text, access method, constraint oid,
--           name, type, definition, deferrable, deferred, is on an inheritance child
select i.indexrelid, n.nspname, c.relname, i.indrelid,
       pg_catalog.pg_get_indexdef(i.indexrelid),
       (select coalesce(pg_catalog.string_agg(a.attname, ',' order by a.attnum), '')
          from pg_catalog.pg_attribute a
         where a.attrelid = i.indexrelid),
       i.indisprimary, i.indisunique, c.relkind = 'I', s.spcname,
       case when c.relkind = 'i' then pg_catalog.pg_relation_size(c.oid) else 0 end,
       exists (
         select
           from pg_catalog.unnest(i.indcollation) as used (oid)
                join pg_catalog.pg_collation l on l.oid = used.oid
                join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
          where case when l.collname = 'default' then d.datcollate else l.collname end
                not in ('C', 'POSIX', 'ucs_basic')),
       am.amname,
       k.oid, k.conname, k.contype, pg_catalog.pg_get_constraintdef(k.oid),
       coalesce(k.condeferrable, false), coalesce(k.condeferred, false),
       not t.relispartition and exists (
         select from pg_catalog.pg_inherits h where h.inhrelid = t.oid)
  from pg_catalog.pg_index i
       join pg_catalog.pg_class c on c.oid = i.indexrelid
       join pg_catalog.pg_class t on t.oid = i.indrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_am am on am.oid = c.relam
       left join pg_catalog.pg_tablespace s on s.oid = c.reltablespace
       left join pg_catalog.pg_constraint k
         on k.conindid = i.indexrelid and k.conrelid = i.indrelid
            and k.contype in ('p', 'u', 'x')
 where t.relkind in ('r', 'p', 'm')
   and t.relpersistence in ('p', 'u')
   and (i.indisvalid or c.relkind = 'I') and i.indisready
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = t.oid and d.deptype = 'e')
 order by i.indexrelid
