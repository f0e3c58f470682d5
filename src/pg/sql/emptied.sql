-- emptied: what a crash of the server has reset since the ledger was made: unlogged tables without
-- a page, and unlogged sequences.
-- returns   relkind, namespace, name
select c.relkind, n.nspname, c.relname
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relpersistence = 'u'
   and not exists (select from pgcopydb.canary)
   and (c.relkind = 'S' or (c.relkind = 'r' and pg_catalog.pg_relation_size(c.oid) = 0))
