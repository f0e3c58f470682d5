-- foreign_keys: foreign keys between user tables. Those inherited from a partitioned table are
--           among them; the archive does not have these.
-- returns   oid, name, table oid, namespace, table name, referenced table oid, referenced index oid,
--           is validated, whether one of the two is partitioned
select k.oid, k.conname, k.conrelid, n.nspname, c.relname, k.confrelid, k.conindid,
       k.convalidated, 'p' in (c.relkind, r.relkind)
  from pg_catalog.pg_constraint k
       join pg_catalog.pg_class c on c.oid = k.conrelid
       join pg_catalog.pg_class r on r.oid = k.confrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where k.contype = 'f'
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
 order by k.oid
