-- memberships: which roles are members of which, those first on whose right later ones depend.
-- returns   role, member, with admin option, inherit and set option (null where the server has no
--           such options), grantor (null where it does not matter who it was)
select g.rolname, m.rolname, a.admin_option,
       (pg_catalog.to_jsonb(a) ->> 'inherit_option')::boolean,
       (pg_catalog.to_jsonb(a) ->> 'set_option')::boolean,
       -- Before 16 the grantor has no meaning; the bootstrap superuser's name may be another there.
       case when pg_catalog.current_setting('server_version_num')::int >= 160000
                 and a.grantor <> 10
            then b.rolname end
  from pg_catalog.pg_auth_members a
       join pg_catalog.pg_roles g on g.oid = a.roleid
       join pg_catalog.pg_roles m on m.oid = a.member
       left join pg_catalog.pg_roles b on b.oid = a.grantor
 where not (g.rolname ~ '^pg_' and m.rolname ~ '^pg_')
 order by a.grantor <> 10, g.rolname, not a.admin_option, m.rolname
