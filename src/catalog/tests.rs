use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;
use crate::model::{Counter, Inventory, Oid, Section, Settings, StepKind};

mod history;
mod published;
mod sample;
mod setup;

struct Scratch {
    directory: TempDir,
}

impl Scratch {
    fn new() -> Scratch {
        Scratch { directory: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("source.db")
    }

    async fn open(&self) -> Catalog {
        Catalog::open(&self.path()).await.unwrap()
    }

    /// As another program sees it.
    fn sqlite(&self) -> Connection {
        Connection::open(self.path()).unwrap()
    }
}

fn start(key: &str, kind: StepKind) -> StepStart {
    StepStart {
        key: key.to_owned(),
        kind,
        oid: None,
        table: None,
        label: key.to_owned(),
        part: None,
        seat: None,
    }
}

fn copy(key: &str, table: u32, part: Option<(u32, u32)>) -> StepStart {
    let kind = if part.is_some() { StepKind::CopyPart } else { StepKind::CopyTable };
    let table = Some(Oid(table));
    StepStart { oid: table, table, part, ..start(key, kind) }
}

fn about(key: &str, kind: StepKind, oid: u32, table: u32) -> StepStart {
    StepStart { oid: Some(Oid(oid)), table: Some(Oid(table)), ..start(key, kind) }
}

fn outcome(bytes: u64, ms: u64) -> StepOutcome {
    StepOutcome { bytes, rows: bytes / 10, duration: Duration::from_millis(ms), command: None }
}

#[tokio::test]
async fn a_catalog_is_private_and_opens_again() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    catalog.register_setup(&setup::sample()).await.unwrap();
    for ending in ["", "-wal", "-shm"] {
        let file = format!("{}{ending}", scratch.path().display());
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o600, "{file}");
    }
    drop(catalog);
    assert_eq!(scratch.open().await.setup().await.unwrap(), Some(setup::sample()));
    let reader = Catalog::read_only(&scratch.path()).await.unwrap();
    assert_eq!(reader.setup().await.unwrap(), Some(setup::sample()));
}

#[tokio::test]
async fn a_catalog_that_is_missing_is_not_made_by_readers() {
    let scratch = Scratch::new();
    let error = Catalog::read_only(&scratch.path()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::State);
    assert!(error.message().starts_with("there is no catalog at"), "{error}");
    assert!(!scratch.path().exists());
}

#[tokio::test]
async fn the_c_programs_catalog_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    scratch
        .sqlite()
        .execute_batch("create table setup (id integer primary key, source_pg_uri text)")
        .unwrap();
    let before = std::fs::read(scratch.path()).unwrap();
    for opened in [Catalog::open(&scratch.path()).await, Catalog::read_only(&scratch.path()).await]
    {
        let error = opened.unwrap_err();
        assert_eq!(error.kind(), Kind::State);
        assert!(error.message().ends_with("pgcopydb written in C wrote it"), "{error}");
        assert!(error.hint_text().unwrap().contains("--restart"));
    }
    assert_eq!(std::fs::read(scratch.path()).unwrap(), before);
}

#[tokio::test]
async fn other_files_are_refused() {
    let scratch = Scratch::new();
    scratch.sqlite().execute_batch("create table other (id integer)").unwrap();
    let error = Catalog::open(&scratch.path()).await.unwrap_err();
    assert!(error.message().ends_with("another program wrote it"), "{error}");

    std::fs::write(scratch.path(), "This is no database. ".repeat(1000)).unwrap();
    let error = Catalog::open(&scratch.path()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::State);
    assert!(error.message().contains("file is not a database"), "{error}");

    let scratch = Scratch::new();
    drop(scratch.open().await);
    scratch.sqlite().pragma_update(None, "user_version", 99).unwrap();
    let error = Catalog::open(&scratch.path()).await.unwrap_err();
    assert_eq!(error.detail_text(), Some("The file has format 99, this program 4."));
}

