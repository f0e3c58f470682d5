-- may_read_passwords: whether our role may.
-- returns   a boolean
select pg_catalog.has_column_privilege('pg_catalog.pg_authid', 'rolpassword', 'SELECT')
