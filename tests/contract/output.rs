//! What a clone prints: tables on standard output, lines of a log on standard error, and the same
//! as JSON.

use pgcopydb_testkit::Pair;
use serde_json::Value;

use crate::support::{clone, summary};

fn pair() -> Pair {
    let pair = Pair::shared();
    pair.source.sql(
        "create schema \"S x\";
         create table \"S x\".\"T y\" (id int primary key, note text unique);
         insert into \"S x\".\"T y\" select i, md5(i::text) from generate_series(1, 1000) i;
         create index by_both on \"S x\".\"T y\" (note, id);
         create table child (id int references \"S x\".\"T y\");
         insert into child values (7);
         create table empty ()",
    );
    pair
}

#[test]
fn the_summary_has_its_published_layout() {
    let pair = pair();
    let output = clone(&pair).run();
    output.assert_success();
    let blocks: Vec<&str> = output.stdout.split("\n\n").collect();
    assert_eq!(blocks.len(), 2, "{output}");
    let rows: Vec<Vec<&str>> =
        blocks[0].lines().map(|line| line.split(" | ").map(str::trim).collect()).collect();
    let header = [
        "OID",
        "Schema",
        "Name",
        "Parts",
        "copy duration",
        "transmitted bytes",
        "indexes",
        "create index",
    ];
    assert_eq!(rows[0], header, "{output}");
    assert!(blocks[0].lines().nth(1).unwrap().chars().all(|c| c == '-' || c == '+'), "{output}");
    let oid = pair.source.value("select '\"S x\".\"T y\"'::regclass::oid");
    assert_eq!(rows[2][..4], [&oid, "\"S x\"", "\"T y\"", "1"], "{output}");
    assert_eq!(rows[2][6], "3", "{output}");
    assert_eq!(rows.len(), 5, "{output}");
    let labels: Vec<&str> = blocks[1]
        .lines()
        .filter_map(|line| line.get(..51))
        .map(str::trim)
        .filter(|label| !label.starts_with('-'))
        .collect();
    assert_eq!(
        labels,
        [
            "Step",
            "Catalog Queries (table ordering, filtering, etc)",
            "Dump Schema",
            "Prepare Schema",
            "COPY, INDEX, CONSTRAINTS, VACUUM (wall clock)",
            "COPY (cumulative)",
            "CREATE INDEX (cumulative)",
            "CONSTRAINTS (cumulative)",
            "VACUUM (cumulative)",
            "Reset Sequences",
            "Large Objects (cumulative)",
            "Finalize Schema",
            "Total Wall Clock Duration",
        ]
    );
    assert!(output.stderr.contains("All step are now done, "), "{output}");
}

#[test]
fn the_summary_is_a_file_too() {
    let pair = pair();
    clone(&pair).run().assert_success();
    let text = std::fs::read_to_string(pair.directory().join("pgcopydb/summary.json")).unwrap();
    assert!(text.starts_with("{\n    \"setup\": {\n        \"table-jobs\": 4"), "{text}");
    let summary = summary(&pair);
    let tables = summary["tables"].as_array().unwrap();
    let table = tables.iter().find(|table| table["name"] == "\"T y\"").unwrap();
    assert_eq!(table["schema"], "\"S x\"");
    assert_eq!(
        table["oid"].to_string(),
        pair.source.value("select '\"S x\".\"T y\"'::regclass::oid")
    );
    assert!(table["network"]["bytes"].as_u64().unwrap() > 32_000, "{table}");
    assert!(table["network"]["bytes-pretty"].is_string(), "{table}");
    assert!(table["network"]["transmit-rate"].is_string(), "{table}");
    assert_eq!(table["index"]["count"], 3);
    let index = table["indexes"].as_array().unwrap().iter().find(|i| i["name"] == "by_both");
    let index = index.unwrap();
    assert!(index["sql"].as_str().unwrap().contains("CREATE INDEX by_both ON"), "{index}");
    assert!(index["ms"].is_u64(), "{index}");
    let constraints: Vec<&str> = table["constraints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|constraint| constraint["sql"].as_str().unwrap())
        .collect();
    assert!(constraints.iter().any(|sql| sql.contains("PRIMARY KEY")), "{constraints:?}");
    let child = tables.iter().find(|table| table["name"] == "child").unwrap();
    let key = child["constraints"][0]["sql"].as_str().unwrap();
    assert!(key.contains("FOREIGN KEY"), "{key}");
    assert_eq!(summary["steps"].as_array().unwrap().len(), 12);
    assert!(summary["failures"].is_null());
}

#[test]
fn every_line_of_the_log_can_be_json() {
    let pair = pair();
    let output = clone(&pair).args(["-z"]).env("PGCOPYDB_LOG_JSON", "true").run();
    output.assert_success();
    for line in output.stderr.lines() {
        let object: Value = serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line}"));
        for key in ["timestamp", "error_severity", "file_name", "message"] {
            assert!(object[key].is_string(), "no {key} in {line}");
        }
        for key in ["pid", "error_level", "file_line_num"] {
            assert!(object[key].is_u64(), "no {key} in {line}");
        }
    }
    output.assert_stdout_has("Total Wall Clock Duration");
}

#[test]
fn statements_are_shown_with_their_server() {
    let pair = pair();
    let output = clone(&pair).arg("-vv").run();
    output.assert_success();
    let has = |server: &str, statement: &str| {
        let mut lines = output.stderr.lines().filter(|line| line.contains(" SQL "));
        lines.any(|line| line.contains(server) && line.contains(statement))
    };
    assert!(has("[SOURCE ", "copy \"S x\".\"T y\""), "{output}");
    assert!(has("[TARGET ", "copy \"S x\".\"T y\""), "{output}");
    assert!(has("[TARGET ", "CREATE INDEX by_both"), "{output}");
    // Nobody's rows.
    assert!(!output.stderr.contains("c4ca4238a0b923820dcc509a6f75849b"), "{output}");
}

#[test]
fn a_reader_who_has_gone_does_not_spoil_a_copy() {
    let pair = pair();
    let program = env!("CARGO_BIN_EXE_pgcopydb");
    for redirection in [">&-", "| true", "2>&-", ">&- 2>&-"] {
        let script = format!("\"$0\" clone -r -c {redirection}; exit ${{PIPESTATUS[0]}}");
        let output = pair.program("/bin/bash").args(["-c", &script, program]).run();
        assert_eq!(output.code(), Some(0), "{redirection}: {output}");
        assert!(!output.stderr.contains("panicked"), "{redirection}: {output}");
        pair.assert_same();
    }
}

#[test]
fn a_full_disk_of_a_log_does_not_spoil_a_copy() {
    let pair = pair();
    let output = clone(&pair).env("PGCOPYDB_LOG_FILENAME", "/dev/full").run();
    output.assert_success();
    pair.assert_same();
}
