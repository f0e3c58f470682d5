//! What a table can be cut by.

use pgcopydb_wire::Connection;

use super::Side;
use crate::error::Result;
use crate::model::{QualifiedName, quote_identifier};

/// The smallest and the largest value of a table's integer key; `None` without a key or a row.
pub async fn key_bounds(
    session: &mut Connection,
    side: Side,
    table: &QualifiedName,
    key: Option<&str>,
) -> Result<Option<(i64, i64)>> {
    let Some(key) = key.map(quote_identifier) else { return Ok(None) };
    let sql = format!("select pg_catalog.min({key}), pg_catalog.max({key}) from only {table}");
    let failed = |error| side.error(format!("could not look at the keys of {table}"), error);
    let rows = session.query(&sql, &[]).await.map_err(failed)?;
    match rows.first() {
        Some(row) if row.text(0).map_err(failed)?.is_some() => {
            Ok(Some((row.parsed(0).map_err(failed)?, row.parsed(1).map_err(failed)?)))
        }
        _ => Ok(None),
    }
}
