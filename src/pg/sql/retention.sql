-- retention: what a server (13 or later) keeps of its log for a slot.
-- $1 text   slot
-- returns   bytes kept, bytes that may still be written before the slot is given up or NULL, and
--           whether that is less than a fifth of all
select greatest(0, pg_catalog.pg_wal_lsn_diff(
         case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_replay_lsn()
              else pg_catalog.pg_current_wal_lsn() end,
         s.restart_lsn))::bigint,
       greatest(0, s.safe_wal_size),
       coalesce(s.wal_status in ('unreserved', 'lost')
         or s.safe_wal_size < pg_catalog.pg_size_bytes(
              pg_catalog.current_setting('max_slot_wal_keep_size')) / 5, false)
  from pg_catalog.pg_replication_slots s
 where s.slot_name = $1 and s.restart_lsn is not null
