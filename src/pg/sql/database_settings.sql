-- database_settings: statements that repeat the settings of this database, and of roles in it.
-- $1 text   the name of the database they are for
-- returns   statements
select case when s.setrole = 0
            then pg_catalog.format('alter database %I', $1::text)
            else pg_catalog.format('alter role %I in database %I',
                                   pg_catalog.pg_get_userbyid(s.setrole), $1::text) end
       || pg_catalog.format(' set %I to ', setting.name)
       || case when v.flags_list
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
       cross join lateral pg_catalog.unnest(s.setconfig) as config (text)
       cross join lateral (
         select pg_catalog.split_part(config.text, '=', 1) as name,
                pg_catalog.substr(config.text,
                                  pg_catalog.strpos(config.text, '=') + 1) as value) setting
       -- The settings whose value is a list of names (GUC_LIST_QUOTE in guc_parameters).
       cross join lateral (
         select pg_catalog.lower(setting.name)
                = any ('{search_path,temp_tablespaces,session_preload_libraries,shared_preload_libraries,local_preload_libraries,unix_socket_directories}'::text[])
                and setting.value <> '' as flags_list) v
 where s.setdatabase = (select oid from pg_catalog.pg_database
                         where datname = pg_catalog.current_database())
