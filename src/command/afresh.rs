//! A copy with `--follow` that was interrupted while rows were being read cannot go on: the snapshot
//! of its replication slot went with the run that kept it, and rows of another snapshot would be
//! there twice or not at all. It begins again, with a new slot, and drops what it has made so far.

use std::collections::HashMap;

use pgcopydb_wire::Connection;

use crate::catalog::Catalog;
use crate::error::Result;
use crate::model::{Beginning, Inventory, Settings};
use crate::pg::Endpoint;
use crate::pg::snapshot::Snapshot;
use crate::run::context::PRE_DATA_KEY;
use crate::run::ledger::{COPY_KEY, LARGE_OBJECTS_KEY, Ledger, Remembered};
use crate::workdir::WorkDir;

/// Makes a run that is to be resumed begin again, where it cannot go on.
pub async fn if_snapshot_is_gone(
    settings: &mut Settings,
    source: &Endpoint,
    target: &mut Connection,
    workdir: &WorkDir,
) -> Result<()> {
    if settings.follow.is_none() || settings.beginning != Beginning::Resume {
        return Ok(());
    }
    let file = workdir.files().source_catalog();
    if settings.snapshot.is_some() || !file.exists() {
        return Ok(());
    }
    let catalog = Catalog::read_only(&file).await?;
    let remembered = Ledger::remembered(target).await?;
    if catalog.unfinished_slot().await?.is_some() {
        // Nothing was copied before there was a slot.
        settings.beginning = Beginning::Restart;
        return Ok(());
    }
    let Some(slot) = catalog.slot().await? else { return Ok(()) };
    if let Some(id) = &slot.snapshot {
        match Snapshot::borrow(source, id).await {
            Ok(mut snapshot) => {
                snapshot.close().await;
                return Ok(());
            }
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => tracing::debug!("{error}"),
        }
    }
    if catalog.load_inventory().await?.is_some_and(|all| has_all_rows(&all, &remembered)) {
        return Ok(());
    }
    // What was to be left out is known to this directory alone, which is about to be emptied.
    let setup = catalog.setup().await?;
    if settings.filters.is_none() && setup.is_some_and(|setup| setup.filters.is_some()) {
        return Ok(());
    }
    tracing::warn!(
        "the snapshot of replication slot \"{}\" is gone, and rows are still to be copied: the copy \
         begins again with a new one, and drops what it has made so far",
        slot.name
    );
    settings.beginning = Beginning::Restart;
    // Nothing was in the way when it was made.
    settings.drop_if_exists |= remembered.done.iter().any(|key| key.starts_with(PRE_DATA_KEY));
    Ok(())
}

/// Whether everything was read that is read in the snapshot.
fn has_all_rows(inventory: &Inventory, remembered: &Remembered) -> bool {
    // How many parts there are of a table, and how many of them were copied.
    let mut parts: HashMap<String, (usize, usize)> = HashMap::new();
    for key in remembered.done.iter() {
        let part = key.strip_prefix(COPY_KEY).and_then(|part| part.split_once(' '));
        let Some((oid, (number, _))) =
            part.and_then(|(oid, part)| Some((oid, part.split_once(' ')?)))
        else {
            continue;
        };
        if let Some(count) = number.split_once('/').and_then(|(_, count)| count.parse().ok()) {
            parts.entry(oid.to_owned()).or_insert((count, 0)).1 += 1;
        }
    }
    let is_copied = |oid: String| {
        remembered.done.contains(&format!("{COPY_KEY}{oid}"))
            || parts.get(&oid).is_some_and(|(count, copied)| copied >= count)
    };
    let tables = inventory.tables.iter().filter(|table| table.has_data());
    let has_objects = || remembered.done.iter().any(|key| key.starts_with(LARGE_OBJECTS_KEY));
    tables.map(|table| table.oid.to_string()).all(is_copied)
        && (inventory.large_objects.count == 0 || has_objects())
}
