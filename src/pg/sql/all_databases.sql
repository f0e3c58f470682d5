-- all_databases: the databases of the server that are copied together, the largest first.
-- returns   name, owner, whether it allows connections, whether it is whole, connection limit,
--           whether it is a template, tablespace if it is not the default one
select d.datname, pg_catalog.pg_get_userbyid(d.datdba), d.datallowconn, d.datconnlimit <> -2,
       d.datconnlimit, d.datistemplate,
       case when t.spcname <> 'pg_default' then t.spcname end
  from pg_catalog.pg_database d
       join pg_catalog.pg_tablespace t on t.oid = d.dattablespace
 where d.datname not in ('template0', 'template1')
 order by case when pg_catalog.has_database_privilege(d.oid, 'CONNECT')
               then pg_catalog.pg_database_size(d.oid) end desc nulls last,
          d.datname
