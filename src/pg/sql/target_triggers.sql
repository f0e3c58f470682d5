-- target_triggers: triggers of the target that fire for rows that are copied in, without those of
--           constraints.
-- returns   name, namespace, name of the table
select g.tgname, n.nspname, c.relname
  from pg_catalog.pg_trigger g
       join pg_catalog.pg_class c on c.oid = g.tgrelid
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where not g.tgisinternal and g.tgenabled in ('O', 'A')
   -- INSERT, and TRUNCATE
   and g.tgtype::int & (4 | 32) <> 0
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
 order by n.nspname, c.relname, g.tgname
