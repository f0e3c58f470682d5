//! Connections that die while a clone runs: it goes on, and the copy is whole.

use std::time::Duration;

use pgcopydb_testkit::{Database, Pair, Program, Proxy, Session};

use super::workload::{clone, many_steps};

/// Holds a snapshot, as a user's psql would.
pub fn snapshot(database: &Database) -> (Session, String) {
    let mut session = database.session();
    session.run("begin transaction isolation level repeatable read, read only");
    let id = session.run("select pg_export_snapshot()");
    (session, id)
}

/// The clone of a pair through networks.
pub fn through(pair: &Pair, source: &Proxy, target: &Proxy) -> Program {
    clone(pair)
        .env("PGCOPYDB_SOURCE_PGURI", source.uri(&pair.source))
        .env("PGCOPYDB_TARGET_PGURI", target.uri(&pair.target))
}

fn assert_same(pair: &Pair) {
    pair.same().ignoring("no statistics of \"public.settings\"").assert();
}

#[test]
fn workers_whose_sessions_are_ended_go_on() {
    let pair = Pair::shared();
    many_steps(&pair);
    let (_holder, id) = snapshot(&pair.source);
    let mut running = clone(&pair).args(["--snapshot", &id]).spawn();
    let name = format!("pgcopydb[{}]%", running.pid());
    let end = format!(
        "select count(pg_terminate_backend(pid)) > 0 from pg_stat_activity
          where application_name like '{name}' and pid <> pg_backend_pid()"
    );
    pair.target.wait_for("select count(*) > 1 from pgcopydb.step");
    let mut ended = 0;
    while running.is_running() && ended < 6 {
        for side in [&pair.source, &pair.target] {
            ended += u32::from(side.value(&end) == "t");
        }
    }
    let output = running.wait();
    output.assert_success();
    assert!(ended > 0, "nothing was ended: {output}");
    assert_same(&pair);
}

#[test]
fn a_network_that_cuts_connections_is_survived() {
    for seed in [1, 2] {
        let pair = Pair::shared();
        many_steps(&pair);
        let (_holder, id) = snapshot(&pair.source);
        let source = Proxy::to(pair.source.cluster());
        let target = Proxy::to(pair.target.cluster());
        let program = through(&pair, &source, &target).args(["--snapshot", &id]);
        let mut running = program.spawn();
        pair.target.wait_for("select count(*) > 0 from pgcopydb.step");
        source.cut();
        target.cut();
        source.cut_every(Duration::from_millis(1100), seed);
        target.cut_every(Duration::from_millis(1500), seed + 100);
        // A machine that needs longer between two cuts must come to an end as well.
        while running.is_running() && source.cuts_made() + target.cuts_made() < 12 {
            std::thread::sleep(Duration::from_millis(50));
        }
        source.heal();
        target.heal();
        let output = running.wait();
        assert_eq!(output.code(), Some(0), "seed {seed}: {output}");
        assert!(source.cuts_made() + target.cuts_made() > 0, "nothing was cut: {output}");
        assert_same(&pair);
    }
}

#[test]
fn a_target_that_is_restarted_is_survived() {
    let pair = Pair::start();
    many_steps(&pair);
    let running = clone(&pair).spawn();
    running.wait_for_stderr("exported snapshot");
    pair.target.wait_for("select count(*) > 20 from pgcopydb.step");
    pair.target.cluster().restart();
    running.wait().assert_success();
    assert_same(&pair);
}

#[test]
fn a_target_that_crashes_is_survived() {
    let pair = Pair::start();
    many_steps(&pair);
    let running = clone(&pair).spawn();
    running.wait_for_stderr("exported snapshot");
    pair.target.wait_for("select count(*) > 20 from pgcopydb.step");
    pair.target.cluster().kill();
    pair.target.cluster().restart();
    running.wait().assert_success();
    assert_same(&pair);
}
