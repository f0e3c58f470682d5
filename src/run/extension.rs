//! Rows of an extension's configuration tables that belong to the user
//! (`pg_extension_config_dump`).

use std::sync::atomic::AtomicU64;

use pgcopydb_wire::Connection;

use super::context::Context;
use super::copy::{pump_logged, side_of};
use super::statements::TIMESCALEDB;
use super::worker::{Done, Failure};
use crate::error::Error;
use crate::model::{ExtensionTable, Inventory, Oid, quote_identifier, quote_literal};
use crate::pg::Side;

/// Tells an extension that wants to know that everything is there.
pub async fn restored(target: &mut Connection, inventory: &Inventory) -> crate::error::Result<()> {
    let told = inventory.extensions.iter().filter(|extension| extension.name == TIMESCALEDB);
    for extension in told {
        let namespace = quote_identifier(&extension.namespace);
        let sql = format!("select {namespace}.timescaledb_post_restore()");
        let told = target.execute(&sql).await;
        told.map_err(|error| {
            let doing = "could not tell extension timescaledb that it is restored";
            Error::target(doing, error).hint(format!("Run it as a superuser: {sql}"))
        })?;
        tracing::info!("told extension timescaledb that it is restored");
    }
    Ok(())
}

/// Copies the user's rows of one extension. Those that its script has put on the target already are
/// replaced, so that nothing is there twice.
pub async fn configuration(
    context: &Context,
    source: &mut Connection,
    target: &mut Connection,
    oid: Oid,
    moved: &AtomicU64,
) -> std::result::Result<Done, Failure> {
    let mut done = Done::default();
    let Some(extension) = context.inventory.extensions.iter().find(|e| e.oid == oid) else {
        return Ok(done);
    };
    done.command = format!("configuration of extension {}", quote_identifier(&extension.name));
    let tables = extension.config.iter().filter(|table| !table.is_sequence);
    // Those that reference others come last, and are emptied first.
    for table in tables.clone().rev() {
        let sql = format!("delete from only {} {}", table.name, table.condition);
        if let Err(error) = target.execute(&sql).await {
            let doing = format!("could not empty configuration table {}", table.name);
            return Err(Failure { error: Error::target(doing, error), sql: Some(sql) });
        }
    }
    for table in tables {
        let columns: Vec<String> =
            table.columns.iter().map(|column| quote_identifier(column)).collect();
        let columns = columns.join(", ");
        let out_sql = format!(
            "copy (select {columns} from only {} {}) to stdout",
            table.name, table.condition
        );
        let in_sql = format!("copy {} ({columns}) from stdin", table.name);
        let copied = pump_logged(source, target, &out_sql, &in_sql, moved).await;
        let copied = copied.map_err(|failure| {
            let doing = format!("could not copy configuration table {}", table.name);
            Failure { error: side_of(failure.side).error(doing, failure.error), sql: Some(out_sql) }
        })?;
        done.bytes += copied.bytes;
        done.rows += copied.rows;
    }
    for sequence in extension.config.iter().filter(|table| table.is_sequence) {
        set_sequence(source, target, sequence).await?;
    }
    Ok(done)
}

async fn set_sequence(
    source: &mut Connection,
    target: &mut Connection,
    sequence: &ExtensionTable,
) -> crate::error::Result<()> {
    let doing = || format!("could not copy sequence {}", sequence.name);
    let failed = |error| Side::Source.error(doing(), error);
    let sql = format!("select last_value, is_called from {}", sequence.name);
    let rows = source.query(&sql, &[]).await.map_err(failed)?;
    for row in rows.iter() {
        let value: i64 = row.parsed(0).map_err(failed)?;
        let is_called = row.flag(1).map_err(failed)?;
        let name = quote_literal(&sequence.name.to_string());
        let set = format!("select pg_catalog.setval({name}, {value}, {is_called})");
        target.execute(&set).await.map_err(|error| Side::Target.error(doing(), error))?;
    }
    Ok(())
}
