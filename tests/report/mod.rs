//! The page about a run: what `clone --report` and `report` write, as a browser shows it.

mod browser;

use std::fs;

use pgcopydb_testkit::{Pair, workload};

use crate::support::pgcopydb;

/// A clone that is done, with its work directory in `dir` and its page in `clone.html`.
fn cloned(pair: &Pair) {
    pair.source.sql(&workload::one_table(20));
    pair.source.sql(&workload::star_schema(20_000));
    pair.source.sql(&workload::large_objects(30));
    pgcopydb(pair)
        .args(["clone", "--dir", "dir", "--table-jobs", "2", "--report", "clone.html"])
        .run()
        .assert_success();
}

#[test]
fn a_clone_writes_a_page_and_the_same_can_be_had_afterwards() {
    let pair = Pair::shared();
    cloned(&pair);
    let at_the_end = fs::read_to_string(pair.directory().join("clone.html")).unwrap();
    for text in [
        "data-worker=\"copy 1\"",
        "data-worker=\"copy 2\"",
        "data-worker=\"index 1\"",
        "data-worker=\"vacuum 1\"",
        "data-worker=\"large objects 1\"",
        "data-worker=\"pg_dump\"",
        "class=\"foreign-key",
        "public.facts",
        "validate foreign key",
    ] {
        assert!(at_the_end.contains(text), "no {text} in {at_the_end}");
    }
    let output = pgcopydb(&pair).args(["report", "--dir", "dir", "later.html"]).run();
    output.assert_success();
    output.assert_stderr_has("wrote the report to \"later.html\"");
    let later = fs::read_to_string(pair.directory().join("later.html")).unwrap();
    assert_eq!(later, at_the_end);
    pair.assert_same();
}

#[test]
fn a_browser_shows_every_lane() {
    let Some(browser) = browser::Browser::find() else {
        eprintln!("skipped: no Chromium on this machine");
        return;
    };
    let pair = Pair::shared();
    cloned(&pair);
    let page = fs::read_to_string(pair.directory().join("clone.html")).unwrap();
    let written = page.matches("class=\"lane\"").count();
    let seen = browser.look_at(&page, pair.directory());
    assert_eq!(seen.lanes, written, "{seen:?}");
    assert!(seen.lanes >= 6, "{seen:?}");
    assert_eq!(seen.empty_lanes, 0, "{seen:?}");
    assert_eq!(seen.outside, 0, "{seen:?}");
    assert!(seen.critical_blocks > 0, "{seen:?}");
    assert!(!seen.scrolls_sideways, "{seen:?}");
}

#[test]
fn what_failed_is_on_the_page() {
    let pair = Pair::shared();
    pair.source.sql("create table t (a integer); insert into t values (1), (1)");
    pair.source
        .sql("create function refuse() returns integer language sql immutable as 'select 1'");
    pair.source.sql("create index broken on t ((a + refuse()))");
    pair.source.sql(
        "create or replace function refuse() returns integer language plpgsql immutable
         as 'begin raise ''never <again>''; end'",
    );
    pgcopydb(&pair).args(["clone", "--dir", "dir", "--report", "clone.html"]).run().assert_code(12);
    let page = fs::read_to_string(pair.directory().join("clone.html")).unwrap();
    assert!(page.contains("<h2>What failed</h2>"), "{page}");
    assert!(page.contains("never &lt;again&gt;"), "{page}");
    assert!(page.contains("index failed") || page.contains("index critical failed"), "{page}");
}

#[test]
fn a_file_that_cannot_be_written_is_noticed_before_anything_is_done() {
    let pair = Pair::shared();
    pair.source.sql("create table t (a integer)");
    let output = pgcopydb(&pair).args(["clone", "--report", "no/such/directory.html"]).run();
    output.assert_code(1);
    output.assert_stderr_has("could not write the report \"no/such/directory.html\"");
    assert_eq!(pair.target.value("select to_regclass('t') is null"), "t");
    // Nor is a page left behind by a run that never began.
    let output = pgcopydb(&pair)
        .env("PGCOPYDB_TARGET_PGURI", "postgresql:///nobody?host=/nowhere")
        .args(["clone", "--report", "page.html"])
        .run();
    output.assert_code(7);
    assert!(!pair.directory().join("page.html").exists());
}

#[test]
fn there_is_no_report_of_nothing() {
    let pair = Pair::shared();
    let output = pgcopydb(&pair).args(["report", "--dir", "nowhere", "page.html"]).run();
    output.assert_code(12);
    output.assert_stderr_has("does not exist");
    pgcopydb(&pair).arg("report").run().assert_code(1);
    assert!(!pair.directory().join("page.html").exists());
}
