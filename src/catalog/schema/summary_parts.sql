-- summary_parts: what was copied.
-- returns   table oid, part's number, bytes, rows, milliseconds
select tableoid, coalesce(part, 0) as part, bytes, rows, duration_ms
  from step
 where kind in ('copy table', 'copy part') and state = 'done' and tableoid is not null
 order by tableoid, part
