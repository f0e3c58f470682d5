-- identity: what a server shares with its standbys and no other server, and what a database shares
--           with no other of that server.
-- returns   system identifier and OID, as one text
select c.system_identifier || '/' || d.oid
  from pg_catalog.pg_control_system() c, pg_catalog.pg_database d
 where d.datname = pg_catalog.current_database()