#[tokio::test]
async fn an_inventory_comes_back_as_it_was() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    assert!(catalog.load_inventory().await.unwrap().is_none());
    for inventory in [sample::inventory(), Inventory::default(), sample::inventory()] {
        catalog.save_inventory(&inventory).await.unwrap();
        let loaded = catalog.load_inventory().await.unwrap().unwrap();
        assert_eq!(format!("{loaded:?}"), format!("{inventory:?}"));
    }
    drop(catalog);
    let loaded = scratch.open().await.load_inventory().await.unwrap().unwrap();
    assert_eq!(format!("{loaded:?}"), format!("{:?}", sample::inventory()));
}

#[tokio::test]
async fn a_catalog_can_be_moved() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    catalog.save_inventory(&sample::inventory()).await.unwrap();
    drop(catalog);
    let elsewhere = tempfile::tempdir().unwrap();
    let moved = elsewhere.path().join("moved");
    std::fs::rename(scratch.directory.path(), &moved).unwrap();
    let catalog = Catalog::read_only(&moved.join("source.db")).await.unwrap();
    assert!(catalog.load_inventory().await.unwrap().is_some());
}

#[tokio::test]
async fn half_an_inventory_is_none() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    catalog.save_inventory(&sample::inventory()).await.unwrap();
    scratch.sqlite().execute("update inventory set is_complete = false", ()).unwrap();
    assert!(catalog.load_inventory().await.unwrap().is_none());
}

#[tokio::test]
async fn ten_thousand_tables_take_a_moment() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    let inventory = sample::large_inventory(10_000);
    let begun = Instant::now();
    catalog.save_inventory(&inventory).await.unwrap();
    let saved = begun.elapsed();
    let loaded = catalog.load_inventory().await.unwrap().unwrap();
    assert_eq!(loaded.tables.len(), 10_000);
    println!("saved in {saved:?}, loaded in {:?}", begun.elapsed() - saved);
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn twenty_thousand_steps_are_recorded_quickly() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    let begun = Instant::now();
    for number in 0..20_000 {
        let key = format!("copy {number}");
        catalog.step_started(copy(&key, number, None)).await.unwrap();
        catalog.step_done(&key, outcome(10, 1)).await.unwrap();
    }
    catalog.flush().await.unwrap();
    println!("20,000 steps in {:?}", begun.elapsed());
    assert!(begun.elapsed() < Duration::from_secs(20));
    let count = "select count(*) from summary where done_time_epoch is not null";
    let count: u32 = scratch.sqlite().query_row(count, (), |row| row.get(0)).unwrap();
    assert_eq!(count, 20_000);
}

#[tokio::test]
async fn progress_counts_tables_when_all_their_parts_are_in() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    catalog.save_inventory(&sample::inventory()).await.unwrap();
    catalog.step_started(copy("part 1", 16384, Some((1, 2)))).await.unwrap();
    catalog.step_done("part 1", outcome(1000, 1)).await.unwrap();
    catalog.step_started(copy("part 2", 16384, Some((2, 2)))).await.unwrap();
    catalog.step_progress("part 2", 500, 5).await.unwrap();
    catalog.step_started(about("i", StepKind::CreateIndex, 16390, 16384)).await.unwrap();
    let progress = catalog.progress().await.unwrap();
    assert_eq!(progress.tables, Counter { total: 2, running: 1, done: 0 });
    assert_eq!(progress.indexes, Counter { total: 2, running: 1, done: 0 });
    assert_eq!((progress.bytes.running, progress.bytes.done), (500, 1000));

    let running = catalog.running_steps().await.unwrap();
    assert_eq!(running.len(), 2);
    let part = running.iter().find(|step| step.key == "part 2").unwrap();
    assert_eq!((part.kind, part.part), (Some(StepKind::CopyPart), Some(2)));
    assert_eq!((part.table, part.bytes, part.rows), (Some(Oid(16384)), 500, 5));

    catalog.step_done("part 2", outcome(700, 1)).await.unwrap();
    catalog.step_done("i", outcome(0, 1)).await.unwrap();
    let progress = catalog.progress().await.unwrap();
    assert_eq!(progress.tables, Counter { total: 2, running: 0, done: 1 });
    assert_eq!(progress.indexes, Counter { total: 2, running: 0, done: 1 });
    assert_eq!((progress.bytes.running, progress.bytes.done), (0, 1700));
}

