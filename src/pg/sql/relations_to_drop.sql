-- relations_to_drop: statements that drop the relations of given names, whatever they are, with what
--           depends on them. A sequence that is a part of a table goes with the table only.
-- $1 text   names: a JSON array of arrays of namespace and name
-- returns   statements, in the order of the names
select pg_catalog.format('drop %s if exists %I.%I cascade',
                         case c.relkind when 'v' then 'view'
                                        when 'm' then 'materialized view'
                                        when 'S' then 'sequence'
                                        when 'f' then 'foreign table'
                                        else 'table' end,
                         n.nspname, c.relname)
  from pg_catalog.json_array_elements($1::json) with ordinality as wanted (name, number)
       join pg_catalog.pg_namespace n on n.nspname = wanted.name ->> 0
       join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = wanted.name ->> 1
 where c.relkind in ('r', 'p', 'v', 'm', 'S', 'f')
   and not exists (
         select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and d.objid = c.oid
            and c.relkind = 'S' and d.deptype = 'i')
 order by wanted.number
