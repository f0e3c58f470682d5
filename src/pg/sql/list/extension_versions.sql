-- extension_versions: the extensions that can be installed on the server.
-- returns   name, default version, versions (JSON array), the default first
select e.name, coalesce(e.default_version, ''),
       (select coalesce(pg_catalog.json_agg(v.version
                          order by (v.version = e.default_version) is not true,
                                   v.version collate "C" desc), '[]')
          from (select distinct a.version
                  from pg_catalog.pg_available_extension_versions a
                 where a.name = e.name) v)
  from pg_catalog.pg_available_extensions e
 order by e.name
