-- roles: the roles of the server but those that every server has. Passwords are not among what
--           everybody may read; see passwords.sql.
-- returns   name, is superuser, inherits, may create roles, may create databases, may log in, may
--           replicate, bypasses row security, connection limit, end of its password, comment
select r.rolname, r.rolsuper, r.rolinherit, r.rolcreaterole, r.rolcreatedb, r.rolcanlogin,
       r.rolreplication, r.rolbypassrls, r.rolconnlimit, r.rolvaliduntil,
       pg_catalog.shobj_description(r.oid, 'pg_authid')
  from pg_catalog.pg_roles r
 where r.rolname !~ '^pg_'
 order by r.rolname
