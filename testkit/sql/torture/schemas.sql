-- Namespaces and extensions. Default privileges come first: they change what follows.

create schema torture authorization "torture ""owner""";
create schema types;
create schema routines;
create schema extensions;
create schema "empty schema";
create schema partitions;
create schema views;

alter default privileges in schema torture
  grant select on tables to "torture 'reader'; --";
alter default privileges for role "torture ""owner""" in schema torture
  grant usage on sequences to torture_plain with grant option;
alter default privileges for role "torture ""owner"""
  revoke execute on functions from public;
alter default privileges in schema routines
  grant execute on functions to "Torture\Writer %s";
alter default privileges for role torture_plain
  grant usage on types to "torture 'reader'; --";
alter default privileges for role torture_plain
  grant create on schemas to "torture ""owner""";

-- What the server has not is left out here, and where it would be used.
select format('create extension %I schema extensions', name)
  from pg_available_extensions
 where name in ('hstore', 'citext', 'ltree', 'pgcrypto', 'pg_trgm', 'btree_gist', 'btree_gin',
                'cube', 'isn', 'seg', 'intarray', 'uuid-ossp', 'unaccent', 'postgres_fdw',
                'file_fdw', 'tablefunc', 'lo', 'bloom')
\gexec
