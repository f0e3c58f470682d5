//! What was done when and by whom: the records of all runs in a work directory as plain data.
//! Points in time are milliseconds since 1970.

use serde::{Deserialize, Serialize};

use super::{Oid, Packed, Section, StepKind};

/// Everything that was recorded with its time.
#[derive(Clone, Debug, Default)]
pub struct History {
    /// The database that is copied.
    pub database: String,
    /// The steps, in the order they began in.
    pub steps: Packed<StepRecord>,
    /// The top-level sections that were timed by the clock and have ended.
    pub sections: Vec<SectionRecord>,
}

/// A step that was begun.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// What it does.
    pub kind: StepKind,
    /// The table it is about.
    pub table: Option<Oid>,
    /// What it does, for people to read.
    pub label: String,
    /// Who did it: the number of a worker of its pool.
    pub seat: Option<u32>,
    /// When it was handed to the worker.
    pub started: u64,
    /// When the worker was done with all it had been handed with it; `None` while it runs.
    pub ended: Option<u64>,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Rows that were sent.
    pub rows: u64,
    /// How it ended.
    pub state: StepState,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StepState {
    /// It has not.
    Running,
    /// It succeeded.
    Done,
    /// It failed.
    Failed,
}

/// A top-level section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SectionRecord {
    /// Which.
    pub section: Section,
    /// When it began.
    pub started: u64,
    /// When it ended.
    pub ended: u64,
}
