//! Rows, sequences and large objects that are the same, and some that are not.

use std::collections::BTreeSet;

use pgcopydb_testkit::{Output, Pair, workload};

use super::{compare, compare_backwards, messages, on_both};

/// Rows that both sides have, and a change that one side sees.
const CHANGES: &[(&str, &str, &str)] = &[
    ("changed_value", "values (1, 'a'), (2, 'b')", "update changed_value set b = 'c' where a = 2"),
    ("missing_row", "values (1, 'a'), (2, 'b')", "delete from missing_row where a = 2"),
    ("extra_row", "values (1, 'a'), (2, 'b')", "insert into extra_row values (3, 'c')"),
    ("duplicate_row", "values (1, 'a'), (2, 'b')", "insert into duplicate_row values (2, 'b')"),
    (
        "other_duplicate",
        "values (1, 'a'), (1, 'a'), (2, 'b')",
        "truncate other_duplicate; insert into other_duplicate values (1, 'a'), (2, 'b'), (2, 'b')",
    ),
    (
        "swapped_between_rows",
        "values (1, 'a'), (2, 'b')",
        "update swapped_between_rows set b = case b when 'a' then 'b' else 'a' end",
    ),
    (
        "swapped_between_columns",
        "values (1, '2')",
        "update swapped_between_columns set a = 2, b = 1",
    ),
    ("empty_for_null", "values (1, null)", "update empty_for_null set b = ''"),
    ("null_for_empty", "values (null::int, '')", "update null_for_empty set b = null"),
    ("word_for_null", "values (1, null)", "update word_for_null set b = 'NULL'"),
    ("spaces", "values (1, 'a b')", "update spaces set b = 'a  b'"),
    ("letters", "values (1, 'A')", "update letters set b = 'a'"),
    ("emptied", "values (1, 'a')", "truncate emptied"),
    ("filled", "select 1, 'a' where false", "insert into filled values (1, 'a')"),
    (
        "long",
        "values (1, repeat('x', 300000))",
        "update long set b = overlay(b placing 'y' from 150000)",
    ),
    ("commas", "values (1, 'a,b')", "update commas set b = 'a\",\"b'"),
];

/// The tables that an output marks.
fn marked(output: &Output) -> BTreeSet<String> {
    let lines = output.stdout.lines().filter_map(|line| line.split_once(" | ! | "));
    lines.map(|(name, _)| name.rsplit('.').next().unwrap().trim().to_owned()).collect()
}

#[test]
fn every_change_of_a_row_is_noticed_on_either_side() {
    let pair = Pair::shared();
    for (name, rows, _) in CHANGES {
        on_both(
            &pair,
            &format!("create table {name} (a, b) as select a, b::text from ({rows}) r (a, b)"),
        );
    }
    on_both(&pair, "create table untouched (a int); insert into untouched values (1)");
    let same = compare(&pair, "data").run();
    same.assert_success().assert_stderr_has("pgcopydb data inspection is successful");
    assert_eq!(marked(&same), BTreeSet::from(["Table Name".to_owned()]));

    for (_, _, change) in CHANGES {
        pair.target.sql(change);
    }
    let mut expected: BTreeSet<String> =
        CHANGES.iter().map(|(name, ..)| (*name).to_owned()).collect();
    expected.insert("Table Name".to_owned());
    for output in [compare(&pair, "data").run(), compare_backwards(&pair, "data").run()] {
        output.assert_code(12);
        assert_eq!(marked(&output), expected);
        assert_eq!(messages(&output, "ERROR").len(), CHANGES.len(), "{output}");
    }
    let output = compare(&pair, "data").run();
    for text in [
        "Table public.missing_row has 2 rows on source, 1 rows on target",
        "Table public.changed_value has 2 rows on source and target, but checksum ",
    ] {
        output.assert_stderr_has(text);
    }
}

#[test]
fn the_settings_of_roles_and_databases_do_not_matter() {
    let pair = Pair::shared();
    on_both(
        &pair,
        "create schema app; create type app.mood as enum ('a');
         create table app.t (f4 float4, f8 float8, at timestamptz, ts timestamp, d date, i interval,
                             b bytea, m money, n numeric, x xml, c regclass, y regtype, mood app.mood,
                             r tstzrange, list float8[], row_of app.mood[]);
         insert into app.t values (0.1::float4, 1.0 / 3, '2024-05-06 07:08:09.123456+02', '2024-01-02',
           '2024-01-02', '1 year 2 days 3 hours', '\\xdeadbeef', 12.34, 1.50, '<a/>', 'app.t', 'app.mood',
           'a', '[2024-01-01 00:00+00,)', '{0.1,0.30000000000000004}', '{a}')",
    );
    let name = pair.target.name();
    for setting in [
        "timezone = 'Asia/Kolkata'",
        "datestyle = 'SQL, DMY'",
        "intervalstyle = 'iso_8601'",
        "extra_float_digits = -10",
        "bytea_output = 'escape'",
        "search_path = app",
        "xmlbinary = 'hex'",
        "default_transaction_isolation = 'serializable'",
        "jit = on",
        "statement_timeout = '1ms'",
    ] {
        pair.target.sql(&format!("alter database {name} set {setting}"));
    }
    compare(&pair, "data").run().assert_success();
}

