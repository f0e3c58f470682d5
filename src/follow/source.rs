//! Looks after the source: how much of its log it has to keep for us, and tables that are made while
//! it is followed.

use std::collections::HashSet;
use std::sync::atomic::Ordering;
use std::time::Duration;

use pgcopydb_wire::replicate::Replication;
use tokio::time::{sleep, timeout};

use super::{Follow, Shared};
use crate::error::{Error, Kind, Result};
use crate::model::{Lsn, quote_literal};
use crate::pg::preflight::listed;
use crate::pg::retention::{self, Retention};
use crate::pg::slot;

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(10);

/// Tables are looked at with every so many looks.
const LOOKS_PER_TABLES: u64 = 6;

/// How long a look may take.
const LOOK_PATIENCE: Duration = Duration::from_secs(20);

/// So much of its log, kept for us, is told; and again with each doubling.
const KEPT_BYTES_TOLD: u64 = 4 << 30;

/// What was found so far.
#[derive(Debug)]
struct Seen {
    tables: Option<HashSet<String>>,
    told_bytes: u64,
    looks: u64,
}

/// Looks now and then, for ever. What cannot be found out is left for the next time: those who
/// receive notice a source that is gone.
pub(super) async fn watch(follow: &Follow, shared: &Shared) {
    let mut seen = Seen { tables: None, told_bytes: KEPT_BYTES_TOLD / 2, looks: 0 };
    // With filters nobody knows which of the tables that were not copied are new.
    if let Ok(Some(inventory)) = follow.catalog.load_inventory().await
        && let Ok(setup) = follow.catalog.setup().await
        && setup.is_some_and(|setup| setup.filters.is_none())
    {
        let names = inventory.tables.iter().map(|table| table.name.to_string());
        seen.tables = Some(names.collect());
    }
    loop {
        match timeout(LOOK_PATIENCE, look(follow, shared, &mut seen)).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::debug!("could not look after the source: {error}"),
            Err(_) => tracing::debug!("the source did not answer when looked after"),
        }
        sleep(LOOK_INTERVAL).await;
    }
}

async fn look(follow: &Follow, shared: &Shared, seen: &mut Seen) -> Result<()> {
    let mut session = follow.source.open("watch").await?;
    let end = slot::current(&mut session).await?;
    shared.source_end.fetch_max(end.0, Ordering::Relaxed);
    let is_whole = seen.looks.is_multiple_of(LOOKS_PER_TABLES);
    seen.looks += 1;
    if !is_whole {
        session.close().await;
        return Ok(());
    }
    let retention = retention::of(&mut session, &follow.slot.name).await?;
    let tables = retention::tables(&mut session).await?;
    session.close().await;
    if let Some(retention) = retention {
        tell_retention(follow, &retention, seen);
    }
    let before = seen.tables.get_or_insert_with(|| tables.iter().cloned().collect());
    let new: Vec<String> = tables.into_iter().filter(|name| before.insert(name.clone())).collect();
    if !new.is_empty() {
        tracing::warn!(
            "tables were created on the source and are not followed: {}; copy them when the \
             applications are stopped, or start over",
            listed(&new)
        );
    }
    Ok(())
}

fn tell_retention(follow: &Follow, retention: &Retention, seen: &mut Seen) {
    let name = &follow.slot.name;
    let words = |bytes: u64| match bytes >> 30 {
        0 => format!("{:.1} MB", bytes as f64 / f64::from(1 << 20)),
        _ => format!("{:.1} GB", bytes as f64 / f64::from(1 << 30)),
    };
    let kept = words(retention.kept_bytes);
    if retention.is_at_risk {
        let left = words(retention.safe_bytes.unwrap_or_default());
        tracing::warn!(
            "the source keeps {kept} of its log for replication slot \"{name}\" and will give it up \
             after {left} more (max_slot_wal_keep_size): what was not received by then is lost"
        );
    } else if retention.kept_bytes >= 2 * seen.told_bytes {
        seen.told_bytes = retention.kept_bytes;
        tracing::warn!(
            "the source keeps {kept} of its log for replication slot \"{name}\": look that its \
             disk has room"
        );
    }
}

/// Refuses a slot that has let go of what we do not have.
pub(super) async fn check_slot(
    replication: &mut Replication,
    follow: &Follow,
    stored: Lsn,
) -> Result<()> {
    let name = &follow.slot.name;
    let failed = |error| Error::source("could not look up the replication slot", error);
    // A replication session takes no parameters.
    let sql = format!(
        "select confirmed_flush_lsn, restart_lsn is null from pg_catalog.pg_replication_slots where slot_name = {}",
        quote_literal(name)
    );
    let answers = replication.connection().execute(&sql).await.map_err(failed)?;
    let Some(row) = answers.first().and_then(|answer| answer.rows.first()) else {
        return Err(Error::new(
            Kind::Source,
            format!("the replication slot \"{name}\" does not exist on the source"),
        )
        .detail("Without it nobody knows what has changed since the copy.")
        .hint("Start over with --restart."));
    };
    if row.flag(1).map_err(failed)? {
        return Err(Error::new(
            Kind::Source,
            format!("the source has given up its log for the replication slot \"{name}\""),
        )
        .detail("More of it was to be kept than max_slot_wal_keep_size allows.")
        .hint("Raise max_slot_wal_keep_size, then start over with --restart."));
    }
    let confirmed: Lsn = match row.text(0).map_err(failed)? {
        Some(_) => row.parsed(0).map_err(failed)?,
        None => Lsn::NONE,
    };
    if confirmed > stored {
        return Err(Error::new(
            Kind::State,
            format!("the replication slot \"{name}\" has moved on without this work directory"),
        )
        .detail(format!(
            "The source has forgotten what was before {confirmed}; the directory has changes up \
             to {stored}."
        ))
        .hint("Use the directory that the changes were received in, or start over."));
    }
    Ok(())
}
