//! Connections that are lost before the first step: the run begins again, and the copy is whole.

use pgcopydb_testkit::{Pair, Program, Proxy, Signal};

use super::lost::{snapshot, through};
use crate::follow::Followed;
use crate::support::{clone, pgcopydb};

const AGAIN: &str = "trying to begin again";

fn small() -> (Pair, [Proxy; 2]) {
    let pair = Pair::shared();
    pair.source.sql(
        "create table t (a int primary key); insert into t select generate_series(1, 100);
         create index on t ((a + 1)); select lo_from_bytea(4711, 'x')",
    );
    let networks = [Proxy::to(pair.source.cluster()), Proxy::to(pair.target.cluster())];
    (pair, networks)
}

/// A clone of which the connections to one side are cut when one of them is made.
fn cut_at(side: usize, connection: u64) -> (Pair, [Proxy; 2], Program) {
    let (pair, networks) = small();
    networks[side].cut_at(connection);
    let program = through(&pair, &networks[0], &networks[1]);
    (pair, networks, program)
}

#[test]
fn it_begins_again_as_long_as_nothing_was_copied() {
    for (side, connection, words) in [
        // Before there is a snapshot.
        (0, 2, AGAIN),
        // When the source is looked at, and when pg_dump begins: the snapshot goes as well.
        (0, 3, "beginning again in another"),
        (0, 4, "beginning again in another"),
        (1, 2, AGAIN),
    ] {
        let (pair, networks, program) = cut_at(side, connection);
        let output = program.run();
        output.assert_success();
        output.assert_stderr_has(words);
        assert_eq!(networks[side].cuts_made(), 1);
        pair.assert_same();
    }
}

#[test]
fn it_begins_again_wherever_it_is_cut() {
    let mut begun_again = 0;
    for (side, places) in [[2_500, 4_500, 9_000], [2_500, 6_000, 14_000]].iter().enumerate() {
        for bytes in places {
            let (pair, networks) = small();
            networks[side].cut_after(*bytes);
            let output = through(&pair, &networks[0], &networks[1]).run();
            // Of a run that has copied rows, or the schema, the snapshot is lost for good.
            if !output.stderr.contains("steps are done and stay done") {
                output.assert_success();
                pair.assert_same();
            }
            assert_eq!(networks[side].cuts_made(), 1, "{output}");
            begun_again += u32::from(output.stderr.contains(AGAIN));
        }
    }
    assert!(begun_again > 1, "begun again only {begun_again} times");
}

#[test]
fn the_snapshot_of_somebody_else_is_kept() {
    for is_named in [true, false] {
        let (pair, networks, mut program) = cut_at(0, 2);
        let session = is_named.then(|| snapshot(&pair.source));
        let service = (!is_named).then(|| pgcopydb(&pair).arg("snapshot").spawn());
        if let Some((_, id)) = &session {
            program = program.args(["--snapshot", id]);
        }
        if let Some(service) = &service {
            service.wait_for_stdout("-");
        }
        pair.source.sql("insert into t values (-1)");
        let output = program.run();
        output.assert_success();
        output.assert_stderr_has(AGAIN);
        assert!(!output.stderr.contains("new snapshot"), "{output}");
        assert_eq!(networks[0].cuts_made(), 1);
        assert_eq!(pair.target.value("select count(*) from t"), "100");
        if let Some(service) = service {
            service.signal(Signal::TERM);
            service.wait();
        }
    }
}

#[test]
fn a_slot_is_made_again() {
    // When the slot is made, and when its snapshot is taken over.
    for connection in [3, 4] {
        let followed =
            Followed::new("create table t (a int primary key); insert into t values (1)");
        let pair = &followed.pair;
        let network = Proxy::to(pair.source.cluster());
        network.cut_at(connection);
        let program = followed.program("clone --follow");
        let running = program.env("PGCOPYDB_SOURCE_PGURI", network.uri(&pair.source)).spawn();
        running.wait_for_stderr(AGAIN);
        running.wait_for_stderr("applying changes after");
        pair.source.sql("insert into t values (2)");
        assert_eq!(network.cuts_made(), 1);
        followed.end(running).assert_success();
        followed.assert_same();
    }
}

#[test]
fn a_server_that_was_never_reached_is_told_at_once() {
    for (side, code) in [(0, 6), (1, 7)] {
        let (_pair, _networks, program) = cut_at(side, 1);
        let output = program.run();
        output.assert_code(code);
        assert!(!output.stderr.contains(AGAIN), "{output}");
    }
}

#[test]
fn other_errors_are_told_at_once() {
    let (pair, _networks) = small();
    let uri = pair.source.uri().replace("postgres@", "nobody_of_that_name@");
    let output = clone(&pair).args(["--source", &uri]).run();
    output.assert_code(6);
    assert!(!output.stderr.contains("trying"), "{output}");
}

#[test]
fn the_wait_for_another_try_can_be_stopped() {
    let (pair, networks) = small();
    networks[0].cut_after(2_500);
    let running = through(&pair, &networks[0], &networks[1]).spawn();
    running.wait_for_stderr(AGAIN);
    networks[0].refuse();
    running.signal(Signal::TERM);
    let mut running = running;
    let output = running.wait_timeout(std::time::Duration::from_secs(2)).expect("an end");
    output.assert_code(12);
    output.assert_stderr_has("stopped on request");
}

#[test]
fn a_schema_is_dumped_again() {
    let (pair, networks) = small();
    networks[0].cut_at(2);
    let uri = networks[0].uri(&pair.source);
    let output = pgcopydb(&pair).args(["dump", "schema", "--source", &uri]).run();
    output.assert_success();
    output.assert_stderr_has(AGAIN);
}
