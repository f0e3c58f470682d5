-- target_indexes: valid indexes of the target, and the constraints on them.
-- returns   namespace, name, table's namespace, name, definition of the index, name of the
--           constraint, definition of the constraint
select n.nspname, c.relname, tn.nspname, t.relname, pg_catalog.pg_get_indexdef(i.indexrelid),
       k.conname, pg_catalog.pg_get_constraintdef(k.oid)
  from pg_catalog.pg_index i
       join pg_catalog.pg_class c on c.oid = i.indexrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_class t on t.oid = i.indrelid
       join pg_catalog.pg_namespace tn on tn.oid = t.relnamespace
       left join pg_catalog.pg_constraint k
         on k.conindid = i.indexrelid and k.conrelid = i.indrelid
            and k.contype in ('p', 'u', 'x')
 where (i.indisvalid or c.relkind = 'I')
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
