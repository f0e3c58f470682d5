//! `clone --all-databases`.

use pgcopydb_testkit::{Database, Pair, Same};

use crate::support::pgcopydb;

/// The program, told of the maintenance databases of both servers.
fn all_databases(pair: &Pair) -> pgcopydb_testkit::Program {
    let maintenance = |side: &Database| Database::new(side.cluster_handle(), "postgres").uri();
    pgcopydb(pair)
        .args(["clone", "--all-databases"])
        .env("PGCOPYDB_SOURCE_PGURI", maintenance(&pair.source))
        .env("PGCOPYDB_TARGET_PGURI", maintenance(&pair.target))
}

fn assert_same(pair: &Pair, name: &str) {
    let source = Database::new(pair.source.cluster_handle(), name);
    let target = Database::new(pair.target.cluster_handle(), name);
    Same::of(&source, &target).assert();
}

/// What a server says of its databases from outside.
const OUTSIDE: &str = "select datname, pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate,
       datctype, datconnlimit, datistemplate, (select string_agg(a::text, ',' order by a::text) from unnest(datacl) a),
       shobj_description(d.oid, 'pg_database'),
       (select string_agg(array_to_string(setconfig, ','), ';' order by setrole)
          from pg_db_role_setting where setdatabase = d.oid)
  from pg_database d where datname not in ('template0', 'template1', 'source_db', 'target_db', 'closed')
 order by 1";

/// Odd names, a database for each way to be odd.
const NAMES: [&str; 5] = ["app", "Mixed Case", "quote\"'d", "..", "a/b%c"];

fn fill(pair: &Pair) {
    pair.source.sql(
        "create role owner_of_one login; create role reader;
         create database app owner owner_of_one;
         create database \"Mixed Case\" template template0 encoding 'LATIN1' lc_collate 'C' lc_ctype 'C';
         create database \"quote\"\"'d\" connection limit 7;
         create database \"..\" is_template true;
         create database \"a/b%c\";
         comment on database app is 'it''s ours';
         revoke connect on database app from public;
         grant connect on database app to reader;
         alter database app set work_mem = '5MB';
         alter role reader in database app set lock_timeout = '3s';
         create database closed allow_connections false;",
    );
    for name in NAMES {
        Database::new(pair.source.cluster_handle(), name).sql(
            "create table t (a int primary key, b text);
             insert into t select i, md5(i::text) from generate_series(1, 500) i;
             create table u (a int references t);
             insert into u select a from t;
             create index on t (b);
             create sequence s start 42; select nextval('s');
             select lo_from_bytea(0, 'large');
             create materialized view v as select count(*) from t;",
        );
    }
    Database::new(pair.source.cluster_handle(), "postgres")
        .sql("create table in_postgres as select 1 as a");
}

#[test]
fn every_database_arrives_whole() {
    let pair = Pair::start();
    fill(&pair);
    let output = all_databases(&pair).run();
    output.assert_success();
    for name in NAMES.iter().chain(&["postgres"]) {
        assert_same(&pair, name);
    }
    assert_eq!(pair.source.sql(OUTSIDE), pair.target.sql(OUTSIDE));
    assert!(output.stderr.contains("database \"closed\" is left out"), "{output}");
    assert!(output.stderr.contains("[Mixed Case] "), "{output}");
    assert!(output.stdout.contains("Database"), "{output}");
    let rows = output.stdout.lines().filter(|line| line.contains("public")).count();
    assert!(rows >= NAMES.len(), "{output}");
    let summary: serde_json::Value = serde_json::from_str(
        &std::fs::read_to_string(pair.directory().join("pgcopydb/summary.json")).unwrap(),
    )
    .unwrap();
    assert!(summary["tables"].as_array().unwrap().len() > 2 * NAMES.len());
    // Nothing of ours stays.
    assert_eq!(
        Database::new(pair.target.cluster_handle(), "app")
            .value("select count(*) from pg_namespace where nspname = 'pgcopydb'"),
        "0"
    );
}

/// A comparison of all databases.
fn compare(pair: &Pair, what: &str) -> pgcopydb_testkit::Program {
    let maintenance = |side: &Database| Database::new(side.cluster_handle(), "postgres").uri();
    pgcopydb(pair)
        .args(["compare", what, "--all-databases"])
        .env("PGCOPYDB_SOURCE_PGURI", maintenance(&pair.source))
        .env("PGCOPYDB_TARGET_PGURI", maintenance(&pair.target))
}

