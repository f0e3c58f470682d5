//! Which tables are copied in parts, and where these begin and end.

use std::collections::HashMap;

use pgcopydb_wire::Connection;

use crate::error::Result;
use crate::model::{Inventory, Settings, Table};
use crate::pg::{Side, parts};
use crate::plan::split;

/// Tables below this are never cut unless asked for: the workers' other waits are longer.
const AUTOMATIC_SPLIT_BYTES_MIN: u64 = 64 << 20;

/// So few workers never cut a table by themselves: parts cost a fifth more and are not frozen, so
/// that two halves side by side take as long as the whole, and a VACUUM more.
const WORKERS_OF_WHOLE_TABLES: u16 = 2;

/// Decides which tables are copied in parts, and says so.
pub async fn split_tables(
    source: &mut Connection,
    inventory: &mut Inventory,
    settings: &Settings,
) -> Result<()> {
    let version = inventory.database.server_version;
    let (threshold, size): (u64, fn(&Table) -> u64) = match settings.split_tables_larger_than {
        Some(0) => return Ok(()),
        Some(bytes) => (bytes, |table| table.bytes),
        None if settings.jobs.table <= WORKERS_OF_WHOLE_TABLES => return Ok(()),
        // What one worker would have to do if all had the same: a larger table makes others idle.
        None => {
            let share = inventory.data_weight() / u64::from(settings.jobs.table);
            (share.max(AUTOMATIC_SPLIT_BYTES_MIN), Table::weight)
        }
    };
    let is_asked_for = settings.split_tables_larger_than.is_some();
    // A table slightly above the threshold is not worth two halves unless that was asked for.
    let limit = if is_asked_for { threshold } else { threshold.saturating_mul(5) / 4 };
    let mut in_parts = HashMap::new();
    for table in inventory.tables.iter().filter(|table| table.has_data()) {
        if size(&table) < limit {
            continue;
        }
        let count = split::part_count(size(&table), threshold, settings.split_max_parts);
        if count < 2 {
            continue;
        }
        let parts = cut(source, &table, count, version, settings).await?;
        let why = if is_asked_for { "" } else { ", so that no worker is left without work" };
        if parts.len() > 1 {
            tracing::info!("table {} is copied in {} parts{why}", table.name, parts.len());
            in_parts.insert(table.oid, parts);
        }
    }
    if !in_parts.is_empty() {
        inventory.tables.change(|table| {
            if let Some(parts) = in_parts.remove(&table.oid) {
                table.parts = parts;
            }
        });
    }
    Ok(())
}

async fn cut(
    source: &mut Connection,
    table: &Table,
    count: u16,
    version: u32,
    settings: &Settings,
) -> Result<Vec<crate::model::TablePart>> {
    let has_pages = table.access_method == "heap" && !settings.skip_split_by_ctid;
    if has_pages && version >= split::TID_RANGE_SCAN_VERSION {
        return Ok(split::by_ctid(table.pages, table.bytes, count));
    }
    let key = table.split_key.as_deref();
    if let Some(bounds) = parts::key_bounds(source, Side::Source, &table.name, key).await? {
        return Ok(split::by_key(bounds.0, bounds.1, table.bytes, count));
    }
    Ok(match has_pages {
        true => split::by_ctid(table.pages, table.bytes, count),
        false => Vec::new(),
    })
}
