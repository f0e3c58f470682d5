-- tablespaces: those of the server but the two that every server has.
-- returns   name, owner, directory (empty for one in the data directory), options as name=value
--           separated by commas (null if there are none), comment
select t.spcname, pg_catalog.pg_get_userbyid(t.spcowner),
       case when pg_catalog.pg_tablespace_location(t.oid) ~ '^pg_tblspc/' then ''
            else pg_catalog.pg_tablespace_location(t.oid) end,
       pg_catalog.array_to_string(t.spcoptions, ', '),
       pg_catalog.shobj_description(t.oid, 'pg_tablespace')
  from pg_catalog.pg_tablespace t
 where t.spcname !~ '^pg_'
 order by t.spcname
