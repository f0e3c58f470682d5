-- end_slot_maker: ends the session of ours that uses a replication slot of this database.
-- $1 text   slot
-- returns   the process id, as long as the session is there
select a.pid, pg_catalog.pg_terminate_backend(a.pid)
  from pg_catalog.pg_replication_slots s
       join pg_catalog.pg_stat_activity a on a.pid = s.active_pid
 where s.slot_name = $1
   and s.database = pg_catalog.current_database()
   and a.application_name like 'pgcopydb%'
