//! Locks of other sessions: waited for, and told with who holds them.

use pgcopydb_testkit::{Pair, Program};

use crate::support::{clone, pgcopydb};

fn impatient(program: Program) -> Program {
    program.env("PGCOPYDB_FAULT_LOCK_WAIT_MS", "300")
}

fn table() -> Pair {
    let pair = Pair::shared();
    pair.source.sql("create table t (a int primary key); insert into t values (1), (2)");
    pair
}

#[track_caller]
fn assert_told(line: &str, side: &str) {
    assert!(line.contains(&format!("on the {side} has waited")), "{line}");
    for text in
        ["s for a lock to run \"", "it is held by pid ", "of role postgres (psql)", "lock table"]
    {
        assert!(line.contains(text), "no {text:?} in {line}");
    }
}

#[test]
fn a_table_of_the_source_that_pg_dump_waits_for() {
    let pair = table();
    let mut locker = pair.source.session();
    locker.run("begin; lock table t in access exclusive mode");
    for command in [&["clone"][..], &["dump", "schema"]] {
        let running = impatient(pgcopydb(&pair)).args(command).arg("--restart").spawn();
        assert_told(&running.wait_for_stderr("it is held by"), "source");
        running.signal(pgcopydb_testkit::Signal::TERM);
        running.wait().assert_code(12);
    }
    let running = impatient(clone(&pair)).arg("--restart").spawn();
    running.wait_for_stderr("it is held by");
    locker.run("rollback");
    running.wait().assert_success();
    pair.assert_same();
}

#[test]
fn a_table_of_the_target_that_somebody_reads() {
    let pair = table();
    pair.target.sql("create table t (a int primary key); insert into t values (7)");
    let mut locker = pair.target.session();
    locker.run("begin; lock table t in access share mode");
    let running = impatient(pgcopydb(&pair)).args(["copy", "table-data"]).spawn();
    assert_told(&running.wait_for_stderr("it is held by"), "target");
    locker.run("rollback");
    running.wait().assert_success();
    assert_eq!(pair.target.value("select sum(a) from t"), "3");
}

#[test]
fn a_transaction_that_a_replication_slot_waits_for() {
    for command in [&["snapshot", "--follow"][..], &["stream", "setup"], &["clone", "--follow"]] {
        let pair = table();
        let mut writer = pair.source.session();
        writer.run("begin; insert into t values (3)");
        let name = pair.source.name();
        let program = pgcopydb(&pair).args(command).args(["--slot-name", name, "--origin", name]);
        let running = impatient(program).spawn();
        let line = running.wait_for_stderr("it is held by");
        assert!(line.contains("on the source has waited"), "{line}");
        assert!(line.contains("insert into t values (3)"), "{line}");
        writer.run("rollback");
        running.wait_for_stderr("created replication slot");
    }
}

#[test]
fn a_table_that_a_comparison_waits_for() {
    let pair = table();
    pair.target.sql("create table t (a int primary key); insert into t values (1), (2)");
    for (side, database) in [("source", &pair.source), ("target", &pair.target)] {
        let mut locker = database.session();
        locker.run("begin; lock table t in access exclusive mode");
        let running = impatient(pgcopydb(&pair)).args(["compare", "data"]).spawn();
        assert_told(&running.wait_for_stderr("it is held by"), side);
        locker.run("rollback");
        running.wait().assert_success();
    }
}

/// The lock that every session of a run shares.
const SESSION_LOCK: &str = "1885823856, 2";

#[test]
fn sessions_of_a_dead_run_are_waited_for_and_ended() {
    let pair = table();
    let mut left = pair.target.session();
    left.run(&format!("select pg_advisory_lock_shared({SESSION_LOCK})"));
    let pid = left.run("select pg_backend_pid()");
    let mut other = pair.target.session();
    other.run("select pg_advisory_lock(4711), pg_advisory_lock_shared(1885823856, 3)");
    let output = clone(&pair).run();
    output.assert_success();
    // Whoever holds another lock is left alone.
    other.run("select pg_advisory_unlock_all()");
    output.assert_stderr_has(&format!("ended session {pid} of an earlier run on the target"));
    pair.assert_same();

    let pair = table();
    let mut left = pair.target.session();
    left.run(&format!("select pg_advisory_lock_shared({SESSION_LOCK})"));
    let running = clone(&pair).spawn();
    pair.target.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and application_name like 'pgcopydb%')",
    );
    left.run(&format!("select pg_advisory_unlock_shared({SESSION_LOCK})"));
    let output = running.wait();
    output.assert_success();
    assert!(!output.stderr.contains("ended session"), "{output}");
    pair.assert_same();
}

#[test]
fn the_record_of_a_run_that_somebody_reads() {
    for arguments in [["--resume", "--not-consistent"], ["--restart", "--drop-if-exists"]] {
        let pair = table();
        let killed = clone(&pair).env("PGCOPYDB_FAULT", "plan.done").run();
        assert_eq!(killed.signal(), Some(9), "{killed}");
        let mut locker = pair.target.session();
        locker.run("begin; lock table pgcopydb.step in access share mode");
        // When everything is done the record is dropped, and before a run that starts over.
        let running = impatient(clone(&pair)).args(arguments).spawn();
        assert_told(&running.wait_for_stderr("it is held by"), "target");
        locker.run("rollback");
        running.wait().assert_success();
        pair.assert_same();
    }
}

#[test]
fn what_was_read_is_not_kept_from_others() {
    let pair = Pair::shared();
    pair.source.sql(
        "create table first as select i, repeat('x', 200) as t from generate_series(1, 20000) i;
         create table second as select 1 as a",
    );
    for command in [&["dump", "schema"][..], &["restore", "pre-data"]] {
        pgcopydb(&pair).args(command).args(["--resume", "--not-consistent"]).run().assert_success();
    }
    let mut other = pair.source.session();
    other.run("begin; lock table second in access exclusive mode");
    let options = ["--resume", "--not-consistent", "--table-jobs", "2"];
    let running = pgcopydb(&pair)
        .args(["copy", "table-data", "--split-tables-larger-than", "1 MB"])
        .args(options)
        .spawn();
    pair.source.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock'
                           and application_name like 'pgcopydb%' and query ilike 'copy%second%')",
    );
    pair.target.wait_for("select count(*) = 20000 from first");
    // Who has what we wait for wants what we have read.
    other.run("set local lock_timeout = '20 s'; lock table first in access exclusive mode");
    other.run("commit");
    running.wait().assert_success();
    assert_eq!(pair.target.value("select sum(a) from second"), "1");
}
