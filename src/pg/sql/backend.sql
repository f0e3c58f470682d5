-- backend: what a session is waiting for.
-- $1 int    process id of its backend, or null
-- $2 text   its application name, or null
-- returns   whether it waits for its client, and since when; no row if it is gone
select a.state like 'idle%' or coalesce(a.wait_event_type = 'Client', false),
       a.state_change::text
  from pg_catalog.pg_stat_activity a
 where a.pid = $1::int or a.application_name = $2
