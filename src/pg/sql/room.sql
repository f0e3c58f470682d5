-- room: how many sessions each limit allows our role, and how many of them others use.
-- $1 text   pattern of our own sessions' application names
-- returns   the limit in words, sessions it allows, sessions of others that count for it
with role as (
    select r.*,
           case when current_setting('server_version_num')::int < 160000 then false
                else pg_catalog.pg_has_role(r.oid, 'pg_use_reserved_connections', 'usage')
            end as may_use_reserved
      from pg_catalog.pg_roles r
     where r.rolname = session_user
),
ours as (
    select count(*) as count
      from pg_catalog.pg_stat_activity a
     where a.application_name like $1
)
select 'max_connections',
       pg_catalog.current_setting('max_connections')::int
       - case when role.rolsuper then 0
              else pg_catalog.current_setting('superuser_reserved_connections')::int
          end
       - case when role.rolsuper or role.may_use_reserved then 0
              else coalesce(pg_catalog.current_setting('reserved_connections', true)::int, 0)
          end,
       (select sum(d.numbackends) from pg_catalog.pg_stat_database d) - ours.count
  from role, ours
union all
select 'the CONNECTION LIMIT of role ' || pg_catalog.quote_ident(role.rolname),
       role.rolconnlimit,
       (select count(*) from pg_catalog.pg_stat_activity a where a.usesysid = role.oid)
       - ours.count
  from role, ours
 where role.rolconnlimit >= 0 and not role.rolsuper
union all
select 'the CONNECTION LIMIT of database ' || pg_catalog.quote_ident(d.datname),
       d.datconnlimit,
       (select s.numbackends from pg_catalog.pg_stat_database s where s.datid = d.oid) - ours.count
  from role, ours, pg_catalog.pg_database d
 where d.datname = pg_catalog.current_database() and d.datconnlimit >= 0 and not role.rolsuper
