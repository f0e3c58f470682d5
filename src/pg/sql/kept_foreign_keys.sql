-- kept_foreign_keys: foreign keys that are to be on the target as they were before rows were copied.
-- returns   name, namespace and name of its table, definition, whether its rows were checked, comment,
--           whether its table is partitioned, whether that table is there, whether the key is there,
--           whether its rows are checked now
select kept.name, kept.namespace, kept.relation, kept.definition, kept.is_validated, kept.comment,
       kept.is_partitioned, c.oid is not null, k.oid is not null, coalesce(k.convalidated, false)
  from pgcopydb.foreign_key kept
       left join pg_catalog.pg_namespace n on n.nspname = kept.namespace
       left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = kept.relation
       left join pg_catalog.pg_constraint k
              on k.conrelid = c.oid and k.conname = kept.name and k.contype = 'f'
 order by kept.namespace, kept.relation, kept.name
