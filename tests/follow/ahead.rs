//! A large transaction is applied while it still runs, and comes as if it had not been.

use pgcopydb_testkit::{Pair, Running, Session};

use super::Followed;

const SCHEMA: &str = "
    create table t (id int primary key, v text);
    create table u (id int primary key, v text);
    insert into t select -g, 'before' from generate_series(1, 2000) g";

/// The session of the target that changes something.
const AT_WORK: &str =
    "from pg_stat_activity where datname = current_database() and backend_xid is not null";

/// A transaction of the source that has not ended, of which the target has a part.
struct Ahead {
    followed: Followed,
    running: Running,
    session: Session,
}

impl Ahead {
    fn begin() -> Ahead {
        let followed = Followed::streaming(Pair::shared(), SCHEMA);
        let running = followed.cloned();
        let mut session = followed.pair.source.session();
        session.run("begin; savepoint s");
        session.run(
            "insert into t select g, repeat('a', 100) from generate_series(1, 40000) g;
             update t set v = 'changed' where id < -1000 or id % 100 = 0",
        );
        followed.pair.target.wait_for(&format!("select count(*) > 0 {AT_WORK}"));
        Ahead { followed, running, session }
    }

    /// Goes on with the transaction.
    fn run(&mut self, sql: &str) {
        self.session.run(sql);
    }

    /// It is not there yet; when all is, both sides are equal.
    fn end(self) {
        self.followed.end(self.running).assert_success();
        self.followed.assert_same();
    }

    fn kept_out(&self) {
        let seen = "select count(*) filter (where id > 0) from t";
        assert_eq!(self.followed.pair.target.value(seen), "0", "it was committed too early");
    }
}

#[test]
fn until_its_commit_nobody_sees_it() {
    let mut ahead = Ahead::begin();
    ahead.kept_out();
    ahead.run(
        "delete from t where id between 100 and 200; truncate u;
         insert into u select g, 'u' from generate_series(1, 1000) g",
    );
    ahead.kept_out();
    ahead.run("insert into t values (100000, 'last'); commit");
    ahead.followed.pair.source.sql("update t set v = 'after' where id = 100000");
    ahead.end();
}

#[test]
fn one_that_commits_first_comes_first() {
    let mut ahead = Ahead::begin();
    ahead.followed.pair.source.sql("insert into u values (1, 'first')");
    ahead.followed.pair.target.wait_for("select count(*) = 1 from u");
    ahead.kept_out();
    ahead.run("update u set v = 'second'; commit");
    ahead.end();
}

#[test]
fn what_is_rolled_back_in_part_comes_in_part() {
    let mut ahead = Ahead::begin();
    ahead.run(
        "rollback to s; insert into t select g, 'kept' from generate_series(50000, 50100) g;
         commit",
    );
    ahead.end();
}

#[test]
fn what_is_rolled_back_never_comes() {
    let mut ahead = Ahead::begin();
    ahead.run("rollback");
    ahead.followed.pair.source.sql("insert into t values (1, 'other')");
    ahead.end();
}

#[test]
fn a_program_that_is_killed_begins_with_it_again() {
    let Ahead { followed, running, mut session } = Ahead::begin();
    running.kill();
    followed.pair.target.wait_for(&format!("select count(*) = 0 {AT_WORK}"));
    let slot = followed.pair.source.name();
    let is_free = format!("select not active from pg_replication_slots where slot_name = '{slot}'");
    followed.pair.source.wait_for(&is_free);
    let running = followed.program("follow --resume").spawn();
    followed.pair.target.wait_for(&format!("select count(*) > 0 {AT_WORK}"));
    session.run("delete from t where id < 0; commit");
    followed.end(running).assert_success();
    followed.assert_same();
}

#[test]
fn lost_connections_are_made_anew() {
    let mut ahead = Ahead::begin();
    let slot = ahead.followed.pair.source.name().to_owned();
    let lose = format!("select count(pg_terminate_backend(pid)) {AT_WORK}");
    ahead.followed.pair.target.sql(&lose);
    ahead.running.wait_for_stderr("trying again");
    ahead.followed.pair.target.wait_for(&format!("select count(*) > 0 {AT_WORK}"));
    ahead.followed.pair.source.sql(&format!(
        "select pg_terminate_backend(active_pid) from pg_replication_slots
          where slot_name = '{slot}'"
    ));
    ahead.run("insert into u values (1, 'between'); commit");
    ahead.end();
}

#[test]
fn what_the_target_refuses_is_an_error_when_it_has_committed() {
    let followed = Followed::streaming(Pair::shared(), SCHEMA);
    let running = followed.program("clone --follow --debug").spawn();
    running.wait_for_stderr("applying changes after");
    followed.pair.target.sql("insert into t values (7, 'in the way')");
    let mut session = followed.pair.source.session();
    let insert = "begin; insert into t select g, repeat('a', 100) from generate_series(1, 40000) g";
    session.run(insert);
    running.wait_for_stderr("applying a transaction that is not whole yet");
    session.run("rollback");
    followed.pair.source.sql("insert into u values (1, 'fine')");
    followed.pair.target.wait_for("select count(*) = 1 from u");
    session.run(&format!("{insert}; commit"));
    let output = running.wait();
    assert_ne!(output.code(), Some(0));
    assert!(output.stderr.contains("duplicate key"), "{}", output.stderr);
    followed.pair.target.sql("delete from t where id = 7");
    let end = followed.set_endpos();
    followed.program("follow --resume").arg("--endpos").arg(&end).run().assert_success();
    followed.assert_same();
}

#[test]
fn an_end_position_before_its_commit_leaves_it_for_later() {
    let Ahead { followed, running, mut session } = Ahead::begin();
    followed.end(running).assert_success();
    followed.pair.target.wait_for(&format!("select count(*) = 0 {AT_WORK}"));
    assert_eq!(followed.pair.target.value("select count(*) from t where id > 0"), "0");
    session.run("commit");
    let end = followed.set_endpos();
    followed.program("follow --resume").arg("--endpos").arg(&end).run().assert_success();
    followed.assert_same();
}
