-- settings: settings of roles in all databases (ALTER ROLE SET).
-- returns   role, name of the setting, its value as it stands in SQL
select r.rolname, setting.name,
       case when v.flags_list
               -- A list of names: quoted one by one, as one string would be one name.
               then (select pg_catalog.string_agg(pg_catalog.quote_literal(
                              case when item ~ '^".*"$'
                                   then pg_catalog.replace(
                                          pg_catalog.substr(item, 2, pg_catalog.length(item) - 2),
                                          '""', '"')
                                   else item end), ', ' order by number)
                       from (select pg_catalog.btrim(part[1]) as item, number
                               from pg_catalog.regexp_matches(
                                      setting.value, '("(?:[^"]|"")*"|[^,"]+)', 'g')
                                    with ordinality as found (part, number)
                              -- A blank between two of them.
                              where part[1] !~ '^\s+$') items)
               else pg_catalog.quote_literal(setting.value) end
  from pg_catalog.pg_db_role_setting s
       join pg_catalog.pg_roles r on r.oid = s.setrole
       cross join lateral pg_catalog.unnest(s.setconfig) with ordinality as config (text, number)
       cross join lateral (
         select pg_catalog.split_part(config.text, '=', 1) as name,
                pg_catalog.substr(config.text,
                                  pg_catalog.strpos(config.text, '=') + 1) as value) setting
       -- The settings whose value is a list of names (GUC_LIST_QUOTE in guc_parameters).
       cross join lateral (
         select pg_catalog.lower(setting.name)
                = any ('{search_path,temp_tablespaces,session_preload_libraries,shared_preload_libraries,local_preload_libraries,unix_socket_directories}'::text[])
                and setting.value <> '' as flags_list) v
 where s.setdatabase = 0 and r.rolname !~ '^pg_'
 order by r.rolname, config.number
