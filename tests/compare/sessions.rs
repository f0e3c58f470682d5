//! Snapshots, privileges, and being stopped.

use pgcopydb_testkit::{Pair, Signal, workload};

use super::{compare, messages, on_both};

const WAITS: &str = "select count(*) > 0 from pg_stat_activity
                      where application_name like 'pgcopydb%compare data%'
                        and wait_event_type = 'Lock' and datname = current_database()";

#[test]
fn all_tables_are_compared_as_they_were_when_it_began() {
    let pair = Pair::shared();
    on_both(&pair, "create table a (a int); create table b (a int); insert into b values (1)");
    pair.source.sql("insert into a select generate_series(1, 10000)");
    pair.target.sql("insert into a select generate_series(1, 10000)");
    let mut lock = pair.source.session();
    lock.run("begin; lock table a, b in access exclusive mode");
    let running = compare(&pair, "data").args(["-j", "1"]).spawn();
    pair.source.wait_for(WAITS);
    lock.run("insert into b values (2); delete from a; commit");
    pair.target.sql("delete from b");
    running.wait().assert_success();
    compare(&pair, "data").run().assert_code(12);
}

#[test]
fn what_was_read_is_not_kept_from_others() {
    let pair = Pair::shared();
    on_both(
        &pair,
        "create table first as select i, repeat('x', 200) as t from generate_series(1, 20000) i;
         create table second as select 1 as a",
    );
    let mut on_source = pair.source.session();
    on_source.run("begin; lock table second in access exclusive mode");
    let running = compare(&pair, "data").args(["-j", "1"]).spawn();
    pair.source.wait_for(WAITS);
    // Who has what we wait for wants what we have read, there and on the other server.
    on_source.run("set local lock_timeout = '20 s'; lock table first in access exclusive mode");
    let mut on_target = pair.target.session();
    on_target.run("begin; set local lock_timeout = '20 s'");
    on_target.run("lock table first, second in access exclusive mode");
    on_target.run("commit");
    on_source.run("commit");
    let output = running.wait();
    output.assert_success();
    assert!(!output.stderr.contains("trying again"), "{output}");
}

#[test]
fn a_stopped_comparison_leaves_nothing_behind_on_the_servers() {
    let pair = Pair::shared();
    on_both(&pair, "create table a (a int)");
    let mut lock = pair.target.session();
    lock.run("begin; lock table a in access exclusive mode");
    let running = compare(&pair, "data").spawn();
    pair.target.wait_for(WAITS);
    running.signal(Signal::TERM);
    let output = running.wait();
    output.assert_code(12).assert_stderr_has("stopped on request");
    for side in [&pair.source, &pair.target] {
        side.wait_for(
            "select count(*) = 0 from pg_stat_activity
              where application_name like 'pgcopydb%' and datname = current_database()",
        );
    }
}

#[test]
fn hidden_rows_are_refused_and_what_may_not_be_read_is_named() {
    let pair = Pair::shared();
    for side in [&pair.source, &pair.target] {
        workload::torture_roles(side);
    }
    on_both(
        &pair,
        "create table open (a int); create table closed (a int);
         grant select on open to \"torture 'reader'; --\"; insert into open values (1)",
    );
    let as_reader = |uri: String| uri.replace("postgres@", "torture%20'reader'%3B%20--@");
    let program = compare(&pair, "data")
        .env("PGCOPYDB_SOURCE_PGURI", as_reader(pair.source.uri()))
        .env("PGCOPYDB_TARGET_PGURI", as_reader(pair.target.uri()));
    let output = program.run();
    output.assert_code(12);
    let errors = messages(&output, "ERROR");
    assert_eq!(errors.len(), 1, "{output}");
    assert!(errors[0].starts_with("Could not compare public.closed: "), "{output}");
    assert!(errors[0].contains("permission denied for table closed"), "{output}");

    pair.target
        .sql("alter table open enable row level security; create policy p on open using (a > 1)");
    let output = program.run();
    output
        .assert_code(7)
        .assert_stderr_has("row-level security hides rows of public.open from us on the target");
    output.assert_stderr_has("HINT: Connect to the target as the tables' owner");
    // A superuser sees all rows.
    compare(&pair, "data").run().assert_success();
}
