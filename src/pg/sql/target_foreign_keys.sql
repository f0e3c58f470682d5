-- target_foreign_keys: foreign keys of the target. Where one is on partitioned tables, it is named
-- once for every pair of tables that it ties together.
-- returns   name, namespace and name of its own table, definition, whether its rows were checked,
--           comment, whether that table is partitioned, whether our role may drop it,
--           namespace and name of a referencing table, of a referenced table
with recursive keys (oid, own) as (
  select oid, oid from pg_catalog.pg_constraint where contype = 'f' and conparentid = 0
  union all
  select k.oid, keys.own
    from keys join pg_catalog.pg_constraint k on k.conparentid = keys.oid
)
select o.conname, n.nspname, c.relname, pg_catalog.pg_get_constraintdef(o.oid), o.convalidated,
       pg_catalog.obj_description(o.oid, 'pg_constraint'), c.relkind = 'p',
       pg_catalog.pg_has_role(c.relowner, 'USAGE'),
       rn.nspname, r.relname, fn.nspname, f.relname
  from keys
       join pg_catalog.pg_constraint k on k.oid = keys.oid
       join pg_catalog.pg_constraint o on o.oid = keys.own
       join pg_catalog.pg_class c on c.oid = o.conrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
       join pg_catalog.pg_class r on r.oid = k.conrelid
       join pg_catalog.pg_namespace rn on rn.oid = r.relnamespace
       join pg_catalog.pg_class f on f.oid = k.confrelid
       join pg_catalog.pg_namespace fn on fn.oid = f.relnamespace
 where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
 order by n.nspname, c.relname, o.conname
