//! Which rows differ.

use pgcopydb_testkit::Pair;

use super::{compare, on_both};

/// The lines after the table.
fn rows(pair: &Pair, options: &[&str]) -> String {
    let output = compare(pair, "data").args(options).run();
    output.assert_code(12);
    let (_, rows) = output.stdout.split_once("\n\n").unwrap();
    rows.trim_end().to_owned()
}

#[test]
fn rows_that_differ_are_named_by_their_keys() {
    let pair = Pair::shared();
    on_both(
        &pair,
        "create table t (k text, n int, v float8, primary key (n, k));
         insert into t select 'key ' || i, i, i / 7.0 from generate_series(1, 20000) i",
    );
    pair.source.sql("insert into t values ('new', 0, 1)");
    pair.target.sql(
        "update t set v = v + 1e-12 where n = 7; delete from t where n = 15000;
         insert into t values (E'a\\nb', 30000, 1)",
    );
    let found = rows(&pair, &["--rows"]);
    let mut lines: Vec<&str> = found.lines().collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "  + (30000,\"a\\nb\")",
            "  - (0,new)",
            "  - (15000,\"key 15000\")",
            "  ~ (7,\"key 7\")",
            "Rows of public.t that differ:",
        ]
    );
    assert_eq!(rows(&pair, &["--rows=2"]).lines().count(), 3);
    assert_eq!(rows(&pair, &["--rows", "-L", "100kB"]).lines().count(), 5);
    assert_eq!(rows(&pair, &[]), "");
}

#[test]
fn rows_without_a_key_are_shown_as_they_are() {
    let pair = Pair::shared();
    on_both(
        &pair,
        "create table t (a int, b text);
         insert into t select 1, 'twin' from generate_series(1, 5000);
         insert into t select i, repeat('x', 300) from generate_series(1, 3) i",
    );
    pair.target.sql("insert into t values (1, 'twin'); update t set b = b || 'y' where a = 2");
    let found = rows(&pair, &["--rows"]);
    let shown = format!("  ~ (2,{}", "x".repeat(197));
    assert_eq!(found, format!("Rows of public.t that differ:\n  + (1,twin)\n{shown}"));
}

#[test]
fn json_names_them_too() {
    let pair = Pair::shared();
    on_both(&pair, "create table t (a int primary key); insert into t values (1)");
    pair.target.sql("insert into t values (2)");
    let output = compare(&pair, "data").args(["--json", "--rows=5"]).run();
    let entries: serde_json::Value = serde_json::from_str(&output.assert_code(12).stdout).unwrap();
    assert_eq!(
        entries[0]["rows"],
        serde_json::json!([{ "difference": "target-only", "key": "(2)" }])
    );
}
