//! A change of any object of any class is noticed, on whichever side it was made.

use std::collections::BTreeSet;

use pgcopydb_testkit::{Pair, workload};

use super::{compare, compare_backwards, messages, on_both};

/// What a change makes of an object of the source on the target.
enum Found {
    /// It is not there.
    Missing,
    /// It is there, and was not on the source.
    New,
    /// A property, its value on the source and the one on the target.
    Changed(&'static str, &'static str, &'static str),
}

use Found::{Changed, Missing, New};

/// An object that both sides have, a change that one side sees, and what is to be said about it.
struct Case {
    setup: &'static str,
    change: &'static str,
    object: &'static str,
    found: Found,
}

macro_rules! cases {
    ($($setup:expr => $change:expr => $object:expr, $found:expr;)*) => {
        &[$(Case { setup: $setup, change: $change, object: $object, found: $found }),*]
    };
}

const NONE: &str = "(none)";

const SCHEMAS: &[Case] = cases! {
    "create schema s1" => "drop schema s1" => "schema s1", Missing;
    "create schema s2" => "create schema s3" => "schema s3", New;
    "create schema s4" => "alter schema s4 owner to torture_plain" =>
        "schema s4", Changed("owner", "postgres", "torture_plain");
    "create schema s5" => "comment on schema s5 is 'x'" =>
        "schema s5", Changed("comment", NONE, "x");
    "create schema s6" => "grant usage on schema s6 to torture_plain" =>
        "schema s6", Changed("privilege USAGE of torture_plain", NONE, "by the owner");
};

const TABLES: &[Case] = cases! {
    "create table t1 (a int)" => "drop table t1" => "table public.t1", Missing;
    "" => "create table t2 (a int)" => "table public.t2", New;
    "create table t3 (a int)" => "alter table t3 owner to torture_plain" =>
        "table public.t3", Changed("owner", "postgres", "torture_plain");
    "create table t4 (a int)" => "comment on table t4 is 'x'" =>
        "table public.t4", Changed("comment", NONE, "x");
    "create table t5 (a int)" => "alter table t5 set unlogged" =>
        "table public.t5", Changed("persistence", NONE, "unlogged");
    "create access method other_heap type table handler heap_tableam_handler;
     create table t6 (a int)" => "drop table t6; create table t6 (a int) using other_heap" =>
        "table public.t6", Changed("access method", "heap", "other_heap");
    "create table t7 (a int) with (fillfactor = 70)" => "alter table t7 reset (fillfactor)" =>
        "table public.t7", Changed("options", "fillfactor=70", NONE);
    "create table t8 (a text)" => "alter table t8 set (toast.autovacuum_enabled = off)" =>
        "table public.t8", Changed("options", NONE, "toast.autovacuum_enabled=off");
    "create table t9 (a int)" => "alter table t9 enable row level security" =>
        "table public.t9", Changed("row security", NONE, "enabled");
    "create table t10 (a int)" => "alter table t10 force row level security" =>
        "table public.t10", Changed("row security for the owner", NONE, "forced");
    "create table t11 (a int)" => "alter table t11 replica identity full" =>
        "table public.t11", Changed("replica identity", "default", "full");
    "create table t12 (a int)" => "drop table t12; create table t12 (a int) partition by list (a)" =>
        "table public.t12", Changed("kind", "ordinary", "partitioned by LIST (a)");
    "" => "" => "table public.t12", Changed("access method", "heap", NONE);
    "create table t13 (a int) partition by list (a);
     create table t13_1 partition of t13 for values in (1)" =>
    "alter table t13 detach partition t13_1; alter table t13 attach partition t13_1 for values in (2)" =>
        "table public.t13_1",
        Changed("partition bound", "FOR VALUES IN (1)", "FOR VALUES IN (2)");
    "create table t14_parent (a int); create table t14 (a int);" => "alter table t14 inherit t14_parent" =>
        "table public.t14", Changed("inherits", NONE, "public.t14_parent");
    "" => "" => "column a of table public.t14", Changed("inherited", NONE, "and local");
    "create type t15_type as (a int); create table t15 (a int)" => "alter table t15 of t15_type" =>
        "table public.t15", Changed("of type", NONE, "public.t15_type");
    "create table t16 (a int)" => "grant select on t16 to torture_plain with grant option" =>
        "table public.t16",
        Changed("privilege SELECT of torture_plain", NONE, "by the owner with grant option");
    "create table t17 (a int); grant insert on t17 to public" => "revoke insert on t17 from public" =>
        "table public.t17", Changed("privilege INSERT of public", "by the owner", NONE);
    "create table t18 (a int)" =>
    "set allow_in_place_tablespaces = on; create tablespace other location '';
     alter table t18 set tablespace other" =>
        "table public.t18", Changed("tablespace", NONE, "other");
    "create table t19 (a int, b int)" => "drop table t19; create table t19 (b int, a int)" =>
        "table public.t19", Changed("column order", "a, b", "b, a");
};

const COLUMNS: &[Case] = cases! {
    "create table c1 (a int, b int)" => "alter table c1 drop column a" =>
        "column a of table public.c1", Missing;
    "create table c2 (a int)" => "alter table c2 add column b int" =>
        "column b of table public.c2", New;
    "create table c3 (a int)" => "alter table c3 alter a type bigint" =>
        "column a of table public.c3", Changed("type", "integer", "bigint");
    "create table c4 (a varchar(10))" => "alter table c4 alter a type varchar(11)" =>
        "column a of table public.c4",
        Changed("type", "character varying(10)", "character varying(11)");
    "create table c5 (a int default 1)" => "alter table c5 alter a set default 2" =>
        "column a of table public.c5", Changed("default", "1", "2");
    "create table c6 (a timestamptz default '2024-01-01 00:00+00')" =>
    "alter table c6 alter a drop default" =>
        "column a of table public.c6",
        Changed("default", "'2024-01-01 00:00:00+00'::timestamp with time zone", NONE);
    "create table c7 (a int)" => "alter table c7 alter a set not null" =>
        "column a of table public.c7", Changed("not null", NONE, "yes");
    "create table c8 (a text)" => "alter table c8 alter a type text collate \"C\"" =>
        "column a of table public.c8", Changed("collation", NONE, "pg_catalog.\"C\"");
    "create table c9 (a int generated always as identity)" => "alter table c9 alter a set generated by default" =>
        "column a of table public.c9", Changed("identity", "always", "by default");
    "create table c10 (a int, b int generated always as (a + 1) stored)" =>
    "alter table c10 alter b drop expression" =>
        "column b of table public.c10", Changed("generated", "(a + 1)", NONE);
    "create table c11 (a text)" => "alter table c11 alter a set storage external" =>
        "column a of table public.c11", Changed("storage", NONE, "external");
    "create table c12 (a text)" => "alter table c12 alter a set compression pglz" =>
        "column a of table public.c12", Changed("compression", NONE, "pglz");
    "create table c13 (a int)" => "alter table c13 alter a set statistics 77" =>
        "column a of table public.c13", Changed("statistics target", NONE, "77");
    "create table c14 (a int)" => "alter table c14 alter a set (n_distinct = 5)" =>
        "column a of table public.c14", Changed("options", NONE, "n_distinct=5");
    "create table c15 (\"Odd column\" int)" => "comment on column c15.\"Odd column\" is 'x'" =>
        "column \"Odd column\" of table public.c15", Changed("comment", NONE, "x");
    "create table c16 (a int)" => "grant update (a) on c16 to torture_plain" =>
        "column a of table public.c16",
        Changed("privilege UPDATE of torture_plain", NONE, "by the owner");
    "create view c17 as select 1 as a" => "alter view c17 alter a set default 5" =>
        "column a of view public.c17", Changed("default", NONE, "5");
    "create type c18 as (a int)" => "alter type c18 alter attribute a type text" =>
        "column a of type public.c18", Changed("type", "integer", "text");
};

const INDEXES_AND_CONSTRAINTS: &[Case] = cases! {
    "create table i1 (a int); create index i1_i on i1 (a)" => "drop index i1_i" =>
        "index public.i1_i", Missing;
    "create table i2 (a int)" => "create index i2_i on i2 (a)" => "index public.i2_i", New;
    "create table i3 (a int); create index i3_i on i3 (a)" =>
    "drop index i3_i; create index i3_i on i3 (a desc)" =>
        "index public.i3_i",
        Changed("definition", "CREATE INDEX i3_i ON public.i3 USING btree (a)",
                "CREATE INDEX i3_i ON public.i3 USING btree (a DESC)");
    "create table i4 (a int); create index i4_i on i4 (a)" =>
    "update pg_index set indisvalid = false where indexrelid = 'i4_i'::regclass" =>
        "index public.i4_i", Changed("valid", "yes", "no");
    "create table i5 (a int); create index i5_i on i5 (a)" => "alter table i5 cluster on i5_i" =>
        "index public.i5_i", Changed("clustered", NONE, "yes");
    "create table i7 (a int); create index i7_i on i7 ((a + 1))" =>
    "alter index i7_i alter column 1 set statistics 9" =>
        "index public.i7_i", Changed("statistics targets", NONE, "1: 9");
    "create table i8 (a int); create index i8_i on i8 (a)" => "comment on index i8_i is 'x'" =>
        "index public.i8_i", Changed("comment", NONE, "x");
    "create table k1 (a int, constraint k check (a > 0))" => "alter table k1 drop constraint k" =>
        "constraint k of table public.k1", Missing;
    "create table k2 (a int)" => "alter table k2 add constraint k check (a > 0)" =>
        "constraint k of table public.k2", New;
    "create table k3 (a int, constraint k check (a > 0))" =>
    "alter table k3 drop constraint k; alter table k3 add constraint k check (a > 1)" =>
        "constraint k of table public.k3", Changed("definition", "CHECK ((a > 0))", "CHECK ((a > 1))");
    "create table k5_p (a int primary key); create table k5 (a int constraint k references k5_p)" =>
    "alter table k5 alter constraint k deferrable" =>
        "constraint k of table public.k5",
        Changed("definition", "FOREIGN KEY (a) REFERENCES public.k5_p(a)",
                "FOREIGN KEY (a) REFERENCES public.k5_p(a) DEFERRABLE");
    "create domain k6 as int constraint k check (value > 0)" => "alter domain k6 drop constraint k" =>
        "constraint k of type public.k6", Missing;
    "create table k7 (a int, constraint k check (a > 0))" => "comment on constraint k on k7 is 'x'" =>
        "constraint k of table public.k7", Changed("comment", NONE, "x");
    "create table x1 (a int, b int); create statistics x1_s on a, b from x1" => "drop statistics x1_s" =>
        "statistics public.x1_s", Missing;
    "create table x2 (a int, b int); create statistics x2_s on a, b from x2" =>
    "alter statistics x2_s set statistics 50" =>
        "statistics public.x2_s", Changed("statistics target", NONE, "50");
};

const ON_TABLES: &[Case] = cases! {
    "create function tf() returns trigger language plpgsql as 'begin return new; end';
     create table g1 (a int); create trigger g before insert on g1 for each row execute function tf()" =>
    "drop trigger g on g1" => "trigger g of table public.g1", Missing;
    "create table g2 (a int); create trigger g before insert on g2 for each row execute function tf()" =>
    "alter table g2 disable trigger g" =>
        "trigger g of table public.g2", Changed("fires", "by default", "never");
    "create table g3 (a int); create trigger g before insert on g3 for each row execute function tf()" =>
    "drop trigger g on g3; create trigger g after insert on g3 for each row execute function tf()" =>
        "trigger g of table public.g3",
        Changed("definition",
                "CREATE TRIGGER g BEFORE INSERT ON public.g3 FOR EACH ROW EXECUTE FUNCTION pub...",
                "CREATE TRIGGER g AFTER INSERT ON public.g3 FOR EACH ROW EXECUTE FUNCTION publ...");
    "create table g4 (a int); create trigger g before insert on g4 for each row execute function tf()" =>
    "comment on trigger g on g4 is 'x'" =>
        "trigger g of table public.g4", Changed("comment", NONE, "x");
    "create table r1 (a int); create rule r as on delete to r1 do instead nothing" =>
    "drop rule r on r1" => "rule r of table public.r1", Missing;
    "create table r2 (a int); create rule r as on delete to r2 do instead nothing" =>
    "alter table r2 disable rule r" =>
        "rule r of table public.r2", Changed("applies", "by default", "never");
    "create table r3 (a int); create rule r as on delete to r3 do instead nothing" =>
    "create or replace rule r as on delete to r3 do also nothing" =>
        "rule r of table public.r3",
        Changed("definition", "CREATE RULE r AS ON DELETE TO public.r3 DO INSTEAD NOTHING;",
                "CREATE RULE r AS ON DELETE TO public.r3 DO NOTHING;");
    "create table p1 (a int); create policy p on p1 using (a > 0)" => "drop policy p on p1" =>
        "policy p of table public.p1", Missing;
    "create table p2 (a int); create policy p on p2 using (a > 0)" => "alter policy p on p2 using (a > 1)" =>
        "policy p of table public.p2", Changed("using", "(a > 0)", "(a > 1)");
    "create table p3 (a int); create policy p on p3 using (a > 0)" => "alter policy p on p3 to torture_plain" =>
        "policy p of table public.p3", Changed("roles", "public", "torture_plain");
};

const SEQUENCES_AND_VIEWS: &[Case] = cases! {
    "create sequence q1" => "drop sequence q1" => "sequence public.q1", Missing;
    "create sequence q2" => "alter sequence q2 increment 2" =>
        "sequence public.q2",
        Changed("definition",
                "as bigint start 1 increment 1 minvalue 1 maxvalue 9223372036854775807 cache 1",
                "as bigint start 1 increment 2 minvalue 1 maxvalue 9223372036854775807 cache 1");
    "create table q3_t (a int); create sequence q3" => "alter sequence q3 owned by q3_t.a" =>
        "sequence public.q3", Changed("owned by", NONE, "public.q3_t.a");
    "create sequence q4; select setval('q4', 5)" => "select setval('q4', 6)" =>
        "sequence public.q4", Changed("last_value", "5", "6");
    "create sequence q5; select setval('q5', 5)" => "select setval('q5', 5, false)" =>
        "sequence public.q5", Changed("is_called", "true", "false");
    "create sequence q6" => "grant usage on sequence q6 to torture_plain" =>
        "sequence public.q6", Changed("privilege USAGE of torture_plain", NONE, "by the owner");
    "create view v1 as select 1 as a" => "drop view v1" => "view public.v1", Missing;
    "create view v2 as select 1 as a" => "create or replace view v2 as select 2 as a" =>
        "view public.v2", Changed("definition", "SELECT 1 AS a;", "SELECT 2 AS a;");
    "create view v3 as select 1 as a" => "alter view v3 set (security_barrier = true)" =>
        "view public.v3", Changed("options", NONE, "security_barrier=true");
    "create view v4 as select 1 as a" => "alter view v4 owner to torture_plain" =>
        "view public.v4", Changed("owner", "postgres", "torture_plain");
    "create materialized view m1 as select 1 as a" => "drop materialized view m1" =>
        "materialized view public.m1", Missing;
    "create materialized view m2 as select 1 as a" => "refresh materialized view m2 with no data" =>
        "materialized view public.m2", Changed("populated", "yes", "no");
    "create materialized view m3 as select 1 as a" =>
    "drop materialized view m3; create materialized view m3 as select 2 as a" =>
        "materialized view public.m3", Changed("definition", "SELECT 1 AS a;", "SELECT 2 AS a;");
};

const ROUTINES: &[Case] = cases! {
    "create function f1(int) returns int language sql as 'select 1'" => "drop function f1(int)" =>
        "function public.f1(integer)", Missing;
    "create function f2() returns int language sql as 'select 1'" =>
    "create function f2(text) returns int language sql as 'select 1'" =>
        "function public.f2(text)", New;
    "create function f3() returns int language sql as 'select 1'" =>
    "create or replace function f3() returns int language sql as 'select  1'" =>
        "function public.f3() body", Changed("", "select 1", "select 1");
    "create function f4() returns int language sql as 'select 1'" => "alter function f4() immutable" =>
        "function public.f4()", Changed("volatility", "volatile", "immutable");
    "create function f5() returns int language sql as 'select 1'" => "alter function f5() security definer" =>
        "function public.f5()", Changed("security", NONE, "definer");
    "create function f6() returns int language sql as 'select 1'" => "alter function f6() set work_mem = '5MB'" =>
        "function public.f6()", Changed("settings", NONE, "work_mem=5MB");
    "create function f7(a int default 1) returns int language sql as 'select 1'" =>
    "create or replace function f7(a int default 2) returns int language sql as 'select 1'" =>
        "function public.f7(integer)", Changed("defaults", "1", "2");
    "create function f8(a int) returns int language sql as 'select 1'" =>
    "drop function f8; create function f8(b int) returns int language sql as 'select 1'" =>
        "function public.f8(integer)", Changed("arguments", "i a integer", "i b integer");
    "create function f9() returns int language sql as 'select 1'" => "alter function f9() parallel safe" =>
        "function public.f9()", Changed("parallel", "unsafe", "safe");
    "create function f10() returns int language sql as 'select 1'" =>
    "revoke execute on function f10() from public" =>
        "function public.f10()", Changed("privilege EXECUTE of public", "by the owner", NONE);
    "create function f11() returns int language sql return 1" =>
    "create or replace function f11() returns int language sql return 2" =>
        "function public.f11()",
        Changed("body", "CREATE OR REPLACE FUNCTION public.f11() RETURNS integer LANGUAGE sql RETURN 1",
                "CREATE OR REPLACE FUNCTION public.f11() RETURNS integer LANGUAGE sql RETURN 2");
    "create procedure d1() language sql as 'select 1'" =>
    "create or replace procedure d1() language sql as 'select 2'" =>
        "procedure public.d1()", Changed("body", "select 1", "select 2");
    "create aggregate a1(int) (sfunc = int4pl, stype = int, initcond = '0')" =>
    "create or replace aggregate a1(int) (sfunc = int4pl, stype = int, initcond = '1')" =>
        "aggregate public.a1(integer)", Changed("initial value", "0", "1");
    "create aggregate a2(int) (sfunc = int4pl, stype = int)" => "drop aggregate a2(int)" =>
        "aggregate public.a2(integer)", Missing;
};

const TYPES_AND_OPERATORS: &[Case] = cases! {
    "create type y1 as enum ('a')" => "drop type y1" => "type public.y1", Missing;
    "create type y2 as enum ('a', 'b')" => "alter type y2 add value 'c' before 'b'" =>
        "type public.y2", Changed("labels", "'a', 'b'", "'a', 'c', 'b'");
    "create domain y3 as int" => "alter domain y3 set default 5" =>
        "type public.y3", Changed("default", NONE, "5");
    "create domain y4 as int" => "alter domain y4 set not null" =>
        "type public.y4", Changed("not null", NONE, "yes");
    "create type y5 as (a int)" => "alter type y5 owner to torture_plain" =>
        "type public.y5", Changed("owner", "postgres", "torture_plain");
    "create type y6 as range (subtype = int)" => "drop type y6; create type y6 as range (subtype = text)" =>
        "type public.y6",
        Changed("subtype", "integer by pg_catalog.int4_ops",
                "text by pg_catalog.text_ops collate pg_catalog.\"default\"");
    "create type y7 as enum ('a')" => "comment on type y7 is 'x'" =>
        "type public.y7", Changed("comment", NONE, "x");
    "create type y8 as enum ('a')" => "revoke usage on type y8 from public" =>
        "type public.y8", Changed("privilege USAGE of public", "by the owner", NONE);
    "create operator public.### (leftarg = int, rightarg = int, function = int4pl)" =>
    "drop operator public.### (int, int)" =>
        "operator public.###(integer, integer)", Missing;
    "create operator public.#### (leftarg = int, rightarg = int, function = int4eq)" =>
    "alter operator public.#### (int, int) set (restrict = eqsel)" =>
        "operator public.####(integer, integer)",
        Changed("restriction estimator", NONE, "eqsel");
    "create operator family o1 using btree" =>
    "alter operator family o1 using btree add operator 1 < (int, int)" =>
        "operator family public.o1 using btree", Changed("operators", NONE, "1 <(integer,integer)");
    "create operator class o2 for type int using btree family o1 as function 1 btint4cmp(int, int)" =>
    "alter operator class o2 using btree owner to torture_plain" =>
        "operator class public.o2 using btree", Changed("owner", "postgres", "torture_plain");
    "create type e1 as enum ('a'); create cast (e1 as int) with inout" => "drop cast (e1 as int)" =>
        "cast public.e1 as integer", Missing;
    "create type e2 as enum ('a'); create cast (e2 as int) with inout" =>
    "drop cast (e2 as int); create cast (e2 as int) with inout as assignment" =>
        "cast public.e2 as integer", Changed("context", "explicit", "assignment");
    "create collation l1 (locale = 'C')" => "drop collation l1" => "collation public.l1", Missing;
    "create collation l2 (locale = 'C')" => "drop collation l2; create collation l2 (locale = 'POSIX')" =>
        "collation public.l2", Changed("locale", "C", "POSIX");
    "create conversion n1 for 'LATIN1' to 'UTF8' from iso8859_1_to_utf8" => "drop conversion n1" =>
        "conversion public.n1", Missing;
    "create text search dictionary w1 (template = simple)" =>
    "alter text search dictionary w1 (accept = false)" =>
        "text search dictionary public.w1", Changed("options", NONE, "accept = 'false'");
    "create text search configuration w2 (copy = simple)" =>
    "alter text search configuration w2 drop mapping for email" =>
        "text search configuration public.w2",
        Changed("mappings",
                "asciihword: simple asciiword: simple email: simple file: simple float: simple...",
                "asciihword: simple asciiword: simple file: simple float: simple host: simple ...");
    "create text search parser w3 (start = prsd_start, gettoken = prsd_nexttoken, end = prsd_end,
       lextypes = prsd_lextype)" => "drop text search parser w3" =>
        "text search parser public.w3", Missing;
    "create text search template w4 (lexize = dsimple_lexize)" => "drop text search template w4" =>
        "text search template public.w4", Missing;
};

