//! What a comparison of schemas says, and where.

use pgcopydb_testkit::Pair;

use super::{compare, messages, on_both};

#[test]
fn differences_are_on_standard_output_and_in_the_log() {
    let pair = Pair::shared();
    on_both(&pair, "create table t (id int primary key, note text); create sequence s");
    pair.target.sql(
        "alter table t alter note type varchar; alter table t add more int; create index i on t (note);
         drop sequence s; create view v as select 1 as a",
    );
    let output = compare(&pair, "schema").run();
    output.assert_code(12);
    assert_eq!(
        output.stdout,
        "table public.t
  + column more
  ~ column note, type
      - text
      + character varying
  + index public.i
+ view public.v
- sequence public.s
"
    );
    let infos = messages(&output, "INFO");
    for counts in [
        "[SOURCE] table: 1, index: 1, constraint: 1, sequence: 1",
        "[TARGET] table: 1, index: 2, constraint: 1, sequence: 0",
    ] {
        assert!(infos.iter().any(|line| line == counts), "{output}");
    }
    assert_eq!(messages(&output, "ERROR").len(), 5, "{output}");
    assert_eq!(messages(&output, "FATAL"), ["Schemas on source and target database differ"]);
}

#[test]
fn json_has_the_differences_too() {
    let pair = Pair::shared();
    on_both(&pair, "create table t (id int, note text)");
    let same = compare(&pair, "schema").arg("--json").run();
    let document: serde_json::Value = serde_json::from_str(&same.assert_success().stdout).unwrap();
    assert_eq!(document["same"], true);
    assert_eq!(document["source"]["tables"], 1);
    assert_eq!(document["differences"], serde_json::json!([]));

    pair.source.sql("alter table t alter note set default 'a/b'");
    let output = compare(&pair, "schema").arg("-J").run();
    output.assert_code(12).assert_stdout_has("a\\/b");
    let document: serde_json::Value = serde_json::from_str(&output.stdout).unwrap();
    assert_eq!(
        document["differences"],
        serde_json::json!([{
            "class": "column", "name": "note", "on": { "class": "table", "name": "public.t" },
            "difference": "property", "property": "default", "source": "'a/b'::text"
        }])
    );
}

#[test]
fn an_index_that_is_not_valid_may_be_on_one_side_only() {
    let pair = Pair::shared();
    on_both(&pair, "create table t (a int)");
    pair.source.sql("insert into t values (1), (1)");
    pair.source.try_sql("create unique index concurrently i on t (a)").unwrap_err();
    let output = compare(&pair, "schema").run();
    output.assert_success().assert_stderr_has("only the source has the invalid index public.i");
}

#[test]
fn passwords_are_compared_and_not_shown() {
    let pair = Pair::shared();
    on_both(
        &pair,
        "create foreign data wrapper w; create server s foreign data wrapper w;
         create user mapping for public server s options (user 'u', password 'secret1')",
    );
    compare(&pair, "schema").run().assert_success();
    pair.target.sql("alter user mapping for public server s options (set password 'secret2')");
    let output = compare(&pair, "schema").run();
    output.assert_code(12).assert_stderr_has("User mapping for public server s options mismatch");
    assert!(!output.stdout.contains("secret") && !output.stderr.contains("secret"), "{output}");
}

#[test]
fn the_settings_of_a_database_do_not_change_how_definitions_look() {
    let pair = Pair::shared();
    on_both(
        &pair,
        "create schema app; create table app.t (at timestamptz default '2024-05-06 07:08:09+00',
           i interval default '1 day 2 hours', f float8 default 0.1) partition by range (at);
         create table app.t1 partition of app.t
           for values from ('2024-01-01 00:00+00') to ('2025-01-01 00:00+00');
         create view v as select '2024-05-06 07:08:09+00'::timestamptz as at from app.t",
    );
    let name = pair.target.name();
    for setting in [
        "timezone = 'America/Chicago'",
        "datestyle = 'German'",
        "intervalstyle = 'iso_8601'",
        "search_path = app",
        "quote_all_identifiers = on",
    ] {
        pair.target.sql(&format!("alter database {name} set {setting}"));
        pair.source.sql(&format!("alter database {} set {setting}", pair.source.name()));
        pair.source.sql(&format!(
            "alter database {} reset {}",
            pair.source.name(),
            setting.split(' ').next().unwrap()
        ));
    }
    let output = compare(&pair, "schema").run();
    // The settings themselves are all that differs.
    let errors = messages(&output, "ERROR");
    assert_eq!(errors.len(), 5, "{output}");
    assert!(errors.iter().all(|line| line.starts_with("Database setting ")), "{output}");
}
