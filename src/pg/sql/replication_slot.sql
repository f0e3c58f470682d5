-- replication_slot: one replication slot.
-- $1 text   its name
-- returns   plugin, database, pid of the session that uses it, how far it is confirmed
select plugin, database, active_pid, confirmed_flush_lsn
  from pg_catalog.pg_replication_slots
 where slot_name = $1
