//! A run that is killed leaves nobody at work: not on the servers, not on this machine.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use pgcopydb_testkit::{Database, Pair, Running, Session, Signal, Version};

use crate::support::clone;

/// The published limit, from PostgreSQL 14 on.
const SOON: Duration = Duration::from_secs(2);

/// A function that takes a minute in a database that says so.
const SLOW: &str = "
    create function slow(int) returns int language plpgsql immutable as $$
    begin
      if current_setting('test.slow', true) = 'yes' then
        perform pg_sleep(60);
      end if;
      return $1;
    end $$;";

/// Looks on until nobody of ours is left, and returns when that was, by the server's clock, without
/// the time for which a busy machine kept the onlooker itself from looking.
const WAIT_FOR_NOBODY: &str = "
    create function pg_temp.nobody_is_left_at() returns float8 language plpgsql as $$
    declare
      pause constant float8 := 0.02;
      stolen float8 := 0;
      before timestamptz;
    begin
      for look in 1..3000 loop
        perform pg_stat_clear_snapshot();
        exit when not exists (select from pg_stat_activity
                               where datname = current_database()
                                 and application_name like 'pgcopydb%')
              and not exists (select from pg_locks l join pg_database d on d.oid = l.database
                               where d.datname = current_database() and l.locktype = 'advisory');
        before := clock_timestamp();
        perform pg_sleep(pause);
        stolen := stolen + extract(epoch from clock_timestamp() - before) - pause;
      end loop;
      return extract(epoch from clock_timestamp()) - stolen;
    end $$";

fn wait_for_sleep(database: &Database, statement: &str) {
    database.wait_for(&format!(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event = 'PgSleep'
                           and application_name like 'pgcopydb%' and query ilike '%{statement}%')"
    ));
}

/// Sessions that look on at both servers.
fn onlookers(pair: &Pair) -> [Session; 2] {
    [&pair.source, &pair.target].map(|side| {
        let mut session = side.session();
        session.run("set client_min_messages = warning");
        session.run(WAIT_FOR_NOBODY);
        session
    })
}

/// Kills the program, and its children not, and returns when it was dead.
fn killed(running: &mut Running) -> SystemTime {
    running.signal(Signal::KILL);
    while running.is_running() {
        std::thread::yield_now();
    }
    SystemTime::now()
}

#[track_caller]
fn assert_nobody_left(onlookers: &mut [Session; 2], died: SystemTime) {
    for onlooker in &mut *onlookers {
        onlooker.send("select pg_temp.nobody_is_left_at()");
    }
    let died = died.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
    for (onlooker, side) in onlookers.iter_mut().zip(["source", "target"]) {
        let left = onlooker.answer().unwrap().parse::<f64>().unwrap() - died;
        eprintln!("nobody was left on the {side} after {left:.3} s");
        assert!(left < SOON.as_secs_f64(), "somebody was left on the {side} for {left:.3} s");
    }
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
        let mut onlookers = onlookers(&pair);
        let mut running = clone(&pair).arg("--skip-db-properties").spawn();
        wait_for_sleep(&pair.target, statement);
        let died = killed(&mut running);
        assert_nobody_left(&mut onlookers, died);
    }
}

#[test]
fn no_session_that_waits_for_a_lock_is_left() {
    if Version::default().major() < 14 {
        eprintln!("skipped: this server does not look whether its clients are there");
        return;
    }
    for side in ["source", "target"] {
        let pair = Pair::shared();
        for database in [&pair.source, &pair.target] {
            database.sql("create table t (a int)");
        }
        let program = || crate::support::pgcopydb(&pair);
        let mut onlookers = onlookers(&pair);
        let database = if side == "source" { &pair.source } else { &pair.target };
        for command in [["copy", "table-data"], ["compare", "data"]] {
            if command[0] == "copy" && side == "source" {
                // The lock comes after the schema has been dumped.
                program().args(["dump", "schema"]).run().assert_success();
            }
            let mut locker = database.session();
            locker.run("begin; lock table t in access exclusive mode");
            let mut running = program().args(command);
            if command[0] == "copy" && side == "source" {
                running = running.args(["--resume", "--not-consistent"]);
            }
            let mut running = running.spawn();
            database.wait_for(
                "select exists (select from pg_stat_activity
                                 where datname = current_database() and wait_event_type = 'Lock'
                                   and application_name like 'pgcopydb%')",
            );
            let died = killed(&mut running);
            assert_nobody_left(&mut onlookers, died);
        }
    }
}

#[test]
fn pg_dump_ends_too() {
    let pair = Pair::shared();
    pair.source.sql("create table t as select 1 as a");
    let mut locker = pair.source.session();
    locker.run("begin; lock table t in access exclusive mode");
    let mut onlookers = onlookers(&pair);
    let mut running = clone(&pair).spawn();
    pair.source.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock'
                           and application_name like 'pgcopydb% pg_dump')",
    );
    let died = killed(&mut running);
    assert_nobody_left(&mut onlookers, died);
    locker.run("rollback");
}
