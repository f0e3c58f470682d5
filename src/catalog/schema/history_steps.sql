-- history_steps: the steps that were begun, in the order they began in. What died with an earlier run
--           and was not begun again has no end that anybody knows.
-- returns   kind, table oid, label, seat, started, ended, bytes, rows, state
select kind, tableoid, label, seat, started, ended, bytes, rows, state
  from step
 where state <> 'interrupted'
 order by started, ended, key
