-- extensions: installed extensions with their configuration tables and sequences, those that
--           others reference first; one row per table, or one for an extension that has none.
-- returns   extension oid, name, namespace, version, relation oid, namespace, name, is sequence,
--           columns (JSON array of names), condition
with recursive config (oid) as (
  select pg_catalog.unnest(e.extconfig) from pg_catalog.pg_extension e
), via (referencing, depth) as (
  -- How many tables a row may have to be put into before: the longest chain of foreign keys. A circle
  -- has no order, and ends somewhere.
  select c.oid, 0 from config c
  union
  select k.conrelid, v.depth + 1
    from via v
         join pg_catalog.pg_constraint k
           on k.contype = 'f' and k.confrelid = v.referencing and k.conrelid <> k.confrelid
         join config c on c.oid = k.conrelid
   where v.depth < 64
)
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
                 -- What citus says of its nodes is true on these only.
                 with ordinality as config (oid, condition, number) on e.extname <> 'citus'
       left join pg_catalog.pg_class c on c.oid = config.oid
       left join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 order by e.oid,
          (select pg_catalog.max(v.depth) from via v where v.referencing = c.oid),
          config.number
