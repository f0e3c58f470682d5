//! A run that dies while it makes a slot leaves nothing that stays.

use pgcopydb::fault::FOLLOW_POINTS;

use super::Followed;

const SCHEMA: &str = "create table t (id int primary key); insert into t values (1), (2)";

fn killed(point: &str) -> Followed {
    let followed = Followed::new(SCHEMA);
    let killed = followed.program("clone --follow").env("PGCOPYDB_FAULT", point).run();
    assert_eq!(killed.signal(), Some(9), "{point}: {killed}");
    followed
}

/// Slots, publications and origins.
fn left(followed: &Followed) -> String {
    let on_source = "select (select count(*) from pg_publication) || ' ' ||
                       (select count(*) from pg_replication_slots
                         where database = current_database())";
    let name = followed.pair.source.name();
    let on_target = format!("select count(*) from pg_replication_origin where roname = '{name}'");
    let on_source = followed.pair.source.value(on_source);
    format!("{on_source} {}", followed.pair.target.value(&on_target))
}

#[test]
fn the_next_run_removes_what_one_left_that_died_while_it_made_a_slot() {
    for (number, point) in FOLLOW_POINTS.iter().enumerate() {
        let followed = killed(point);
        followed.pair.source.sql("insert into t values (3)");
        let again = ["clone --follow --resume", "clone --follow --restart"][number % 2];
        let running = followed.program(again).spawn();
        running.wait_for_stderr("applying changes after");
        followed.pair.source.sql("insert into t values (4)");
        followed.end(running).assert_success();
        followed.assert_same();
        assert_eq!(left(&followed), "0 0 0", "{point}");
    }
}

#[test]
fn cleanup_removes_what_a_run_left_that_died_while_it_made_a_slot() {
    for point in FOLLOW_POINTS {
        let followed = killed(point);
        followed.program("stream cleanup").run().assert_success();
        assert_eq!(left(&followed), "0 0 0", "{point}");
    }
}

#[test]
fn a_slot_that_is_still_being_made_is_removed_with_its_session() {
    let followed = Followed::new(SCHEMA);
    // A slot has to wait for transactions that were there before.
    let mut session = followed.pair.source.session();
    session.run("begin; insert into t values (10)");
    let running = followed.program("clone --follow").spawn();
    let slot = followed.pair.source.name();
    followed.pair.source.wait_for(&format!(
        "select count(*) = 1 from pg_replication_slots where slot_name = '{slot}'"
    ));
    running.kill();
    followed.program("stream cleanup").run().assert_success();
    assert_eq!(left(&followed), "0 0 0");
    session.run("commit");
    let running = followed.program("clone --follow --restart").spawn();
    running.wait_for_stderr("applying changes after");
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn a_publication_of_somebody_else_is_left_alone() {
    let followed = Followed::new(SCHEMA);
    let name = followed.pair.source.name();
    followed.pair.source.sql(&format!("create publication {name} for table t"));
    followed.program("clone --follow").run().assert_code(3).assert_stderr_has("exists already");
    let running = followed.program("clone --follow --restart").args(["--publication", name]);
    let running = running.spawn();
    running.wait_for_stderr("applying changes after");
    followed.end(running).assert_success();
    followed.program("stream cleanup").run().assert_success();
    assert_eq!(followed.pair.source.value("select count(*) from pg_publication"), "1");
}
