-- target_foreign_keys: foreign keys of the target. Those of partitions are among them.
-- returns   name, namespace, name of the referencing table, of the referenced table
select k.conname, n.nspname, c.relname, fn.nspname, f.relname
  from pg_catalog.pg_constraint k
       join pg_catalog.pg_class c on c.oid = k.conrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_class f on f.oid = k.confrelid
       join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
 where k.contype = 'f'
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
 order by n.nspname, c.relname, k.conname
