//! Runs that were ended when everything was done: there is nothing to do, and nothing is done.

use pgcopydb_testkit::{Database, Pair};

use super::workload::{clone, many_steps};
use crate::support::summary;

/// Leaves no doubt about what is resumed.
fn pair() -> Pair {
    let pair = Pair::shared();
    pair.source.sql(
        "create table t (a int primary key);
         insert into t select generate_series(1, 1000)",
    );
    pair
}

#[test]
fn a_whole_copy_is_resumed_by_saying_so() {
    let pair = Pair::shared();
    many_steps(&pair);
    clone(&pair).run().assert_success();
    for not_consistent in [&[][..], &["--not-consistent"]] {
        let output = clone(&pair).arg("--resume").args(not_consistent).run();
        output.assert_success();
        output.assert_stderr_has("an earlier run has made the whole copy");
        assert!(summary(&pair)["failures"].is_null());
    }
    pair.same().ignoring("no statistics of \"public.settings\"").assert();
}

#[cfg(feature = "faults")]
#[test]
fn a_run_killed_before_its_summary_was_whole() {
    let pair = pair();
    let killed = clone(&pair).env("PGCOPYDB_FAULT", "ledger.dropped").run();
    assert_eq!(killed.signal(), Some(9), "{killed}");
    // Its snapshot has died with it, and is not needed.
    let output = clone(&pair).arg("--resume").run();
    output.assert_success();
    output.assert_stderr_has("an earlier run has made the whole copy");
    output.assert_stdout_has("Total");
    assert!(summary(&pair)["failures"].is_null());
    pair.assert_same();
}

#[test]
fn a_database_made_since_holds_no_copy() {
    let pair = pair();
    clone(&pair).run().assert_success();
    pair.target.clone().remove().unwrap();
    let target = Database::create(pair.target.cluster_handle(), pair.target.name());
    let output = clone(&pair).args(["--resume", "--not-consistent"]).run();
    output.assert_success();
    output.assert_stderr_has("every step is to be done");
    assert_eq!(target.value("select count(*) from t"), "1000");
    pair.assert_same();
}

#[test]
fn another_command_line_is_refused_also_when_everything_is_done() {
    let pair = pair();
    clone(&pair).run().assert_success();
    let other = Database::create(pair.source.cluster_handle(), "other_than_complete");
    let output = clone(&pair).args(["--resume", "--source", &other.uri()]).run();
    output.assert_code(3);
    output.assert_stderr_has("could not resume");
}
