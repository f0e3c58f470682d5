//! What a run did, as plain data: the kinds of steps and of top-level sections, how far a run has
//! come, and the summary at its end.

use std::cmp::Reverse;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Jobs, Oid, Packed, QualifiedName};

/// What a step does, as far as records and reports tell steps apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum StepKind {
    /// Drops what is in the way.
    Drop,
    /// Makes objects of the pre-data section.
    PreData,
    /// Makes an extension.
    CreateExtension,
    /// Empties a table.
    Truncate,
    /// Copies a whole table.
    CopyTable,
    /// Copies a part of a table.
    CopyPart,
    /// Builds an index.
    CreateIndex,
    /// Turns an index into a constraint, or completes it otherwise.
    FinishIndex,
    /// Attaches a partition's index.
    AttachIndex,
    /// Adds a foreign key.
    AddForeignKey,
    /// Validates a foreign key.
    ValidateForeignKey,
    /// Gathers statistics of a table, and vacuums it.
    Analyze,
    /// Copies a batch of large objects.
    LargeObjects,
    /// Sets the sequences.
    Sequences,
    /// Copies an extension's configuration tables.
    ExtensionData,
    /// Fills a materialized view.
    RefreshView,
    /// Makes another object of the post-data section.
    PostData,
}

impl StepKind {
    /// All kinds.
    pub const ALL: [StepKind; 17] = [
        StepKind::Drop,
        StepKind::PreData,
        StepKind::CreateExtension,
        StepKind::Truncate,
        StepKind::CopyTable,
        StepKind::CopyPart,
        StepKind::CreateIndex,
        StepKind::FinishIndex,
        StepKind::AttachIndex,
        StepKind::AddForeignKey,
        StepKind::ValidateForeignKey,
        StepKind::Analyze,
        StepKind::LargeObjects,
        StepKind::Sequences,
        StepKind::ExtensionData,
        StepKind::RefreshView,
        StepKind::PostData,
    ];

    /// Its name in records.
    pub fn name(self) -> &'static str {
        match self {
            StepKind::Drop => "drop",
            StepKind::PreData => "pre-data",
            StepKind::CreateExtension => "create extension",
            StepKind::Truncate => "truncate",
            StepKind::CopyTable => "copy table",
            StepKind::CopyPart => "copy part",
            StepKind::CreateIndex => "create index",
            StepKind::FinishIndex => "finish index",
            StepKind::AttachIndex => "attach index",
            StepKind::AddForeignKey => "add foreign key",
            StepKind::ValidateForeignKey => "validate foreign key",
            StepKind::Analyze => "analyze",
            StepKind::LargeObjects => "large objects",
            StepKind::Sequences => "sequences",
            StepKind::ExtensionData => "extension data",
            StepKind::RefreshView => "refresh view",
            StepKind::PostData => "post-data",
        }
    }

    /// The kind with that name.
    pub fn from_name(name: &str) -> Option<StepKind> {
        StepKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The section its time counts for.
    pub fn section(self) -> Section {
        match self {
            StepKind::Drop | StepKind::PreData | StepKind::CreateExtension => {
                Section::PrepareSchema
            }
            StepKind::Truncate
            | StepKind::CopyTable
            | StepKind::CopyPart
            | StepKind::ExtensionData => Section::Copy,
            StepKind::CreateIndex => Section::CreateIndex,
            StepKind::FinishIndex | StepKind::AddForeignKey | StepKind::ValidateForeignKey => {
                Section::Constraints
            }
            StepKind::Analyze => Section::Vacuum,
            StepKind::LargeObjects => Section::LargeObjects,
            StepKind::Sequences => Section::Sequences,
            StepKind::AttachIndex | StepKind::RefreshView | StepKind::PostData => {
                Section::FinalizeSchema
            }
        }
    }
}

