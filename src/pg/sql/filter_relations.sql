-- filter_relations: which relations the lines of a filter file name.
-- $1 json   the lines: number, the relkinds it may name, schema and name, each either exact or as
--           a regular expression (schema_re, name_re)
-- returns   number of the line, OID of a relation
select f.number, c.oid
  from pg_catalog.json_to_recordset($1::pg_catalog.json)
         as f (number integer, kinds text, schema text, schema_re text, name text, name_re text)
       join pg_catalog.pg_class c
         on pg_catalog.strpos(f.kinds, c.relkind::text) > 0
            and case when f.name_re is null then c.relname = f.name
                     else c.relname ~ f.name_re end
       join pg_catalog.pg_namespace n
         on n.oid = c.relnamespace
            and case when f.schema_re is null then n.nspname = f.schema
                     else n.nspname ~ f.schema_re end
 where c.relpersistence in ('p', 'u')
   and n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
   and not exists (
         select from pg_catalog.pg_depend d
          where d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.objid = c.oid and d.deptype = 'e')
 order by f.number, c.oid
