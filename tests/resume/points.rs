//! A run is killed at every place that has a name, and finished by another one.

use std::collections::VecDeque;
use std::sync::Mutex;

use pgcopydb::fault;
use pgcopydb_testkit::{Pair, Signal};

use super::workload::{
    TABLE_OPTIONS, clone, many_steps, one_large_table, resume, tables_with_keys,
};
use crate::support::pgcopydb;

/// Runs at the same time: each has two servers to wait for.
const RUNS_MAX: usize = 3;

#[test]
fn a_clone_is_finished_wherever_it_was_killed() {
    let chosen = std::env::var("PGCOPYDB_TEST_POINT").unwrap_or_default();
    let points = fault::POINTS.iter().filter(|point| point.contains(&chosen));
    let points = Mutex::new(points.collect::<VecDeque<_>>());
    let failures = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..RUNS_MAX {
            scope.spawn(|| {
                loop {
                    let point = points.lock().unwrap().pop_front();
                    let Some(point) = point else { return };
                    if let Err(failure) = killed_and_resumed(point) {
                        failures.lock().unwrap().push(format!("=== {point}: {failure}"));
                    }
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn killed_and_resumed(point: &str) -> Result<(), String> {
    let pair = Pair::shared();
    let mut begun = clone(&pair);
    let mut resumed = resume(&pair);
    let mut same = pair.same();
    if point.starts_with("truncate.") {
        // Only tables that were there before are emptied.
        one_large_table(&pair);
        let rows = || pgcopydb(&pair).args(["copy", "table-data"]).args(TABLE_OPTIONS);
        begun = rows();
        resumed = rows().args(["--resume", "--not-consistent"]);
        same = same.without_schema().without_statistics();
    } else if point.starts_with("foreign_keys.") {
        tables_with_keys(&pair);
        let rows = || pgcopydb(&pair).args(["copy", "table-data"]).args(TABLE_OPTIONS);
        begun = rows();
        resumed = rows().args(["--resume", "--not-consistent"]);
    } else {
        many_steps(&pair);
    }
    if point.starts_with("drop.") {
        pair.target.sql("create schema app; create table app.tiny_1 (is_in_the_way boolean)");
        begun = begun.arg("--drop-if-exists");
        resumed = resumed.arg("--drop-if-exists");
    }
    let killed = begun.env("PGCOPYDB_FAULT", point).run();
    if killed.signal() != Some(Signal::KILL.as_raw()) {
        return Err(format!("it was not reached by {killed}"));
    }
    let resumed = resumed.run();
    if resumed.code() != Some(0) {
        return Err(format!("{resumed}\n--- killed run: {killed}"));
    }
    // Nobody analyses what belongs to an extension.
    let differences = same.ignoring("no statistics of \"public.settings\"").differences();
    match differences.is_empty() {
        true => Ok(()),
        false => Err(format!("{differences:#?}\n--- resumed run: {resumed}")),
    }
}
