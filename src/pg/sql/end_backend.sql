-- end_backend: ends a session of ours that we have lost.
-- $1 int    process id of its backend
-- $2 text   its application name
-- returns   the process id, as long as the session is there
select a.pid, pg_catalog.pg_terminate_backend(a.pid)
  from pg_catalog.pg_stat_activity a
 where a.pid = $1::int and a.application_name = $2 and a.pid <> pg_catalog.pg_backend_pid()
