-- is_our_lock: whether a session of this very database holds an advisory lock.
-- $1 int    class of the lock
-- $2 int    object of the lock
-- $3 int    process id of the session
-- returns   a boolean
select exists (
         select
           from pg_catalog.pg_locks l
          where l.locktype = 'advisory' and l.granted
            and l.database = (select oid from pg_catalog.pg_database
                               where datname = pg_catalog.current_database())
            and l.classid = $1::int::bigint::oid and l.objid = $2::int::bigint::oid
            and l.pid = $3::int)
