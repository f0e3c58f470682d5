//! Rows into tables that somebody else has made.

use pgcopydb_testkit::{Output, Pair};

use crate::support::pgcopydb;

fn run(pair: &Pair, line: &str) -> Output {
    pgcopydb(pair).args(line.split_whitespace()).run()
}

/// Tables on both sides, one of them large enough to be frozen, one to be cut; on the target other
/// rows are in the way.
fn pair() -> Pair {
    let pair = Pair::shared();
    let tables = "create table small (id int primary key, note text);
                  create table frozen (id int, note text);
                  create table cut (id int primary key, note text);
                  create index on cut (note);";
    for side in [&pair.source, &pair.target] {
        side.sql(tables);
    }
    pair.source.sql(
        "insert into small select i, 'note ' || i from generate_series(1, 100) i;
         insert into frozen select i, repeat('f', 100) from generate_series(1, 15000) i;
         insert into cut select i, repeat('c', 100) from generate_series(1, 40000) i;",
    );
    pair.target.sql(
        "insert into small values (1, 'of the target'), (100000, 'too many');
         insert into frozen values (1, 'of the target');
         insert into cut values (1, 'of the target'), (100000, 'too many');",
    );
    pair
}

#[test]
fn tables_that_were_there_are_emptied_first() {
    let pair = pair();
    let output = run(&pair, "copy table-data --split-at 2MB");
    output.assert_success().assert_stderr_has("table public.cut is copied in");
    pair.assert_same();
    // Nothing is left that would stand in the way of another run.
    assert_eq!(pair.target.value("select to_regnamespace('pgcopydb') is null"), "t");
    run(&pair, "copy table-data --restart --split-at 2MB").assert_success();
    pair.assert_same();
}

#[test]
fn indexes_that_were_there_are_kept_and_missing_ones_built() {
    let pair = pair();
    pair.target.sql("drop index cut_note_idx; alter table small drop constraint small_pkey");
    run(&pair, "copy data").assert_success();
    pair.assert_same();
}

#[test]
fn an_index_of_that_name_that_is_another_is_an_error() {
    let pair = pair();
    pair.target.sql("drop index cut_note_idx; create index cut_note_idx on cut (id)");
    let output = run(&pair, "copy indexes");
    output.assert_code(12).assert_stderr_has("cut_note_idx\" already exists");
    output.assert_stdout_has("1 step failed");
}

#[test]
fn a_table_that_is_not_there_is_named_before_anything_is_done() {
    let pair = pair();
    pair.target.sql("drop table frozen");
    let output = run(&pair, "copy table-data");
    output.assert_code(7).assert_stderr_has("not on the target: public.frozen");
    assert_eq!(pair.target.value("select count(*) from small"), "2");
}

#[test]
fn triggers_that_fire_are_told() {
    let pair = pair();
    pair.target.sql(
        "create function shout() returns trigger language plpgsql as
           $$ begin new.note = upper(new.note); return new; end $$;
         create trigger shout before insert on small for each row execute function shout();",
    );
    let output = run(&pair, "copy table-data");
    output.assert_success().assert_stderr_has("1 triggers on the target fire");
    output.assert_stderr_has("shout of public.small");
    assert_eq!(pair.target.value("select note from small where id = 1"), "NOTE 1");
}

#[test]
fn rows_go_into_a_table_that_is_partitioned_on_the_target() {
    let pair = pair();
    pair.target.sql(
        "drop table frozen;
         create table frozen (id int, note text) partition by range (id);
         create table frozen_low partition of frozen for values from (minvalue) to (1000);
         create table frozen_high partition of frozen for values from (1000) to (maxvalue);
         insert into frozen values (5, 'of the target');",
    );
    run(&pair, "copy table-data --split-at 500kB").assert_success();
    assert_eq!(pair.target.value("select count(*) from frozen_low"), "999");
    assert_eq!(pair.target.value("select count(*), min(note) = max(note) from frozen"), "15000|t");
}

#[test]
fn rows_that_may_belong_elsewhere_are_not_removed_again() {
    let pair = Pair::shared();
    // The hash of an enum depends on OIDs: each side has the rows in other partitions.
    for side in [&pair.source, &pair.target] {
        side.sql(
            "create type colour as enum ('red', 'green', 'blue', 'black', 'white');
             create table t (c colour, n int) partition by hash (c);
             create table t_0 partition of t for values with (modulus 2, remainder 0);
             create table t_1 partition of t for values with (modulus 2, remainder 1);",
        );
    }
    let rows = "insert into t select c, n from unnest(enum_range(null::colour)) c,
                generate_series(1, 100) n";
    pair.source.sql(rows);
    pair.target.sql(rows);
    run(&pair, "copy table-data").assert_success();
    pair.same().without_rows().assert();
    let sums = "select string_agg(x, ',') from (select c || ':' || count(*) || ':' || sum(n) as x
                from t group by c order by c) s";
    assert_eq!(pair.target.value(sums), pair.source.value(sums));
}

#[test]
fn a_role_that_may_not_truncate_fills_empty_tables_only() {
    let pair = pair();
    let role = format!("{}_loader", pair.target.name());
    pair.target.sql(&format!(
        "create role {role} login; grant select, insert on all tables in schema public to {role}"
    ));
    let target = pair.target.uri().replace("postgres@", &format!("{role}@"));
    let program = || pgcopydb(&pair).env("PGCOPYDB_TARGET_PGURI", &target);
    let refused = program().args(["copy", "table-data"]).run();
    refused.assert_code(7).assert_stderr_has("has rows, and our role may not truncate it");
    pair.target.sql("truncate small, frozen, cut");
    program().args(["copy", "table-data", "--restart", "--skip-vacuum"]).run().assert_success();
    pair.target.sql(&format!("drop owned by {role}; drop role {role}; analyze"));
    pair.assert_same();
}

#[test]
fn large_objects_that_were_there_are_replaced_if_that_is_wanted() {
    let pair = pair();
    pair.source.sql("select lo_from_bytea(4711, 'of the source'), lo_from_bytea(4712, 'another')");
    pair.target.sql("select lo_from_bytea(4711, 'of the target')");
    let refused = run(&pair, "copy data");
    refused.assert_code(12).assert_stderr_has("--drop-if-exists replaces it");
    run(&pair, "copy data --resume --not-consistent --drop-if-exists").assert_success();
    pair.assert_same();
}
