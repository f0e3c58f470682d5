-- databases: the databases of the server.
-- returns   oid, name, bytes if our role may know
select d.oid, d.datname,
       case when pg_catalog.has_database_privilege(d.oid, 'CONNECT')
            then pg_catalog.pg_database_size(d.oid) end
  from pg_catalog.pg_database d
 where d.datname not in ('template0', 'template1')
 order by d.datname
