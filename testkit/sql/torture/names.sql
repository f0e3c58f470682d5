-- Names that need quoting, for every class of objects. Each name has a schema, and in each schema
-- is an object of every class, named with the names that follow.

create temporary table hostile (number serial, name text);
insert into hostile (name) values
  ('double "quote" ""'), ('single ''quote'' '''), ('back\slash \\ \n'), (E'new\nline'),
  ('ünï¢ødé 漢字 😀'), (repeat('x', 62) || 'y'), (repeat('é', 31) || 'z'), ('select'),
  ('MixedCase'), ('100% %s %I %n'), ('$$dollar$$ $1 $tag$'), ('1leading'),
  ('semi;colon; drop table x;'), ('comment -- marker'), ('open /* comment'), ('close */ comment'),
  (' spaces around '), ('public.dotted.name'), ('comma,colon:equals=hash#'),
  ('[brackets] {braces} (parens)'), ('\.'), (':variable :''var'' :"var"'), (E'tab\tcr\rend'),
  ('~tilde^'), ('*'), ('public'), ('pgcopydb too');

select format('create schema %I', name) from hostile where name <> 'public'
\gexec

-- The name that is so many places further on.
create function pg_temp.name(number integer, further integer) returns text language sql as
  'select name from pg_temp.hostile h
    where h.number = 1 + ($1 + $2 - 1) % (select count(*) from pg_temp.hostile)';
create temporary view hostile_names as
select number, name as schema, pg_temp.name(number, 1) as n1, pg_temp.name(number, 2) as n2,
       pg_temp.name(number, 3) as n3, pg_temp.name(number, 4) as n4, pg_temp.name(number, 5) as n5,
       pg_temp.name(number, 6) as n6, pg_temp.name(number, 7) as n7, pg_temp.name(number, 8) as n8,
       pg_temp.name(number, 9) as n9, pg_temp.name(number, 10) as n10,
       pg_temp.name(number, 11) as n11, pg_temp.name(number, 12) as n12
  from hostile;

select statement
  from hostile_names,
       lateral (values
         (1, format('create type %I.%I as enum (%L, %L)', schema, n1, n2, n3)),
         (2, format('create domain %I.%I as text constraint %I check (value <> %L)',
                    schema, n2, n3, n4)),
         (3, format('create type %I.%I as (%I integer, %I %I.%I)', schema, n3, n4, n5, schema, n1)),
         (4, format('create function %I.%I(%I integer, %I text default %L) returns integer '
                    'language sql immutable as %L', schema, n1, n2, n3, n4, 'select $1')),
         (5, format('create sequence %I.%I', schema, n4)),
         (6, format('create table %I.%I (%I integer generated always as identity '
                    'constraint %I primary key, %I %I.%I default %L, %I %I.%I default %L, '
                    '%I integer default 1 constraint %I check (%I <> 0))',
                    schema, n5, n1, n12, n3, schema, n1, n2, n6, schema, n2, n5, n4, n5, n4)),
         (7, format('insert into %I.%I (%I) select i from generate_series(1, %s) i',
                    schema, n5, n4, number)),
         (8, format('create index %I on %I.%I (%I, (%I.%I(%I)))',
                    n6, schema, n5, n4, schema, n1, n4)),
         (9, format('create view %I.%I as select %I as %I from %I.%I',
                    schema, n7, n1, n9, schema, n5)),
         (10, format('create materialized view %I.%I as select %I as %I from %I.%I',
                     schema, n8, n9, n2, schema, n7)),
         (11, format('create table %I.%I (%I integer, constraint %I foreign key (%I) '
                     'references %I.%I deferrable)', schema, n9, n1, n2, n1, schema, n5)),
         (12, format('insert into %I.%I select 1', schema, n9)),
         (13, format('create trigger %I before insert on %I.%I for each row '
                     'execute function routines.trigger_function(%L)', n5, schema, n5, n6)),
         (14, format('create rule %I as on insert to %I.%I do also notify %I', n6, schema, n9, n7)),
         (15, format('create policy %I on %I.%I using (%I > 0)', n7, schema, n5, n1)),
         (16, format('create statistics %I.%I on %I, %I from %I.%I',
                     schema, n8, n1, n3, schema, n5)),
         (17, format('create collation %I.%I from "C"', schema, n1)),
         (18, format('create text search configuration %I.%I (copy = pg_catalog.simple)',
                     schema, n1)),
         (19, format('create table %I.%I (%I integer) partition by list (%I)',
                     schema, n10, n1, n1)),
         (20, format('create table %I.%I partition of %I.%I default', schema, n11, schema, n10)),
         (21, format('insert into %I.%I select 5', schema, n10)),
         (22, format('create procedure %I.%I(%I text) language sql as %L',
                     schema, n2, n3, 'select 1')),
         (23, format('create aggregate %I.%I(integer) (sfunc = int4pl, stype = integer)',
                     schema, n3)),
         (24, format('alter table %I.%I alter column %I set (n_distinct = 5)', schema, n5, n4)),
         (25, format('create operator family %I.%I using btree', schema, n1)),
         (26, format('create text search dictionary %I.%I (template = pg_catalog.simple)',
                     schema, n2))
       ) as object (step, statement)
 order by number, step
\gexec

drop view hostile_names;
drop function pg_temp.name(integer, integer);
drop table hostile;

-- Names that differ in ways that are easily lost.
create schema "Case";
create schema "case";
create table "Case"."t" (a integer);
create table "Case"."T" (a integer);
create table "case"."t" (a integer);
insert into "Case"."t" values (1);
insert into "Case"."T" values (1), (2);
insert into "case"."t" values (1), (2), (3);
create table "Case"."a.b" (a integer);
create schema "Case.a";
create table "Case.a".b (a integer);
insert into "Case.a".b values (4);
-- Truncated by the server, so that two indexes differ in their last characters only.
create table "Case"."a table with a name of nearly sixty-three bytes, 63 at most ..." (a integer unique, b integer unique);
