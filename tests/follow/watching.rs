//! What can be seen from outside while the source is followed.

use std::time::{Duration, Instant};

use pgcopydb_testkit::{Cluster, Pair};
use serde_json::Value;

use super::Followed;
use crate::support::pgcopydb;

/// What a command prints as JSON.
fn document(followed: &Followed, line: &str) -> Value {
    let output = pgcopydb(&followed.pair).args(line.split_whitespace()).run();
    output.assert_success();
    serde_json::from_str(&output.stdout).expect("a document")
}

/// Asks again and again until the answer is right.
fn wait_for(followed: &Followed, what: &str, is_right: impl Fn(&Value) -> bool) -> Value {
    let deadline = Instant::now() + Duration::from_secs(90);
    loop {
        let shown = document(followed, "stream sentinel get --json");
        if is_right(&shown) {
            return shown;
        }
        assert!(Instant::now() < deadline, "never {what}: {shown:#}");
    }
}

fn words<'a>(shown: &'a Value, name: &str) -> &'a str {
    shown[name].as_str().unwrap_or_default()
}

#[test]
fn a_target_that_waits_for_somebody_is_told() {
    let followed = Followed::new("create table t (id int primary key)");
    let program = followed.program("clone --follow").env("PGCOPYDB_FAULT_STALL_MS", "3000");
    let running = program.env("PGCOPYDB_FAULT_TELL_MS", "4000").spawn();
    running.wait_for_stderr("applying changes after");
    wait_for(&followed, "idle", |shown| {
        shown["lag_seconds"] == 0 && shown["apply_waits"].is_null() && shown["last_error"].is_null()
    });
    let mut session = followed.pair.target.session();
    session.run("set application_name = 'in the way'; begin; lock table t");
    followed.pair.source.sql("insert into t values (1)");
    running.wait_for_stderr("waits for a lock of session");
    running.wait_for_stderr("to apply; applying waits for session");
    let behind = wait_for(&followed, "behind", |shown| shown["lag_seconds"].as_u64() > Some(2));
    let waits = words(&behind, "apply_waits");
    assert!(waits.contains("of the target, which waits for a lock of session"), "{behind:#}");
    assert!(behind["lag_bytes"].as_u64() > Some(0), "{behind:#}");
    let progress = document(&followed, "list progress --json");
    assert_eq!(progress["follow"]["apply_waits"], behind["apply_waits"], "{progress:#}");
    assert_eq!(progress["tables"]["done"], 1);
    session.run("rollback");
    wait_for(&followed, "done", |shown| {
        shown["lag_seconds"] == 0 && shown["apply_waits"].is_null()
    });
    let output = followed.end(running);
    output.assert_success().assert_stderr_has("(in the way: ");
    followed.assert_same();
}

#[test]
fn rates_errors_and_positions_are_shown_while_it_runs_and_afterwards() {
    let followed = Followed::new("create table t (id int primary key, v text)");
    let running = followed.cloned();
    for part in 0..4 {
        let rows = format!("generate_series({part}0001, {part}9999)");
        followed.pair.source.sql(&format!("insert into t select g, md5(g::text) from {rows} g"));
    }
    wait_for(&followed, "at work", |shown| {
        shown["receive_rate"].as_u64() > Some(0) && shown["apply_rate"].as_u64() > Some(0)
    });
    wait_for(&followed, "idle", |shown| shown["lag_bytes"] == 0 && shown["lag_seconds"] == 0);
    let slot = followed.pair.source.name();
    followed.pair.source.sql(&format!(
        "select pg_terminate_backend(active_pid) from pg_replication_slots where slot_name = '{slot}'"
    ));
    let failed = wait_for(&followed, "cut off", |shown| !shown["last_error"].is_null());
    assert!(words(&failed, "last_error").contains("could not receive changes"), "{failed:#}");
    assert!(words(&failed, "last_error_at").starts_with("20"), "{failed:#}");
    followed.end(running).assert_success();
    let ended = document(&followed, "stream sentinel get --json");
    assert_eq!(ended["last_error"], failed["last_error"]);
    assert_eq!((&ended["receive_rate"], &ended["apply_rate"]), (&0.into(), &0.into()));
    let text = pgcopydb(&followed.pair).args(["stream", "sentinel", "get"]).run().stdout;
    let names: Vec<&str> = text.lines().filter_map(|line| line.split(' ').next()).collect();
    let published = ["startpos", "endpos", "apply", "write_lsn", "flush_lsn", "replay_lsn"];
    assert_eq!(names[..6], published, "{text}");
    assert_eq!(names[6..9], ["source_lsn", "lag_bytes", "lag_seconds"], "{text}");
    followed.assert_same();
}

#[test]
fn a_source_that_is_about_to_give_up_its_log_is_told_and_then_named() {
    let source = Cluster::builder().setting("wal_level", "logical");
    let source = source.setting("max_slot_wal_keep_size", "64MB").setting("max_wal_size", "32MB");
    let followed = Followed::on(
        Pair::built(source, Cluster::builder()),
        "create table t (id int primary key)",
    );
    followed.program("stream setup").run().assert_success();
    let source = &followed.pair.source;
    let switch = "select pg_logical_emit_message(false, '', ''); select pg_switch_wal();";
    // It keeps four files of 16 MB and the one that is written to; of that half is used up.
    source.sql(&switch.repeat(4));
    source.sql("select pg_logical_emit_message(false, '', repeat('x', 1000000)) from generate_series(1, 8)");
    let running = followed.program("stream receive").spawn();
    let line = running.wait_for_stderr("max_slot_wal_keep_size");
    assert!(line.contains(" MB of its log") && line.contains(" MB more"), "{line}");
    running.kill();
    source.wait_for("select not active from pg_replication_slots");
    source.sql(&switch.repeat(4));
    source.sql("checkpoint");
    source.wait_for("select wal_status = 'lost' from pg_replication_slots");
    let output = followed.program("stream receive").run();
    output
        .assert_code(6)
        .assert_stderr_has("the source has given up its log for the replication slot");
    output.assert_stderr_has("--restart");
}

#[test]
fn a_refused_change_is_the_last_error() {
    let followed = Followed::new("create table t (id int primary key)");
    let running = followed.cloned();
    followed.pair.target.sql("insert into t values (1)");
    followed.pair.source.sql("insert into t values (1)");
    running.wait().assert_code(7);
    let shown = document(&followed, "stream sentinel get --json");
    let error = words(&shown, "last_error");
    assert!(error.contains("could not apply the change of public.t at"), "{shown:#}");
    followed.program("stream cleanup").run().assert_success();
}
