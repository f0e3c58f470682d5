//! How far a run has come, as its records say.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Row;

use crate::error::Result;
use crate::model::{Counter, Oid, Progress, StepKind};

use super::Catalog;
use super::json::unsigned;

/// A step that is being done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningStep {
    /// Its name in all runs.
    pub key: String,
    /// What it does; `None` if another version of this program recorded it.
    pub kind: Option<StepKind>,
    /// The object it is about.
    pub oid: Option<Oid>,
    /// The table that object is, or is on.
    pub table: Option<Oid>,
    /// What it does, for people to read.
    pub label: String,
    /// Which part of the table.
    pub part: Option<u32>,
    /// When it began.
    pub started: SystemTime,
    /// Bytes that were sent so far.
    pub bytes: u64,
    /// Rows that were sent so far.
    pub rows: u64,
}

impl Catalog {
    /// How much there is to do and how much is done.
    pub async fn progress(&self) -> Result<Progress> {
        self.read("could not read the progress", |transaction| {
            let query = include_str!("schema/progress.sql");
            transaction.prepare_cached(query)?.query_row((), |row| {
                Ok(Progress {
                    tables: counter(row, 0)?,
                    indexes: counter(row, 3)?,
                    bytes: counter(row, 6)?,
                })
            })
        })
        .await
    }

    /// The steps that are being done, in the order they began in.
    pub async fn running_steps(&self) -> Result<Vec<RunningStep>> {
        self.read("could not read the progress", |transaction| {
            let query = "select * from step where state = 'running' order by started, key";
            let mut query = transaction.prepare_cached(query)?;
            query.query_map((), RunningStep::read)?.collect()
        })
        .await
    }
}

impl RunningStep {
    fn read(row: &Row) -> rusqlite::Result<RunningStep> {
        let kind: String = row.get("kind")?;
        Ok(RunningStep {
            key: row.get("key")?,
            kind: StepKind::from_name(&kind),
            oid: row.get::<_, Option<u32>>("oid")?.map(Oid),
            table: row.get::<_, Option<u32>>("tableoid")?.map(Oid),
            label: row.get("label")?,
            part: row.get("part")?,
            started: UNIX_EPOCH + Duration::from_millis(unsigned(row.get("started")?)),
            bytes: unsigned(row.get("bytes")?),
            rows: unsigned(row.get("rows")?),
        })
    }
}

/// Three columns: all, running, done.
fn counter(row: &Row, first: usize) -> rusqlite::Result<Counter> {
    Ok(Counter {
        total: unsigned(row.get(first)?),
        running: unsigned(row.get(first + 1)?),
        done: unsigned(row.get(first + 2)?),
    })
}