#[test]
fn all_databases_are_compared() {
    let pair = Pair::start();
    pair.source.sql(
        "create database \"a b\"; create database c;
         \\c \"a b\"
         create table t as select 1 as x;
         \\c c
         create table t as select 1 as x",
    );
    for what in ["schema", "data"] {
        let output = compare(&pair, what).run();
        output.assert_code(12);
        assert!(output.stderr.contains("Failed to find database \"a b\""), "{output}");
    }
    all_databases(&pair).run().assert_success();
    let schema = compare(&pair, "schema").run();
    schema.assert_success();
    assert!(schema.stdout.contains("a b       |   1 |     1 |   0 |"), "{schema}");
    let data = compare(&pair, "data").run();
    data.assert_success();
    assert!(data.stdout.contains(" c.public.t |   | "), "{data}");
    let target = Database::new(pair.target.cluster_handle(), "c");
    target.sql("update t set x = 2; create table u ()");
    for (what, line) in [("schema", "+ table public.u"), ("data", " c.public.t | ! | ")] {
        let output = compare(&pair, what).run();
        output.assert_code(12);
        assert!(output.stdout.contains(line), "{output}");
        let json = compare(&pair, what).arg("--json").run();
        let value: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
        let names = value.as_array().unwrap().iter().map(|one| one["database"].as_str().unwrap());
        assert!(names.eq(["a b", "c", "postgres", "source_db"]), "{json}");
    }
}

#[test]
fn fifty_small_databases_with_few_connections() {
    let pair = Pair::start();
    pair.source.sql(
        "create database small; \\c small
         create table t (a int primary key); insert into t select generate_series(1, 100);
         \\c postgres
         select format('create database small_%s template small', i) from generate_series(2, 50) i
         \\gexec",
    );
    let output = all_databases(&pair).args(["--table-jobs", "2", "--index-jobs", "2"]).run();
    output.assert_success();
    let count = Database::new(pair.target.cluster_handle(), "postgres")
        .value("select count(*) from pg_database where datname like 'small%'");
    assert_eq!(count, "50");
    for name in ["small", "small_2", "small_50"] {
        assert_same(&pair, name);
    }
}

#[test]
fn what_fails_in_one_database_stops_no_other() {
    let pair = Pair::start();
    pair.source.sql("create database broken; create database good; create database last;");
    for name in ["broken", "good", "last"] {
        Database::new(pair.source.cluster_handle(), name)
            .sql("create table t (a int); insert into t values (1), (2);");
    }
    let broken = Database::new(pair.source.cluster_handle(), "broken");
    // What it looks for is left out of the copy.
    broken.sql(
        "create database closed allow_connections false;
         create function f(int) returns int language plpgsql immutable as $$
           begin
             if not exists (select from pg_catalog.pg_database where datname = 'closed') then
               raise 'no luck';
             end if;
             return $1;
           end$$;
         create index on t (f(a));",
    );
    let output = all_databases(&pair).run();
    output.assert_code(12);
    assert!(output.stderr.contains("1 of 5 databases are not complete: broken"), "{output}");
    for name in ["good", "last"] {
        assert_same(&pair, name);
    }
    pair.target.sql("create database closed");
    all_databases(&pair).args(["--resume", "--not-consistent"]).run().assert_success();
    assert_same(&pair, "broken");
    // A second time in the same directory is refused, resuming finds nothing to do.
    let again = all_databases(&pair).run();
    again.assert_code(3);
    assert!(again.stderr.contains("was used by an earlier run"), "{again}");
    all_databases(&pair).args(["--resume", "--not-consistent"]).run().assert_success();
}

#[test]
fn databases_of_the_target_are_replaced_but_for_the_connected_one() {
    let pair = Pair::start();
    pair.source.sql("create database app; \\c app\n create table t as select 1 as a");
    let postgres = Database::new(pair.source.cluster_handle(), "postgres");
    postgres.sql("create table in_postgres as select 1 as a");
    pair.target.sql(
        "create database app; \\c app\n create table t as select 2 as b; create table other ()",
    );
    Database::new(pair.target.cluster_handle(), "postgres")
        .sql("create table in_postgres as select 2 as b");
    let refused = all_databases(&pair).run();
    assert!(!refused.status.success(), "{refused}");
    let output = all_databases(&pair).args(["--restart", "--drop-if-exists"]).run();
    output.assert_success();
    assert_same(&pair, "app");
    assert_same(&pair, "postgres");
}

#[test]
fn one_server_is_not_copied_onto_itself() {
    let pair = Pair::start();
    let other = Database::create(pair.source.cluster_handle(), "other");
    let output = all_databases(&pair).env("PGCOPYDB_TARGET_PGURI", other.uri()).run();
    output.assert_code(1);
    assert!(output.stderr.contains("the same"), "{output}");
    let output = all_databases(&pair).arg("--follow").run();
    output.assert_code(1);
}
