-- Owners and privileges, of objects, of columns, with and without the right to pass them on.

grant usage, create on schema torture to "torture 'reader'; --", torture_plain;
grant usage on schema types to public;
grant select, insert on torture.plain to "torture 'reader'; --" with grant option;
grant update (note, amount), references (id) on torture.plain to torture_plain;
grant select (id), insert (note) on torture.plain to public;
set session authorization "torture 'reader'; --";
-- Granted by somebody who is not the owner.
grant select on torture.plain to "Torture\Writer %s";
reset session authorization;
revoke all on torture.empty from postgres;
grant truncate, trigger, references on torture.keys to "Torture\Writer %s";
grant usage, select on sequence torture.used_once to public;
grant update on sequence torture.negative to torture_plain;
revoke execute on function routines.plain(integer, text) from public;
grant execute on function routines.overloaded(integer) to torture_plain with grant option;
grant execute on all procedures in schema routines to "torture 'reader'; --";
grant usage on type types.mood to torture_plain;
revoke usage on type types.positive from public;
grant select on views.simple, views.first to torture_plain;
-- Its owner fills it, and needs this.
grant usage on schema views to "torture ""owner""";
grant select on views.second to "torture ""owner""";
grant usage on foreign data wrapper "wrapper ""without"" \ handler" to torture_plain;
grant usage on foreign server "server 'of' %s" to "torture ""owner""" with grant option;
grant usage on language "plpgsql Two" to torture_plain;
revoke usage on language plpgsql from public;
\if :pg15
grant select on table pg_catalog.pg_largeobject to torture_plain;
\endif
\if :pg17
grant maintain on torture.plain to torture_plain;
\endif

alter schema types owner to "torture ""owner""";
alter type types.mood owner to "torture ""owner""";
alter domain types.positive owner to torture_plain;
alter function routines.overloaded(text) owner to torture_plain;
alter aggregate routines.sum_of_squares(integer) owner to torture_plain;
alter operator routines.@#@ (none, integer) owner to "torture ""owner""";
alter collation types.posix owner to torture_plain;
alter text search configuration routines.search owner to "torture ""owner""";
alter materialized view views.third owner to "torture ""owner""";
alter table partitions.range_2023 owner to torture_plain;
