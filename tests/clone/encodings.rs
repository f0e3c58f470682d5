//! Databases in other encodings than UTF-8, with names and rows that are not ASCII.

use pgcopydb_testkit::{Database, Pair};

use crate::support::clone;

/// Two new databases with encodings of their own.
fn pair(name: &str, source: &str, target: &str) -> Pair {
    let mut pair = Pair::shared();
    let database = |old: &Database, encoding: &str| {
        let name = format!("{}_{name}_{}", old.name(), encoding.to_lowercase());
        old.cluster().sql(
            "postgres",
            &format!("create database {name} template template0 encoding '{encoding}' locale 'C'"),
        );
        Database::new(old.cluster_handle(), &name)
    };
    pair.source = database(&pair.source, source);
    pair.target = database(&pair.target, target);
    pair
}

/// Names, rows, comments and settings in Western letters.
const WESTERN: &str = "
    create schema \"Größe\";
    create type \"Größe\".\"Maß\" as enum ('groß', 'klein');
    create table \"Größe\".\"Straße\" (\"Länge\" int primary key, \"Maß\" \"Größe\".\"Maß\", t text,
                                       j json, a text[]);
    insert into \"Größe\".\"Straße\" values
      (1, 'groß', E'Ünï\\t\\\\\\n', '{\"ä\": \"ö\"}', '{é,\"ç, ñ\"}'), (2, 'klein', '', null, null);
    insert into \"Größe\".\"Straße\" select i, 'groß', repeat('ÿ', 1000) from generate_series(3, 3000) i;
    create index \"Übersicht\" on \"Größe\".\"Straße\" (t collate \"C\") where \"Länge\" < 3;
    comment on table \"Größe\".\"Straße\" is 'Größe; ¿qué?';
    create function \"Größe\".\"über\"() returns text language sql as 'select ''größer''::text';
    create view \"Größe\".\"Übersicht 2\" as select t as \"ß\" from \"Größe\".\"Straße\" where t <> 'é';
    create materialized view \"Größe\".\"Überblick\" as select count(*) as \"ß\" from \"Größe\".\"Straße\";
    create sequence \"Größe\".\"Zähler\";
    select setval('\"Größe\".\"Zähler\"', 5);
    create table \"Größe\".\"Schlüssel\" (\"ß\" int references \"Größe\".\"Straße\" (\"Länge\"));
    insert into \"Größe\".\"Schlüssel\" values (2);
    create table \"Größe\".\"über alles\" (a text default 'ä' check (a <> 'ö'));
    insert into \"Größe\".\"über alles\" default values;
    select lo_from_bytea(4711, '\\xff00');
    comment on large object 4711 is 'größer';";

/// Every row as text, as psql gets it in UTF-8.
fn rows(database: &Database) -> String {
    let tables = ["Straße", "Schlüssel", "über alles", "Überblick"];
    let query = |table: &&str| format!("select * from \"Größe\".\"{table}\" order by 1;");
    database.sql(&tables.iter().map(query).collect::<String>())
}

#[test]
fn letters_arrive_in_any_encoding_that_has_them() {
    for (source, target) in [
        ("LATIN1", "LATIN1"),
        ("LATIN1", "UTF8"),
        ("UTF8", "LATIN1"),
        ("LATIN1", "LATIN9"),
        ("UTF8", "UTF8"),
    ] {
        let pair = pair("letters", source, target);
        pair.source.sql(WESTERN);
        for format in ["--copy-format=auto", "--split-tables-larger-than=1MB"] {
            clone(&pair).args(["--restart", "-c", format]).run().assert_success();
            // The checksum of a row is that of its bytes.
            let same = pair.same();
            let same = if source == target { same } else { same.without_rows() };
            same.assert();
            assert_eq!(rows(&pair.target), rows(&pair.source), "{source} to {target}");
            let counter = "select last_value from \"Größe\".\"Zähler\"";
            assert_eq!(pair.target.value(counter), "5");
        }
    }
}

#[test]
fn what_the_target_cannot_write_fails_alone() {
    let pair = pair("foreign", "UTF8", "LATIN1");
    pair.source.sql(
        "create table t (a text); insert into t values ('漢字');
         create table u (a text); insert into u values ('ä')",
    );
    let output = clone(&pair).run();
    output.assert_code(12);
    output.assert_stdout_has("copy public.t");
    output.assert_stdout_has("SQLSTATE 22P05");
    output.assert_stdout_has("has no equivalent in encoding \"LATIN1\"");
    assert_eq!(pair.target.value("select a from u"), "ä");
    assert_eq!(pair.target.value("select count(*) from t"), "0");
}

/// Bytes that are letters of no encoding together, in a database that does not care.
const BYTES: &str = "
    set client_encoding = 'SQL_ASCII';
    create table plain (a int primary key, t text);
    insert into plain values (1, E'ASCII \\\\ \\t \\n');";

#[test]
fn bytes_without_an_encoding_stay_as_they_are() {
    let pair = pair("bytes", "SQL_ASCII", "SQL_ASCII");
    pair.source.sql(BYTES);
    pair.source.sql(
        "insert into plain values (2, E'\\xff\\xfe latin \\xe4'), (3, 'utf-8 ä 漢');
         insert into plain select i, E'\\xa0' || repeat(E'\\xe4', 1000) from generate_series(4, 3000) i;
         create table \"ä utf-8\" (\"ö\" text default 'ü');
         insert into \"ä utf-8\" default values;
         create index \"ß\" on \"ä utf-8\" (\"ö\");
         comment on table \"ä utf-8\" is 'é'",
    );
    clone(&pair).run().assert_success();
    pair.assert_same();
}

#[test]
fn bytes_that_are_utf_8_go_into_a_utf_8_database() {
    let pair = pair("utf8", "SQL_ASCII", "UTF8");
    pair.source.sql(BYTES);
    pair.source.sql("insert into plain values (3, 'utf-8 ä 漢'); create table \"ä\" (a text)");
    clone(&pair).run().assert_success();
    pair.assert_same();
}

#[test]
fn bytes_that_are_not_utf_8_are_refused_by_a_utf_8_database() {
    let pair = pair("not_utf8", "SQL_ASCII", "UTF8");
    pair.source.sql(BYTES);
    pair.source.sql("create table bad (t text); insert into bad values (E'latin \\xe4')");
    let output = clone(&pair).run();
    output.assert_code(12);
    output.assert_stdout_has("copy public.bad");
    output.assert_stdout_has("SQLSTATE 22021");
    assert_eq!(pair.target.value("select count(*) from plain"), "1");
}

#[test]
fn a_schema_that_is_not_utf_8_is_refused() {
    for (number, (statement, code, reason)) in [
        ("create table \"latin \\xe4\" ()", 6, "HINT: In a database without an encoding"),
        ("create table t (\"\\xe4\" text)", 6, "HINT: In a database without an encoding"),
        ("create table t (a text default \\'\\xe4\\')", 5, "invalid byte sequence"),
        ("comment on table plain is \\'\\xe4\\'", 5, "invalid byte sequence"),
    ]
    .into_iter()
    .enumerate()
    {
        let pair = pair(&format!("names_{number}"), "SQL_ASCII", "SQL_ASCII");
        pair.source.sql(BYTES);
        pair.source.sql(&format!("do $$ begin execute E'{statement}'; end $$"));
        let output = clone(&pair).run();
        output.assert_code(code);
        output.assert_stderr_has(reason);
        let made = "select count(*) from pg_class where oid >= 16384";
        assert_eq!(pair.target.value(made), "0");
    }
}
