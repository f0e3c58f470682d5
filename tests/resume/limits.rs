//! Too few connections, too few files, and time limits that are set on roles: said before the
//! first step, or overridden.

use pgcopydb_testkit::{Cluster, Pair, Program, Running, Signal, Version};

use super::workload::many_steps;
use crate::follow::Followed;
use crate::support::slow::{GATE, make_slow, set_slow};
use crate::support::{clone, pgcopydb};

const MADE: &str = "select count(*) from pg_class where oid >= 16384";

fn with_a_table() -> Pair {
    let pair = Pair::shared();
    pair.source.sql(
        "create table t (a int primary key, b int);
         insert into t select i, i from generate_series(1, 100) i;
         create index on t (b); select lo_from_bytea(4711, 'x')",
    );
    pair
}

/// The program as a role of the cluster that the test has made.
fn as_role(pair: &Pair, side: &str, role: &str) -> Program {
    let database = if side == "source" { &pair.source } else { &pair.target };
    let uri = database.uri().replace("postgres@", &format!("{role}@"));
    clone(pair).args([&format!("--{side}"), &uri])
}

#[test]
fn a_server_with_too_few_connections_is_told_before_the_first_step() {
    let small = || Cluster::builder().setting("max_connections", "12").start();
    for (side, code) in [("source", 6), ("target", 7)] {
        let (source, target) = match side {
            "source" => (small(), Cluster::start()),
            _ => (Cluster::start(), small()),
        };
        let names = ["source_db", "target_db"];
        let pair = Pair::between(source.into(), target.into(), names);
        many_steps(&pair);
        let jobs = ["--table-jobs", "12", "--index-jobs", "4", "--large-objects-jobs", "4"];
        let output = clone(&pair).args(jobs).run();
        output.assert_code(code);
        output.assert_stderr_has(&format!("the {side} has too few connections for this run"));
        output.assert_stderr_has("max_connections allows 12");
        output.assert_stderr_has("--table-jobs");
        assert_eq!(
            pair.target
                .value("select count(*) from pg_namespace where nspname in ('app', 'pgcopydb')"),
            "0"
        );

        let jobs = ["--table-jobs", "1", "--index-jobs", "1", "--large-objects-jobs", "1"];
        let output = clone(&pair).args(jobs).args(["--restore-jobs", "1", "--restart"]).run();
        output.assert_success();
        pair.same().ignoring("no statistics of \"public.settings\"").assert();
    }
}

#[test]
fn a_connection_limit_of_a_role_or_a_database_counts_as_well() {
    let pair = with_a_table();
    for (side, code, limit) in [("source", 6, 2), ("target", 7, 4)] {
        let database = if side == "source" { &pair.source } else { &pair.target };
        let role = format!("limited_{side}");
        database.sql(&format!(
            "create role {role} login connection limit {limit};
             grant pg_read_all_data, pg_write_all_data to {role}; grant all on database {} to {role}",
            database.name()
        ));
        let output = as_role(&pair, side, &role).arg("--restart").run();
        output.assert_code(code);
        output.assert_stderr_has(&format!("the CONNECTION LIMIT of role {role} allows {limit}"));

        let name = database.name();
        database.sql(&format!(
            "alter role {role} connection limit -1; alter database {name} connection limit {limit}"
        ));
        let output = as_role(&pair, side, &role).arg("--restart").run();
        output.assert_code(code);
        output.assert_stderr_has("the CONNECTION LIMIT of database");
        database.sql(&format!("alter database {name} connection limit -1"));
    }
    assert_eq!(pair.target.value(MADE), "0");
}

