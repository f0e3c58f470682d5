//! What is special about plugins other than pgoutput, which the other tests begin with.

use pgcopydb_testkit::{Cluster, Pair};

use super::Followed;
use super::kinds::{arrives_through, plugins};
use crate::support::pgcopydb;

/// The plugins besides pgoutput.
fn others() -> impl Iterator<Item = &'static str> {
    plugins().into_iter().filter(|plugin| *plugin != "pgoutput")
}

#[test]
fn numbers_that_are_none_arrive_where_the_plugin_can_write_them() {
    arrives_through(
        "test_decoding",
        "create table t (id bigint primary key, n numeric, f4 real, f8 double precision)",
        "insert into t values (9007199254740993, 'NaN', 'NaN', '-infinity'), (2, null, null, null),
           (3, 12345678901234567890.123456789, 1.1, '-0'), (4, 'infinity', 'infinity', 1e-300);
         update t set n = null where id = 9007199254740993",
    );
}

#[test]
fn numbers_of_json_are_exact() {
    if !plugins().contains(&"wal2json") {
        return;
    }
    arrives_through(
        "wal2json",
        "create table t (id bigint primary key, n numeric not null, f8 double precision not null)",
        "insert into t values (9007199254740993, 12345678901234567890.123456789, '-0'),
           (9007199254740992, 1.50, 1e308), (-9223372036854775808, 0.00, 0.1);
         update t set n = n + 1, f8 = f8 / 3 where id > 0;
         update t set id = 9223372036854775807 where id = 9007199254740993",
    );
}

#[test]
fn a_wal2json_that_loses_numbers_is_refused_with_the_fix() {
    if !plugins().contains(&"wal2json") {
        return;
    }
    let followed = Followed::new("create table t (id int primary key, n numeric)");
    let program = || followed.program("clone --follow --plugin wal2json");
    let output = program().run();
    if output.code() == Some(0) {
        return;
    }
    output.assert_code(6).assert_stderr_has("cannot write numbers as strings");
    output.assert_stderr_has("public.t.n").assert_stderr_has("--plugin test_decoding");
    followed.pair.source.sql("alter table t alter n set not null");
    let output = program().arg("--wal2json-numeric-as-string").run();
    output.assert_code(6).assert_stderr_has("cannot write numbers as strings");
    let left = "select count(*) from pg_replication_slots where database = current_database()";
    assert_eq!(followed.pair.source.value(left), "0");
}

#[test]
fn tables_that_are_no_part_of_the_copy_are_named_and_left_alone() {
    for plugin in others() {
        let followed = Followed::new(
            "create table t (id int primary key);
             create materialized view m as select id from t; create unique index on m (id)",
        );
        let running = followed.program("clone --follow").args(["--plugin", plugin]).spawn();
        running.wait_for_stderr("applying changes after");
        followed.pair.source.sql(
            "create table later (id int primary key); insert into later values (1);
             insert into t values (1); refresh materialized view concurrently m; truncate later",
        );
        let output = followed.end(running);
        output.assert_success().assert_stderr_has("table public.later are not applied");
        assert_eq!(followed.pair.target.value("select count(*) from t"), "1");
    }
}

#[test]
fn shapes_that_change_are_noticed() {
    for plugin in others() {
        let followed = Followed::new("create table t (id int primary key, v text)");
        let running = followed.program("clone --follow").args(["--plugin", plugin]).spawn();
        running.wait_for_stderr("applying changes after");
        followed.pair.source.sql("insert into t values (1, 'a'), (2, 'b')");
        followed.pair.target.wait_for("select count(*) = 2 from t");
        for side in [&followed.pair.target, &followed.pair.source] {
            side.sql("alter table t add column w int; alter table t drop column v");
        }
        followed.pair.source.sql("insert into t values (3, 3); update t set w = 1 where id = 1");
        followed.pair.source.sql("delete from t where id = 2");
        followed.end(running).assert_success();
        followed.assert_same();
    }
}

#[test]
fn a_database_in_another_encoding_needs_pgoutput() {
    let source = Cluster::builder().setting("wal_level", "logical");
    let pair = Pair::built(source, Cluster::builder());
    pair.source.sql("create database latin encoding 'LATIN1' locale 'C' template template0;");
    let uri = pair.source.uri().replace(&format!("/{}", pair.source.name()), "/latin");
    let program = pgcopydb(&pair).args(["clone", "--follow", "--plugin", "test_decoding"]);
    let output = program.env("PGCOPYDB_SOURCE_PGURI", &uri).run();
    output.assert_code(6).assert_stderr_has("the source's encoding is LATIN1");
}

#[test]
fn options_of_one_plugin_are_refused_with_another() {
    let followed = Followed::new("create table t (id int primary key)");
    let output = followed.program("clone --follow --wal2json-numeric-as-string").run();
    output.assert_code(1).assert_stderr_has("--plugin wal2json");
    let output = followed.program("clone --follow --plugin test_decoding --publication p").run();
    output.assert_code(1).assert_stderr_has("--plugin pgoutput");
}
