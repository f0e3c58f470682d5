//! Where following ends.

use pgcopydb_testkit::{Cluster, Pair};

use super::Followed;
use crate::support::{clone, pgcopydb};

fn current(followed: &Followed) -> String {
    followed.pair.source.value("select pg_current_wal_insert_lsn()")
}

#[test]
fn an_idle_source_ends_at_once() {
    let followed = Followed::on(Pair::start(), "create table t (id int primary key)");
    let running = followed.cloned();
    followed.pair.source.sql("insert into t values (1)");
    let begun = std::time::Instant::now();
    followed.end(running).assert_success();
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
    followed.assert_same();
}

#[test]
fn a_transaction_is_applied_whole_or_not_at_all() {
    let followed = Followed::new("create table t (id int primary key)");
    let running = followed.cloned();
    followed.pair.source.sql("insert into t values (1)");
    let mut session = followed.pair.source.session();
    session.run("begin; insert into t select generate_series(2, 500)");
    let middle = current(&followed);
    session.run("insert into t select generate_series(501, 1000); commit");
    followed.pair.source.sql("insert into t values (2000)");
    let set = pgcopydb(&followed.pair).args(["stream", "sentinel", "set", "endpos", &middle]);
    set.run().assert_success();
    // What is applied already may lie beyond an end position that comes later.
    running.wait().assert_success();
    let count = followed.pair.target.value("select count(*) from t");
    assert!(["1", "1000", "1001"].contains(&&*count), "{count}");
    // Whatever it was, going on completes it.
    let end = current(&followed);
    followed.program("follow --resume").arg("--endpos").arg(&end).run().assert_success();
    followed.assert_same();
}

#[test]
fn an_end_position_in_the_middle_of_a_transaction_leaves_it_out() {
    let followed = Followed::new("create table t (id int primary key)");
    followed.program("stream setup").run().assert_success();
    let set_apply = pgcopydb(&followed.pair).args(["stream", "sentinel", "set", "apply"]);
    set_apply.run().assert_success();
    followed.pair.target.sql("create table t (id int primary key)");
    followed.pair.source.sql("insert into t values (1)");
    let after_first = current(&followed);
    let mut session = followed.pair.source.session();
    session.run("begin; insert into t select generate_series(2, 500)");
    let middle = current(&followed);
    session.run("insert into t select generate_series(501, 1000); commit");
    followed.pair.source.sql("insert into t values (2000)");
    for (endpos, wanted) in [(&after_first, "1"), (&middle, "1")] {
        followed.program("stream replay").arg("--endpos").arg(endpos).run().assert_success();
        assert_eq!(followed.pair.target.value("select count(*) from t"), wanted, "{endpos}");
    }
    let end = current(&followed);
    followed.program("stream replay").arg("--endpos").arg(&end).run().assert_success();
    assert_eq!(followed.pair.target.value("select count(*) from t"), "1001");
    // In the past: nothing is left to do.
    followed.program("stream replay").arg("--endpos").arg(&middle).run().assert_success();
    assert_eq!(followed.pair.target.value("select count(*) from t"), "1001");
}

#[test]
fn receiving_and_applying_one_after_the_other() {
    let followed = Followed::new("create table t (id int primary key)");
    followed.program("stream setup").run().assert_success();
    followed.pair.target.sql("create table t (id int primary key)");
    followed.pair.source.sql("insert into t select generate_series(1, 100)");
    let first = current(&followed);
    followed.pair.source.sql("insert into t values (200)");
    let second = current(&followed);
    followed.program("stream prefetch").arg("--endpos").arg(&first).run().assert_success();
    let sentinel = |words: &str| {
        let words = words.split_whitespace();
        let output = pgcopydb(&followed.pair).args(["stream", "sentinel"]).args(words).run();
        output.assert_success();
        output.stdout.trim().to_owned()
    };
    assert_eq!(sentinel("get --apply"), "disabled");
    assert_eq!(sentinel("get --endpos"), first);
    assert_eq!(followed.pair.target.value("select count(*) from t"), "0");
    sentinel("set apply");
    followed.program("stream catchup").run().assert_success();
    assert_eq!(followed.pair.target.value("select count(*) from t"), "100");
    let output = followed.program("stream apply").arg("--endpos").arg(&second).run();
    output.assert_code(12).assert_stderr_has("is not reached");
    followed.program("stream receive").run().assert_success();
    followed.program("stream apply").run().assert_success();
    assert_eq!(followed.pair.target.value("select count(*) from t"), "101");
    let json = sentinel("get --json");
    assert!(json.contains(&format!("\"endpos\": \"{second}\"")), "{json}");
    assert!(json.contains("\"apply\": true"), "{json}");
    followed.assert_same();
}

