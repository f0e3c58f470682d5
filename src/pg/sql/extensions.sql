-- extensions: installed extensions with their configuration tables and sequences, those that
--           others reference first; one row per table, or one for an extension that has none.
-- returns   extension oid, name, namespace, version, relation oid, namespace, name, is sequence,
--           columns (JSON array of names), condition
select e.oid, e.extname, en.nspname, e.extversion,
       c.oid, n.nspname, c.relname, c.relkind = 'S',
       (select pg_catalog.json_agg(a.attname order by a.attnum)
          from pg_catalog.pg_attribute a
         where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
           -- Generated columns came with 12.
           and coalesce(pg_catalog.to_jsonb(a) ->> 'attgenerated', '') = ''),
       coalesce(config.condition, '')
  from pg_catalog.pg_extension e
       join pg_catalog.pg_namespace en on en.oid = e.extnamespace
       left join lateral rows from (pg_catalog.unnest(e.extconfig),
                                    pg_catalog.unnest(e.extcondition))
                 with ordinality as config (oid, condition, number) on true
       left join pg_catalog.pg_class c on c.oid = config.oid
       left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 order by e.oid,
          (select pg_catalog.count(*)
             from pg_catalog.pg_constraint k
            where k.contype = 'f' and k.conrelid = c.oid and k.confrelid <> c.oid),
          config.number
