//! SIGINT and SIGTERM: the program ends soon, leaves nobody at work, and can go on later.

use std::time::{Duration, Instant, SystemTime};

use pgcopydb_testkit::{Database, Pair, Proxy, Running, Signal};

use crate::support::clone;
use crate::support::onlookers::Onlookers;
use crate::support::slow::{GATE, SLOW, make_slow, set_slow};

/// The published limit.
const SOON: Duration = Duration::from_secs(2);

/// The exit code of a run that was asked to stop.
const STOPPED: i32 = 12;

/// Sends a signal, waits for the end, and checks that nobody of the run is left.
#[track_caller]
fn stop(pair: &Pair, mut running: Running, signal: Signal) {
    let mut onlookers = Onlookers::at(pair);
    let begun = Instant::now();
    running.signal(signal);
    let output = running.wait_timeout(SOON);
    let ended = SystemTime::now();
    let Some(output) = output else {
        let waited = begun.elapsed();
        panic!("still there after {waited:?}: {}", running.kill());
    };
    output.assert_code(STOPPED);
    output.assert_stderr_has("stopping: cancelling what runs on both servers");
    output.assert_stderr_has("stopped on request");
    onlookers.assert_nobody_left(ended);
}

/// Waits until a session of the program sleeps in a statement.
fn wait_for_sleep(database: &Database, statement: &str) {
    database.wait_for(&format!(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event = 'PgSleep'
                           and application_name like 'pgcopydb%' and query ilike '%{statement}%')"
    ));
}

/// Waits until a session of the program waits for a lock in a statement.
fn wait_for_lock(database: &Database, statement: &str) {
    database.wait_for(&format!(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock'
                           and application_name like 'pgcopydb%' and query ilike '%{statement}%')"
    ));
}

#[test]
fn in_the_middle_of_a_copy_and_of_an_index_build() {
    for (signal, table, statement) in [
        (Signal::INT, "create table t (a int check (slow(a) > 0), b int)", "copy public.t"),
        (Signal::TERM, "create table t (a int, b int)", "create index"),
    ] {
        let pair = Pair::shared();
        make_slow(&pair.source, SLOW);
        pair.source.sql(&format!(
            "{table};
             insert into t values (1, 1);
             create index slow_index on t (slow(b));
             create table other (a int primary key);
             insert into other select generate_series(1, 1000)"
        ));
        set_slow(&pair.target, "yes");
        let running = clone(&pair).arg("--skip-db-properties").spawn();
        wait_for_sleep(&pair.target, statement);
        stop(&pair, running, signal);

        set_slow(&pair.target, "no");
        let again =
            clone(&pair).args(["--resume", "--not-consistent", "--skip-db-properties"]).run();
        again.assert_success();
        again.assert_stderr_has("steps were done before");
        pair.assert_same();
    }
}

#[test]
fn when_all_steps_are_done_and_the_record_of_them_is_dropped() {
    let pair = Pair::shared();
    make_slow(&pair.source, GATE);
    pair.source.sql("create table t (a int check (slow(a) > 0)); insert into t values (1)");
    set_slow(&pair.target, "yes");
    let mut gate = pair.target.session();
    gate.run("select pg_advisory_lock(4711)");
    let running = clone(&pair).arg("--skip-db-properties").spawn();
    wait_for_lock(&pair.target, "copy public.t");
    let mut reader = pair.target.session();
    reader.run("begin; lock table pgcopydb.step in access share mode");
    gate.run("select pg_advisory_unlock(4711)");
    wait_for_lock(&pair.target, "drop table");
    stop(&pair, running, Signal::TERM);

    reader.run("commit");
    clone(&pair)
        .args(["--resume", "--not-consistent", "--skip-db-properties"])
        .run()
        .assert_success();
    pair.assert_same();
}

