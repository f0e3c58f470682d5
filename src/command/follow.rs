//! `pgcopydb follow`, and what `clone --follow` and `stream …` share with it.

use crate::catalog::{Catalog, SentinelChange, no_sentinel};
use crate::cli::FollowRequest;
use crate::error::Result;
use crate::follow::{Follow, Mode, Watermarks, setup};
use crate::model::{Beginning, FollowSettings, Packed, Sequence, Slot};
use crate::pg::{Endpoint, Side};
use crate::run::sequence;
use crate::run::watch::Watch;
use crate::stop::Stop;
use crate::workdir::{Mode as Access, Service, WorkDir};

/// The services of a work directory that a command is; the locks live as long.
pub struct Services {
    /// The directory.
    pub workdir: WorkDir,
    _others: Vec<WorkDir>,
}

impl Services {
    /// Takes their locks.
    pub fn lock(directory: Option<&std::path::Path>, services: &[Service]) -> Result<Services> {
        let mut locked = Vec::new();
        for service in services {
            locked.push(WorkDir::open(directory, Access::Serve(*service))?);
        }
        let workdir = match locked.pop() {
            Some(workdir) => workdir,
            None => WorkDir::open(directory, Access::Inspect)?,
        };
        Ok(Services { workdir, _others: locked })
    }
}

/// Receives and applies changes until the end position.
pub async fn follow(request: FollowRequest, stop: &Stop) -> Result<()> {
    let FollowRequest { source, target, directory, beginning, follow: settings } = request;
    let source = Endpoint::parse(Side::Source, &source)?;
    let target = Endpoint::parse(Side::Target, &target)?;
    let services = Services::lock(directory.as_deref(), &[Service::Receive, Service::Apply])?;
    let catalog = Catalog::open(&services.workdir.files().source_catalog()).await?;
    if beginning == Beginning::Restart {
        forget(&source, &target, &catalog, &services.workdir, &settings).await?;
    }
    if catalog.slot().await?.is_none() {
        tracing::info!("no replication slot belongs to this directory: following from now on");
        let _locks = Watch::of_source(source.clone()).tell_of_locks();
        let (_, mut snapshot) = setup::create(&source, &target, &catalog, &settings, None).await?;
        snapshot.close().await;
        catalog.change_sentinel(SentinelChange::Apply(true)).await?;
    }
    let follow = resumed(source, Some(target), catalog, &services.workdir, settings, stop).await?;
    let marks = follow.run(Mode::Both).await?;
    follow.catalog.flush().await?;
    conclude(&marks);
    tracing::info!(
        "sequences are not among the changes: set them with \"pgcopydb copy sequences\""
    );
    Ok(())
}

/// What is to be followed in a directory, with a new end position if one is given.
pub async fn resumed(
    source: Endpoint,
    target: Option<Endpoint>,
    catalog: Catalog,
    workdir: &WorkDir,
    settings: FollowSettings,
    stop: &Stop,
) -> Result<Follow> {
    let slot = catalog.slot().await?.ok_or_else(no_sentinel)?;
    if let Some(endpos) = settings.endpos {
        catalog.change_sentinel(SentinelChange::Endpos(endpos)).await?;
    }
    let directory = workdir.files().changes();
    Ok(Follow { source, target, catalog, directory, slot, settings, stop: stop.clone() })
}

/// Says how it ended.
pub fn conclude(marks: &Watermarks) {
    match marks.applied().some() {
        Some(applied) => {
            tracing::info!("all wanted changes are applied, the last one at {applied}")
        }
        None => tracing::info!("there was no change to apply"),
    }
    if let Some(complete) = marks.complete().some() {
        tracing::info!("source and target agree on everything committed up to {complete}");
    }
}

/// Sets the sequences once more: their values are not among the changes.
pub async fn set_sequences(
    source: &Endpoint,
    target: &Endpoint,
    sequences: &Packed<Sequence>,
) -> Result<()> {
    let (mut from, mut to) = tokio::try_join!(source.open("sequences"), target.open("sequences"))?;
    let done = sequence::set(sequences, &mut from, &mut to).await?;
    tracing::info!("set {} sequences to their values on the source", done.rows);
    from.close().await;
    to.close().await;
    Ok(())
}

/// Drops what following has made on both servers, and the changes in the directory.
pub async fn forget(
    source: &Endpoint,
    target: &Endpoint,
    catalog: &Catalog,
    workdir: &WorkDir,
    settings: &FollowSettings,
) -> Result<()> {
    if let Some(left) = catalog.unfinished_slot().await? {
        setup::remove_unfinished(source, target, catalog, &left).await?;
        return remove_changes(workdir);
    }
    let made = catalog.slot().await?.unwrap_or_else(|| Slot {
        name: settings.slot_name.clone(),
        consistent_point: crate::model::Lsn::NONE,
        snapshot: None,
        plugin: settings.plugin.unwrap_or_default(),
        publication: Some(settings.slot_name.clone()),
        owns_publication: settings.publication.is_none(),
        numeric_as_string: false,
        origin: settings.origin.clone(),
    });
    setup::remove(source, target, &made).await?;
    remove_changes(workdir)?;
    catalog.forget_slot().await
}

fn remove_changes(workdir: &WorkDir) -> Result<()> {
    let changes = workdir.files().changes();
    if changes.exists() {
        std::fs::remove_dir_all(&changes)?;
    }
    Ok(())
}
