-- summary_tables: the tables that have rows of their own, in the inventory's order.
-- returns   place, oid, database, namespace, name, size
select position as place, oid, datname, detail ->> '$.name.namespace' as namespace,
       detail ->> '$.name.name' as name, bytes
  from source_table
 where relkind = 'r'
 order by position