#[test]
fn columns_are_compared_by_name() {
    let pair = Pair::shared();
    pair.source.sql(
        "create table ordered (gone int, a int, b text); alter table ordered drop gone;
         create table computed (a int, b int);
         create table wider (a int);
         create table narrower (a int, b int);
         insert into ordered select i, 'b' || i from generate_series(1, 100) i;
         insert into computed select i, i * 2 from generate_series(1, 100) i;
         insert into wider values (1); insert into narrower values (1, 2)",
    );
    pair.target.sql(
        "create table ordered (b text, a bigint);
         create table computed (a int, b int generated always as (a * 2) stored);
         create table wider (a int, more text default 'x');
         create table narrower (a int);
         insert into ordered select 'b' || i, i from generate_series(1, 100) i;
         insert into computed select i from generate_series(1, 100) i;
         insert into wider values (1); insert into narrower values (1)",
    );
    let output = compare(&pair, "data").run();
    output.assert_code(12);
    assert_eq!(
        messages(&output, "ERROR"),
        ["Failed to find column b of table public.narrower in target database"]
    );
    assert_eq!(
        messages(&output, "WARN"),
        ["columns of public.wider on the target only are not compared: more"]
    );
}

#[test]
fn what_one_side_lacks_is_said() {
    let pair = Pair::shared();
    pair.source.sql(
        "create table a (a int); create sequence s1; create materialized view m as select 1;
         create table p (a int) partition by list (a); create table p1 partition of p default",
    );
    pair.target.sql("create table b (a int); create sequence s2");
    let output = compare(&pair, "data").run();
    output.assert_code(12);
    let errors: BTreeSet<String> = messages(&output, "ERROR").into_iter().collect();
    let expected = [
        "Failed to find table public.a in target database",
        "Failed to find table public.b in source database",
        "Failed to find table public.p in target database",
        "Failed to find sequence public.s1 in target database",
        "Failed to find sequence public.s2 in source database",
        "Failed to find materialized view public.m in target database",
    ];
    assert_eq!(errors, expected.map(str::to_owned).into());
}

#[test]
fn a_table_may_be_partitioned_in_another_way() {
    let pair = Pair::shared();
    let rows =
        "insert into by_year select i, '2020-01-01'::date + i from generate_series(0, 1500) i;
                insert into by_hash select i from generate_series(1, 500) i;
                insert into whole select i, i % 7 from generate_series(1, 500) i;
                insert into same select i from generate_series(1, 100) i;";
    let same = "create table same (a int) partition by range (a);
                create table same_1 partition of same for values from (minvalue) to (50);
                create table same_2 partition of same default;";
    pair.source.sql(&format!(
        "create table by_year (id int, at date) partition by range (at);
         create table by_year_1 partition of by_year for values from ('2020-01-01') to ('2022-01-01');
         create table by_year_2 partition of by_year default;
         create table by_hash (a int) partition by hash (a);
         create table by_hash_0 partition of by_hash for values with (modulus 2, remainder 0);
         create table by_hash_1 partition of by_hash for values with (modulus 2, remainder 1);
         create table whole (a int, b int); {same} {rows}"
    ));
    pair.target.sql(&format!(
        "create table by_year (at date, id int) partition by range (at);
         create table by_year_1 partition of by_year for values from ('2020-01-01') to ('2021-01-01');
         create table by_year_2 partition of by_year default partition by hash (id);
         create table by_year_3 partition of by_year_2 for values with (modulus 1, remainder 0);
         create table by_hash (a int) partition by hash (a);
         create table by_hash_0 partition of by_hash for values with (modulus 3, remainder 0);
         create table by_hash_1 partition of by_hash for values with (modulus 3, remainder 1);
         create table by_hash_2 partition of by_hash for values with (modulus 3, remainder 2);
         create table whole (a int, b int) partition by list (b);
         create table whole_1 partition of whole for values in (1, 2);
         create table whole_2 partition of whole default; {same} {}",
        rows.replace("by_year select i, '2020-01-01'::date + i", "by_year select '2020-01-01'::date + i, i")
    ));
    let output = compare(&pair, "data").run();
    output.assert_success();
    let names: Vec<&str> = output
        .stdout
        .lines()
        .filter_map(|line| line.split_once(" |   | ")?.0.trim().rsplit('.').next())
        .collect();
    assert_eq!(names, ["by_hash", "by_year", "same_1", "same_2", "whole"]);

    pair.target.sql("update by_hash set a = a + 100000 where a = 7");
    pair.target.sql("delete from whole_2 where a = 3; update same_1 set a = 1 where a = 2");
    let output = compare(&pair, "data").arg("--rows").run();
    output.assert_code(12);
    let expected = ["Table Name", "by_hash", "same_1", "whole"].map(str::to_owned);
    assert_eq!(marked(&output), expected.into());
    output.assert_stdout_has("Rows of public.whole that differ:\n  - (3,3)\n");
}