#[test]
fn connections_that_others_use_are_waited_for() {
    let source = Cluster::builder().setting("max_connections", "20").start();
    let pair = Pair::between(source.into(), Cluster::start().into(), ["source_db", "target_db"]);
    pair.source.sql(
        "create table t (a int primary key); insert into t select generate_series(1, 10);
         create table u as select 1 as a; create table v as select 1 as a",
    );
    let mut others: Vec<_> = (0..16).map(|_| pair.source.session()).collect();
    for other in &mut others {
        other.run("select 1");
    }
    let running = clone(&pair).args(["--split-tables-larger-than", "0"]).spawn();
    running.wait_for_stderr("the source may have too few connections");
    drop(others);
    running.wait().assert_success();
    pair.assert_same();
}

#[test]
fn connections_that_others_take_while_it_runs_are_waited_for() {
    let target = Cluster::builder().setting("max_connections", "24").start();
    let pair = Pair::between(Cluster::start().into(), target.into(), ["source_db", "target_db"]);
    make_slow(&pair.source, GATE);
    pair.source.sql(
        "create table t (a int primary key check (slow(a) > 0), b int);
         insert into t select i, i from generate_series(1, 100) i; create index on t (b)",
    );
    set_slow(&pair.target, "yes");
    let mut gate = pair.target.session();
    gate.run("select pg_advisory_lock(4711)");
    let mut running = clone(&pair).args(["--skip-db-properties", "--index-jobs", "2"]).spawn();
    pair.target.wait_for(
        "select exists (select from pg_stat_activity
                         where wait_event = 'advisory' and application_name like 'pgcopydb%')",
    );
    // Sessions that are about to end, that of the question above among them, would leave places.
    let stays = "application_name ~ ' (control|clone|copy 1)$' or pid = pg_backend_pid()";
    let free = loop {
        assert!(running.is_running());
        let free = gate.run(&format!(
            "select case when bool_and({stays})
                         then current_setting('max_connections')::int - count(*) end
               from pg_stat_activity where backend_type = 'client backend'"
        ));
        if !free.is_empty() {
            break free;
        }
    };
    let others: Vec<_> = (0..free.parse().unwrap()).map(|_| pair.target.session()).collect();
    // Indexes are made by sessions that are not there yet.
    gate.run("select pg_advisory_unlock(4711)");
    let line = running.wait_for_stderr("too many clients");
    assert!(line.contains("trying to") && line.contains("on the target"), "{line}");
    drop(others);
    running.wait().assert_success();
    pair.assert_same();
}

#[test]
fn too_few_open_files_are_told_before_the_first_step() {
    let pair = with_a_table();
    let limited = |limit: &str| {
        let script = format!("{limit} && exec \"$0\" \"$@\"");
        let program = pair.program("/bin/sh").args(["-c", &script]);
        program.args([env!("CARGO_BIN_EXE_pgcopydb"), "clone", "--restart"])
    };
    let output = limited("ulimit -n 40").run();
    output.assert_code(1);
    output.assert_stderr_has("open files, and may have 40");
    output.assert_stderr_has("ulimit -n");
    assert_eq!(pair.target.value(MADE), "0");
    // A soft limit is raised.
    limited("ulimit -S -n 40").run().assert_success();
    pair.assert_same();
}

/// Longer than any of the limits below.
const SLOW: &str = "
    create function slow(int) returns int language plpgsql immutable as $$
    begin
      perform pg_sleep(0.4);
      return $1;
    end $$;
    create table t (a int check (slow(a) > 0), b int);
    insert into t values (1, 1);
    create index slow_b on t (slow(b));
    create materialized view seen as select slow(1);";

/// A pair of the newest servers, with something slow on the source, and the limits that they know.
fn slow_pair() -> (Pair, Vec<&'static str>) {
    let newest = Version::newest();
    let start = || std::sync::Arc::new(Cluster::builder().version(newest.clone()).start());
    let pair = Pair::between(start(), start(), ["source_db", "target_db"]);
    pair.source.sql(SLOW);
    let mut limits = vec![
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "idle_session_timeout",
    ];
    if newest.major() >= 17 {
        limits.push("transaction_timeout");
    } else {
        eprintln!("skipped: no server here has a transaction_timeout");
    }
    (pair, limits)
}

