use std::time::Duration;

use super::timeline::tests::step;
use super::*;
use crate::model::StepKind::{CopyTable, CreateIndex, PreData};
use crate::model::{
    ObjectSummary, Oid, PartSummary, QualifiedName, SectionSummary, Settings, TableSummary,
};

const MEGABYTE: u64 = 1 << 20;

fn table(oid: u32, megabytes: u64, seconds: u64) -> TableSummary {
    let bytes = megabytes * MEGABYTE;
    TableSummary {
        database: "shop".to_owned(),
        oid: Oid(oid),
        name: QualifiedName::new("public", format!("t{oid}")),
        source_bytes: bytes,
        parts: vec![PartSummary { number: 0, bytes, rows: 10, duration: seconds_of(seconds) }],
        indexes: Vec::new(),
        constraints: Vec::new(),
    }
}

fn seconds_of(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn summary(tables: Vec<TableSummary>) -> Summary {
    let sections =
        vec![SectionSummary { section: Section::Total, duration: seconds_of(100), bytes: 0 }];
    let jobs = Settings::default().jobs;
    let tables = tables.into();
    Summary { jobs, names_database: false, sections, tables, failures: Vec::new() }
}

fn history(steps: Vec<crate::model::StepRecord>) -> History {
    History { database: "shop".to_owned(), steps: steps.into(), sections: Vec::new() }
}

fn titles(summary: &Summary, steps: Vec<crate::model::StepRecord>) -> Vec<String> {
    let timeline = Timeline::of(&history(steps));
    let links = path::links(&timeline, &path::critical(&timeline));
    let advice = advice::advice(summary, &timeline, &links);
    advice.into_iter().map(|advice| advice.title).collect()
}

#[test]
fn the_page_has_a_lane_for_each_worker_and_needs_nothing_else() {
    let mut wide = table(2, 700, 60);
    wide.indexes.push(ObjectSummary {
        oid: Oid(3),
        name: QualifiedName::new("public", "i<3>"),
        sql: "create index".to_owned(),
        duration: seconds_of(9),
    });
    let steps = vec![
        step(PreData, 1, 0, 1_000, 2_000),
        step(CopyTable, 1, 1, 2_000, 30_000),
        step(CopyTable, 2, 2, 2_001, 62_000),
        step(CreateIndex, 1, 2, 62_001, 71_000),
    ];
    let page = page(&summary(vec![table(1, 300, 28), wide]), &history(steps));
    for lane in ["restore 1", "copy 1", "copy 2", "index 1"] {
        assert!(page.contains(&format!("data-worker=\"{lane}\"")), "no {lane} in {page}");
    }
    assert_eq!(page.matches("class=\"lane\"").count(), 4);
    assert!(page.contains("index critical") && page.contains("copy critical"), "{page}");
    assert!(page.contains("i&lt;3&gt;"), "names are escaped: {page}");
    for foreign in ["<script", "<link", "src=", "http://", "https://"] {
        assert!(!page.contains(foreign), "{foreign} in {page}");
    }
}

#[test]
fn what_failed_is_on_the_page() {
    let mut summary = summary(Vec::new());
    summary.failures.push(Failure {
        object: "create index x".to_owned(),
        message: "out of <disk>".to_owned(),
        sql: Some("create index x on y (z)".to_owned()),
        ..Failure::default()
    });
    let page = page(&summary, &History::default());
    assert!(page.contains("out of &lt;disk&gt;"), "{page}");
    assert!(page.contains("create index x on y (z)"), "{page}");
}

#[test]
fn one_table_at_the_end_is_to_be_split() {
    let summary = summary(vec![table(1, 100, 1), table(2, 8_000, 60)]);
    let steps = vec![step(CopyTable, 1, 1, 0, 1_000), step(CopyTable, 2, 2, 0, 60_000)];
    assert_eq!(
        titles(&summary, steps),
        ["Copy table public.t2 in parts", "Check the target's write-ahead log settings"]
    );
}

#[test]
fn one_index_at_the_end_is_to_be_built_by_several() {
    let summary = summary(vec![table(1, 10, 1)]);
    let steps = vec![
        step(CopyTable, 1, 1, 0, 1_000),
        step(CreateIndex, 1, 1, 1_000, 2_000),
        step(CreateIndex, 2, 1, 1_000, 9_000),
    ];
    let expected = ["Let the target build its last index with several processes"];
    assert_eq!(titles(&summary, steps), expected);
}

#[test]
fn saturated_and_slow_workers_are_named() {
    let mut summary = summary(vec![table(1, 110, 9), table(2, 110, 10)]);
    summary.jobs.table = 2;
    let steps = vec![step(CopyTable, 1, 1, 0, 9_900), step(CopyTable, 2, 2, 0, 10_000)];
    assert_eq!(
        titles(&summary, steps),
        [
            "More --table-jobs, if the target has idle cores",
            "Find out why rows of table public.t2 are slow"
        ]
    );
}

#[test]
fn a_schema_of_many_objects_is_said_to_be_that() {
    let steps = vec![step(PreData, 1, 0, 0, 8_000), step(CopyTable, 1, 1, 8_000, 9_000)];
    let said = titles(&summary(vec![table(1, 1, 1)]), steps);
    assert_eq!(said.last().unwrap(), "Most of the schema is work that cannot be shared");
}

#[test]
fn of_a_short_run_nothing_is_said() {
    let steps = vec![step(CopyTable, 1, 1, 0, 10)];
    assert_eq!(titles(&summary(vec![table(1, 1, 1)]), steps), ["Nothing"]);
}