const THE_REST: &[Case] = cases! {
    "create access method h1 type index handler bthandler" => "comment on access method h1 is 'x'" =>
        "access method h1", Changed("comment", NONE, "x");
    "create function j1_h() returns language_handler language c as '$libdir/plpgsql', 'plpgsql_call_handler';
     create trusted language j1 handler j1_h" => "alter language j1 owner to torture_plain" =>
        "language j1", Changed("owner", "postgres", "torture_plain");
    "" => "comment on extension plpgsql is 'x'" =>
        "extension plpgsql", Changed("comment", "PL/pgSQL procedural language", "x");
    "" => "revoke usage on language plpgsql from public" =>
        "language plpgsql", Changed("revoked USAGE of public", NONE, "by the owner");
    "" => "grant select on pg_catalog.pg_authid to torture_plain" =>
        "table pg_catalog.pg_authid", Changed("granted SELECT of torture_plain", NONE, "by the owner");
    "create publication b1" => "drop publication b1" => "publication b1", Missing;
    "create publication b2" => "alter publication b2 set (publish = 'insert')" =>
        "publication b2", Changed("publishes", "insert, update, delete, truncate", "insert");
    "create table b3_t (a int); create publication b3" => "alter publication b3 add table b3_t where (a > 1)" =>
        "publication b3", Changed("table public.b3_t", NONE, "all columns where (a > 1)");
    "create publication b4" => "alter publication b4 add tables in schema s2" =>
        "publication b4", Changed("schema s2", NONE, "all tables");
    "create subscription u1 connection 'host=nowhere password=secret' publication p
       with (connect = false, slot_name = none)" =>
    "alter subscription u1 set publication q with (refresh = false)" =>
        "subscription u1", Changed("publications", "p", "q");
    "create function ef() returns event_trigger language plpgsql as 'begin end';
     create event trigger z1 on ddl_command_start when tag in ('CREATE CAST') execute function ef()" =>
    "alter event trigger z1 disable" =>
        "event trigger z1", Changed("fires", "by default", "never");
    "create foreign data wrapper w options (a '1')" => "alter foreign data wrapper w options (set a '2')" =>
        "foreign data wrapper w", Changed("options", "a '1'", "a '2'");
    "create server w1 foreign data wrapper w options (host 'a')" => "alter server w1 options (set host 'b')" =>
        "server w1", Changed("options", "host 'a'", "host 'b'");
    "create server w5 foreign data wrapper w; create user mapping for public server w5" =>
    "drop user mapping for public server w5" =>
        "user mapping for public server w5", Missing;
    "create foreign table w6 (a int) server w5 options (a '1')" =>
    "alter foreign table w6 options (set a '2')" =>
        "foreign table public.w6", Changed("foreign options", "a '1'", "a '2'");
    "" => "alter default privileges in schema s2 grant select on tables to torture_plain" =>
        "default privileges of role postgres in schema s2 on tables", New;
    "alter default privileges in schema s2 grant select on sequences to torture_plain" =>
    "alter default privileges in schema s2 grant usage on sequences to torture_plain" =>
        "default privileges of role postgres in schema s2 on sequences",
        Changed("USAGE of torture_plain", NONE, "granted");
    "" => "select lo_create(0)" => "large objects", Changed("count", "0", "1");
    "" => "do 'begin execute format(''alter database %I set work_mem = 5000'', current_database()); end'" =>
        "database", Changed("setting work_mem", NONE, "5000");
};

