//! `clone --all-databases`: every database of a server, side by side, by one crew of workers.
//! Each has its own share of the work directory, its own snapshot and its own record on the target.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use tokio::task::JoinSet;
use tracing::Instrument;

use super::clone::{One, one};
use super::{prepare, roles};
use crate::catalog::Catalog;
use crate::cli::CloneRequest;
use crate::error::{Error, Kind, Result};
use crate::log;
use crate::model::{Beginning, Section, Settings, Summary};
use crate::pg::databases::{self, Database};
use crate::pg::preflight::listed;
use crate::pg::snapshot::Snapshot;
use crate::pg::{Endpoint, Side};
use crate::plan::select::Task;
use crate::report;
use crate::run::crew::Crew;
use crate::run::lock;
use crate::stop::Stop;
use crate::tools::archive::{self, DatabaseStatements};
use crate::tools::child::stopped;
use crate::tools::{Tools, dump};
use crate::workdir::{Files, Mode, WorkDir};

/// How many databases are begun before one has ended, at most: each has sessions of its own.
const DATABASES_AT_ONCE_MAX: usize = 8;

/// What all databases are copied with.
struct Server {
    source: Endpoint,
    target: Endpoint,
    settings: Settings,
    task: Task,
    crew: Arc<Crew>,
    stop: Stop,
    tools: Tools,
}

/// One of the databases.
struct Job {
    database: Database,
    /// Its share of the work directory.
    directory: PathBuf,
    beginning: Beginning,
    snapshot: Option<Snapshot>,
}

/// Copies all databases that can be connected to.
pub async fn clone(request: CloneRequest, stop: &Stop) -> Result<()> {
    let begun = Instant::now();
    let CloneRequest { source, target, settings, task, .. } = request;
    let source = Endpoint::parse(Side::Source, &source)?;
    let target = Endpoint::parse(Side::Target, &target)?;
    let workdir = WorkDir::open(settings.directory.as_deref(), Mode::Run)?;
    let files = workdir.files();
    let shares: HashSet<String> = files.databases()?.into_iter().collect();
    if settings.beginning == Beginning::Fresh && !shares.is_empty() {
        let directory = workdir.path().display();
        let message = format!("the work directory \"{directory}\" was used by an earlier run");
        return Err(Error::new(Kind::State, message).hint(
            "Go on there with --resume, start over with --restart, or name another directory with \
             --dir.",
        ));
    }
    let prepared = prepare(&source, &target, &settings, files);
    let (databases, tools) = tokio::select! {
        prepared = prepared => prepared?,
        () = stop.requested() => return Err(stopped()),
    };
    let mut jobs = Vec::new();
    for database in databases {
        let share = files.database(&database.name)?;
        let has_share = shares.contains(&database.name);
        let beginning = match settings.beginning {
            Beginning::Resume if !has_share => Beginning::Fresh,
            beginning => beginning,
        };
        let directory = share.root().to_path_buf();
        jobs.push(Job { database, directory, beginning, snapshot: None });
    }
    take_snapshots(&source, &mut jobs).await?;
    let names: Vec<String> = jobs.iter().map(|job| job.database.name.clone()).collect();
    tracing::info!("copying {} databases: {}", names.len(), listed(&names));
    let crew = Crew::new(settings.jobs, names.len().max(2));
    let at_once = usize::from(settings.jobs.table) + usize::from(settings.jobs.index);
    let server = Server { source, target, settings, task, crew, stop: stop.clone(), tools };
    let failed = side_by_side(Arc::new(server), jobs, at_once.min(DATABASES_AT_ONCE_MAX)).await?;
    conclude(files, &names, failed, stop, begun).await
}

/// Looks at both servers, and copies the roles, which databases and privileges name.
async fn prepare(
    source: &Endpoint,
    target: &Endpoint,
    settings: &Settings,
    files: &Files,
) -> Result<(Vec<Database>, Tools)> {
    let mut source_session = source.open("databases").await?;
    let mut target_session = target.open("databases").await?;
    let tools = Tools::locate(source_session.server_version(), target_session.server_version())?;
    let name = target.conninfo().dbname().to_owned();
    if databases::exists(&mut source_session, Side::Source, &name).await? {
        // If both servers are one, then these are the same database.
        let mut session = source.with_database(&name).open("databases").await?;
        lock::take(&mut target_session).await?;
        prepare::refuse_same_database(&mut session, &mut target_session).await?;
        lock::release(&mut target_session).await?;
        session.close().await;
    }
    let (copied, left_out): (Vec<Database>, Vec<Database>) = databases::all(&mut source_session)
        .await?
        .into_iter()
        .partition(|database| database.allows_connections && database.is_whole);
    for database in left_out {
        let why = if database.is_whole { "it allows no connections" } else { "it is not whole" };
        tracing::warn!("database {:?} is left out: {why}", database.name);
    }
    source_session.close().await;
    for note in roles::copy_first(source, files, settings, target).await? {
        tracing::warn!("{note}");
    }
    target_session.close().await;
    Ok((copied, tools))
}

/// Takes the snapshots within a short time, of databases that are begun now.
async fn take_snapshots(source: &Endpoint, jobs: &mut [Job]) -> Result<()> {
    for job in jobs.iter_mut().filter(|job| job.beginning != Beginning::Resume) {
        let endpoint = source.with_database(&job.database.name);
        match Snapshot::export(&endpoint).await {
            Ok(snapshot) => job.snapshot = Some(snapshot),
            Err(error) if error.sqlstate() == Some("53300") => {
                tracing::warn!(
                    "the source has no more connections: the snapshots of database {:?} and those \
                     after it are taken when their turn comes",
                    job.database.name
                );
                return Ok(());
            }
            Err(error) => tracing::warn!("{error}"),
        }
    }
    Ok(())
}

