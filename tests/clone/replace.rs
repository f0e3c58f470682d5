//! `--drop-if-exists`: what is in the way goes, what is not stays.

use pgcopydb_testkit::{Pair, workload};

use crate::support::pgcopydb;

#[test]
fn a_second_copy_replaces_the_first_one() {
    let pair = Pair::start();
    for side in [&pair.source, &pair.target] {
        workload::torture_roles(side);
    }
    workload::torture(&pair.source);
    pgcopydb(&pair).arg("clone").run().assert_success();
    let again = pgcopydb(&pair).args(["clone", "--restart", "--drop-if-exists"]).run();
    again.assert_success();
    assert!(!again.stderr.contains(" WARN "), "{again}");
    pair.assert_same();
}

/// The target has objects of its own, some of which hang on what is replaced.
const IN_THE_WAY: &str = "
    create type mood as enum ('old');
    create table t (id int primary key, mood mood, old boolean);
    create view seen as select 1 as one;
    create table v (not_a_view int);
    create sequence own_key;
    create domain short as text;
    create function f(mood) returns int language sql as 'select 1';
    create collation c from \"C\";
    create publication p for table t;
    select lo_from_bytea(4711, 'old');

    create table kept (id int primary key, t int references t);
    insert into t values (1);
    insert into kept values (7, 1);
    create view lost as select * from t;
    create function kept(int) returns int language sql as 'select 1';
    select lo_from_bytea(4712, 'kept');";

#[test]
fn what_is_in_the_way_goes_and_what_is_not_stays() {
    let pair = Pair::shared();
    pair.source.sql(
        "create type mood as enum ('sad', 'ok');
         create table t (id int primary key, mood mood, f int generated always as identity);
         insert into t values (1, 'ok'), (2, 'sad');
         create sequence seen;
         create view v as select * from t;
         create table own_key (id serial);
         create domain short as text check (length(value) < 10);
         create function f(mood) returns text language sql as 'select $1::text';
         create collation c from \"POSIX\";
         create publication p for table t;
         create view new as select 1 as one;
         select lo_from_bytea(4711, 'new');
         select lo_from_bytea(4800, 'new');",
    );
    pair.target.sql(IN_THE_WAY);
    let refused = pgcopydb(&pair).arg("clone").run();
    refused.assert_code(7);
    refused.assert_stderr_has("relations of the same name exist on the target");

    let output =
        pgcopydb(&pair).args(["clone", "--restart"]).env("PGCOPYDB_DROP_IF_EXISTS", "yes").run();
    output.assert_success();
    output.assert_stderr_has("depended on what was in the way: view public.lost");
    output.assert_stderr_has("the way: constraint kept_t_fkey on table public.kept");
    assert_eq!(pair.target.value("select id || ' ' || t from kept"), "7 1");
    assert_eq!(pair.target.value("select convert_from(lo_get(4712), 'UTF8')"), "kept");
    pair.target.sql("drop table kept; drop function kept(int); select lo_unlink(4712)");
    pair.assert_same();
}

#[test]
fn what_others_need_is_not_dropped_behind_their_back() {
    let pair = Pair::shared();
    pair.source.sql("create domain short as text; create table t (s short)");
    pair.target.sql("create domain short as text; create table kept (s short)");
    pair.target.sql("insert into kept values ('still here')");
    let output = pgcopydb(&pair).args(["clone", "--drop-if-exists"]).run();
    output.assert_code(12);
    output.assert_stderr_has("could not drop domain short on the target");
    output.assert_stdout_has("SQLSTATE 2BP01");
    output.assert_stdout_has("DROP DOMAIN IF EXISTS public.short");
    assert_eq!(pair.target.value("select s from kept"), "still here");

    pair.target.sql("drop table kept");
    let program = pgcopydb(&pair).args(["clone", "--drop-if-exists", "--resume"]);
    program.arg("--not-consistent").run().assert_success();
    pair.assert_same();
}