/// Lets a command wait for a lock on the source for longer than any limit, then go on.
fn waiting_for_a_lock(pair: &Pair, unlimited: &str, program: &Program) -> Running {
    let mut locker = pair.source.session();
    locker.run(&format!("{unlimited}; begin; lock table t in access exclusive mode"));
    let running = program.spawn();
    pair.source.wait_for(
        "select exists (select from pg_stat_activity where wait_event_type = 'Lock'
                           and now() - state_change > interval '500 ms')",
    );
    locker.run("rollback");
    running
}

#[test]
fn time_limits_of_databases_do_not_apply() {
    let (pair, limits) = slow_pair();
    // Only a table with a key can be followed.
    pair.source.sql("alter table t add primary key (a)");
    let both = [pair.source.clone(), pair.target.clone()];
    let alter = |what: &str| {
        for database in &both {
            for limit in &limits {
                let what = what.replace('%', limit);
                database
                    .cluster()
                    .sql("postgres", &format!("alter database {} {what}", database.name()));
            }
        }
    };
    let unlimited: Vec<String> = limits.iter().map(|limit| format!("set {limit} = 0")).collect();
    let unlimited = unlimited.join("; ");
    alter("set % = '200ms'");
    let followed = Followed { pair };
    let pair = &followed.pair;
    let program = followed.program("clone --follow --skip-db-properties");
    let running = waiting_for_a_lock(pair, &unlimited, &program);
    running.wait_for_stderr("applying changes after");
    for round in 2..4 {
        // A session that applies is idle for longer than any limit, and then at work for longer.
        pair.target.wait_for(
            "select bool_and(now() - state_change > interval '500 ms') from pg_stat_activity
              where application_name like 'pgcopydb%' and datname = current_database()",
        );
        pair.source.sql(&format!("{unlimited}; insert into t values ({round}, {round})"));
        pair.target.wait_for(&format!("select count(*) = {round} from t"));
    }
    followed.end(running).assert_success();
    followed.program("stream cleanup").run().assert_success();

    for what in ["schema", "data"] {
        let program = pgcopydb(pair).args(["compare", what]);
        match what {
            "data" => waiting_for_a_lock(pair, &unlimited, &program).wait(),
            _ => program.run(),
        }
        .assert_success();
    }
    let service = pgcopydb(pair).args(["snapshot", "--dir"]).arg(pair.directory().join("other"));
    let service = service.spawn();
    let id = service.wait_for_stdout("-").trim().to_owned();
    pair.source.wait_for(
        "select now() - state_change > interval '500 ms' from pg_stat_activity
          where application_name like 'pgcopydb% snapshot'",
    );
    let rows = pgcopydb(pair).args(["copy", "table-data", "--snapshot", &id, "--dir"]);
    rows.arg(pair.directory().join("other")).run().assert_success();
    service.signal(Signal::TERM);
    service.wait();
    alter("reset %");
    pair.same().without_statistics().assert();
}

#[test]
fn time_limits_of_roles_do_not_apply() {
    let (pair, limits) = slow_pair();
    for database in [&pair.source, &pair.target] {
        database.sql("create role hasty superuser login");
        for (number, limit) in limits.iter().enumerate() {
            // For the whole role, and for the role in this database.
            let place = if number % 2 == 0 { "" } else { "in database " };
            let name = if number % 2 == 0 { "" } else { database.name() };
            database.sql(&format!("alter role hasty {place}{name} set {limit} = '200ms'"));
        }
    }
    let uri = pair.target.uri().replace("postgres@", "hasty@");
    let program = as_role(&pair, "source", "hasty").args(["--target", &uri]);
    let running = waiting_for_a_lock(&pair, "", &program.arg("--skip-db-properties"));
    running.wait().assert_success();
    pair.assert_same();
}
