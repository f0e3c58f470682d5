-- publication_obstacles: what the role lacks to make a publication.
-- $1 json   the tables' names, quoted
-- returns   a right, one a row; nothing if it has all
select pg_catalog.format('CREATE on database %I', pg_catalog.current_database())
 where not pg_catalog.has_database_privilege(pg_catalog.current_database(), 'create')
union all
select pg_catalog.format('ownership of table %I.%I', n.nspname, c.relname)
  from pg_catalog.json_array_elements_text($1::json) t (name)
       join pg_catalog.pg_class c on c.oid = pg_catalog.to_regclass(t.name)
       join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where not pg_catalog.pg_has_role(c.relowner, 'usage')