/// A top-level section of a clone, as the summary lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Section {
    /// Finding out what the source holds.
    CatalogQueries,
    /// `pg_dump`.
    DumpSchema,
    /// Making the objects that come before the rows.
    PrepareSchema,
    /// Everything that happens between the two halves of the schema, by the clock.
    Data,
    /// Copying rows.
    Copy,
    /// Building indexes.
    CreateIndex,
    /// Adding constraints.
    Constraints,
    /// Vacuum and statistics.
    Vacuum,
    /// Setting sequences.
    Sequences,
    /// Copying large objects.
    LargeObjects,
    /// Making the objects that come after the rows.
    FinalizeSchema,
    /// The whole run, by the clock.
    Total,
}

impl Section {
    /// All sections, in the order they are listed in.
    pub const ALL: [Section; 12] = [
        Section::CatalogQueries,
        Section::DumpSchema,
        Section::PrepareSchema,
        Section::Data,
        Section::Copy,
        Section::CreateIndex,
        Section::Constraints,
        Section::Vacuum,
        Section::Sequences,
        Section::LargeObjects,
        Section::FinalizeSchema,
        Section::Total,
    ];

    /// Its published number, from 1.
    pub fn number(self) -> u8 {
        self as u8 + 1
    }

    /// Its published label.
    pub fn label(self) -> &'static str {
        match self {
            Section::CatalogQueries => "Catalog Queries (table ordering, filtering, etc)",
            Section::DumpSchema => "Dump Schema",
            Section::PrepareSchema => "Prepare Schema",
            Section::Data => "COPY, INDEX, CONSTRAINTS, VACUUM (wall clock)",
            Section::Copy => "COPY (cumulative)",
            Section::CreateIndex => "CREATE INDEX (cumulative)",
            Section::Constraints => "CONSTRAINTS (cumulative)",
            Section::Vacuum => "VACUUM (cumulative)",
            Section::Sequences => "Reset Sequences",
            Section::LargeObjects => "Large Objects (cumulative)",
            Section::FinalizeSchema => "Finalize Schema",
            Section::Total => "Total Wall Clock Duration",
        }
    }

    /// Which server it is about, as published.
    pub fn connection(self) -> &'static str {
        match self {
            Section::CatalogQueries | Section::DumpSchema => "source",
            Section::PrepareSchema
            | Section::CreateIndex
            | Section::Constraints
            | Section::Vacuum => "target",
            Section::Data
            | Section::Copy
            | Section::Sequences
            | Section::LargeObjects
            | Section::FinalizeSchema
            | Section::Total => "both",
        }
    }

    /// How many workers it has, as published.
    pub fn concurrency(self, jobs: Jobs) -> u32 {
        let [table, index, restore, large_object] =
            [jobs.table, jobs.index, jobs.restore, jobs.large_object].map(u32::from);
        match self {
            Section::CatalogQueries
            | Section::DumpSchema
            | Section::PrepareSchema
            | Section::Sequences => 1,
            Section::Copy | Section::Vacuum => table,
            Section::CreateIndex | Section::Constraints => index,
            Section::LargeObjects => large_object,
            Section::FinalizeSchema => restore,
            Section::Data => table * 2 + index,
            Section::Total => table * 2 + index + large_object + restore,
        }
    }
}

/// What a run has done.
#[derive(Clone, Debug)]
pub struct Summary {
    /// Numbers of workers.
    pub jobs: Jobs,
    /// Whether several databases were copied, so that tables are named with theirs.
    pub names_database: bool,
    /// Every section, in order.
    pub sections: Vec<SectionSummary>,
    /// The tables, the largest first.
    pub tables: Packed<TableSummary>,
    /// What could not be done.
    pub failures: Vec<Failure>,
}

impl Summary {
    /// Adds what was done in one of several databases. Work in all of them goes on at the same time:
    /// the whole takes at least as long as the longest.
    pub fn sum(sum: &mut Option<Summary>, mut one: Summary, name: &str) {
        for failure in &mut one.failures {
            failure.object = format!("[{name}] {}", failure.object);
        }
        match sum {
            Some(sum) => sum.merge(one),
            None => *sum = Some(Summary { names_database: true, ..one }),
        }
    }

