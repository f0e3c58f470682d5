//! Sessions on both servers while a run is at work.

use pgcopydb_testkit::Pair;

use crate::support::clone;
use crate::support::slow::hold_up_index;

#[test]
fn sessions_end_as_soon_as_nothing_is_left_for_them() {
    let pair = Pair::shared();
    let mut gate = hold_up_index(&pair);
    let running = clone(&pair).arg("--skip-db-properties").spawn();
    // The index is being built: the tables are made, and their rows are there.
    pair.target.wait_for(
        "select count(*) filter (where application_name ~ ' index \\d+$'
                                   and wait_event_type = 'Lock') = 1
                and count(*) filter (where application_name ~ ' (restore|copy) \\d+$') = 0
           from pg_stat_activity
          where application_name like 'pgcopydb%' and datname = current_database()",
    );
    pair.source.wait_for(
        "select count(*) = 0 from pg_stat_activity
          where application_name ~ '^pgcopydb.* copy \\d+$' and datname = current_database()",
    );
    gate.run("select pg_advisory_unlock(4711)");
    running.wait().assert_success();
    pair.assert_same();
}

#[test]
fn the_wal_writer_of_the_target_is_woken() {
    let pair = Pair::shared();
    pair.source.sql("create table t as select i from generate_series(1, 10000) i");
    let slot = pair.target.name();
    pair.target
        .sql(&format!("select pg_create_logical_replication_slot('{slot}', 'test_decoding')"));
    clone(&pair).run().assert_success();
    let messages = pair.target.value(&format!(
        "select count(*) from pg_logical_slot_peek_changes('{slot}', null, null)
          where data like 'message: transactional: 0 prefix: pgcopydb,%'"
    ));
    pair.target.sql(&format!("select pg_drop_replication_slot('{slot}')"));
    assert_ne!(messages, "0");
    pair.assert_same();
}

#[test]
fn a_role_that_may_not_wake_the_wal_writer_copies_all_the_same() {
    let pair = Pair::shared();
    pair.source.sql("create table t as select i from generate_series(1, 10000) i");
    let (database, role) = (pair.target.name(), format!("quiet_{}", pair.target.name()));
    pair.target.sql(&format!(
        "create role {role} login; grant all on database {database} to {role};
         alter schema public owner to {role};
         revoke execute on function pg_logical_emit_message(boolean, text, text) from public"
    ));
    let uri = pair.target.uri().replace("postgres@", &format!("{role}@"));
    let options = ["--no-owner", "--no-acl", "--skip-db-properties", "--debug"];
    let output = clone(&pair).args(options).args(["--target", &uri]).run();
    output.assert_success().assert_stderr_has("could not wake the WAL writer");
    assert_eq!(pair.target.value("select count(*) from t"), "10000");
}
