-- columns: the columns of user tables, without dropped ones, in order.
-- returns   table oid, number, name, type oid, whether it is generated
select a.attrelid, a.attnum, a.attname, a.atttypid, a.attgenerated <> ''
  from pg_catalog.pg_attribute a
       join pg_catalog.pg_class c on c.oid = a.attrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p')
   and c.relpersistence in ('p', 'u')
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and a.attnum > 0 and not a.attisdropped
 order by a.attrelid, a.attnum
