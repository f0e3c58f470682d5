//! What a table can be cut by.

use pgcopydb_wire::Connection;

use crate::error::{Error, Result};
use crate::model::{Table, quote_identifier};

/// The smallest and the largest value of a table's integer key; `None` without a key or a row.
pub async fn key_bounds(source: &mut Connection, table: &Table) -> Result<Option<(i64, i64)>> {
    let Some(key) = &table.split_key else { return Ok(None) };
    let key = quote_identifier(key);
    let sql =
        format!("select pg_catalog.min({key}), pg_catalog.max({key}) from only {}", table.name);
    let failed =
        |error| Error::source(format!("could not look at the keys of {}", table.name), error);
    let rows = source.query(&sql, &[]).await.map_err(failed)?;
    match rows.first() {
        Some(row) if row.text(0).map_err(failed)?.is_some() => {
            Ok(Some((row.parsed(0).map_err(failed)?, row.parsed(1).map_err(failed)?)))
        }
        _ => Ok(None),
    }
}
