-- A database with every kind of object, and with names, values and states that tools get wrong.
-- Run by psql as a superuser in an empty database, after torture_roles.sql. Loads on every
-- supported version; newer features are left out on older servers.
\set ON_ERROR_STOP on
\set QUIET on
set client_min_messages = error;
set check_function_bodies = on;

select current_setting('server_version_num')::int >= 140000 as pg14,
       current_setting('server_version_num')::int >= 150000 as pg15,
       current_setting('server_version_num')::int >= 160000 as pg16,
       current_setting('server_version_num')::int >= 170000 as pg17,
       current_setting('server_version_num')::int >= 180000 as pg18
\gset

\ir torture/schemas.sql
\ir torture/types.sql
\ir torture/values.sql
\ir torture/routines.sql
\ir torture/tables.sql
\ir torture/sequences.sql
\ir torture/constraints.sql
\ir torture/indexes.sql
\ir torture/partitions.sql
\ir torture/views.sql
\ir torture/triggers.sql
\ir torture/policies.sql
\ir torture/names.sql
\ir torture/large_objects.sql
\ir torture/foreign.sql
\ir torture/privileges.sql
\ir torture/database.sql
\ir torture/comments.sql
