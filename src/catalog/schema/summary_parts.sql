-- summary_parts: what was copied, in the order of the tables.
-- returns   table's place, part's number, bytes, rows, milliseconds
select t.position as place, coalesce(s.part, 0) as part, s.bytes, s.rows, s.duration_ms
  from source_table t
       join step s on s.tableoid = t.oid
 where s.kind in ('copy table', 'copy part') and s.state = 'done'
 order by t.position, part
