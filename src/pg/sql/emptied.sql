-- emptied: unlogged tables without a page, and unlogged sequences: a crash of the server resets them.
-- returns   relkind, namespace, name
select c.relkind, n.nspname, c.relname
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relpersistence = 'u'
   and (c.relkind = 'S' or (c.relkind = 'r' and pg_catalog.pg_relation_size(c.oid) = 0))
