-- summary_constraints: the constraints that were added, in the order of the tables: those on an index,
--           then foreign keys, whose two steps are added up.
-- returns   table's place, oid, namespace, name, statement, milliseconds
select t.position as place, i.detail ->> '$.constraint.oid' as oid,
       i.detail ->> '$.name.namespace' as namespace, i.detail ->> '$.constraint.name' as name,
       coalesce(s.command, i.detail ->> '$.constraint.definition') as sql, s.duration_ms,
       0 as is_foreign
  from step s
       join s_index i on i.oid = s.oid
       join source_table t on t.oid = i.tableoid
 where s.kind = 'finish index' and s.state = 'done'
       and i.detail ->> '$.constraint.oid' is not null
union all
select t.position, f.oid, f.detail ->> '$.table_name.namespace', f.conname,
       coalesce(max(s.command) filter (where s.kind = 'add foreign key'), max(s.command), ''),
       sum(s.duration_ms), 1
  from step s
       join s_foreign_key f on f.oid = s.oid
       join source_table t on t.oid = f.tableoid
 where s.kind in ('add foreign key', 'validate foreign key') and s.state = 'done'
 group by f.oid
 order by place, is_foreign, oid
