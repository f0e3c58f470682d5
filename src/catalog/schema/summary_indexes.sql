-- summary_indexes: the indexes that were built, in the order of the tables.
-- returns   table's place, oid, namespace, name, statement, milliseconds
select t.position as place, i.oid, i.detail ->> '$.name.namespace' as namespace,
       i.detail ->> '$.name.name' as name, coalesce(s.command, i.sql) as sql, s.duration_ms
  from step s
       join s_index i on i.oid = s.oid
       join source_table t on t.oid = i.tableoid
 where s.kind = 'create index' and s.state = 'done'
 order by t.position, i.position
