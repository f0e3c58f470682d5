//! `list progress`: how far a run has come.

use serde::Serialize;

use super::schema::{IndexObject, TableObject};
use crate::error::Result;
use crate::model::{Counter, Inventory, Progress, RelationFacts, RunningWork};
use crate::report::json::pretty;
use crate::report::units;

/// What is being done.
#[derive(Debug, Default)]
pub struct Running {
    /// Tables that are copied, or parts of tables.
    pub tables: Vec<RunningWork>,
    /// Indexes that are built.
    pub indexes: Vec<RunningWork>,
}

/// The table.
pub fn progress(progress: &Progress) -> String {
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
    text
}

#[derive(Serialize)]
struct Document {
    tables: Counted<Work<TableObject>>,
    indexes: Counted<Work<IndexObject>>,
    bytes: Bytes,
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

/// The document, with a line break at its end.
pub fn progress_json(
    progress: &Progress,
    running: &Running,
    inventory: &Inventory,
    facts: &RelationFacts,
) -> Result<String> {
    let tables = inventory.tables_by_oid();
    let names = inventory.relation_names();
    let copied = running.tables.iter().filter_map(|work| {
        let object = TableObject::of(tables.get(&work.oid)?, facts);
        Some(Work { object, process: Process::of(work, true) })
    });
    let built = running.indexes.iter().filter_map(|work| {
        let index = inventory.indexes.iter().find(|index| index.oid == work.oid)?;
        let object = IndexObject::of(index, &names, facts);
        Some(Work { object, process: Process::of(work, false) })
    });
    let Progress { tables, indexes, bytes } = progress;
    let document = Document {
        tables: Counted { total: tables.total, done: tables.done, in_progress: copied.collect() },
        indexes: Counted { total: indexes.total, done: indexes.done, in_progress: built.collect() },
        bytes: Bytes {
            total: bytes.total,
            done: bytes.done,
            in_progress: bytes.running,
            total_pretty: units::bytes(bytes.total),
            done_pretty: units::bytes(bytes.done),
            in_progress_pretty: units::bytes(bytes.running),
        },
    };
    Ok(pretty(&document)? + "\n")
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
