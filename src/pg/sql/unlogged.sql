-- unlogged: tables and sequences that a standby has no content of.
-- returns   oid
select c.oid
  from pg_catalog.pg_class c
 where c.relpersistence = 'u' and c.relkind in ('r', 'S')
