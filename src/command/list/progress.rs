//! `list progress`: reads the catalogs of a run, which may be at work, and writes nothing.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::catalog::{Catalog, RunningStep};
use crate::cli::ListRequest;
use crate::error::{Error, Kind, Result};
use crate::model::{RelationFacts, RunningWork, StepKind, Summary};
use crate::pg::Endpoint;
use crate::report;
use crate::report::list::{Run, Running};
use crate::workdir::{Files, Mode, WorkDir};

/// `pg_class` as entries of the archive name it.
const CLASS_CATALOG: u32 = 1259;

/// A run, or one database's share of one.
struct Share {
    /// Which database, where the run is for all of a server.
    database: Option<String>,
    files: Files,
    /// `None` as long as the database is not begun.
    catalog: Option<Catalog>,
}

/// The run in the work directory: one share, or that of every database.
async fn open(request: &ListRequest, source: &Endpoint) -> Result<(WorkDir, Vec<Share>)> {
    let workdir = WorkDir::open(request.directory.as_deref(), Mode::Inspect)?;
    let files = workdir.files().clone();
    let databases = files.databases()?;
    if files.source_catalog().exists() || databases.is_empty() {
        let catalog = Catalog::read_only(&files.source_catalog()).await?;
        check(&catalog, source, &files).await?;
        return Ok((workdir, vec![Share { database: None, files, catalog: Some(catalog) }]));
    }
    let mut shares = Vec::new();
    for name in databases {
        let files = files.database(&name)?;
        let catalog = match files.source_catalog().exists() {
            true => Some(Catalog::read_only(&files.source_catalog()).await?),
            false => None,
        };
        if let Some(catalog) = &catalog {
            check(catalog, &source.with_database(&name), &files).await?;
        }
        shares.push(Share { database: Some(name), files, catalog });
    }
    Ok((workdir, shares))
}

async fn check(catalog: &Catalog, source: &Endpoint, files: &Files) -> Result<()> {
    let is = source.conninfo().bare().to_string();
    if let Some(setup) = catalog.setup().await?
        && setup.source != is
    {
        return Err(Error::new(
            Kind::Internal,
            format!("the run in \"{}\" is for another source", files.root().display()),
        )
        .detail(format!(
            "The directory is for source \"{}\", this command names \"{is}\".",
            setup.source
        ))
        .hint("Name that source with --source, or another directory with --dir."));
    }
    Ok(())
}

/// The summary of what was done so far.
pub async fn summary(request: &ListRequest, source: &Endpoint) -> Result<String> {
    let (_workdir, shares) = open(request, source).await?;
    let mut summary: Option<Summary> = None;
    for Share { database, catalog, .. } in shares {
        let Some(catalog) = catalog else { continue };
        let one = catalog.summary().await?;
        match database {
            Some(name) => Summary::sum(&mut summary, one, &name),
            None => summary = Some(one),
        }
    }
    let Some(summary) = summary else {
        return Err(Error::new(Kind::State, "no database of the run in this directory is begun"));
    };
    match request.json {
        true => Ok(report::summary::json(&summary)? + "\n"),
        false => Ok(report::summary::text(&summary)),
    }
}

/// How much there is, how much is worked on, how much is done.
pub async fn progress(request: &ListRequest, source: &Endpoint) -> Result<String> {
    let (_workdir, shares) = open(request, source).await?;
    let mut runs = Vec::new();
    for Share { database, files, catalog } in shares {
        let Some(catalog) = catalog else {
            runs.push(Run { database, ..Run::default() });
            continue;
        };
        let progress = Some(catalog.progress().await?);
        runs.push(match request.json {
            true => Run { database, progress, ..details(&catalog, &files).await? },
            false => Run { database, progress, ..Run::default() },
        });
    }
    match request.json {
        true => report::list::progress_json(&runs),
        false => Ok(report::list::progress(&runs)),
    }
}

/// What a run is at.
async fn details(catalog: &Catalog, files: &Files) -> Result<Run> {
    let pid = pid(files)?;
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
    let follow = match catalog.sentinel().await? {
        Some(sentinel) => {
            let status = catalog.follow_status().await?;
            let now = jiff::Timestamp::now().as_millisecond();
            Some(report::follow::object(&sentinel, &status, now))
        }
        None => None,
    };
    Ok(Run { running, inventory, facts, follow, ..Run::default() })
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
