//! `pgcopydb clone`: a whole database from one server to another.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Instant;

use pgcopydb_wire::Connection;

use super::prepare::{self, Begun};
use crate::cli::CloneRequest;
use crate::error::{Error, Kind, Result};
use crate::model::{Inventory, Section, Settings};
use crate::pg::{Endpoint, Side, discover, preflight, properties};
use crate::plan::resume::outstanding;
use crate::plan::{Plan, Step, clone as plan, drop, pre_data};
use crate::report;
use crate::run::context::{Context, Parts};
use crate::run::ledger::Ledger;
use crate::run::{self, Report};
use crate::stop::Stop;
use crate::tools::restore::Printer;
use crate::tools::{archive, dump};

/// Copies a database.
pub async fn clone(request: CloneRequest, stop: &Stop) -> Result<()> {
    let begun = Instant::now();
    let CloneRequest { source, target, settings } = request;
    let source = Endpoint::parse(Side::Source, &source)?;
    let target = Endpoint::parse(Side::Target, &target)?;
    let run = prepare::begin(source, target, settings, stop);
    // Nothing has been written yet: whatever is being waited for can be left as it is.
    let mut run = tokio::select! {
        run = run => run?,
        () = stop.requested() => return Err(crate::tools::child::stopped()),
    };
    let ended = copy(&mut run, stop).await;
    let result = match ended {
        Ok(report) => conclude(&mut run, report, stop, begun).await,
        Err(error) => Err(error),
    };
    run.snapshot.close().await;
    // What is in the catalog must be on disk whatever the end was; the first error is the one told.
    let flushed = run.catalog.flush().await;
    result.and(flushed)
}

/// Discovers, plans, and does what is planned.
async fn copy(run: &mut Begun, stop: &Stop) -> Result<Report> {
    let inventory = inventory(run, stop).await?;
    check_target(run, &inventory).await?;
    run.open_ledger().await?;
    let tools = run.tools(inventory.database.server_version)?;
    let parts = Parts {
        source: run.source.clone(),
        target: run.target.clone(),
        snapshot: run.snapshot.id.clone(),
        printer: Printer::new(&tools, &run.workdir.files().archive(), &run.settings),
        settings: run.settings.clone(),
        ledger: run.ledger.clone(),
        stop: stop.clone(),
        target_namespaces: namespaces(&mut run.target_session).await?,
        inventory,
    };
    let context = Arc::new(Context::new(parts));
    let target_version = run.target_session.server_version();
    let mut plan = plan::clone(&context.inventory, &context.settings, target_version);
    let done = &run.done;
    let left = outstanding(&plan, |step| done.contains(&context.key(step)));
    announce(&context, &plan, &left);
    plan.open(&left);
    let clock = Instant::now();
    run.catalog.section_started(Section::Data).await?;
    let report = run::run(plan, context, &run.catalog, &mut run.snapshot, target_version).await?;
    run.catalog.section_ended(Section::Data, clock.elapsed()).await?;
    Ok(report)
}

/// What there is to copy: found on the source, or remembered from the run that is resumed.
async fn inventory(run: &mut Begun, stop: &Stop) -> Result<Inventory> {
    let archive_file = run.workdir.files().archive();
    if archive_file.exists()
        && let Some(inventory) = run.catalog.load_inventory().await?
    {
        tracing::info!("using what the earlier run found on the source");
        return Ok(inventory);
    }
    let id = run.snapshot.id.as_deref();
    let target_version = run.target_session.server_version();
    let mut session = run.snapshot.reader(&run.source, "catalog").await?;
    let tools = run.tools(session.server_version())?;
    tracing::info!("using {} from {}", tools.version, tools.program("pg_dump").display());
    // Both read the catalogs; neither needs the other.
    let dumping = async {
        let clock = Instant::now();
        dump::schema(&tools, &run.source, id, &archive_file, stop).await?;
        run.catalog.section_ended(Section::DumpSchema, clock.elapsed()).await
    };
    let discovering = async {
        let clock = Instant::now();
        let mut inventory = discover::discover(&mut session, target_version).await?;
        inventory.roles = preflight::roles(&mut session, &run.settings).await?;
        prepare::split_tables(&mut session, &mut inventory, &run.settings).await?;
        preflight::check_row_security(&mut session).await?;
        run.catalog.section_ended(Section::CatalogQueries, clock.elapsed()).await?;
        Ok::<_, Error>(inventory)
    };
    let (mut inventory, ()) = tokio::try_join!(discovering, dumping)?;
    let file = archive_file.clone();
    let entries = tokio::task::spawn_blocking(move || archive::entries(&file)).await;
    inventory.entries =
        entries.map_err(|error| Error::new(Kind::Internal, error.to_string()))??;
    session.close().await;
    run.catalog.save_inventory(&inventory).await?;
    Ok(inventory)
}

