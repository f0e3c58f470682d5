//! Large transactions: they are received while they run, and never held in memory.

use std::time::Duration;

use pgcopydb_testkit::{Cluster, Pair};

use super::Followed;

/// What the program may take of the memory, whatever the size of a transaction.
const MEMORY_KB_MAX: u64 = 100 * 1024;

const SCHEMA: &str = "
    create table t (id int primary key, v text);
    create table u (id int primary key, v text)";

fn streamed(followed: &Followed) -> i64 {
    let slot = followed.pair.source.name();
    let sql =
        format!("select stream_count from pg_stat_replication_slots where slot_name = '{slot}'");
    followed.pair.source.value(&sql).parse().unwrap()
}

#[test]
fn transactions_that_run_side_by_side_and_roll_back_in_part() {
    let followed = Followed::streaming(Pair::shared(), SCHEMA);
    let running = followed.cloned();
    let source = &followed.pair.source;
    let (mut first, mut second) = (source.session(), source.session());
    first.run("begin; insert into t select g, repeat('a', 100) from generate_series(1, 3000) g");
    second.run("begin; insert into u select g, repeat('b', 100) from generate_series(1, 3000) g");
    first.run(
        "savepoint a; insert into t select g, repeat('never', 50) from generate_series(5000, 8000) g;
         savepoint b; update t set v = repeat('never', 50) where id < 3000;
         release b; delete from t where id > 2000; rollback to a;
         insert into t select g, repeat('c', 100) from generate_series(5000, 7000) g;
         savepoint d; update t set v = v || 'd' where id % 2 = 0; release d",
    );
    second.run("savepoint e; alter table u add column never int; rollback to e; delete from u where id > 2000");
    source.sql("insert into t select g, 'small' from generate_series(10001, 10010) g");
    second.run("commit");
    let mut third = source.session();
    third.run("begin; delete from t where id > 10000; insert into u select g from generate_series(9000, 19000) g");
    third.run("rollback");
    source.sql("insert into u values (30000, 'after')");
    first.run("update t set v = 'last' where id = 1; commit");
    source.sql("insert into t values (20000, 'after')");
    followed.end(running).assert_success();
    assert!(streamed(&followed) > 3, "the source has sent nothing in advance");
    followed.assert_same();
}

#[test]
fn one_that_is_larger_than_the_store_may_be_arrives() {
    let followed = Followed::streaming(Pair::shared(), SCHEMA);
    let running = followed.program("clone --follow --max-store-size 1MB").spawn();
    running.wait_for_stderr("applying changes after");
    let source = &followed.pair.source;
    source.sql("insert into t values (1)");
    followed.pair.target.wait_for("select count(*) = 1 from t");
    // The log goes on without changes of ours: nothing is to be applied up to there.
    let position = source.value("select pg_logical_emit_message(false, 'test', 'x')");
    source.wait_for(&format!(
        "select confirmed_flush_lsn >= '{position}' from pg_replication_slots
          where database = current_database()"
    ));
    source.sql("insert into t select g, repeat('long', 100) from generate_series(2, 20000) g");
    followed.pair.target.wait_for("select count(*) = 20000 from t");
    followed.end(running).assert_success();
    assert!(streamed(&followed) > 0, "the source has sent nothing in advance");
    followed.assert_same();
}

