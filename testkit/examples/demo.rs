//! A clone from beginning to end, for people to watch: two throw-away servers, a sample database
//! with every kind of object, the clone, and the proof that both sides are equal.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::Instant;

use pgcopydb_testkit::{Pair, workload};

/// 100,000 rows, about 15 MB, each.
const PGBENCH_SCALE: u32 = 20;

fn main() -> ExitCode {
    let Some(program) = std::env::args_os().nth(1).map(PathBuf::from) else {
        eprintln!("usage: demo PATH-OF-PGCOPYDB");
        return ExitCode::FAILURE;
    };
    step("Starting two PostgreSQL servers in temporary directories");
    let pair = Pair::start();
    step("Filling the source: pgbench tables, and a schema with every kind of object");
    workload::torture_roles(&pair.target);
    workload::torture(&pair.source);
    workload::pgbench(&pair.source, PGBENCH_SCALE);
    println!(
        "{}",
        pair.source.value("select pg_size_pretty(pg_database_size(current_database()))")
    );

    step("pgcopydb clone");
    let begun = Instant::now();
    let status = Command::new(program)
        .arg("clone")
        .arg("--dir")
        .arg(pair.directory().join("demo"))
        .env("PGCOPYDB_SOURCE_PGURI", pair.source.uri())
        .env("PGCOPYDB_TARGET_PGURI", pair.target.uri())
        .status()
        .expect("the program runs");
    if !status.success() {
        eprintln!("the clone failed: {status}");
        return ExitCode::FAILURE;
    }
    println!("took {:.1} s", begun.elapsed().as_secs_f64());

    step("Comparing both sides: schema, every row, sequences, large objects, validity, statistics");
    let differences = pair.same().differences();
    for difference in &differences {
        println!("{difference}");
    }
    if !differences.is_empty() {
        eprintln!("{} differences", differences.len());
        return ExitCode::FAILURE;
    }
    println!("The target is equal to the source.");
    step("Stopping the servers and removing their directories");
    ExitCode::SUCCESS
}

fn step(what: &str) {
    println!("\n== {what}");
}
