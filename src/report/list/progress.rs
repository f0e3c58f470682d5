//! `list progress`: how far a run has come.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

use super::schema::{IndexObject, TableObject};
use crate::error::Result;
use crate::model::{Counter, Index, Inventory, Oid, Progress, RelationFacts, RunningWork};
use crate::report::json::pretty;
use crate::report::summary::layout::{aligned, printable};
use crate::report::units;

/// What is being done.
#[derive(Debug, Default)]
pub struct Running {
    /// Tables that are copied, or parts of tables.
    pub tables: Vec<RunningWork>,
    /// Indexes that are built.
    pub indexes: Vec<RunningWork>,
}

/// How far a run has come, or one database's share of one.
#[derive(Debug, Default)]
pub struct Run {
    /// Which database, where the run is for all of a server.
    pub database: Option<String>,
    /// How much there is and how much is done; `None` as long as nothing is known.
    pub progress: Option<Progress>,
    /// What is being done. For JSON alone, as is what follows.
    pub running: Running,
    /// What there is.
    pub inventory: Inventory,
    /// What is said of it.
    pub facts: RelationFacts,
    /// How following goes, where the source is followed.
    pub follow: Option<serde_json::Map<String, serde_json::Value>>,
}

/// The sum over all databases.
fn total(runs: &[Run]) -> Progress {
    let mut total = Progress::default();
    for progress in runs.iter().filter_map(|run| run.progress) {
        total.tables += progress.tables;
        total.indexes += progress.indexes;
        total.bytes += progress.bytes;
    }
    total
}

/// The table, and where there are several databases another one with a line for each.
pub fn progress(runs: &[Run]) -> String {
    let progress = total(runs);
    let line = |title: &str, cells: [String; 3]| {
        format!("{title:>12} | {:>12} | {:>12} | {:>12}\n", cells[0], cells[1], cells[2])
    };
    let titles = ["Total Count", "In Progress", "Done"].map(str::to_owned);
    let mut text = line("", titles);
    text.push_str(&["-".repeat(12), "-".repeat(12), "-".repeat(12), "-".repeat(12)].join("-+-"));
    text.push('\n');
    let count = |counter: &Counter, of: fn(u64) -> String| {
        [of(counter.total), of(counter.running), of(counter.done)]
    };
    text.push_str(&line("Tables", count(&progress.tables, |count| count.to_string())));
    text.push_str(&line("Indexes", count(&progress.indexes, |count| count.to_string())));
    text.push_str(&line("Bytes", count(&progress.bytes, units::bytes)));
    text.push('\n');
    text.push_str(&databases(runs));
    text
}

fn databases(runs: &[Run]) -> String {
    let row = |run: &Run| {
        let name = printable(run.database.as_ref()?);
        let part = |counter: &Counter, of: fn(u64) -> String| {
            format!("{} of {}", of(counter.done), of(counter.total))
        };
        let number = |count: u64| count.to_string();
        let cells = match &run.progress {
            Some(progress) => [
                part(&progress.tables, number),
                part(&progress.indexes, number),
                part(&progress.bytes, units::bytes),
            ],
            None => ["not begun", "", ""].map(str::to_owned),
        };
        Some([vec![name], cells.to_vec()].concat())
    };
    let rows: Vec<Vec<String>> = runs.iter().filter_map(row).collect();
    match rows.is_empty() {
        true => String::new(),
        false => aligned(&["Database", "Tables", "Indexes", "Bytes"], &rows) + "\n",
    }
}