#[test]
fn what_has_committed_and_is_not_flushed_yet_belongs_to_the_present_end() {
    // What commits without waiting is flushed this late only.
    let source = Cluster::builder().setting("wal_level", "logical");
    let source = source.setting("wal_writer_delay", "10s").setting("synchronous_commit", "off");
    let source = source.setting("wal_writer_flush_after", "1GB");
    let followed = Followed::on(
        Pair::built(source, Cluster::builder()),
        "create table t (id int primary key)",
    );
    let running = followed.cloned();
    for id in 0..20 {
        followed.pair.source.sql(&format!("insert into t values ({id})"));
    }
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn transactions_without_a_change_for_us_move_the_position() {
    let follow = |plugin| {
        let followed = Followed::new("create table t (id int primary key)");
        let running = followed.program("clone --follow").args(["--plugin", plugin]).spawn();
        running.wait_for_stderr("applying changes after");
        (followed, running)
    };
    let following: Vec<_> = super::kinds::plugins().into_iter().map(follow).collect();
    let many =
        |what: &str| format!("do $$ begin for i in 1..3000 loop {what}; commit; end loop; end $$");
    for (followed, _) in &following {
        let source = &followed.pair.source;
        source.sql("create table left_out (id int primary key)");
        source.sql(&many("insert into left_out values (i)"));
        source.sql(&many("perform txid_current()"));
    }
    for (followed, mut running) in following {
        let (source, end) = (&followed.pair.source, current(&followed));
        source.sql(&many("perform txid_current()"));
        let slot = source.name();
        source.wait_for(&format!(
            "select confirmed_flush_lsn > '{end}' from pg_replication_slots where slot_name = '{slot}'"
        ));
        let get = || {
            let get = pgcopydb(&followed.pair).args(["stream", "sentinel", "get", "--flush-lsn"]);
            get.run().stdout.trim().to_owned()
        };
        while source.value(&format!("select '{}' > '{end}'::pg_lsn", get())) != "t" {
            assert!(running.is_running());
        }
        source.sql("drop table left_out");
        followed.end(running).assert_success();
        followed.assert_same();
    }
}

#[test]
fn an_end_position_is_moved_while_it_runs() {
    let followed = Followed::new("create table t (id int primary key)");
    let mut running = followed.cloned();
    for (number, endpos) in ["FFFF/0", "FFF/0", "FFFFF/0", "0/0", "FFFF/0"].iter().enumerate() {
        let set = pgcopydb(&followed.pair).args(["stream", "sentinel", "set", "endpos", endpos]);
        set.run().assert_success();
        followed.pair.source.sql(&format!("insert into t values ({number})"));
        followed.pair.target.wait_for(&format!("select count(*) = 1 from t where id = {number}"));
        assert!(running.is_running());
    }
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn an_end_position_that_was_reached_can_be_taken_away() {
    let followed = Followed::new("create table t (id int primary key)");
    let running = followed.cloned();
    followed.end(running).assert_success();
    followed.pair.source.sql("insert into t values (1)");
    let again = followed.program("clone --follow --resume").run();
    again.assert_success().assert_stderr_has("has been received already; to go on from there");
    let running = followed.program("clone --follow --resume --endpos 0/0").spawn();
    followed.pair.target.wait_for("select count(*) = 1 from t");
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn a_signal_stops_and_the_next_run_goes_on() {
    let followed = Followed::new("create table t (id int primary key)");
    let running = followed.cloned();
    followed.pair.source.sql("insert into t values (1)");
    followed.pair.target.wait_for("select count(*) = 1 from t");
    running.signal(rustix::process::Signal::TERM);
    let stopped = running.wait();
    stopped.assert_code(12).assert_stderr_has("are on the target");
    stopped.assert_stderr_has("Continue with the same command and --resume");
    followed.pair.source.sql("insert into t values (2)");
    let end = followed.set_endpos();
    let output = followed.program("clone --follow --resume").arg("--endpos").arg(&end).run();
    output.assert_success().assert_stderr_has("the copy is complete");
    followed.assert_same();
}

#[test]
fn a_full_store_makes_the_source_wait_and_goes_on_when_there_is_room() {
    let followed = Followed::new("create table t (id serial primary key, v text)");
    followed.program("stream setup").run().assert_success();
    followed.pair.target.sql("create table t (id int primary key, v text)");
    let sentinel = pgcopydb(&followed.pair).args(["stream", "sentinel", "set", "apply"]);
    sentinel.run().assert_success();
    let limit = ["--max-store-size", "1MB"];
    let mut receiving = followed.program("stream receive").args(limit).spawn();
    for _ in 0..30 {
        followed.pair.source.sql("insert into t (v) values (repeat('x', 200000))");
    }
    receiving.wait_for_stderr("no more are received");
    let shown = || pgcopydb(&followed.pair).args(["stream", "sentinel", "get", "--json"]).run();
    while !shown().stdout.contains("room: the store is full") {
        assert!(receiving.is_running());
    }
    followed.set_endpos();
    while receiving.is_running() {
        let code = followed.program("stream apply").run().code();
        assert!(matches!(code, Some(0 | 12)), "{code:?}");
    }
    receiving.wait().assert_success().assert_stderr_has("files of applied changes");
    followed.program("stream apply").run().assert_success();
    let count = "select count(*) from t where length(v) = 200000";
    assert_eq!(followed.pair.target.value(count), "30");
}

#[test]
fn a_snapshot_that_is_kept_with_its_slot_is_copied_and_followed() {
    let followed = Followed::new("create table t (id int primary key); insert into t values (1)");
    let keeping = followed.program("snapshot --follow").spawn();
    keeping.wait_for_stdout("-");
    followed.pair.source.sql("insert into t values (2); delete from t where id = 1");
    let running = followed.cloned();
    keeping.signal(rustix::process::Signal::TERM);
    keeping.wait().assert_success();
    followed.pair.source.sql("insert into t values (3)");
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn an_end_position_that_is_lowered_into_a_stored_transaction_keeps_it_whole() {
    let followed = Followed::new("create table t (id int primary key)");
    followed.program("stream setup").run().assert_success();
    followed.pair.target.sql("create table t (id int primary key)");
    let mut session = followed.pair.source.session();
    session.run("begin; insert into t values (1), (2)");
    let middle = current(&followed);
    session.run("insert into t values (3); commit");
    followed.pair.source.sql("insert into t values (4)");
    let end = current(&followed);
    followed.program("stream receive").arg("--endpos").arg(&end).run().assert_success();
    let sentinel = |words: &[&str]| {
        pgcopydb(&followed.pair).args(["stream", "sentinel"]).args(words).run().assert_success();
    };
    sentinel(&["set", "apply"]);
    sentinel(&["set", "endpos", &middle]);
    followed.program("stream apply").run().assert_success();
    assert_eq!(followed.pair.target.value("select count(*) from t"), "3");
    followed.program("stream apply").arg("--endpos").arg(&end).run().assert_success();
    followed.assert_same();
}

#[test]
fn a_work_directory_that_follows_nothing_is_told_no_position() {
    let pair = Pair::shared();
    clone(&pair).run().assert_success();
    let set = pgcopydb(&pair).args(["stream", "sentinel", "set", "endpos", "--current"]);
    let output = set.run();
    output.assert_code(3).assert_stderr_has("this work directory follows no source");
    assert_eq!(output.stdout, "");
    assert!(!output.stderr.contains("the end position is"), "{}", output.stderr);
}
