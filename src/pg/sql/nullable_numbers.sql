-- nullable_numbers: columns whose values may be NULL or no number, which wal2json cannot tell apart
-- unless it writes numbers as strings.
-- returns   table and column, quoted
select pg_catalog.format('%I.%I.%I', n.nspname, c.relname, a.attname)
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_attribute a
         on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and not a.attnotnull
 where c.relkind = 'r' and c.relpersistence = 'p'
   and a.atttypid in ('pg_catalog.float4'::pg_catalog.regtype,
                      'pg_catalog.float8'::pg_catalog.regtype,
                      'pg_catalog.numeric'::pg_catalog.regtype)
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = c.oid and d.deptype = 'e')
 order by 1
