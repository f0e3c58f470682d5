-- backend: what a session is waiting for.
-- $1 int    process id of its backend
-- returns   whether it waits for its client; no row if it is gone
select a.state like 'idle%' or coalesce(a.wait_event_type = 'Client', false)
  from pg_catalog.pg_stat_activity a
 where a.pid = $1::int
