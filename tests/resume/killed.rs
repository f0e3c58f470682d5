//! A run that is killed leaves nobody at work: not on the servers, not on this machine.

use std::time::SystemTime;

use pgcopydb_testkit::{Database, Pair, Running, Signal, Version};

use crate::support::onlookers::Onlookers;
use crate::support::{clone, pgcopydb};

/// A function that takes a minute in a database that says so.
const SLOW: &str = "
    create function slow(int) returns int language plpgsql immutable as $$
    begin
      if current_setting('test.slow', true) = 'yes' then
        perform pg_sleep(60);
      end if;
      return $1;
    end $$;";

fn wait_for_sleep(database: &Database, statement: &str) {
    database.wait_for(&format!(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event = 'PgSleep'
                           and application_name like 'pgcopydb%' and query ilike '%{statement}%')"
    ));
}

/// Kills the program, and its children not, and returns when it was dead.
fn killed(running: &mut Running) -> SystemTime {
    running.signal(Signal::KILL);
    while running.is_running() {
        std::thread::yield_now();
    }
    SystemTime::now()
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
        let mut onlookers = Onlookers::at(&pair);
        let mut running = clone(&pair).arg("--skip-db-properties").spawn();
        wait_for_sleep(&pair.target, statement);
        let died = killed(&mut running);
        onlookers.assert_nobody_left(died);
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
        let program = || pgcopydb(&pair);
        let mut onlookers = Onlookers::at(&pair);
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
            onlookers.assert_nobody_left(died);
        }
    }
}

#[test]
fn pg_dump_ends_too() {
    let pair = Pair::shared();
    pair.source.sql("create table t as select 1 as a");
    let mut locker = pair.source.session();
    locker.run("begin; lock table t in access exclusive mode");
    let mut onlookers = Onlookers::at(&pair);
    let mut running = clone(&pair).spawn();
    pair.source.wait_for(
        "select exists (select from pg_stat_activity
                         where datname = current_database() and wait_event_type = 'Lock'
                           and application_name like 'pgcopydb% pg_dump')",
    );
    let died = killed(&mut running);
    onlookers.assert_nobody_left(died);
    locker.run("rollback");
}

#[test]
fn servers_look_after_us() {
    let pair = Pair::shared();
    // Only our own session knows its settings.
    pair.source.sql(
        "create function looks(int) returns int language plpgsql immutable as $$
         declare
           idle text := current_setting('tcp_keepalives_idle');
           looks_every text := current_setting('client_connection_check_interval', true);
         begin
           if current_setting('test.looks', true) = 'yes'
              and (idle <> '10' or looks_every <> '500ms') then
             raise exception 'keepalive after % s, looks every %', idle, looks_every;
           end if;
           return $1;
         end $$;
         create table t (a int check (looks(a) > 0)); insert into t values (1)",
    );
    pair.target.sql(&format!("alter database {} set test.looks = 'yes'", pair.target.name()));
    let uri = pair.target.tcp_uri();
    clone(&pair).args(["--skip-db-properties", "--target", &uri]).run().assert_success();
    pair.assert_same();
}

#[cfg(feature = "faults")]
#[test]
fn a_server_that_cannot_look_after_its_clients_is_copied_all_the_same() {
    let pair = Pair::shared();
    pair.source.sql("create table t as select 1 as a");
    // No value of the setting, which a server on Windows says of every one.
    clone(&pair).env("PGCOPYDB_FAULT_CLIENT_CHECK_MS", "99999999999").run().assert_success();
    pair.assert_same();
}
