//! `pgcopydb clone`, and the commands that do a share of it: a database, or a part of it, from one
//! server to another.

use std::collections::{BTreeSet, HashSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use pgcopydb_wire::Connection;

use super::all_databases;
use super::citus;
use super::conclude::{Forgotten, conclude, forget, without_snapshot};
use super::following;
use super::inventory::inventory;
use super::keys;
use super::prepare::{self, Begun};
use super::roles;
use crate::catalog::SentinelChange;
use crate::cli::CloneRequest;
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::follow::setup;
use crate::model::{Found, Inventory, Oid, Section, Settings, Table};
use crate::pg::snapshot::Snapshot;
use crate::pg::{Endpoint, Side, existing, preflight};
use crate::plan::clone::{Tables, Target};
use crate::plan::select::{Archive, Selection, Task, select};
use crate::plan::{Plan, Step, clone as plan, drop, pre_data};
use crate::report;
use crate::run::capacity::Sessions;
use crate::run::context::{Context, PRE_DATA_KEY, Parts};
use crate::run::crew::Crew;
use crate::run::foreign_keys;
use crate::run::ledger::{COPY_KEY, LARGE_OBJECTS_KEY, Ledger, Remembered};
use crate::run::patience::Patience;
use crate::run::records::Records;
use crate::run::watch::Watch;
use crate::run::{self, Holds, Report, wal};
use crate::stop::Stop;
use crate::tools::Tools;
use crate::tools::restore::Printer;

/// Copies a database, or a share of it.
pub async fn clone(request: CloneRequest, stop: &Stop) -> Result<()> {
    if request.all_databases {
        return all_databases::clone(request, stop).await;
    }
    let CloneRequest { source, target, settings, task, report, .. } = request;
    if let Some(file) = &report {
        super::report::check(file)?;
    }
    let source = Endpoint::parse(Side::Source, &source)?;
    let target = Endpoint::parse(Side::Target, &target)?;
    if settings.follow.is_some() && following::copy_is_done(&settings).await? {
        return following::resume(source, target, settings, stop).await;
    }
    let crew = Crew::new(settings.jobs, 1);
    one(One { source, target, settings, task, report, crew, snapshot: None }, stop).await
}

/// One database to copy.
pub struct One {
    /// The server and database that are copied from.
    pub source: Endpoint,
    /// The server and database that are copied to.
    pub target: Endpoint,
    /// What the user wants.
    pub settings: Settings,
    /// What is to be done of it.
    pub task: Task,
    /// The file for a page about the run.
    pub report: Option<PathBuf>,
    /// The workers that do it.
    pub crew: Arc<Crew>,
    /// The snapshot, if it was taken already.
    pub snapshot: Option<Snapshot>,
}

/// Copies one database, or a share of it.
pub async fn one(wanted: One, stop: &Stop) -> Result<()> {
    let begun = Instant::now();
    let One { source, target, settings, task, report, crew, snapshot } = wanted;
    let run = prepare::begin(source, target, settings, task, crew, snapshot);
    // Nothing has been written yet: whatever is being waited for can be left as it is.
    let mut run = tokio::select! {
        run = run => run?,
        () = stop.requested() => return Err(crate::tools::child::stopped()),
    };
    let result = match run.base.settings.follow.clone() {
        Some(follow) => following::clone(&mut run, follow, stop, begun).await,
        None => whole(&mut run, stop, begun).await,
    };
    if result.is_err() && run.has_kept_keys {
        // The first error is the one told last.
        let put_back = keys::put_back(&mut run, stop).await;
        put_back.inspect_err(crate::log::error).ok();
    }
    run.base.snapshot.close().await;
    let reported = match &report {
        Some(file) => super::report::write(&run.base.catalog, file).await,
        None => Ok(()),
    };
    // What is in the catalog must be on disk whatever the end was; the first error is the one told.
    let flushed = run.base.catalog.flush().await;
    result.and(reported).and(flushed)
}

/// Copies what is to be copied and tells how that ended.
pub async fn whole(run: &mut Begun, stop: &Stop, begun: Instant) -> Result<()> {
    let report = match run.is_complete {
        true => {
            tracing::info!("an earlier run has made the whole copy");
            Report::default()
        }
        false => copy_to_the_end(run, stop).await?.report,
    };
    conclude(run, report, stop, begun).await?;
    if run.selection == Selection::All && run.base.catalog.sentinel().await?.is_some() {
        // Whoever follows in this directory waits for this.
        run.base.catalog.change_sentinel(SentinelChange::Apply(true)).await?;
    }
    Ok(())
}

/// What became of a run, and what it was about.
pub struct Ended {
    /// How its steps ended.
    pub report: Report,
    /// What it looked things up in.
    pub context: Arc<Context>,
    /// What the whole plan was made for.
    pub target: Target,
}

/// What is tried again before the first step.
const PREPARE: &str = "prepare the copy";

/// Copies, again if the target has lost what it had told us was done, until the end is known and
/// the ledger dropped.
async fn copy_to_the_end(run: &mut Begun, stop: &Stop) -> Result<Ended> {
    let watch = Watch::new(run.base.source.clone(), run.target.clone());
    let _locks = watch.clone().tell_of_locks();
    let mut patience = Patience::default();
    loop {
        let ended = match copy(run, &watch, stop).await {
            Ok(ended) => ended,
            // Steps are tried again by themselves; this is about what comes before them.
            Err(error) if error.is_transient() => {
                patience.wait(true, error, PREPARE, stop).await?;
                look_again(run, &mut patience, stop).await?;
                continue;
            }
            Err(error) if error.has_lost_snapshot() => {
                begin_again(run, &mut patience, error, stop).await?;
                continue;
            }
            Err(error) => return Err(error),
        };
        let mut ended = ended;
        if !ended.report.is_set_back {
            ended.report.failed += keys::put_back(run, stop).await?;
            if !ended.report.is_whole() || stop.is_requested() {
                return Ok(ended);
            }
            let forgotten = tokio::select! {
                forgotten = forget(run, &ended, &watch) => forgotten?,
                () = stop.requested() => return Ok(ended),
            };
            if forgotten == Forgotten::Yes {
                return Ok(ended);
            }
        }
        run.look_again().await?;
        run.control.go_on();
    }
}

/// Counts what the steps need of both servers and of this machine. A run that can never have it is
/// as if it had not begun.
async fn check_capacity(run: &mut Begun, plan: &Plan) -> Result<()> {
    let target_version = run.target_session.server_version();
    let sessions = Sessions::of(plan, run.base.settings.jobs, target_version);
    let checking = async {
        sessions.allow_files()?;
        let short = sessions.check(&mut run.target_session, Side::Target).await?;
        sessions.tell(&short, Side::Target);
        let mut source = run.base.source.open("catalog").await?;
        let short = sessions.check(&mut source, Side::Source).await?;
        sessions.tell(&short, Side::Source);
        source.close().await;
        Ok(())
    };
    let checked = checking.await;
    if checked.as_ref().is_err_and(|error: &Error| !error.is_transient())
        && run.remembered.done.is_empty()
    {
        Ledger::drop(&mut run.target_session).await?;
    }
    checked
}

/// Looks at the target again, until it can be looked at.
async fn look_again(run: &mut Begun, patience: &mut Patience, stop: &Stop) -> Result<()> {
    loop {
        let looked = tokio::select! {
            looked = run.look_again() => looked,
            () = stop.requested() => Err(crate::tools::child::stopped()),
        };
        match looked {
            Err(error) => patience.wait(false, error, PREPARE, stop).await?,
            Ok(()) => return Ok(()),
        }
    }
}

/// Takes another snapshot, where the lost one was ours and nothing was done in it.
async fn begin_again(
    run: &mut Begun,
    patience: &mut Patience,
    error: Error,
    stop: &Stop,
) -> Result<()> {
    let is_bound = run.has_begun_steps
        || !run.base.snapshot.is_ours()
        || run.base.settings.follow.is_some()
        || run.archive == Archive::Given;
    if is_bound || patience.pause(true).is_none() {
        return Err(without_snapshot(error, &run.base.settings));
    }
    tracing::warn!("{error}; nothing was copied in it: beginning again in another");
    loop {
        look_again(run, patience, stop).await?;
        if !run.remembered.done.is_empty() {
            return Err(without_snapshot(error, &run.base.settings));
        }
        let taken = tokio::select! {
            taken = run.base.take_another_snapshot() => taken,
            () = stop.requested() => Err(crate::tools::child::stopped()),
        };
        match taken {
            Err(error) => patience.wait(false, error, PREPARE, stop).await?,
            Ok(()) => return Ok(()),
        }
    }
}

/// Discovers, plans, and does what is planned.
async fn copy(run: &mut Begun, watch: &Arc<Watch>, stop: &Stop) -> Result<Ended> {
    let inventory = inventory(&mut run.base, run.selection, &run.remembered, watch, stop).await?;
    let backend = run.target_session.backend_pid();
    let opening = open_target(run, &inventory);
    let opened = tokio::select! {
        opened = watch.over(Side::Target, backend, opening) => opened,
        () = stop.requested() => Err(crate::tools::child::stopped()),
    };
    let (ledger, target_namespaces) = opened?;
    let target = Target { version: run.target_session.server_version(), tables: run.tables() };
    // Before there is what workers look things up in: planning takes memory of its own.
    let mut plan = plan::clone(&inventory, &run.base.settings, target);
    let base = &mut run.base;
    let tools = base.tools(inventory.database.server_version)?;
    let printer = printer(tools, base.workdir.files().archive(), base.settings.clone()).await?;
    let mut context = Context::new(Parts {
        source: base.source.clone(),
        target: run.target.clone(),
        target_version: run.target_session.server_version(),
        snapshot: base.snapshot.id.clone(),
        printer,
        settings: base.settings.clone(),
        ledger,
        stop: stop.clone(),
        target_namespaces,
        inventory,
    });
    if target.tables == Tables::Found && run.selection.builds_indexes() {
        let found = &mut context.found;
        existing::indexes(&mut run.target_session, &context.inventory, found).await?;
    }
    let steps = plan.steps().filter(|(_, step, _)| *step != Step::Milestone).count();
    check_records(&plan, &context, &run.remembered)?;
    if !run.remembered.done.contains(PRE_DATA_KEY) {
        context.after_pre_data = citus::statements(run, &context.inventory).await?;
    }
    let is_done = |step| context.is_done(step, &run.remembered.done);
    let left = select(&mut plan, run.selection, target.tables, is_done);
    if run.selection != Selection::All {
        look_at_tables(run, &mut context, &plan, &left, target.tables).await?;
    }
    let reads = plan.steps().any(|(id, step, _)| left[id.place()] && step.reads_source());
    if let Some(error) = run.base.no_snapshot.take_if(|_| reads) {
        return Err(error);
    }
    announce(run.selection, &context, outstanding(&plan, &left), steps);
    plan.open(&left);
    check_capacity(run, &plan).await?;
    let context = Arc::new(context);
    let clock = Instant::now();
    let base = &mut run.base;
    base.catalog.section_started(Section::Data).await?;
    run.has_begun_steps = true;
    let holds =
        Holds { snapshot: &mut base.snapshot, control: &mut run.control, watch: watch.clone() };
    let recorded = run.remembered.done.clone();
    let running = run::run(plan, context.clone(), &base.catalog, holds, recorded, run.crew.clone());
    let report = wal::keep_flowing(&mut run.target_session, &run.crew, running).await?;
    base.catalog.section_ended(Section::Data, clock.elapsed()).await?;
    Ok(Ended { report, context, target })
}

/// What prints entries of the archive.
async fn printer(tools: Tools, archive: PathBuf, settings: Settings) -> Result<Printer> {
    let opened = move || Printer::open(&tools, &archive, &settings);
    let opened = tokio::task::spawn_blocking(opened).await;
    opened.map_err(|error| Error::new(Kind::Internal, error.to_string()))?
}

/// Looks at the target and makes it remember steps. Also tells which namespaces it has.
async fn open_target(run: &mut Begun, inventory: &Inventory) -> Result<(Ledger, HashSet<String>)> {
    check_target(run, inventory).await?;
    if let (Selection::All, Some(slot)) = (run.selection, run.base.catalog.slot().await?) {
        setup::check_coverage(&run.base.source, &slot, inventory).await?;
    }
    run.join().await?;
    let ledger = run.open_ledger(inventory).await?;
    run.take_back_what_was_undone(inventory).await?;
    fault::point("ledger", "opened")?;
    Ok((ledger, namespaces(&mut run.target_session).await?))
}

/// Everything that can be said to be wrong with the target before anything is written to it.
async fn check_target(run: &mut Begun, inventory: &Inventory) -> Result<()> {
    let requirements = &run.base.settings.requirements;
    if !requirements.is_empty() {
        existing::warn_of_versions(&mut run.target_session, inventory, requirements).await?;
    }
    if !run.selection.makes_tables() && !run.selection.completes_schema() {
        return Ok(());
    }
    if run.base.settings.roles {
        let base = &run.base;
        run.notes =
            roles::copy_first(&base.source, base.workdir.files(), &base.settings, &run.target)
                .await?;
    }
    let settings = &run.base.settings;
    let wanted = || inventory.entries.iter().filter(|entry| pre_data::is_wanted(entry, settings));
    let mut roles: BTreeSet<String> = inventory.roles.iter().cloned().collect();
    if !settings.no_owner {
        // The first superuser owns things without being mentioned in the catalog of dependencies.
        roles.extend(wanted().filter_map(|entry| entry.owner));
    }
    preflight::check_roles(&mut run.target_session, roles.into_iter().collect()).await?;
    if !settings.no_tablespaces {
        let tablespaces = wanted().filter_map(|entry| entry.tablespace);
        let tablespaces: BTreeSet<String> =
            tablespaces.map(|name| settings.target_tablespace(&name).clone()).collect();
        let tablespaces = tablespaces.into_iter().collect();
        preflight::check_tablespaces(&mut run.target_session, tablespaces).await?;
    }
    if settings.drop_if_exists || !run.remembered.done.is_empty() || !run.selection.makes_tables() {
        return Ok(());
    }
    let relations: HashSet<String> = wanted()
        .filter_map(|entry| drop::relation_name(&entry))
        .map(|name| name.to_string())
        .collect();
    preflight::check_nothing_in_the_way(&mut run.target_session, &relations).await
}

/// Refuses to go on with rows that were copied by another plan: some would be there twice.
fn check_records(plan: &Plan, context: &Context, remembered: &Remembered) -> Result<()> {
    if remembered.done.is_empty() {
        return Ok(());
    }
    let mut known = Records::default();
    for (_, step, _) in plan.steps() {
        known.insert(&context.key(step));
    }
    let is_row = |key: &String| key.starts_with(COPY_KEY) || key.starts_with(LARGE_OBJECTS_KEY);
    let mut unknown: Vec<String> =
        remembered.done.iter().filter(is_row).filter(|key| !known.contains(key)).collect();
    unknown.sort();
    let Some(first) = unknown.first() else { return Ok(()) };
    Err(Error::new(Kind::State, "the target holds rows that this command would not have copied")
        .detail(format!(
            "It remembers {} steps that are not among ours, such as {first:?}.",
            unknown.len()
        ))
        .hint(
            "Continue with the options and in the directory of the run that has copied them, or \
             start over with --restart.",
        ))
}

/// Looks whether rows can be copied into the tables as they are now: a share of a clone may come
/// at any time, also when the keys and triggers are there that a clone makes after the rows.
async fn look_at_tables(
    run: &mut Begun,
    context: &mut Context,
    plan: &Plan,
    left: &[bool],
    tables: Tables,
) -> Result<()> {
    let mut wanted: Vec<Oid> = plan
        .steps()
        .filter(|(id, ..)| left[id.place()])
        .filter_map(|(_, step, _)| match step {
            Step::CopyTable { table } | Step::CopyPart { table, .. } => Some(table),
            _ => None,
        })
        .collect();
    wanted.dedup();
    if wanted.is_empty() {
        return Ok(());
    }
    let wanted: Vec<Table> = wanted.iter().map(|oid| context.table(*oid)).collect();
    let wanted: Vec<&Table> = wanted.iter().collect();
    let found = existing::tables(&mut run.target_session, &wanted).await?;
    run.has_kept_keys = true;
    foreign_keys::take_down(&mut run.target_session, &context.ledger, &wanted, &context.stop)
        .await?;
    if tables == Tables::Found {
        context.found = Found { tables: found, ..std::mem::take(&mut context.found) };
    }
    Ok(())
}

async fn namespaces(target: &mut Connection) -> Result<HashSet<String>> {
    let mut found = HashSet::new();
    let queried = target.query_each("select nspname from pg_catalog.pg_namespace", &[], |row| {
        found.insert(row.required(0)?.to_owned());
        Ok(())
    });
    queried.await.map_err(|error| Error::target("could not list namespaces", error))?;
    Ok(found)
}

/// How many steps are to be done.
fn outstanding(plan: &Plan, left: &[bool]) -> usize {
    plan.steps().filter(|(id, step, _)| *step != Step::Milestone && left[id.place()]).count()
}

fn announce(selection: Selection, context: &Context, outstanding: usize, steps: usize) {
    let inventory = &context.inventory;
    tracing::info!(
        "{} {} tables ({}), {} indexes, {} foreign keys, {} sequences, {} large objects",
        if selection == Selection::All { "copying" } else { "the database has" },
        inventory.tables.iter().filter(|table| table.has_data()).count(),
        report::units::bytes(inventory.data_bytes()),
        inventory.indexes.len(),
        inventory.foreign_keys.len(),
        inventory.sequences.len(),
        inventory.large_objects.count,
    );
    if selection != Selection::All {
        tracing::info!("this command does {outstanding} of the {steps} steps of a whole copy");
    } else if outstanding < steps {
        tracing::info!("{} of {steps} steps were done before", steps - outstanding);
    }
}
