//! The network between program and server fails as it is told.

use std::time::{Duration, Instant};

use pgcopydb_testkit::{Pair, Program, Proxy};

fn psql(pair: &Pair, proxy: &Proxy, query: &str) -> Program {
    let path = pair.source.cluster().version().program("psql");
    Program::new(path).args(["-XAtqc", query, "-d", &proxy.uri(&pair.source)])
}

/// So many bytes that a cut falls into them.
const LONG: &str = "select repeat('x', 1000) from generate_series(1, 20000)";

#[test]
fn connections_are_carried_cut_and_refused() {
    let pair = Pair::shared();
    let proxy = Proxy::to(pair.source.cluster());
    let output = psql(&pair, &proxy, LONG).run();
    assert_eq!(output.assert_success().stdout.len(), 20_000 * 1001);
    assert_eq!(proxy.connections_made(), 1);

    let sleeping = psql(&pair, &proxy, "select pg_sleep(60)").spawn();
    pair.source
        .wait_for("select count(*) = 1 from pg_stat_activity where query ~ '^select pg_sleep'");
    assert_eq!(proxy.connections(), 1);
    proxy.cut();
    sleeping.wait().assert_code(2).assert_stderr_has("closed the connection");
    assert_eq!((proxy.connections(), proxy.cuts_made()), (0, 1));

    proxy.refuse();
    psql(&pair, &proxy, "select 1").run().assert_code(2);
    proxy.heal();
    psql(&pair, &proxy, "select 1").run().assert_success();
}

#[test]
fn a_connection_is_cut_after_so_many_bytes() {
    let pair = Pair::shared();
    let proxy = Proxy::to(pair.source.cluster());
    proxy.cut_after(5_000_000);
    psql(&pair, &proxy, LONG).run().assert_code(2);
    assert_eq!(proxy.cuts_made(), 1);
    psql(&pair, &proxy, LONG).run().assert_success();
}

#[test]
fn connections_are_cut_when_a_certain_one_is_made() {
    let pair = Pair::shared();
    let proxy = Proxy::to(pair.source.cluster());
    proxy.cut_at(2);
    let mut first = psql(&pair, &proxy, "select pg_sleep(60)").spawn();
    while proxy.connections_made() == 0 {
        assert!(first.is_running());
    }
    psql(&pair, &proxy, "select 1").run().assert_code(2);
    first.wait().assert_code(2);
    psql(&pair, &proxy, "select 1").run().assert_success();
    assert_eq!(proxy.cuts_made(), 1);
}

#[test]
fn a_stalled_connection_goes_on_when_the_network_is_healed() {
    let pair = Pair::shared();
    let proxy = Proxy::to(pair.source.cluster());
    proxy.stall();
    let mut running = psql(&pair, &proxy, "select 'done'").spawn();
    assert!(running.wait_timeout(Duration::from_millis(300)).is_none());
    proxy.heal();
    running.wait().assert_success().assert_stdout_has("done");
}

#[test]
fn connections_are_cut_again_and_again() {
    let pair = Pair::shared();
    let proxy = Proxy::to(pair.source.cluster());
    proxy.cut_every(Duration::from_millis(50), 42);
    let begun = Instant::now();
    while proxy.cuts_made() < 3 {
        psql(&pair, &proxy, "select pg_sleep(60)").run().assert_code(2);
        assert!(begun.elapsed() < Duration::from_secs(60));
    }
    proxy.heal();
    psql(&pair, &proxy, "select pg_sleep(0.3)").run().assert_success();
}
