//! What is written down of a run: records in the catalog, and lines of the log.

use std::sync::Arc;

use super::context::Context;
use super::worker::{Done, Failure};
use crate::catalog::{Catalog, StepOutcome, StepStart};
use crate::error::Result;
use crate::log;
use crate::model::{Oid, StepKind};
use crate::plan::Step;
use crate::report::units;

/// Keeps the records of a run.
pub struct Journal {
    context: Arc<Context>,
    catalog: Catalog,
}

impl Journal {
    /// Records in `catalog`.
    pub fn new(context: Arc<Context>, catalog: Catalog) -> Journal {
        Journal { context, catalog }
    }

    /// A step was handed out.
    pub async fn started(&self, step: Step, seat: &str) -> Result<()> {
        let (kind, oid, table) = self.about(step);
        let part = match step {
            Step::CopyPart { table, part } => {
                Some((part.into(), self.context.table(table).parts.len() as u32))
            }
            _ => None,
        };
        let number = seat.rsplit(' ').next().and_then(|number| number.parse().ok());
        let label = self.context.label(step);
        tracing::debug!("{seat}: {label}");
        self.catalog
            .step_started(StepStart {
                key: self.context.key(step),
                kind,
                oid,
                table,
                label,
                part,
                seat: number,
            })
            .await
    }

    /// A step has come this far.
    pub async fn moved(&self, step: Step, bytes: u64) -> Result<()> {
        if bytes == 0 {
            return Ok(());
        }
        self.catalog.step_progress(&self.context.key(step), bytes, 0).await
    }

    /// A step has succeeded.
    pub async fn done(&self, step: Step, done: Done) -> Result<()> {
        self.tell(step, &done);
        let outcome = StepOutcome {
            bytes: done.bytes,
            rows: done.rows,
            duration: done.duration,
            command: Some(done.command).filter(|command| !command.is_empty()),
        };
        self.catalog.step_done(&self.context.key(step), outcome).await
    }

    fn tell(&self, step: Step, done: &Done) {
        let label = self.context.label(step);
        let took = units::seconds(done.duration);
        match step {
            Step::CopyTable { .. } | Step::CopyPart { .. } | Step::CopyLargeObjects { .. } => {
                let bytes = units::bytes(done.bytes);
                crate::notice!("{label}: {} rows, {bytes} in {took}", done.rows);
            }
            _ => crate::notice!("{label}: {took}"),
        }
    }

    /// A step has failed: said now, and listed again at the end.
    pub async fn failed(&self, step: Step, failure: &Failure) -> Result<()> {
        log::error(&failure.error);
        let key = self.context.key(step);
        self.catalog.step_failed(&key, &failure.error, failure.sql.as_deref()).await
    }

    /// What a step does, the object it is about, and the table that is, or is on.
    fn about(&self, step: Step) -> (StepKind, Option<Oid>, Option<Oid>) {
        let index = |oid| (Some(oid), Some(self.context.index_by_oid(oid).table));
        let key = |oid| (Some(oid), Some(self.context.foreign_key(oid).table));
        let (kind, (oid, table)) = match step {
            Step::DropObjects { .. } => (StepKind::Drop, (None, None)),
            Step::RestorePreData { .. } => (StepKind::PreData, (None, None)),
            Step::CreateExtension { entry } => {
                (StepKind::CreateExtension, (Some(self.context.entry(entry).oid), None))
            }
            Step::Truncate { table } => (StepKind::Truncate, (Some(table), Some(table))),
            Step::CopyTable { table } => (StepKind::CopyTable, (Some(table), Some(table))),
            Step::CopyPart { table, .. } => (StepKind::CopyPart, (Some(table), Some(table))),
            Step::CreateIndex { index: oid } => (StepKind::CreateIndex, index(oid)),
            Step::FinishIndex { index: oid } => (StepKind::FinishIndex, index(oid)),
            Step::AttachIndex { .. } => (StepKind::AttachIndex, (None, None)),
            Step::AddForeignKey { constraint } => (StepKind::AddForeignKey, key(constraint)),
            Step::ValidateForeignKey { constraint } => {
                (StepKind::ValidateForeignKey, key(constraint))
            }
            Step::Analyze { table } => (StepKind::Analyze, (Some(table), Some(table))),
            Step::CopyLargeObjects { .. } => (StepKind::LargeObjects, (None, None)),
            Step::SetSequences => (StepKind::Sequences, (None, None)),
            Step::CopyExtensionData { extension } => {
                (StepKind::ExtensionData, (Some(extension), None))
            }
            Step::RefreshView { entry } => {
                (StepKind::RefreshView, (Some(self.context.entry(entry).oid), None))
            }
            Step::RestorePostData { .. } | Step::Milestone => (StepKind::PostData, (None, None)),
        };
        (kind, oid, table)
    }
}
