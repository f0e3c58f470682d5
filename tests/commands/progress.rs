//! How far a run has come, while it runs and afterwards.

use std::time::{Duration, Instant};

use pgcopydb_testkit::{Database, Output, Pair};
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

#[test]
fn the_progress_of_all_databases_is_summed_up() {
    let pair = Pair::start();
    pair.source.sql("create database app; create database \"Mixed \"\"Case\"");
    for (name, tables) in [("app", 2), ("Mixed \"Case", 1)] {
        let database = Database::new(pair.source.cluster_handle(), name);
        for number in 1..=tables {
            database.sql(&format!(
                "create table t{number} (id int primary key); insert into t{number} values (1)"
            ));
        }
    }
    let program = |line: &str| {
        let maintenance = |side: &Database| Database::new(side.cluster_handle(), "postgres").uri();
        pgcopydb(&pair)
            .args(line.split(' '))
            .env("PGCOPYDB_SOURCE_PGURI", maintenance(&pair.source))
            .env("PGCOPYDB_TARGET_PGURI", maintenance(&pair.target))
    };
    let cloned = program("clone --all-databases").run();
    cloned.assert_success();
    let text = program("list progress").run();
    text.assert_success();
    assert!(
        text.stdout.contains("      Tables |            3 |            0 |            3\n"),
        "{text}"
    );
    assert!(
        text.stdout.contains("     Indexes |            3 |            0 |            3\n"),
        "{text}"
    );
    let lines: Vec<Vec<&str>> =
        text.stdout.lines().map(|line| line.split('|').map(str::trim).collect()).collect();
    let of = |name: &str| lines.iter().find(|cells| cells[0] == name).unwrap().clone();
    assert_eq!(of("app")[..3], ["app", "2 of 2", "2 of 2"]);
    assert_eq!(of("Mixed \"Case")[..3], ["Mixed \"Case", "1 of 1", "1 of 1"]);
    assert_eq!(of("postgres")[..3], ["postgres", "0 of 0", "0 of 0"]);

    let json: Value = serde_json::from_str(&program("list progress --json").run().stdout).unwrap();
    assert_eq!(json["tables"]["done"], 3);
    assert_eq!(json["tables"]["in-progress"], serde_json::json!([]));
    let app = json["databases"].as_array().unwrap().iter().find(|one| one["database"] == "app");
    assert_eq!(app.unwrap()["tables"]["total"], 2);

    // But for the time that all of it took.
    let summary = program("list progress --summary").run();
    summary.assert_success();
    let rest = |text: &str| {
        text.lines()
            .filter(|line| !line.contains("Total Wall"))
            .map(str::to_owned)
            .collect::<Vec<_>>()
    };
    assert_eq!(rest(&summary.stdout), rest(&cloned.stdout));

    std::fs::create_dir_all(pair.directory().join("pgcopydb/db/waiting/schema")).unwrap();
    let text = program("list progress").run();
    assert!(text.stdout.lines().any(|line| line.contains("waiting | not begun")), "{text}");
    let foreign = pgcopydb(&pair).env("PGCOPYDB_SOURCE_PGURI", pair.target.uri());
    let foreign = foreign.args(["list", "progress"]).run();
    foreign.assert_code(12).assert_stderr_has("is for another source");
}