/// Everything that can be said to be wrong with the target before anything is written to it.
async fn check_target(run: &mut Begun, inventory: &Inventory) -> Result<()> {
    preflight::check_roles(&mut run.target_session, &inventory.roles).await?;
    if run.settings.drop_if_exists || !run.done.is_empty() {
        return Ok(());
    }
    let wanted: HashSet<String> = inventory
        .entries
        .iter()
        .filter(|entry| entry.is_pre_data && pre_data::is_wanted(entry, &run.settings))
        .filter_map(|entry| drop::relation_name(entry).map(|name| name.to_string()))
        .collect();
    preflight::check_nothing_in_the_way(&mut run.target_session, &wanted).await
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

fn announce(context: &Context, plan: &Plan, left: &[bool]) {
    let inventory = &context.inventory;
    let bytes: u64 = inventory.tables.iter().map(|table| table.bytes).sum();
    tracing::info!(
        "copying {} tables ({}), {} indexes, {} foreign keys, {} sequences, {} large objects",
        inventory.tables.iter().filter(|table| table.has_data()).count(),
        report::units::bytes(bytes),
        inventory.indexes.len(),
        inventory.foreign_keys.len(),
        inventory.sequences.len(),
        inventory.large_objects.count,
    );
    let is_step = |step: Step| step != Step::Milestone;
    let steps = plan.steps().filter(|(_, step, _)| is_step(*step)).count();
    let outstanding = plan.steps().filter(|(id, step, _)| is_step(*step) && left[id.0]).count();
    if outstanding < steps {
        tracing::info!("{} of {steps} steps were done before", steps - outstanding);
    }
}

/// Tells how it ended; where everything is done, forgets what was only kept for resuming.
async fn conclude(run: &mut Begun, report: Report, stop: &Stop, begun: Instant) -> Result<()> {
    let Settings { skip_db_properties, .. } = run.settings;
    let is_whole = report.failed == 0
        && report.skipped == 0
        && !report.is_stopped
        && report.snapshot_lost.is_none();
    if is_whole && !stop.is_requested() {
        if !skip_db_properties {
            properties::copy(&run.source, &run.snapshot, &mut run.target_session).await?;
        }
        Ledger::drop(&mut run.target_session).await?;
    }
    run.catalog.section_ended(Section::Total, begun.elapsed()).await?;
    let summary = run.catalog.summary().await?;
    let files = run.workdir.files();
    files.write(&files.summary(), report::summary::json(&summary)?.as_bytes())?;
    if report.is_stopped || stop.is_requested() {
        return Err(crate::tools::child::stopped()
            .hint("Continue with the same command and --resume (see docs/resume.md)."));
    }
    print!("{}", report::summary::text(&summary));
    if is_whole {
        tracing::info!(
            "All step are now done, {} elapsed",
            report::units::duration(begun.elapsed())
        );
        return Ok(());
    }
    if let Some(error) = report.snapshot_lost {
        return Err(error
            .detail("Rows can only be read as they were when the snapshot was taken.")
            .hint(
                "If nothing was written to the source since, continue with --resume \
                 --not-consistent; otherwise start over with --restart.",
            ));
    }
    Err(Error::new(
        Kind::Incomplete,
        format!(
            "the copy is not complete: {} steps failed and {} that build upon them were not tried",
            report.failed, report.skipped
        ),
    )
    .hint("Repair what the errors above name and continue with the same command and --resume."))
}
