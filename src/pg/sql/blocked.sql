-- blocked: sessions of ours that wait for a lock, and who holds it.
-- $1 text   pattern of our sessions' application names
-- returns   pid, statement, a description of those in the way
select a.pid, pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 200),
       coalesce((select pg_catalog.string_agg(
                          pg_catalog.format('pid %s of role %s (%s), %s: %s', b.pid, b.usename,
                                            b.application_name, b.state,
                                            pg_catalog.left(
                                              pg_catalog.regexp_replace(b.query, '\s+', ' ', 'g'),
                                              200)), '; ')
                   from pg_catalog.pg_stat_activity b
                  where b.pid = any (pg_catalog.pg_blocking_pids(a.pid))), 'nobody any more')
  from pg_catalog.pg_stat_activity a
 where a.application_name like $1 and a.wait_event_type = 'Lock'