/// Copies the databases, some at a time. Returns the names of those that failed, and how.
async fn side_by_side(
    server: Arc<Server>,
    jobs: Vec<Job>,
    at_once: usize,
) -> Result<Vec<(String, Error)>> {
    let mut jobs = jobs.into_iter();
    let mut tasks = JoinSet::new();
    let mut failed = Vec::new();
    loop {
        while tasks.len() < at_once
            && !server.stop.is_requested()
            && let Some(job) = jobs.next()
        {
            let span = log::database(&job.database.name);
            tasks.spawn(whole(server.clone(), job).instrument(span));
        }
        let Some(ended) = tasks.join_next().await else { return Ok(failed) };
        let ended = ended.map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
        if let (name, Err(error)) = ended {
            if error.kind() != Kind::Stopped && server.settings.fail_fast {
                server.stop.request();
            }
            failed.push((name, error));
        }
    }
}

async fn whole(server: Arc<Server>, job: Job) -> (String, Result<()>) {
    let name = job.database.name.clone();
    let result = copy(&server, job).await;
    if let Err(error) = &result
        && error.kind() != Kind::Stopped
    {
        log::error(error);
    }
    (name, result)
}

/// Makes a database, fills it, and gives it what is said of it from outside.
async fn copy(server: &Server, job: Job) -> Result<()> {
    let Server { source, target, settings, task, crew, stop, .. } = server;
    let Job { database, directory, beginning, snapshot } = job;
    let source = source.with_database(&database.name);
    let statements = make(server, &source, &database, &directory).await?;
    let here = Settings { beginning, directory: Some(directory), ..settings.clone() };
    // Names of one database need not match anything in another.
    let allow_unmatched_filters = true;
    // They are there already.
    let settings = Settings { allow_unmatched_filters, roles: false, ..here };
    let with_owner = !settings.no_owner;
    let wanted = One {
        source,
        target: target.with_database(&database.name),
        settings,
        task: *task,
        report: None,
        crew: crew.clone(),
        snapshot,
    };
    one(wanted, stop).await?;
    let mut session = target.open("databases").await?;
    let DatabaseStatements { others, .. } = statements;
    databases::complete(&mut session, &database, with_owner, &others).await?;
    session.close().await;
    Ok(())
}

/// Makes a database on the target unless it has it.
async fn make(
    server: &Server,
    source: &Endpoint,
    database: &Database,
    directory: &Path,
) -> Result<DatabaseStatements> {
    let Server { target, settings, stop, tools, .. } = server;
    let file = directory.join("schema/database.dump");
    dump::database(tools, source, &file, stop).await?;
    let statements = archive::database(&file, settings)?;
    let mut session = target.open("databases").await?;
    let name = &database.name;
    let mut exists = databases::exists(&mut session, Side::Target, name).await?;
    let is_new = settings.beginning != Beginning::Resume;
    // Nobody can drop the database that he is connected to; there, objects are dropped.
    let is_ours = target.conninfo().dbname() == name;
    if exists && is_new && settings.drop_if_exists && !is_ours {
        databases::drop(&mut session, name).await?;
        tracing::info!("dropped the database that was on the target");
        exists = false;
    }
    if exists {
        tracing::info!("using the database that is on the target");
    } else {
        let tablespace = database.tablespace.as_ref().filter(|_| !settings.no_tablespaces);
        let tablespace = tablespace.map(|name| settings.target_tablespace(name).as_str());
        databases::create(&mut session, name, &statements.create, tablespace).await?;
    }
    session.close().await;
    Ok(statements)
}

/// Sums up what was done, and says what was not.
async fn conclude(
    files: &Files,
    names: &[String],
    failed: Vec<(String, Error)>,
    stop: &Stop,
    begun: Instant,
) -> Result<()> {
    let mut summary: Option<Summary> = None;
    for name in names {
        let file = files.database(name)?.source_catalog();
        if !file.exists() {
            continue;
        }
        let one = Catalog::read_only(&file).await?.summary().await?;
        Summary::sum(&mut summary, one, name);
    }
    if let Some(mut summary) = summary {
        for section in summary.sections.iter_mut().filter(|s| s.section == Section::Total) {
            section.duration = begun.elapsed();
        }
        files.write_by(&files.summary(), |file| report::summary::write_json(file, &summary))?;
        report::print(&report::summary::text(&summary));
    }
    let errors: Vec<&(String, Error)> =
        failed.iter().filter(|(_, error)| error.kind() != Kind::Stopped).collect();
    if errors.is_empty() && stop.is_requested() {
        return Err(
            stopped().hint("Continue with the same command and --resume (see docs/resume.md).")
        );
    }
    if errors.is_empty() {
        let spent = report::units::duration(begun.elapsed());
        tracing::info!("All {} databases are copied, {spent} elapsed", names.len());
        return Ok(());
    }
    let which: Vec<String> = errors.iter().map(|(name, _)| name.clone()).collect();
    let message = format!(
        "{} of {} databases are not complete: {}",
        which.len(),
        names.len(),
        listed(&which)
    );
    Err(Error::new(Kind::Incomplete, message)
        .hint("Repair what the errors above name and continue with the same command and --resume."))
}
