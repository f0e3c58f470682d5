//! The view of the source that a run reads in: the snapshot that is named, that is kept for its
//! directory, that belongs to its replication slot, or a new one.

use std::time::Duration;

use crate::catalog::Catalog;
use crate::command::filters::Filtering;
use crate::error::{Error, Kind, Result};
use crate::follow::setup;
use crate::model::settings::Sizes;
use crate::model::{Beginning, FollowSettings, Settings};
use crate::pg::snapshot::Snapshot;
use crate::pg::{Endpoint, discover, filter as pg_filter, publication};
use crate::workdir::WorkDir;

/// Tries to drop a slot that is still in use.
const SLOT_TRIES_MAX: u32 = 20;
const SLOT_PAUSE: Duration = Duration::from_millis(500);

/// Drops the slot that an earlier run in the directory made, and what belongs to it.
pub async fn forget_slot(source: &Endpoint, target: &Endpoint, workdir: &WorkDir) -> Result<()> {
    let file = workdir.files().source_catalog();
    if !file.exists() {
        return Ok(());
    }
    // A catalog that cannot be read says nothing about slots.
    let Ok(catalog) = Catalog::read_only(&file).await else { return Ok(()) };
    if let Some(left) = catalog.unfinished_slot().await? {
        let catalog = Catalog::open(&file).await?;
        return setup::remove_unfinished(source, target, &catalog, &left).await;
    }
    let Some(slot) = catalog.slot().await? else { return Ok(()) };
    // The source may not have noticed yet that the earlier run is gone.
    let mut tries = 0;
    loop {
        match setup::remove(source, target, &slot).await {
            Err(error) if error.is_transient() && tries < SLOT_TRIES_MAX => {
                tries += 1;
                tokio::time::sleep(SLOT_PAUSE).await;
            }
            removed => return removed,
        }
    }
}

/// The snapshot of the replication slot: a new one, or the one of the slot that the directory has.
pub async fn of_slot(
    source: &Endpoint,
    target: &Endpoint,
    (settings, follow): (&Settings, &FollowSettings),
    filtering: Option<&Filtering>,
    catalog: &Catalog,
) -> Result<Snapshot> {
    let refused = |message: &str| {
        Err(Error::new(Kind::State, message)
            .detail("Rows of another snapshot would be there twice, or not at all.")
            .hint("Start over with --restart."))
    };
    let Some(slot) = catalog.slot().await? else {
        if settings.snapshot.is_some() || settings.beginning == Beginning::Resume {
            return refused("the snapshot is not that of a replication slot");
        }
        let wanted = match filtering {
            Some(filtering) => Some(published(source, target, filtering).await?),
            None => None,
        };
        let made = setup::create(source, target, catalog, follow, wanted.as_ref()).await?;
        return Ok(made.1);
    };
    let Some(id) = &slot.snapshot else {
        return refused("the replication slot of the directory has no snapshot");
    };
    if settings.snapshot.as_ref().is_some_and(|named| named != id) {
        return refused("the snapshot is not that of the directory's replication slot");
    }
    match Snapshot::borrow(source, id).await {
        Ok(snapshot) => Ok(snapshot),
        Err(error) if error.is_transient() => Err(error),
        Err(error) => {
            tracing::debug!("{error}");
            refused("the snapshot of the replication slot is gone: the copy cannot be continued")
        }
    }
}

/// What is left of the source by filters, for its publication. That has to be there before the
/// snapshot is.
async fn published(
    source: &Endpoint,
    target: &Endpoint,
    filtering: &Filtering,
) -> Result<publication::Wanted> {
    let mut session = target.open("setup").await?;
    let extensions = pg_filter::extensions(&mut session).await?;
    let target_version = session.server_version();
    session.close().await;
    let mut session = source.open("setup").await?;
    let mut inventory = discover::discover(&mut session, target_version, Sizes::Exact).await?;
    filtering.reduce_tables(&mut session, &mut inventory, extensions).await?;
    session.close().await;
    publication::Wanted::new(&inventory)
}

/// The snapshot that was named, that a service keeps for this directory, that the run to be resumed
/// had, or a new one.
pub async fn named_or_new(
    source: &Endpoint,
    settings: &Settings,
    earlier: Option<String>,
    kept: Option<String>,
) -> Result<Snapshot> {
    if let Some(id) = &settings.snapshot {
        return Snapshot::borrow(source, id).await;
    }
    if settings.beginning == Beginning::Resume && !settings.not_consistent {
        let Some(id) = earlier.or(kept) else {
            return Err(Error::new(Kind::Arguments, "cannot resume without a snapshot").hint(
                "Name it with --snapshot, or continue without one with --not-consistent if \
                 nothing was written to the source since.",
            ));
        };
        return Snapshot::borrow(source, &id).await;
    }
    if let Some(id) = kept {
        match Snapshot::borrow(source, &id).await {
            Ok(snapshot) => {
                tracing::info!("using the snapshot {id} that is kept for this directory");
                return Ok(snapshot);
            }
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => tracing::warn!("taking a new snapshot: {error}"),
        }
    }
    let snapshot = Snapshot::export(source).await?;
    tracing::info!("exported snapshot {}", snapshot.id.as_deref().unwrap_or_default());
    Ok(snapshot)
}
