//! A clone in single commands, each of which goes on where the others stopped.

use pgcopydb_testkit::{Output, Pair, workload};

use crate::support::pgcopydb;

/// The commands of a whole copy, in the order of the documentation.
const CHAIN: [&str; 8] = [
    "dump schema",
    "restore pre-data",
    "copy table-data --resume",
    "copy blobs --resume",
    "copy sequences --resume",
    "copy indexes --resume",
    "copy constraints --resume",
    "restore post-data",
];

fn run(pair: &Pair, line: &str) -> Output {
    pgcopydb(pair).args(line.split_whitespace()).run()
}

fn has_ledger(pair: &Pair) -> String {
    pair.target.value("select to_regnamespace('pgcopydb') is not null")
}

#[test]
fn a_chain_of_commands_in_one_snapshot_is_a_clone() {
    let pair = Pair::start();
    for side in [&pair.source, &pair.target] {
        workload::torture_roles(side);
    }
    workload::torture(&pair.source);
    let keeper = pgcopydb(&pair).arg("snapshot").spawn();
    keeper.wait_for_stdout("-");
    // What is written later is not in the snapshot.
    pair.source.sql("create table public.too_late (a int)");
    for (number, line) in (1..).zip(CHAIN) {
        run(&pair, line).assert_success();
        let is_begun = (2..CHAIN.len()).contains(&number);
        assert_eq!(has_ledger(&pair), if is_begun { "t" } else { "f" }, "after {line}");
    }
    pair.source.sql("drop table public.too_late");
    pair.assert_same();
}

#[test]
fn a_chain_without_a_snapshot_takes_what_it_finds() {
    let pair = Pair::shared();
    workload::pgbench(&pair.source, 1);
    run(&pair, "dump schema").assert_success();
    // The snapshot of the dump ended with it.
    let refused = run(&pair, "copy table-data --resume");
    refused.assert_code(3).assert_stderr_has("cannot use the snapshot");
    refused.assert_stderr_has("--not-consistent");
    for line in &CHAIN[1..] {
        let line = line.replace("--resume", "--resume --not-consistent");
        run(&pair, &line).assert_success();
    }
    pair.assert_same();
    assert_eq!(has_ledger(&pair), "f");
}

#[test]
fn the_schema_and_then_the_rows_come_to_a_clone_too() {
    let pair = Pair::shared();
    pair.source.sql(
        "create table t (id int primary key, note text unique);
         insert into t select i, 'note ' || i from generate_series(1, 1000) i;
         create sequence s; select nextval('s');
         create materialized view v as select count(*) from t;
         create index on v (count);
         select lo_from_bytea(4711, 'content');",
    );
    run(&pair, "copy schema").assert_success();
    assert_eq!(pair.target.value("select count(*) from t"), "0");
    run(&pair, "copy data --resume --not-consistent").assert_success();
    pair.assert_same();
    assert_eq!(has_ledger(&pair), "f");
}

#[test]
fn a_clone_takes_over_where_single_commands_stopped() {
    let pair = Pair::shared();
    workload::pgbench(&pair.source, 1);
    // Indexes before the rows: not wise, but what was asked for.
    for line in ["dump schema", "restore pre-data", "copy indexes --resume"] {
        run(&pair, line).assert_success();
    }
    run(&pair, "clone --resume --not-consistent").assert_success();
    pair.assert_same();
}

#[test]
fn an_option_of_one_command_holds_for_the_next() {
    let pair = Pair::shared();
    pair.source.sql(
        "create table big (id int primary key, note text);
         insert into big select i, repeat('x', 100) from generate_series(1, 5000) i;
         comment on table big is 'large'; comment on constraint big_pkey on big is 'key';",
    );
    run(&pair, "dump schema").assert_success();
    run(&pair, "restore pre-data --no-comments").assert_success();
    let split = "copy table-data --resume --not-consistent --split-at 100kB";
    run(&pair, split).assert_success().assert_stderr_has("table public.big is copied in");
    run(&pair, "copy data --resume --not-consistent").assert_success();
    run(&pair, "restore post-data").assert_success();
    pair.same().ignoring("Type: COMMENT").assert();
    assert_eq!(has_ledger(&pair), "f");
    let comments = "select count(*) from pg_description where description in ('large', 'key')";
    assert_eq!(pair.target.value(comments), "0");
}