#[tokio::test]
async fn what_died_with_its_run_is_interrupted() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    catalog.step_started(copy("a", 1, None)).await.unwrap();
    catalog.step_started(copy("b", 2, None)).await.unwrap();
    catalog.step_done("b", outcome(1, 1)).await.unwrap();
    catalog.step_started(copy("c", 3, None)).await.unwrap();
    let error = Error::new(Kind::Target, "no space left");
    catalog.step_failed("c", &error, None).await.unwrap();
    catalog.flush().await.unwrap();
    drop(catalog);

    let catalog = scratch.open().await;
    assert_eq!(catalog.running_steps().await.unwrap().len(), 1);
    catalog.begin_run().await.unwrap();
    assert_eq!(catalog.running_steps().await.unwrap(), []);
    assert_eq!(catalog.summary().await.unwrap().failures, []);
    let states = "select group_concat(state, ' ' order by key) from step";
    let states: String = scratch.sqlite().query_row(states, (), |row| row.get(0)).unwrap();
    assert_eq!(states, "interrupted done interrupted");
}

#[tokio::test]
async fn a_full_disk_reaches_everybody() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    catalog
        .ask("test", |connection| connection.execute_batch("pragma max_page_count = 60"))
        .await
        .unwrap();
    let mut refused = None;
    for number in 0..100_000 {
        let started = catalog.step_started(copy(&format!("copy {number}"), number, None)).await;
        if let Err(error) = started {
            refused = Some(error);
            break;
        }
    }
    let refused = refused.unwrap();
    assert_eq!(refused.message(), "could not write the catalog: database or disk is full");
    assert_eq!(refused.kind(), Kind::State);
    assert!(refused.hint_text().unwrap().starts_with("Make room"));
    let clone = catalog.clone();
    assert_eq!(clone.flush().await.unwrap_err().message(), refused.message());
    assert_eq!(clone.setup().await.unwrap_err().message(), refused.message());
}

#[tokio::test]
async fn a_failed_change_is_reported_and_the_catalog_lives_on() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    let mut inventory = sample::inventory();
    let oid = inventory.tables.at(0).oid;
    inventory.tables.change(|table| table.oid = oid);
    let error = catalog.save_inventory(&inventory).await.unwrap_err();
    assert!(error.message().contains("UNIQUE constraint failed: source_table.oid"), "{error}");
    assert!(catalog.load_inventory().await.unwrap().is_none());
    catalog.register_setup(&setup::sample()).await.unwrap();
}

#[tokio::test]
async fn readers_see_a_run_at_work() {
    let scratch = Scratch::new();
    let catalog = scratch.open().await;
    catalog.step_started(copy("a", 1, None)).await.unwrap();
    catalog.flush().await.unwrap();
    let reader = Catalog::read_only(&scratch.path()).await.unwrap();
    assert_eq!(reader.running_steps().await.unwrap().len(), 1);
    catalog.step_done("a", outcome(1, 1)).await.unwrap();
    catalog.flush().await.unwrap();
    assert_eq!(reader.running_steps().await.unwrap().len(), 0);
    assert!(reader.register_setup(&setup::sample()).await.is_err());
}

#[test]
fn kinds_and_sections_keep_their_names() {
    for kind in StepKind::ALL {
        assert_eq!(StepKind::from_name(kind.name()), Some(kind));
    }
    let numbers: Vec<u8> = Section::ALL.into_iter().map(Section::number).collect();
    assert_eq!(numbers, (1..=12).collect::<Vec<u8>>());
    let jobs = Settings::default().jobs;
    assert_eq!(Section::Data.concurrency(jobs), 12);
    assert_eq!(Section::Total.concurrency(jobs), 20);
}

#[test]
fn a_file_that_is_being_made_is_no_other_programs() {
    for _ in 0..100 {
        let scratch = Scratch::new();
        let path = scratch.path();
        std::thread::scope(|scope| {
            scope.spawn(|| file::open(&path).map(drop).unwrap());
            let refusal = || file::open_read_only(&path).err().map(|error| error.to_string());
            while let Some(error) = refusal() {
                assert!(error.starts_with("there is no catalog"), "{error}");
            }
        });
    }
}
