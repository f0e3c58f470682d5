-- relation_owners: who owns the tables, indexes, views and sequences of users.
-- returns   oid, name of the role
select c.oid, pg_catalog.pg_get_userbyid(c.relowner)
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
