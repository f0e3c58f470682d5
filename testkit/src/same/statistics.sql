-- statistics: tables that have rows, and of which the planner knows nothing.
-- returns   the table
select pg_catalog.string_agg(query, ' union all ')
  from (select pg_catalog.format('select %L where exists (select from only %I.%I)',
                                 pg_catalog.to_json(c.oid::pg_catalog.regclass::text),
                                 n.nspname, c.relname),
               pg_catalog.row_number() over (order by c.oid) / 100
          from pg_catalog.pg_class c
               join pg_catalog.pg_namespace n on n.oid = c.relnamespace
         where (c.relkind = 'r' or c.relkind = 'm' and c.relispopulated)
           and c.relpersistence <> 't'
           and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
           and (c.reltuples <= 0
                or exists (select from pg_catalog.pg_attribute a
                            where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
                              and coalesce(a.attstattarget, -1) <> 0)
                   and not exists (select from pg_catalog.pg_statistic s
                                    where s.starelid = c.oid))) as t (query, batch)
 group by batch
\gexec
