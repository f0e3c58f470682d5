-- passwords: the passwords of roles, hashed. Only superusers may read them.
-- returns   name, password
select a.rolname, a.rolpassword
  from pg_catalog.pg_authid a
 where a.rolname !~ '^pg_' and a.rolpassword is not null