#[test]
fn a_prepared_transaction_arrives_when_it_commits() {
    let followed = Followed::streaming(Pair::shared(), SCHEMA);
    let running = followed.cloned();
    let source = &followed.pair.source;
    let name = source.name();
    source.sql(&format!(
        "begin; insert into t select g, repeat('a', 100) from generate_series(1, 3000) g;
         prepare transaction '{name}';"
    ));
    source.sql("insert into t values (5000, 'before')");
    followed.pair.target.wait_for("select count(*) = 1 from t");
    source.sql(&format!("commit prepared '{name}'; insert into t values (5001, 'after')"));
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn prepared_transactions_outlive_the_program_and_the_source() {
    for plugin in super::kinds::plugins() {
        let source = Cluster::builder().setting("wal_level", "logical");
        let source = source.setting("max_prepared_transactions", "4");
        let followed = Followed::streaming(Pair::built(source, Cluster::builder()), SCHEMA);
        let program = |command: &str| followed.program(command).args(["--plugin", plugin]);
        let running = program("clone --follow").spawn();
        running.wait_for_stderr("applying changes after");
        let source = &followed.pair.source;
        source.sql(
            "begin; insert into t select g, 'kept' from generate_series(1, 2000) g;
             savepoint s; insert into u values (1, 'never'); rollback to s;
             insert into u values (2, 'kept'); prepare transaction 'kept';
             begin; insert into t values (-1, 'never'); prepare transaction 'never';
             insert into u values (3, 'before')",
        );
        followed.pair.target.wait_for("select count(*) = 1 from u");
        running.kill();
        source.cluster().restart();
        let running = program("follow --resume").spawn();
        source.sql("insert into u values (4, 'between')");
        followed.pair.target.wait_for("select count(*) = 2 from u");
        source
            .sql("rollback prepared 'never'; commit prepared 'kept'; insert into u values (5, '')");
        followed.end(running).assert_success();
        followed.assert_same();
    }
}

#[test]
fn a_prepared_transaction_that_the_slot_waits_for_is_named() {
    let source = Cluster::builder().setting("wal_level", "logical");
    let source = source.setting("max_prepared_transactions", "4");
    let followed = Followed::streaming(Pair::built(source, Cluster::builder()), SCHEMA);
    let source = &followed.pair.source;
    source.sql("begin; insert into t values (1, 'x'); prepare transaction 'nobody''s'");
    let program = followed.program("clone --follow").env("PGCOPYDB_FAULT_LOCK_WAIT_MS", "300");
    let running = program.spawn();
    running.wait_for_stderr("transaction 'nobody''s', prepared by role");
    source.sql("commit prepared 'nobody''s'");
    running.wait_for_stderr("applying changes after");
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn what_was_received_of_a_running_transaction_comes_again_after_a_kill() {
    let followed = Followed::streaming(Pair::shared(), SCHEMA);
    let running = followed.cloned();
    let source = &followed.pair.source;
    let mut session = source.session();
    session.run("begin; insert into t select g, repeat('a', 100) from generate_series(1, 3000) g");
    let slot = source.name();
    source.sql("insert into u values (1, 'small')");
    followed.pair.target.wait_for("select count(*) = 1 from u");
    running.kill();
    let inactive =
        format!("select not active from pg_replication_slots where slot_name = '{slot}'");
    source.wait_for(&inactive);
    session
        .run("insert into t select g, repeat('b', 100) from generate_series(3001, 6000) g; commit");
    let end = followed.set_endpos();
    followed.program("follow --resume").arg("--endpos").arg(&end).run().assert_success();
    assert!(streamed(&followed) > 0);
    followed.assert_same();
}

#[test]
fn messages_of_applications_change_nothing() {
    for plugin in super::kinds::plugins() {
        super::kinds::arrives_through(
            plugin,
            "create table t (id int primary key)",
            "select pg_logical_emit_message(false, 'app', 'table public.t: INSERT: id[integer]:9');
             begin; select pg_logical_emit_message(true, 'app', repeat('x', 100000));
             insert into t values (1); savepoint s; insert into t values (2);
             select pg_logical_emit_message(true, 'app', E'COMMIT 1\\nBEGIN'); rollback to s;
             insert into t values (3); commit;
             select pg_logical_emit_message(true, '', '')",
        );
    }
}

#[test]
fn a_transaction_larger_than_memory_may_be() {
    for plugin in ["pgoutput", "test_decoding"] {
        let followed = Followed::streaming(Pair::shared(), SCHEMA);
        let mut running = followed.program("clone --follow").args(["--plugin", plugin]).spawn();
        running.wait_for_stderr("applying changes after");
        followed.pair.source.sql(
            "begin; insert into t select g, repeat('large', 600) from generate_series(1, 20000) g;
             savepoint s; insert into u select g, repeat('never', 600) from generate_series(1, 20000) g;
             rollback to s; delete from t where id % 100 = 0; commit",
        );
        followed.set_endpos();
        let status = format!("/proc/{}/status", running.pid());
        let mut peak = 0_u64;
        let output = loop {
            let text = std::fs::read_to_string(&status).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
            let now = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
            peak = peak.max(now.unwrap_or(0));
            if let Some(output) = running.wait_timeout(Duration::from_millis(50)) {
                break output;
            }
        };
        output.assert_success();
        eprintln!("{plugin}: {peak} kB");
        assert!(peak > 0 && peak < MEMORY_KB_MAX, "{plugin} took {peak} kB");
        followed.assert_same();
    }
}
