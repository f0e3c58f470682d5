-- filter_namespaces: namespaces of users, and which lines of a filter file name them.
-- $1 json   the lines: number and name, either exact or as a regular expression (name_re)
-- returns   OID, name, the numbers of the lines (JSON array)
select n.oid, n.nspname,
       (select coalesce(pg_catalog.json_agg(f.number), '[]')
          from pg_catalog.json_to_recordset($1::pg_catalog.json)
                 as f (number integer, name text, name_re text)
         where case when f.name_re is null then n.nspname = f.name
                    else n.nspname ~ f.name_re end)
  from pg_catalog.pg_namespace n
 where n.nspname !~ '^pg_' and n.nspname not in ('information_schema', 'pgcopydb')
 order by n.oid
