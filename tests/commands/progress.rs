//! How far a run has come, while it runs and afterwards.

use std::time::{Duration, Instant};

use pgcopydb_testkit::{Output, Pair};
use serde_json::Value;

use crate::support::pgcopydb;

fn run(pair: &Pair, line: &str) -> Output {
    let output = pgcopydb(pair).args(line.split_whitespace()).run();
    output.assert_success();
    output
}

fn document(pair: &Pair, line: &str) -> Value {
    serde_json::from_str(&run(pair, line).stdout).unwrap()
}

#[test]
fn a_run_shows_what_it_is_at_and_what_it_has_done() {
    let pair = Pair::shared();
    pair.source.sql(
        "create table held (id int primary key); insert into held values (1);
         create table free (id int primary key); insert into free values (1), (2);",
    );
    run(&pair, "dump schema");
    run(&pair, "restore pre-data");
    let mut session = pair.source.session();
    session.run("begin; lock table held in access exclusive mode");
    let copy = pgcopydb(&pair);
    let copy = copy.args(["copy", "table-data", "--resume", "--not-consistent"]).spawn();
    pair.source.wait_for(
        "select exists (select from pg_locks where not granted and relation = 'held'::regclass)",
    );
    // The other table is done in a moment.
    let deadline = Instant::now() + Duration::from_secs(60);
    let is_done = || document(&pair, "list progress --json")["tables"]["done"] == 1;
    while !is_done() {
        assert!(Instant::now() < deadline, "{}", copy.stderr());
    }
    let text = run(&pair, "list progress").stdout;
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("             |  Total Count |  In Progress |         Done"));
    assert_eq!(lines.next(), Some("-------------+--------------+--------------+-------------"));
    assert_eq!(lines.next(), Some("      Tables |            2 |            1 |            1"));
    assert_eq!(lines.next(), Some("     Indexes |            2 |            0 |            0"));
    assert!(lines.next().unwrap().starts_with("       Bytes |        16 kB |          0 B |"));
    assert_eq!((lines.next(), lines.next()), (Some(""), None));

    let progress = document(&pair, "list progress --json");
    assert_eq!(progress["tables"]["total"], 2);
    assert_eq!(progress["tables"]["done"], 1);
    let table = &progress["tables"]["in-progress"][0];
    assert_eq!(table["qname"], "public.held");
    assert_eq!(table["restore-list-name"], "public held postgres");
    assert_eq!(table["process"]["pid"], copy.pid());
    assert!(table["process"]["start-time-epoch"].as_u64().unwrap() > 1_700_000_000);
    assert_eq!(table["process"]["network"]["bytes"], 0);
    assert_eq!(progress["indexes"]["in-progress"], serde_json::json!([]));
    assert_eq!(progress["bytes"]["total-pretty"], "16 kB");
    session.run("rollback");
    copy.wait().assert_success();

    run(&pair, "copy data --resume --not-consistent");
    let progress = document(&pair, "list progress --json");
    assert_eq!(progress["tables"]["done"], 2);
    assert_eq!(progress["indexes"]["done"], 2);
    run(&pair, "restore post-data");
    pair.assert_same();
}

#[test]
fn the_summary_of_a_run_can_be_read_again() {
    let pair = Pair::shared();
    pair.source.sql("create table t (id int primary key); insert into t values (1)");
    let cloned = run(&pair, "clone").stdout;
    let text = run(&pair, "list progress --summary").stdout;
    assert_eq!(text, cloned);
    let document = document(&pair, "list progress --summary --json");
    assert_eq!(document["tables"][0]["name"], "t");
    assert_eq!(document["setup"]["table-jobs"], 4);
    // One that never ran a clone gives an empty one.
    let other = Pair::shared();
    run(&other, "dump schema");
    assert!(run(&other, "list progress --summary").stdout.contains("Total Wall Clock Duration"));
    let foreign = pgcopydb(&pair).env("PGCOPYDB_SOURCE_PGURI", pair.target.uri());
    let foreign = foreign.args(["list", "progress"]).run();
    foreign.assert_code(12).assert_stderr_has("is for another source");
}
