-- activity: what a session is doing.
-- $1 int    its process id
-- returns   whether it waits for its client, and what it is doing as the end of a sentence
select coalesce(a.wait_event = 'ClientRead' or a.state like 'idle%', false),
       case when pg_catalog.cardinality(b.pids) > 0 then
              pg_catalog.format('waits for a lock of session %s (%s: %s)',
                pg_catalog.array_to_string(b.pids, ', '), o.application_name,
                pg_catalog.left(o.query, 100))
            when a.wait_event is not null then
              pg_catalog.format('waits for %s %s', a.wait_event_type, a.wait_event)
            else 'is at work' end
  from pg_catalog.pg_stat_activity a
       cross join lateral (select pg_catalog.pg_blocking_pids(a.pid)) b (pids)
       left join pg_catalog.pg_stat_activity o on o.pid = b.pids[1]
 where a.pid = $1
