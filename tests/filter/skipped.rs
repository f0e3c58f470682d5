//! What filters leave out is listed.

use pgcopydb_testkit::{Output, Pair};

use crate::support::pgcopydb;

const SCHEMA: &str = "
    create schema app;
    create table app.keep (id int primary key, x int);
    create table app.gone (id serial primary key, x int);
    create index gone_x on app.gone (x);
    create index keep_x on app.keep (x);
    create table app.child () inherits (app.gone);
    create view app.\"Odd view\" as select * from app.gone;
    alter table app.keep add constraint to_gone foreign key (x) references app.gone;
    create sequence app.free;
    create extension citext;";

const FILTERS: &str = "[exclude-table]\napp.gone\n[exclude-index]\napp.keep_x\n";

fn list(pair: &Pair, line: &str) -> Output {
    let file = pair.directory().join("filters.ini");
    std::fs::write(&file, FILTERS).unwrap();
    let program = pgcopydb(pair).arg("list").args(line.split_whitespace());
    let output = program.arg("--filters").arg(file).run();
    output.assert_success();
    output
}

/// One column of a list.
fn column(output: &Output, number: usize) -> Vec<String> {
    let rows = output.stdout.lines().skip(2).filter(|line| !line.is_empty());
    let mut column: Vec<String> =
        rows.map(|row| row.split(" | ").nth(number).unwrap().trim().to_owned()).collect();
    column.sort();
    // A sequence has a line for each default that uses it.
    column.dedup();
    column
}

#[test]
fn lists_show_what_filters_leave_in_or_out() {
    let pair = Pair::shared();
    pair.source.sql(SCHEMA);
    for (what, kept, skipped) in [
        ("tables", vec!["keep"], vec!["child", "gone"]),
        ("indexes", vec!["keep_pkey"], vec!["gone_pkey", "gone_x", "keep_x"]),
        ("sequences", vec!["free"], vec!["gone_id_seq"]),
    ] {
        assert_eq!(column(&list(&pair, what), 2), kept, "{what}");
        let out = list(&pair, &format!("{what} --list-skipped"));
        assert_eq!(column(&out, 2), skipped, "{what}");
    }
    let left = pair.directory().join("pgcopydb");
    assert!(!left.exists(), "a list leaves no directory behind");
}

#[test]
fn what_goes_because_of_something_else_is_listed_with_it() {
    let pair = Pair::shared();
    pair.source.sql(SCHEMA);
    let output = list(&pair, "depends --list-skipped");
    let rows = output.stdout.lines().skip(2).filter(|line| !line.is_empty());
    let mut facts: Vec<String> = rows
        .map(|row| {
            let cells: Vec<&str> = row.split(" | ").map(str::trim).collect();
            format!("{}.{}: {} {}", cells[0], cells[1], cells[4], cells[5])
        })
        .collect();
    facts.sort();
    assert_eq!(
        facts,
        [
            "app.gone: default value for app.child.id",
            "app.gone: default value for app.gone.id",
            "app.gone: index app.gone_x",
            "app.gone: sequence app.gone_id_seq",
            "app.gone: table app.child",
            "app.gone: table constraint gone_pkey on app.gone",
            "app.gone: table constraint to_gone on app.keep",
            "app.gone: view app.\"Odd view\"",
        ]
    );
    let json = list(&pair, "depends -x --json");
    let json: serde_json::Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!(json.as_array().unwrap().len(), facts.len());
    assert_eq!(json[0]["schema"], "app");
}

#[test]
fn what_is_skipped_needs_filters() {
    let pair = Pair::shared();
    let run = |line: &str| pgcopydb(&pair).args(line.split_whitespace()).run();
    let output = run("list tables --list-skipped");
    output.assert_code(1).assert_stderr_has("--list-skipped needs the option --filters");
    let output = run("list depends --filters f");
    output.assert_code(1).assert_stderr_has("--filters and --list-skipped are mandatory");
    let output = run("list tables --filters missing.ini");
    output.assert_code(1).assert_stderr_has("missing.ini\" does not exist");
}

#[test]
fn lists_without_filters_say_so() {
    let pair = Pair::shared();
    let file = pair.directory().join("filters.ini");
    std::fs::write(&file, "[exclude-schema]\npublic\n").unwrap();
    for list in ["databases", "collations", "extensions --requirements", "table-parts", "progress"]
    {
        let program = pgcopydb(&pair).arg("list").args(list.split(' ')).arg("--list-skipped");
        let output = program.arg("--filters").arg(&file).run();
        output.assert_code(1).assert_stderr_has("--list-skipped has no meaning for this list");
        assert_eq!(output.stdout, "");
    }
}
