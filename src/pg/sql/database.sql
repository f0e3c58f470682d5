-- database: the database we are connected to, and its server.
-- returns   name, encoding, server_version_num, whether the server is a standby
select d.datname, pg_catalog.pg_encoding_to_char(d.encoding),
       pg_catalog.current_setting('server_version_num')::int,
       pg_catalog.pg_is_in_recovery()
  from pg_catalog.pg_database d
 where d.datname = pg_catalog.current_database()
