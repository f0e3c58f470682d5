//! A run that is killed leaves nobody at work: not on the servers, not on this machine.

use std::time::{Duration, Instant};

use pgcopydb_testkit::{Database, Pair, Signal, Version};

use crate::support::clone;

/// The published limit, from PostgreSQL 14 on.
const SOON: Duration = Duration::from_secs(2);

/// What a machine with much else to do may need on top of that.
const GRACE: Duration = Duration::from_secs(2);

/// A function that takes a minute in a database that says so.
const SLOW: &str = "
    create function slow(int) returns int language plpgsql immutable as $$
    begin
      if current_setting('test.slow', true) = 'yes' then
        perform pg_sleep(60);
      end if;
      return $1;
    end $$;";

const LEFT: &str = "select (select count(*) from pg_stat_activity
                             where datname = current_database()
                               and application_name like 'pgcopydb%')
                         + (select count(*) from pg_locks
                             where locktype = 'advisory' and database =
                                   (select oid from pg_database where datname = current_database()))";

fn wait_for_sleep(database: &Database, statement: &str) {
    database.wait_for(&format!(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event = 'PgSleep'
                           and application_name like 'pgcopydb%' and query ilike '%{statement}%')"
    ));
}

#[track_caller]
fn assert_nobody_left(pair: &Pair, killed: Instant) {
    for side in [&pair.source, &pair.target] {
        while side.value(LEFT) != "0" {
            assert!(killed.elapsed() < SOON + GRACE, "somebody is left on {}", side.name());
        }
    }
    eprintln!("nobody was left after {:?}", killed.elapsed());
}

#[test]
fn no_session_and_no_lock_is_left() {
    if Version::default().major() < 14 {
        eprintln!("skipped: this server does not look whether its clients are there");
        return;
    }
    for (table, statement) in [
        ("create table t (a int check (slow(a) > 0), b int)", "copy public.t"),
        ("create table t (a int, b int)", "create index"),
    ] {
        let pair = Pair::shared();
        pair.source.sql(SLOW);
        pair.source.sql(&format!(
            "{table}; insert into t values (1, 1); create index slow_index on t (slow(b))"
        ));
        pair.target.sql(&format!("alter database {} set test.slow = 'yes'", pair.target.name()));
        let running = clone(&pair).arg("--skip-db-properties").spawn();
        wait_for_sleep(&pair.target, statement);
        let killed = Instant::now();
        let output = running.kill();
        assert_eq!(output.signal(), Some(9));
        assert_nobody_left(&pair, killed);
    }
}

#[test]
fn pg_dump_ends_too() {
    let pair = Pair::shared();
    pair.source.sql("create table t as select 1 as a");
    let mut locker = pair.source.session();
    locker.run("begin; lock table t in access exclusive mode");
    let running = clone(&pair).spawn();
    pair.source.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock'
                           and application_name like 'pgcopydb% pg_dump')",
    );
    let killed = Instant::now();
    // Its children are left to themselves.
    running.signal(Signal::KILL);
    assert_nobody_left(&pair, killed);
    locker.run("rollback");
}