#[derive(Serialize)]
struct Document {
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    tables: Counted<Work<TableObject>>,
    indexes: Counted<Work<IndexObject>>,
    bytes: Bytes,
    #[serde(skip_serializing_if = "Option::is_none")]
    follow: Option<serde_json::Map<String, serde_json::Value>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    databases: Vec<Document>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Counted<T> {
    total: u64,
    done: u64,
    in_progress: Vec<T>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Bytes {
    total: u64,
    done: u64,
    in_progress: u64,
    total_pretty: String,
    done_pretty: String,
    in_progress_pretty: String,
}

#[derive(Serialize)]
struct Work<T> {
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    #[serde(flatten)]
    object: T,
    process: Process,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Process {
    pid: u32,
    start_time_epoch: u64,
    start_time_string: String,
    command: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    network: Option<Network>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Network {
    bytes: u64,
    bytes_pretty: String,
    transmit_rate: String,
}

/// The document, with a line break at its end. That of several databases holds one for each of them
/// besides the sums, which have everybody's work in progress.
pub fn progress_json(runs: &[Run]) -> Result<String> {
    let document = match runs {
        [run] if run.database.is_none() => Document::of(run),
        runs => {
            let mut sum = Document::new(&total(runs));
            sum.tables.in_progress = runs.iter().flat_map(tables).collect();
            sum.indexes.in_progress = runs.iter().flat_map(indexes).collect();
            sum.databases = runs.iter().map(Document::of).collect();
            sum
        }
    };
    Ok(pretty(&document)? + "\n")
}

fn tables(run: &Run) -> Vec<Work<TableObject>> {
    let tables = run.inventory.tables_by_oid();
    let copied = run.running.tables.iter().filter_map(|work| {
        let object = TableObject::of(tables.get(&work.oid)?, &run.facts);
        Some(Work { database: run.database.clone(), object, process: Process::of(work, true) })
    });
    copied.collect()
}

fn indexes(run: &Run) -> Vec<Work<IndexObject>> {
    let names = run.inventory.relation_names();
    let wanted: HashSet<Oid> = run.running.indexes.iter().map(|work| work.oid).collect();
    let found = run.inventory.indexes.iter().filter(|index| wanted.contains(&index.oid));
    let found: HashMap<Oid, Index> = found.map(|index| (index.oid, index)).collect();
    let built = run.running.indexes.iter().filter_map(|work| {
        let index = found.get(&work.oid)?;
        let object = IndexObject::of(index, &names, &run.facts);
        Some(Work { database: run.database.clone(), object, process: Process::of(work, false) })
    });
    built.collect()
}

impl Document {
    /// The numbers, without what is in progress.
    fn new(progress: &Progress) -> Document {
        fn counted<T>(counter: Counter) -> Counted<T> {
            Counted { total: counter.total, done: counter.done, in_progress: Vec::new() }
        }
        let bytes = progress.bytes;
        Document {
            database: None,
            tables: counted(progress.tables),
            indexes: counted(progress.indexes),
            bytes: Bytes {
                total: bytes.total,
                done: bytes.done,
                in_progress: bytes.running,
                total_pretty: units::bytes(bytes.total),
                done_pretty: units::bytes(bytes.done),
                in_progress_pretty: units::bytes(bytes.running),
            },
            follow: None,
            databases: Vec::new(),
        }
    }

    fn of(run: &Run) -> Document {
        let mut document = Document::new(&run.progress.unwrap_or_default());
        document.database.clone_from(&run.database);
        document.tables.in_progress = tables(run);
        document.indexes.in_progress = indexes(run);
        document.follow.clone_from(&run.follow);
        document
    }
}

impl Process {
    fn of(work: &RunningWork, moves_bytes: bool) -> Process {
        let started = i64::try_from(work.started).unwrap_or(i64::MAX);
        let time = jiff::Timestamp::from_second(started);
        Process {
            pid: work.pid.unwrap_or(0),
            start_time_epoch: work.started,
            start_time_string: time.map_or_else(|_| String::new(), |time| time.to_string()),
            command: work.command.clone(),
            network: moves_bytes.then(|| Network {
                bytes: work.bytes,
                bytes_pretty: units::bytes(work.bytes),
                transmit_rate: units::rate(work.bytes, work.elapsed),
            }),
        }
    }
}
