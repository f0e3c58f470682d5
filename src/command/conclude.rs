//! How a run ends: what the user is told, and what is forgotten because nobody needs it any more.

use std::time::Instant;

use pgcopydb_wire::Connection;

use super::clone::Ended;
use super::completion;
use super::prepare::Begun;
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::model::{Section, Settings};
use crate::pg::{Side, properties};
use crate::plan::Step;
use crate::plan::clone::{self as plan, Tables};
use crate::plan::select::{Archive, Selection, select};
use crate::report;
use crate::run::control::Event;
use crate::run::ledger::Ledger;
use crate::run::patience::Patience;
use crate::run::settle::{Settled, settle};
use crate::run::watch::Watch;
use crate::run::{Left, Report, extension};
use crate::stop::Stop;

/// Tells how it ended; where everything is done, forgets what was only kept for resuming.
pub async fn conclude(run: &mut Begun, report: Report, stop: &Stop, begun: Instant) -> Result<()> {
    run.base.catalog.section_ended(Section::Total, begun.elapsed()).await?;
    let summary = run.base.catalog.summary().await?;
    let files = run.base.workdir.files();
    files.write_by(&files.summary(), |file| report::summary::write_json(file, &summary))?;
    let is_given_up = run.base.settings.fail_fast && report.failed > 0;
    if (report.is_stopped || stop.is_requested()) && !is_given_up {
        return Err(crate::tools::child::stopped()
            .hint("Continue with the same command and --resume (see docs/resume.md)."));
    }
    if run.crew.is_shared() {
        // All databases are summed up together.
    } else if run.selection == Selection::All {
        report::print(&report::summary::text(&summary));
    } else if !summary.failures.is_empty() {
        report::print(&report::summary::failures(&summary));
    }
    for note in &run.notes {
        tracing::warn!("{note}");
    }
    if report.is_whole() {
        tracing::info!(
            "All step are now done, {} elapsed",
            report::units::duration(begun.elapsed())
        );
        return Ok(());
    }
    Err(unfinished(run, report))
}

/// Whether the ledger is no longer needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Forgotten {
    /// It was dropped, or is left to other commands.
    Yes,
    /// The target has lost steps that it had told us were done.
    No,
}

/// Completes what has no step of its own, and drops the ledger when there is nothing left to do:
/// again, if the connection is lost meanwhile.
pub async fn forget(run: &mut Begun, ended: &Ended, watch: &Watch) -> Result<Forgotten> {
    fault::point("plan", "done")?;
    let recorded = &ended.report.recorded;
    let (mut patience, mut has_dropped) = (Patience::default(), false);
    loop {
        // The session was idle while the steps were done, and the lock may be lost as well.
        let opened = tokio::select! {
            opened = ended.context.open_target("clone") => opened,
            event = run.control.event() => {
                let settled = match &event {
                    // We have dropped it ourselves, and not heard so.
                    Event::Back { remembered, .. } if has_dropped && !remembered.exists => {
                        Settled::Held
                    }
                    _ => settle(event, &ended.context, recorded)?,
                };
                match settled {
                    Settled::Held => run.control.go_on(),
                    Settled::Lost => {}
                    Settled::SetBack => return Ok(Forgotten::No),
                }
                continue;
            }
        };
        let reached = opened.is_ok();
        let again = match opened {
            Ok(session) => {
                let backend = session.backend_pid();
                let forgetting = try_to_forget(run, ended, session, &mut has_dropped);
                watch.over(Side::Target, backend, forgetting).await
            }
            Err(error) => Err(error),
        };
        match again {
            Err(error) => {
                let stop = &ended.context.stop;
                patience.wait(reached, error, "complete the copy", stop).await?;
            }
            Ok(forgotten) => return Ok(forgotten),
        }
    }
}

async fn try_to_forget(
    run: &mut Begun,
    ended: &Ended,
    session: Connection,
    has_dropped: &mut bool,
) -> Result<Forgotten> {
    run.target_session = session;
    run.remembered = Ledger::remembered(&mut run.target_session).await?;
    let is_kept = ended.context.ledger.is_kept();
    if is_kept && !*has_dropped && ended.report.recorded.missing_in(&run.remembered.done) > 0 {
        return Ok(Forgotten::No);
    }
    let base = &run.base;
    if run.selection.completes_schema() && !base.settings.skip_extensions {
        extension::restored(&mut run.target_session, &ended.context.inventory).await?;
    }
    if run.selection.completes_schema() && !base.settings.skip_db_properties {
        properties::copy(&base.source, &mut run.target_session).await?;
    }
    let left = if *has_dropped { 0 } else { left(run, ended)? };
    if left == 0 {
        if run.selection == Selection::All
            && let Some(identity) = completion::identity(&mut run.target_session).await?
        {
            base.catalog.complete(&identity).await?;
        }
        fault::point("ledger", "dropping")?;
        *has_dropped = true;
        Ledger::drop(&mut run.target_session).await?;
        fault::point("ledger", "dropped")?;
    } else {
        tracing::info!(
            "{left} steps of a whole copy are left; until they are done, the schema pgcopydb on \
             the target says which"
        );
    }
    Ok(Forgotten::Yes)
}

/// How many steps other commands have to do. Where the tables were there before, nobody knows what
/// else is to be done; but rows that one command has begun to copy are to be copied to the end.
fn left(run: &Begun, ended: &Ended) -> Result<usize> {
    if run.selection == Selection::All || !ended.context.ledger.is_kept() {
        return Ok(0);
    }
    let Ended { context, target, .. } = ended;
    let remembered = &run.remembered;
    let others = match target.tables {
        Tables::Made => Selection::All,
        Tables::Found if remembered.has_rows() => Selection::TableData,
        Tables::Found => return Ok(0),
    };
    let mut plan = plan::clone(&context.inventory, &context.settings, *target);
    let is_done = |step| context.is_done(step, &remembered.done);
    let left = select(&mut plan, others, target.tables, is_done);
    let steps = plan.steps().filter(|(id, step, _)| left[id.place()] && *step != Step::Milestone);
    Ok(steps.count())
}

/// Says how to go on without the snapshot that was lost.
pub fn without_snapshot(error: Error, settings: &Settings) -> Error {
    // What changes begin with is this snapshot and no other.
    error.hint(match settings.follow {
        Some(_) => "Changes can be followed from that snapshot only: start over with --restart.",
        None => {
            "If nothing was written to the source since the snapshot was taken, continue with the \
             same command and --resume --not-consistent: only what is left is done. Otherwise start \
             over with --restart."
        }
    })
}

fn unfinished(run: &Begun, report: Report) -> Error {
    if let Some(error) = report.snapshot_lost {
        let Left { reading, tables, others } = report.left;
        let detail = format!(
            "Rows can only be read as they were when the snapshot was taken. {} steps are done and \
             stay done. {reading} steps that read from the source are left, among them the rows of \
             {tables} tables, and {others} others, most of which build upon them.",
            report.recorded.len()
        );
        return without_snapshot(error.detail(detail), &run.base.settings);
    }
    let kind = match run.archive {
        Archive::Given => Kind::Target,
        Archive::Made => Kind::Incomplete,
    };
    Error::new(
        kind,
        format!(
            "the copy is not complete: {} steps failed and {} that build upon them were not tried",
            report.failed, report.skipped
        ),
    )
    .hint("Repair what the errors above name and continue with the same command and --resume.")
}