#[test]
fn when_the_network_has_lost_everything() {
    for side in ["--source", "--target"] {
        let pair = Pair::shared();
        make_slow(&pair.source, SLOW);
        pair.source.sql("create table t (a int check (slow(a) > 0)); insert into t values (1)");
        set_slow(&pair.target, "yes");
        let database = if side == "--source" { &pair.source } else { &pair.target };
        let network = Proxy::to(database.cluster());
        let mut running = clone(&pair).args([side, &network.uri(database)]).spawn();
        wait_for_sleep(&pair.target, "copy public.t");
        network.stall();
        running.signal(Signal::TERM);
        let output = running.wait_timeout(SOON).expect("an end within two seconds");
        output.assert_code(STOPPED);
    }
}

#[test]
fn while_pg_dump_is_at_work() {
    for signal in [Signal::INT, Signal::TERM, Signal::QUIT, Signal::HUP] {
        let pair = Pair::shared();
        pair.source.sql("create table t as select 1 as a");
        let mut session = pair.source.session();
        session.run("begin; lock table t in access exclusive mode");
        // Whoever runs the tests may have been told to take no notice of a hangup.
        let program = pair.program("env").arg("--default-signal=HUP");
        let running = program.args([env!("CARGO_BIN_EXE_pgcopydb"), "clone"]).spawn();
        pair.source.wait_for(
            "select exists (select from pg_stat_activity
                             where datname = current_database() and wait_event_type = 'Lock'
                               and application_name like 'pgcopydb% pg_dump')",
        );
        let pid = running.pid();
        stop(&pair, running, signal);
        let children = std::fs::read_dir("/proc").unwrap().flatten().filter(|entry| {
            let status = std::fs::read_to_string(entry.path().join("environ")).unwrap_or_default();
            let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
            name.trim() == "pg_dump" && status.contains(&*pair.directory().to_string_lossy())
        });
        assert_eq!(children.count(), 0, "pg_dump outlives process {pid}");
        session.run("rollback");
        clone(&pair).arg("--restart").run().assert_success();
        pair.assert_same();
    }
}

#[test]
fn a_closed_terminal_does_not_matter_to_who_was_started_for_that() {
    for script in ["trap '' HUP; exec \"$0\" \"$@\"", "exec nohup \"$0\" \"$@\" >&- 2>&-"] {
        let pair = Pair::shared();
        make_slow(&pair.source, GATE);
        pair.source.sql("create table t (a int check (slow(a) > 0)); insert into t values (1)");
        set_slow(&pair.target, "yes");
        let mut gate = pair.target.session();
        gate.run("select pg_advisory_lock(4711)");
        let shell = pair.program("/bin/sh").args(["-c", script, env!("CARGO_BIN_EXE_pgcopydb")]);
        let running = shell.args(["clone", "--skip-db-properties"]).spawn();
        wait_for_lock(&pair.target, "copy public.t");
        running.signal(Signal::HUP);
        gate.run("select pg_advisory_unlock(4711)");
        running.wait().assert_success();
        pair.assert_same();
    }
}

#[test]
fn before_the_servers_have_answered() {
    let pair = Pair::shared();
    pair.source.sql("create table t as select 1 as a");
    // Takes connections and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("postgres://postgres@{}/x", silent.local_addr().unwrap());
    for side in ["--source", "--target"] {
        let running = clone(&pair).args(["--restart", side, &uri]).spawn();
        let _peer = silent.accept().unwrap();
        stop(&pair, running, Signal::INT);
    }
}

#[test]
fn a_second_signal_does_not_wait() {
    let pair = Pair::shared();
    make_slow(&pair.source, SLOW);
    pair.source.sql("create table t (a int check (slow(a) > 0)); insert into t values (1)");
    set_slow(&pair.target, "yes");
    let mut running = clone(&pair).spawn();
    wait_for_sleep(&pair.target, "copy public.t");
    running.signal(Signal::INT);
    running.signal(Signal::TERM);
    let output = running.wait_timeout(Duration::from_secs(1)).expect("an end at once");
    output.assert_code(STOPPED);
    pair.target.wait_for(
        "select not exists (select from pg_stat_activity
                             where datname = current_database()
                               and application_name like 'pgcopydb%')",
    );
}
