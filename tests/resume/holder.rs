//! The session that holds the snapshot dies: nothing more is begun that reads rows, the rest is
//! finished, and the user is told what is left and how to go on.

use pgcopydb_testkit::{Pair, Running, Session};

use crate::support::clone;

/// Waits, in a database that says so, for as long as somebody holds an advisory lock.
const GATE: &str = "
    create function gate(int) returns int language plpgsql immutable as $$
    begin
      if current_setting('test.gate', true) = 'shut' then
        perform pg_advisory_xact_lock_shared(4711);
      end if;
      return $1;
    end $$;";

/// A pair whose target makes whoever calls the gate wait for the session.
fn gated(sql: &str) -> (Pair, Session) {
    let pair = Pair::shared();
    pair.source.sql(GATE);
    pair.source.sql(sql);
    pair.target.sql(&format!("alter database {} set test.gate = 'shut'", pair.target.name()));
    let mut session = pair.target.session();
    session.run("select pg_advisory_lock(4711)");
    (pair, session)
}

/// Waits until a session of the program stands at the gate, and ends the holder of the snapshot.
fn lose_holder(pair: &Pair, running: &Running) {
    pair.target.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event = 'advisory'
                           and application_name like 'pgcopydb%')",
    );
    let name = format!("pgcopydb[{}] snapshot", running.pid());
    let ended = pair.source.value(&format!(
        "select count(pg_terminate_backend(pid)) from pg_stat_activity
          where application_name = '{name}'"
    ));
    assert_eq!(ended, "1");
}

#[test]
fn rows_that_cannot_be_read_any_more_are_counted() {
    let (pair, mut session) = gated(
        "create table first (a int primary key check (gate(a) > 0), b int);
         insert into first select i, i from generate_series(1, 50000) i;
         create index first_b on first (b);
         create table second as select i as a from generate_series(1, 9) i;
         alter table second add primary key (a);
         create table third (a int references second);
         insert into third values (1);",
    );
    let running = clone(&pair).args(["--table-jobs", "1", "--skip-db-properties"]).spawn();
    lose_holder(&pair, &running);
    running.wait_for_stderr("no more rows can be read; finishing what needs none");
    session.run("select pg_advisory_unlock(4711)");
    let output = running.wait();
    output.assert_code(6);
    output.assert_stderr_has("lost the session that holds the snapshot on the source");
    output.assert_stderr_has("steps are done and stay done");
    output.assert_stderr_has("among them the rows of 2 tables");
    output.assert_stderr_has("--resume --not-consistent: only what is left is done");
    // What was being copied was copied to the end, and what needs no other rows was done.
    assert_eq!(pair.target.value("select count(*) from first"), "50000");
    assert_eq!(pair.target.value("select to_regclass('first_b') is not null"), "t");
    assert_eq!(pair.target.value("select count(*) from second"), "0");

    let output = clone(&pair).args(["--resume", "--not-consistent", "--skip-db-properties"]).run();
    output.assert_success();
    output.assert_stderr_has("steps were done before");
    pair.assert_same();
}

#[test]
fn nobody_misses_it_when_all_rows_are_there() {
    let (pair, mut session) = gated(
        "create table t (a int primary key, b int);
         insert into t select i, i from generate_series(1, 100) i;
         create index slow on t (gate(b));",
    );
    let running = clone(&pair).arg("--skip-db-properties").spawn();
    lose_holder(&pair, &running);
    running.wait_for_stderr("no more rows can be read; finishing what needs none");
    session.run("select pg_advisory_unlock(4711)");
    let output = running.wait();
    output.assert_success();
    pair.assert_same();
}
