-- end_sessions: ends the sessions that hold an advisory lock of this database.
-- $1 int    class of the lock
-- $2 int    object of the lock
-- returns   the process ids
-- In a condition the function could be called for sessions that the others leave out.
select l.pid, pg_catalog.pg_terminate_backend(l.pid)
  from pg_catalog.pg_locks l
 where l.locktype = 'advisory' and l.granted
   and l.database = (select oid from pg_catalog.pg_database
                      where datname = pg_catalog.current_database())
   and l.classid = $1::int::bigint::oid and l.objid = $2::int::bigint::oid
   and l.pid <> pg_catalog.pg_backend_pid()
