//! Are two databases the same? Asked where they are, and where they are not.

mod classes;
mod data;
mod rows;
mod schema;
mod sessions;

use pgcopydb_testkit::{Output, Pair, Program, workload};

use crate::support::pgcopydb;

/// A comparison of the source with the target.
fn compare(pair: &Pair, what: &str) -> Program {
    pgcopydb(pair).args(["compare", what])
}

/// A comparison of the target with the source.
fn compare_backwards(pair: &Pair, what: &str) -> Program {
    compare(pair, what)
        .env("PGCOPYDB_SOURCE_PGURI", pair.target.uri())
        .env("PGCOPYDB_TARGET_PGURI", pair.source.uri())
}

/// Runs the same SQL on both sides.
fn on_both(pair: &Pair, sql: &str) {
    pair.source.sql(sql);
    pair.target.sql(sql);
}

/// The messages of a level in a log, without time and place.
fn messages(output: &Output, level: &str) -> Vec<String> {
    let of_level = |line: &str| {
        let (before, message) = line.split_once(&format!(" {level} "))?;
        let is_start = before.split(' ').count() == 3;
        let (_, message) = message.trim_start().split_once(' ')?;
        is_start.then(|| message.trim_start().to_owned())
    };
    output.stderr.lines().filter_map(of_level).collect()
}

#[test]
fn a_database_with_every_kind_of_object_equals_its_clone() {
    let pair = Pair::start();
    for side in [&pair.source, &pair.target] {
        workload::torture_roles(side);
    }
    workload::torture(&pair.source);
    pgcopydb(&pair).arg("clone").run().assert_success();
    for output in [compare(&pair, "schema").run(), compare_backwards(&pair, "schema").run()] {
        output.assert_success().assert_stderr_has("pgcopydb schema inspection is successful");
        assert_eq!(output.stdout, "");
    }
    for output in [compare(&pair, "data").run(), compare_backwards(&pair, "data").run()] {
        output.assert_success().assert_stderr_has("pgcopydb data inspection is successful");
        assert!(output.stdout.lines().count() > 400, "{output}");
    }
    let pieces = compare(&pair, "data").args(["--split-tables-larger-than", "16 kB"]).run();
    pieces.assert_success();
    assert_eq!(pieces.stdout, compare(&pair, "data").run().stdout);
}

#[test]
fn both_connection_strings_are_needed() {
    let pair = Pair::shared();
    for what in ["schema", "data"] {
        let output = compare(&pair, what).env_remove("PGCOPYDB_TARGET_PGURI").run();
        output.assert_code(1).assert_stderr_has("Options --source and --target are mandatory");
    }
}

#[test]
fn an_unreachable_server_is_named() {
    let pair = Pair::shared();
    for what in ["schema", "data"] {
        let nowhere = "postgresql://postgres@127.0.0.1:1/nowhere?connect_timeout=1";
        let run = |name: &str| compare(&pair, what).env(name, nowhere).run();
        run("PGCOPYDB_SOURCE_PGURI").assert_code(6).assert_stderr_has("on the source");
        run("PGCOPYDB_TARGET_PGURI").assert_code(7).assert_stderr_has("on the target");
    }
}
