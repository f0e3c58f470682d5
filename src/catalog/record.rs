//! Records of steps: one row each, from when it is begun.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::Transaction;

use crate::error::{Error, Kind, Result};
use crate::model::{Oid, StepKind};

use super::Catalog;
use super::json::signed;
use super::writer::Note;

/// A step that begins.
#[derive(Clone, Debug)]
pub struct StepStart {
    /// Its name in all runs.
    pub key: String,
    /// What it does.
    pub kind: StepKind,
    /// The object it is about: the index of `CreateIndex` and `FinishIndex`, the constraint of the
    /// steps of a foreign key, the table, the extension.
    pub oid: Option<Oid>,
    /// The table that object is, or is on.
    pub table: Option<Oid>,
    /// What it does, for people to read.
    pub label: String,
    /// Which part of the table and how many there are.
    pub part: Option<(u32, u32)>,
    /// Who does it.
    pub seat: Option<u32>,
}

/// What a step that succeeded did.
#[derive(Clone, Debug, Default)]
pub struct StepOutcome {
    /// Bytes that were sent.
    pub bytes: u64,
    /// Rows that were sent.
    pub rows: u64,
    /// How long it took.
    pub duration: Duration,
    /// The statement that did it.
    pub command: Option<String>,
}

/// A record about a step.
#[derive(Debug)]
pub(super) enum StepNote {
    Started { step: StepStart, at: i64 },
    Progress { key: String, bytes: u64, rows: u64 },
    Done { key: String, outcome: StepOutcome, at: i64 },
    Failed { key: String, failure: Box<StepFailure>, at: i64 },
}

/// What a failed step leaves behind of its error.
#[derive(Debug)]
pub(super) struct StepFailure {
    server: Option<&'static str>,
    sqlstate: Option<String>,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    command: Option<String>,
}

impl Catalog {
    /// A run begins: steps that are still recorded as running died with an earlier one, and what
    /// failed then is to be done again.
    pub async fn begin_run(&self) -> Result<()> {
        self.write("could not begin a run in the catalog", |transaction| {
            let update = "update step set state = 'interrupted', ended = coalesce(ended, ?1) \
                          where state in ('running', 'failed')";
            transaction.execute(update, [now()])?;
            Ok(())
        })
        .await
    }

    /// A step has begun; what an earlier try left is forgotten.
    pub async fn step_started(&self, step: StepStart) -> Result<()> {
        self.note(Note::Step(StepNote::Started { step, at: now() })).await
    }

    /// A step that runs has come this far.
    pub async fn step_progress(&self, key: &str, bytes: u64, rows: u64) -> Result<()> {
        let key = key.to_owned();
        self.note(Note::Step(StepNote::Progress { key, bytes, rows })).await
    }

    /// A step has succeeded.
    pub async fn step_done(&self, key: &str, outcome: StepOutcome) -> Result<()> {
        let key = key.to_owned();
        self.note(Note::Step(StepNote::Done { key, outcome, at: now() })).await
    }

    /// A step has failed, while running `command` if that is known.
    pub async fn step_failed(&self, key: &str, error: &Error, command: Option<&str>) -> Result<()> {
        let failure = StepFailure {
            server: match error.kind() {
                Kind::Source => Some("source"),
                Kind::Target => Some("target"),
                Kind::Arguments
                | Kind::State
                | Kind::Tools
                | Kind::Incomplete
                | Kind::Different
                | Kind::Stopped
                | Kind::Internal => None,
            },
            sqlstate: error.sqlstate().map(str::to_owned),
            message: error.message().to_owned(),
            detail: error.detail_text().map(str::to_owned),
            hint: error.hint_text().map(str::to_owned),
            command: command.map(str::to_owned),
        };
        let (key, failure) = (key.to_owned(), Box::new(failure));
        self.note(Note::Step(StepNote::Failed { key, failure, at: now() })).await
    }
}

impl StepNote {
    pub(super) fn write(&self, transaction: &Transaction) -> rusqlite::Result<()> {
        let changed = match self {
            StepNote::Started { step, at } => {
                let statement = include_str!("schema/step_started.sql");
                transaction.prepare_cached(statement)?.execute((
                    &step.key,
                    step.kind.name(),
                    step.kind.section().number(),
                    step.oid.map(|oid| oid.0),
                    step.table.map(|oid| oid.0),
                    &step.label,
                    step.part.map(|(number, _)| number),
                    step.part.map(|(_, count)| count),
                    step.seat,
                    at,
                ))?
            }
            StepNote::Progress { key, bytes, rows } => {
                let update = "update step set bytes = ?2, rows = ?3 where key = ?1";
                transaction.prepare_cached(update)?.execute((key, signed(*bytes), signed(*rows)))?
            }
            StepNote::Done { key, outcome, at } => {
                let update = "update step set state = 'done', ended = ?2, duration_ms = ?3, \
                              bytes = ?4, rows = ?5, command = ?6 where key = ?1";
                transaction.prepare_cached(update)?.execute((
                    key,
                    at,
                    milliseconds(outcome.duration),
                    signed(outcome.bytes),
                    signed(outcome.rows),
                    &outcome.command,
                ))?
            }
            StepNote::Failed { key, failure, at } => {
                let statement = include_str!("schema/step_failed.sql");
                transaction.prepare_cached(statement)?.execute((
                    key,
                    at,
                    failure.server,
                    &failure.sqlstate,
                    &failure.message,
                    &failure.detail,
                    &failure.hint,
                    &failure.command,
                ))?
            }
        };
        debug_assert_eq!(changed, 1, "a record about a step that was not begun");
        Ok(())
    }
}

/// The time, in milliseconds since 1970.
pub(super) fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, milliseconds)
}

pub(super) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
