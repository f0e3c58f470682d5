-- row_security: user tables of which our role would not see all rows.
-- returns   namespace, name
select n.nspname, c.relname
  from pg_catalog.pg_class c
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind = 'r' and c.relrowsecurity
   and n.nspname !~ '^pg_' and n.nspname <> 'information_schema'
   and pg_catalog.row_security_active(c.oid)
 order by n.nspname, c.relname
