//! Networks that carry nothing any more and close nothing, and connections that die while
//! `pg_dump` is at work: nobody waits for ever, and the copy is whole.

use pgcopydb_testkit::{Database, Output, Pair, Program, Proxy, Running, Session};

use super::lost::{snapshot, through};
use super::workload::many_steps;

/// Makes what takes half a minute elsewhere take moments.
fn impatient(program: Program) -> Program {
    program.env("PGCOPYDB_FAULT_SILENCE_MS", "400").env("PGCOPYDB_FAULT_LOOK_MS", "800")
}

#[track_caller]
fn assert_whole(pair: &Pair, output: &Output) {
    output.assert_success();
    pair.same().ignoring("no statistics of \"public.settings\"").assert();
}

/// A clone through networks that is copying a table, slowly, whose snapshot somebody else holds.
fn copying(pair: &Pair, source: &Proxy, target: &Proxy) -> (Session, Running) {
    many_steps(pair);
    pair.source.sql("create table app.slow as select generate_series(1, 40) as a");
    let filters = pair.directory().join("slow.ini");
    let slowly = "[table-where]\napp.slow = pg_catalog.pg_sleep(0.05) is not null\n";
    std::fs::write(&filters, slowly).unwrap();
    let (holder, id) = snapshot(&pair.source);
    let running = impatient(through(pair, source, target))
        .args(["--snapshot", &id, "--filters"])
        .arg(&filters)
        .spawn();
    pair.source.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and state = 'active'
                           and query like 'copy%pg_sleep%')",
    );
    (holder, running)
}

#[test]
fn connections_that_a_firewall_has_forgotten() {
    for side in ["source", "target"] {
        let pair = Pair::shared();
        let source = Proxy::to(pair.source.cluster());
        let target = Proxy::to(pair.target.cluster());
        let (_holder, running) = copying(&pair, &source, &target);
        match side {
            "source" => source.forget(),
            _ => target.forget(),
        }
        running.wait_for_stderr("the network has gone silent");
        assert_whole(&pair, &running.wait());
    }
}

#[test]
fn a_network_that_is_silent_for_a_while() {
    let pair = Pair::shared();
    let source = Proxy::to(pair.source.cluster());
    let target = Proxy::to(pair.target.cluster());
    let (_holder, running) = copying(&pair, &source, &target);
    source.stall();
    target.stall();
    running.wait_for_stderr("the network has gone silent");
    source.heal();
    target.heal();
    assert_whole(&pair, &running.wait());
}

/// Starts a clone and stops it where `pg_dump` waits for a lock.
fn while_pg_dump_waits(program: &Program, source: &Database) -> (Session, Running) {
    let mut session = source.session();
    session.run("begin; lock table app.medium in access exclusive mode");
    let running = program.spawn();
    source.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock'
                           and application_name like 'pgcopydb% pg_dump')",
    );
    (session, running)
}

#[test]
fn a_network_that_goes_silent_on_pg_dump() {
    let pair = Pair::shared();
    many_steps(&pair);
    let source = Proxy::to(pair.source.cluster());
    let target = Proxy::to(pair.target.cluster());
    let program = impatient(through(&pair, &source, &target));
    let (mut locker, running) = while_pg_dump_waits(&program, &pair.source);
    source.forget();
    locker.run("rollback");
    let line = running.wait_for_stderr("trying to prepare the copy again");
    assert!(line.contains("the network has gone silent"), "{line}");
    assert_whole(&pair, &running.wait());
}

#[test]
fn a_session_of_pg_dump_that_is_ended() {
    let pair = Pair::shared();
    many_steps(&pair);
    let program = super::workload::clone(&pair);
    let (mut locker, running) = while_pg_dump_waits(&program, &pair.source);
    pair.source.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity
          where datname = current_database() and application_name like 'pgcopydb% pg_dump'",
    );
    running.wait_for_stderr("trying to prepare the copy again");
    locker.run("rollback");
    let output = running.wait();
    output.assert_stderr_has("terminating connection due to administrator command");
    assert_whole(&pair, &output);
}

#[test]
fn a_network_that_cuts_pg_dump_off() {
    let pair = Pair::shared();
    many_steps(&pair);
    let (_holder, id) = snapshot(&pair.source);
    let source = Proxy::to(pair.source.cluster());
    let target = Proxy::to(pair.target.cluster());
    let program = through(&pair, &source, &target).args(["--snapshot", &id]);
    let (mut locker, running) = while_pg_dump_waits(&program, &pair.source);
    source.cut();
    target.cut();
    running.wait_for_stderr("trying to prepare the copy again");
    locker.run("rollback");
    assert_whole(&pair, &running.wait());
}
