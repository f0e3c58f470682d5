-- lock_holder: who holds an advisory lock of this database.
-- $1 int    class of the lock
-- $2 int    object of the lock
-- returns   a description
select pg_catalog.format('pid %s of role %s (%s) from %s, since %s', a.pid, a.usename,
                         a.application_name, coalesce(a.client_addr::text, 'a local socket'),
                         a.backend_start)
  from pg_catalog.pg_locks l
       join pg_catalog.pg_stat_activity a on a.pid = l.pid
 where l.locktype = 'advisory' and l.granted
   and l.database = (select oid from pg_catalog.pg_database
                      where datname = pg_catalog.current_database())
   and l.classid = $1::int::bigint::oid and l.objid = $2::int::bigint::oid
   and l.pid <> pg_catalog.pg_backend_pid()
