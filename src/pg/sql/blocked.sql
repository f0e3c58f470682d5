-- blocked: sessions of ours that wait for a lock, and who holds it.
-- $1 text   pattern of our sessions' application names
-- returns   pid, statement, a description of those in the way
select a.pid, pg_catalog.left(pg_catalog.regexp_replace(a.query, '\s+', ' ', 'g'), 200),
       coalesce(nullif(pg_catalog.concat_ws('; ',
                (select pg_catalog.string_agg(
                          pg_catalog.format('pid %s of role %s (%s), %s: %s', b.pid, b.usename,
                                            b.application_name, b.state,
                                            pg_catalog.left(
                                              pg_catalog.regexp_replace(b.query, '\s+', ' ', 'g'),
                                              200)), '; ')
                   from pg_catalog.pg_stat_activity b
                  where b.pid = any (pg_catalog.pg_blocking_pids(a.pid))),
                (select pg_catalog.string_agg(
                          pg_catalog.format('transaction %L, prepared by role %s at %s: commit or roll '
                                            'it back', p.gid, p.owner, p.prepared), '; ')
                   from pg_catalog.pg_prepared_xacts p
                  where exists (
                          select from pg_catalog.pg_locks w
                                 join pg_catalog.pg_locks h
                                   on h.locktype = w.locktype
                                      and h.database is not distinct from w.database
                                      and h.relation is not distinct from w.relation
                                      and h.transactionid::text is not distinct from
                                          w.transactionid::text
                                 -- It has a lock on itself as well, which says who it is.
                                 join pg_catalog.pg_locks x
                                   on x.virtualtransaction = h.virtualtransaction
                                      and x.locktype = 'transactionid' and x.pid is null
                           where w.pid = a.pid and not w.granted and h.granted and h.pid is null
                             and x.transactionid = p.transaction))), ''),
                'nobody any more')
  from pg_catalog.pg_stat_activity a
 where a.application_name like $1 and a.wait_event_type = 'Lock'
