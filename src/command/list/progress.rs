//! `list progress`: reads the catalog of a run, which may be at work, and writes nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::catalog::{Catalog, RunningStep};
use crate::cli::ListRequest;
use crate::error::{Error, Kind, Result};
use crate::model::{RelationFacts, RunningWork, StepKind};
use crate::pg::Endpoint;
use crate::report;
use crate::report::list::Running;
use crate::workdir::{Files, Mode, WorkDir};

/// `pg_class` as entries of the archive name it.
const CLASS_CATALOG: u32 = 1259;

async fn open(request: &ListRequest, source: &Endpoint) -> Result<(WorkDir, Catalog)> {
    let workdir = WorkDir::open(request.directory.as_deref(), Mode::Inspect)?;
    let catalog = Catalog::read_only(&workdir.files().source_catalog()).await?;
    let is = source.conninfo().bare().to_string();
    if let Some(setup) = catalog.setup().await?
        && setup.source != is
    {
        return Err(Error::new(
            Kind::Internal,
            format!("the run in \"{}\" is for another source", workdir.path().display()),
        )
        .detail(format!(
            "The directory is for source \"{}\", this command names \"{is}\".",
            setup.source
        ))
        .hint("Name that source with --source, or another directory with --dir."));
    }
    Ok((workdir, catalog))
}

/// The summary of what was done so far.
pub async fn summary(request: &ListRequest, source: &Endpoint) -> Result<String> {
    let (_workdir, catalog) = open(request, source).await?;
    let summary = catalog.summary().await?;
    match request.json {
        true => Ok(report::summary::json(&summary)? + "\n"),
        false => Ok(report::summary::text(&summary)),
    }
}

/// How much there is, how much is worked on, how much is done.
pub async fn progress(request: &ListRequest, source: &Endpoint) -> Result<String> {
    let (workdir, catalog) = open(request, source).await?;
    let progress = catalog.progress().await?;
    if !request.json {
        return Ok(report::list::progress(&progress));
    }
    let pid = pid(workdir.files())?;
    let mut running = Running::default();
    for step in catalog.running_steps().await? {
        match step.kind {
            Some(StepKind::CopyTable | StepKind::CopyPart) => {
                running.tables.extend(work(&step, pid));
            }
            Some(StepKind::CreateIndex | StepKind::FinishIndex) => {
                running.indexes.extend(work(&step, pid));
            }
            _ => {}
        }
    }
    let inventory = catalog.load_inventory().await?.unwrap_or_default();
    let mut facts = RelationFacts::default();
    for entry in inventory.entries.iter().filter(|entry| entry.catalog.0 == CLASS_CATALOG) {
        if let Some(owner) = &entry.owner {
            facts.owners.insert(entry.oid, owner.clone());
        }
    }
    report::list::progress_json(&progress, &running, &inventory, &facts)
}

fn work(step: &RunningStep, pid: Option<u32>) -> Option<RunningWork> {
    let started = step.started.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    Some(RunningWork {
        oid: step.oid?,
        pid,
        started,
        elapsed: SystemTime::now().duration_since(step.started).unwrap_or_default(),
        command: step.label.clone(),
        bytes: step.bytes,
    })
}

/// The process of the run, as its lock file names it.
fn pid(files: &Files) -> Result<Option<u32>> {
    let content = files.read(&files.main_lock())?;
    Ok(content.and_then(|content| content.lines().next()?.trim().parse().ok()))
}
