-- replication_checks: what logical decoding needs of the source.
-- returns   wal_level, most slots, slots in use, most senders, senders at work, whether the role
--           may replicate, whether the server is a standby
select pg_catalog.current_setting('wal_level'),
       pg_catalog.current_setting('max_replication_slots')::int,
       (select count(*) from pg_catalog.pg_replication_slots),
       pg_catalog.current_setting('max_wal_senders')::int,
       (select count(*) from pg_catalog.pg_stat_replication),
       (select r.rolreplication or r.rolsuper
          from pg_catalog.pg_roles r
         where r.rolname = current_user),
       pg_catalog.pg_is_in_recovery()