    /// Adds what was done in another database.
    pub fn merge(&mut self, other: Summary) {
        self.names_database = true;
        for (section, more) in self.sections.iter_mut().zip(other.sections) {
            section.duration = match section.section {
                Section::Total => section.duration.max(more.duration),
                _ => section.duration + more.duration,
            };
            section.bytes += more.bytes;
        }
        let tables = std::mem::take(&mut self.tables);
        let (mut ours, mut theirs) = (tables.iter().peekable(), other.tables.iter().peekable());
        let rank = |table: &TableSummary| (Reverse(table.source_bytes), table.database.clone());
        self.tables = std::iter::from_fn(|| match (ours.peek(), theirs.peek()) {
            (Some(one), Some(other)) if rank(other) < rank(one) => theirs.next(),
            (None, _) => theirs.next(),
            _ => ours.next(),
        })
        .collect();
        self.failures.extend(other.failures);
    }
}

/// How long a section took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SectionSummary {
    /// Which.
    pub section: Section,
    /// By the clock, or all workers added up.
    pub duration: Duration,
    /// Bytes that were sent, where that is counted.
    pub bytes: u64,
}

/// What was done for a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TableSummary {
    /// The database it is in.
    pub database: String,
    /// Its OID on the source.
    pub oid: Oid,
    /// Its name.
    pub name: QualifiedName,
    /// Its size on the source.
    pub source_bytes: u64,
    /// The parts that were copied; one for a table that was copied whole.
    pub parts: Vec<PartSummary>,
    /// The indexes that were built.
    pub indexes: Vec<ObjectSummary>,
    /// The constraints that were added.
    pub constraints: Vec<ObjectSummary>,
}

impl TableSummary {
    /// The time its parts took, added up.
    pub fn duration(&self) -> Duration {
        self.parts.iter().map(|part| part.duration).sum()
    }

    /// Bytes that were sent.
    pub fn bytes(&self) -> u64 {
        self.parts.iter().map(|part| part.bytes).sum()
    }

    /// The time its indexes took, added up.
    pub fn index_duration(&self) -> Duration {
        self.indexes.iter().map(|index| index.duration).sum()
    }
}

/// A part of a table that was copied.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartSummary {
    /// Its number, from 1; 0 for a whole table.
    pub number: u32,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Rows that were sent.
    pub rows: u64,
    /// How long it took.
    pub duration: Duration,
}

/// An index or constraint that was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectSummary {
    /// Its OID on the source.
    pub oid: Oid,
    /// Its name.
    pub name: QualifiedName,
    /// The statement that made it.
    pub sql: String,
    /// How long it took.
    pub duration: Duration,
}

/// Something that could not be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Failure {
    /// What was to be done, with the object's name.
    pub object: String,
    /// The server that refused, `source` or `target`; empty if neither did.
    pub server: String,
    /// The server's SQLSTATE.
    pub sqlstate: Option<String>,
    /// What went wrong.
    pub message: String,
    /// More about the reason.
    pub detail: Option<String>,
    /// What to do.
    pub hint: Option<String>,
    /// The statement that failed.
    pub sql: Option<String>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Tables with rows to copy.
    pub tables: Counter,
    /// Indexes to build.
    pub indexes: Counter,
    /// Bytes: all of them by the source's size of the tables, the others as they were sent.
    pub bytes: Counter,
}

/// How much of something there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counter {
    /// All of it.
    pub total: u64,
    /// What is being worked on.
    pub running: u64,
    /// What is done.
    pub done: u64,
}

impl std::ops::AddAssign for Counter {
    fn add_assign(&mut self, other: Counter) {
        self.total += other.total;
        self.running += other.running;
        self.done += other.done;
    }
}
