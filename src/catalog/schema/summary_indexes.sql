-- summary_indexes: the indexes that were built.
-- returns   table oid, oid, namespace, name, statement, milliseconds
select i.tableoid, i.oid, i.detail ->> '$.name.namespace' as namespace,
       i.detail ->> '$.name.name' as name, coalesce(s.command, i.sql) as sql, s.duration_ms
  from step s
       join s_index i on i.oid = s.oid
 where s.kind = 'create index' and s.state = 'done'
 order by i.position
