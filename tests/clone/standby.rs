//! A standby as the source: it can be read, and nothing else.

use pgcopydb_testkit::{Cluster, Pair, Program, workload};

use crate::support::pgcopydb;

/// The program with a standby of the pair's source in its place.
fn from_standby(pair: &Pair, standby: &Cluster) -> Program {
    pair.source.cluster().wait_for_standby(standby);
    pgcopydb(pair).env("PGCOPYDB_SOURCE_PGURI", standby.uri(pair.source.name()))
}

#[test]
fn a_standby_is_copied_and_compared() {
    let pair = Pair::start();
    workload::torture_roles(&pair.source);
    workload::torture_roles(&pair.target);
    workload::torture(&pair.source);
    // A standby has no content of what is unlogged.
    pair.source.sql(
        "select format('alter table %s set logged', oid::regclass)
           from pg_class where relpersistence = 'u' and relkind = 'r'
         \\gexec
         select format('alter sequence %s set logged', oid::regclass)
           from pg_class where relpersistence = 'u' and relkind = 'S'
         \\gexec",
    );
    pair.source.sql(
        "create table big (id int primary key, x text);
         insert into big select i, repeat('x', 100) from generate_series(1, 20000) i",
    );
    let standby = pair.source.cluster().standby(&[]);
    let run = |line: &str| from_standby(&pair, &standby).args(line.split(' ')).run();
    run("clone --split-at 500kB").assert_success();
    pair.assert_same();
    run("compare schema").assert_success();
    run("compare data").assert_success();
    run("list tables").assert_success();
    run("list table-parts --table-name big --split-at 500kB").assert_success();
    let filters = pair.directory().join("filters.ini");
    std::fs::write(&filters, "[exclude-table]\npublic.big\n").unwrap();
    let skipped = from_standby(&pair, &standby).args(["list", "tables", "--list-skipped", "-F"]);
    let skipped = skipped.arg(&filters).run();
    skipped.assert_success().assert_stdout_has(" big ");
    let estimated = run("clone --restart --drop-if-exists --estimate-table-sizes");
    estimated.assert_success().assert_stderr_has("the source is a standby, where no table");
    pair.assert_same();
}

#[test]
fn what_is_unlogged_stays_empty_and_is_named() {
    let pair = Pair::start();
    pair.source.sql(
        "create unlogged table u (a serial); insert into u default values;
         create table t as select 1 as a",
    );
    let standby = pair.source.cluster().standby(&[]);
    let clone = from_standby(&pair, &standby).arg("clone").run();
    clone.assert_success().assert_stderr_has("they stay empty: public.u");
    assert_eq!(pair.target.value("select (select count(*) from u), (select a from t)"), "0|1");
    let compared = from_standby(&pair, &standby).args(["compare", "data"]).run();
    assert_ne!(compared.code(), Some(0), "{compared}");
    compared.assert_stderr_has("public.u");
}

#[test]
fn what_a_conflict_with_recovery_cancels_is_done_again() {
    let pair = Pair::start();
    pair.source.sql("create table t (a int); insert into t select generate_series(1, 300)");
    let standby = pair.source.cluster().standby(&[("max_standby_streaming_delay", "50ms")]);
    // A row takes its time, so that there is a COPY to be cancelled.
    let filters = pair.directory().join("filters.ini");
    let condition = "[table-where]\npublic.t = pg_catalog.pg_sleep(0.01) is not null\n";
    std::fs::write(&filters, condition).unwrap();
    let clone = from_standby(&pair, &standby).args(["clone", "--filters"]).arg(&filters).spawn();
    let at_work = "select exists (select from pg_stat_activity
                                   where query ilike 'copy%' and state = 'active'
                                     and wait_event = 'PgSleep')";
    standby.wait_for("postgres", at_work);
    pair.source.sql("begin; lock table t in access exclusive mode; commit");
    let output = clone.wait();
    output.assert_success().assert_stderr_has("conflict with recovery");
    output.assert_stderr_has("trying to copy public.t again");
    assert_eq!(pair.target.value("select count(*), sum(a) from t"), "300|45150");
}

#[test]
fn a_standby_is_no_target() {
    let pair = Pair::start();
    pair.source.sql("create table t (a int)");
    let standby = pair.target.cluster().standby(&[]);
    pair.target.cluster().wait_for_standby(&standby);
    let clone = pgcopydb(&pair).env("PGCOPYDB_TARGET_PGURI", standby.uri(pair.target.name()));
    let output = clone.arg("clone").run();
    output.assert_code(7).assert_stderr_has("the target is a standby");
}