#[test]
fn sequences_views_and_large_objects_are_compared_too() {
    let pair = Pair::shared();
    on_both(
        &pair,
        "create sequence called; select setval('called', 7);
         create sequence ahead; select setval('ahead', 7);
         create sequence not_called; select setval('not_called', 7);
         create table t (a int); insert into t values (1);
         create materialized view m as select a from t;
         create materialized view empty as select a from t with no data;
         create materialized view forgotten as select a from t;",
    );
    on_both(&pair, &workload::large_objects(300));
    compare(&pair, "data").run().assert_success();

    on_both(&pair, "select lo_from_bytea(500, decode(repeat('ab', 1048576), 'hex'))");
    on_both(&pair, "select lo_from_bytea(501, decode(repeat('ab', 3000000), 'hex'))");
    let output = compare(&pair, "data").arg("--json").run();
    let entries: Vec<serde_json::Value> =
        serde_json::from_str(&output.assert_success().stdout).unwrap();
    let large_objects = entries.last().unwrap();
    assert_eq!(large_objects["kind"], "large objects");
    assert_eq!(large_objects["source"]["rowcount"], 302);

    pair.target.sql(
        "select setval('ahead', 8); select setval('not_called', 7, false);
         update t set a = 2; refresh materialized view m;
         refresh materialized view forgotten with no data; update t set a = 1;
         select lo_put(501, 2900000, 'x')",
    );
    let output = compare(&pair, "data").run();
    output.assert_code(12);
    let errors = messages(&output, "ERROR");
    assert_eq!(errors.len(), 5, "{output}");
    for text in [
        "Sequence public.ahead is at 7, called on source, 8, called on target",
        "Sequence public.not_called is at 7, called on source, 7, not called on target",
        "Materialized view public.m has 1 rows on source and target, but checksum ",
        "The materialized view public.forgotten is not populated on target",
        "There are 302 large objects on source and target, but checksum ",
    ] {
        assert!(errors.iter().any(|line| line.starts_with(text)), "{text}\n{output}");
    }
    pair.target.sql("select lo_unlink(501)");
    compare(&pair, "data").run().assert_stderr_has("There are 302 large objects on source, 301 ");
}

#[test]
fn a_big_table_is_compared_in_parts() {
    let pair = Pair::shared();
    pair.source.sql(&workload::one_table(8));
    // In another order, so that each side's parts hold other rows.
    pair.target.sql(&workload::one_table(8));
    pair.target.sql(
        "create table other as select * from big order by md5(id::text); drop table big;
                     alter table other rename to big; alter table big add primary key (id)",
    );
    for options in [&[][..], &["--skip-split-by-ctid"], &["--split-max-parts", "3"]] {
        let split = || compare(&pair, "data").args(["-L", "1MB", "-j", "3"]).args(options);
        split().run().assert_success();
        pair.target.sql("update big set a = a + 1 where id = 4711");
        split().run().assert_code(12);
        pair.target.sql("update big set a = a - 1 where id = 4711");
    }
}

#[test]
fn json_has_the_published_shape() {
    let pair = Pair::shared();
    on_both(&pair, "create table \"Odd\" (a int); insert into \"Odd\" values (1)");
    pair.target.sql("insert into \"Odd\" values (2)");
    let output = compare(&pair, "data").arg("--json").run();
    output.assert_code(12);
    let entries: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    let entry = &entries[0];
    assert_eq!((&entry["schema"], &entry["name"]), (&"public".into(), &"\"Odd\"".into()));
    assert_eq!(
        (&entry["source"]["rowcount"], &entry["target"]["rowcount"]),
        (&1.into(), &2.into())
    );
    assert_eq!(entry["source"]["checksum"].as_str().unwrap().len(), 64);
}

#[test]
fn databases_of_different_encodings_can_hold_the_same() {
    let pair = Pair::shared();
    let name = format!("{}_latin", pair.source.name());
    let cluster = pair.source.cluster();
    cluster.sql(
        "postgres",
        &format!("create database {name} template template0 encoding 'LATIN1' locale 'C'"),
    );
    let table =
        "create table t (a int, b text); insert into t values (1, 'é'), (2, repeat('ü', 200000))";
    cluster.sql(&name, &format!("set client_encoding = 'UTF8'; {table}"));
    pair.target.sql(table);
    let program = compare(&pair, "data").env("PGCOPYDB_SOURCE_PGURI", cluster.uri(&name));
    let same = program.run();
    pair.target.sql("update t set b = 'è' where a = 1");
    let different = program.run();
    cluster.sql("postgres", &format!("drop database {name}"));
    same.assert_success();
    different.assert_code(12);
}