/// The line of the log for a case; backwards when the change was made on the source.
fn sentence(case: &Case, backwards: bool) -> String {
    let object = case.object;
    let capitalized = object[..1].to_uppercase() + &object[1..];
    match (&case.found, backwards) {
        (Missing, false) | (New, true) => format!("Failed to find {object} in target database"),
        (Missing, true) | (New, false) => format!("Failed to find {object} in source database"),
        (Changed(property, before, after), false) => {
            let name = format!("{capitalized} {property}").trim_end().to_owned();
            format!("{name} mismatch: source {before}, target {after}")
        }
        (Changed(property, before, after), true) => {
            let name = format!("{capitalized} {property}").trim_end().to_owned();
            format!("{name} mismatch: source {after}, target {before}")
        }
    }
}

#[test]
fn a_change_of_any_object_is_noticed_on_either_side() {
    let pair = Pair::start();
    let cases: Vec<&Case> = [
        SCHEMAS,
        TABLES,
        COLUMNS,
        INDEXES_AND_CONSTRAINTS,
        ON_TABLES,
        SEQUENCES_AND_VIEWS,
        ROUTINES,
        TYPES_AND_OPERATORS,
        THE_REST,
    ]
    .into_iter()
    .flatten()
    .collect();
    for side in [&pair.source, &pair.target] {
        workload::torture_roles(side);
    }
    let all = |sql: fn(&Case) -> &str| {
        cases.iter().map(|case| format!("{};\n", sql(case))).collect::<String>()
    };
    on_both(&pair, &all(|case| case.setup));
    compare(&pair, "schema").run().assert_success();

    pair.target.sql(&all(|case| case.change));
    for backwards in [false, true] {
        let output = match backwards {
            false => compare(&pair, "schema").run(),
            true => compare_backwards(&pair, "schema").run(),
        };
        output.assert_code(12).assert_stderr_has("Schemas on source and target database differ");
        let found: BTreeSet<String> = messages(&output, "ERROR").into_iter().collect();
        let expected: BTreeSet<String> =
            cases.iter().map(|case| sentence(case, backwards)).collect();
        let missed: Vec<&String> = expected.difference(&found).collect();
        let unexpected: Vec<&String> = found.difference(&expected).collect();
        assert!(
            missed.is_empty() && unexpected.is_empty(),
            "backwards: {backwards}\nmissed: {missed:#?}\nunexpected: {unexpected:#?}"
        );
    }
}
