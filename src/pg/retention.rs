//! What the source keeps for a replication slot, and the tables it has.

use pgcopydb_wire::Connection;

use crate::error::{Error, Result};

/// What the source keeps of its log for a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// How much it is.
    pub kept_bytes: u64,
    /// How much more it may become before the slot is given up, where that is limited.
    pub safe_bytes: Option<u64>,
    /// The limit is near.
    pub is_at_risk: bool,
}

/// Looks at a slot; `None` if there is none, or the server is too old to tell.
pub async fn of(session: &mut Connection, slot: &str) -> Result<Option<Retention>> {
    if session.server_version() < 130_000 {
        return Ok(None);
    }
    let failed = |error| Error::source("could not look at the replication slot", error);
    let sql = include_str!("sql/retention.sql");
    let rows = session.query(sql, &[Some(slot)]).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(None) };
    Ok(Some(Retention {
        kept_bytes: row.parsed(0).map_err(failed)?,
        safe_bytes: match row.text(1).map_err(failed)? {
            Some(_) => Some(row.parsed(1).map_err(failed)?),
            None => None,
        },
        is_at_risk: row.flag(2).map_err(failed)?,
    }))
}

/// The tables of users, partitions not among them.
pub async fn tables(session: &mut Connection) -> Result<Vec<String>> {
    let failed = |error| Error::source("could not list tables", error);
    let sql = include_str!("sql/user_tables.sql");
    let rows = session.query(sql, &[]).await.map_err(failed)?;
    let name = |row: &pgcopydb_wire::Row| {
        Ok(crate::model::QualifiedName::new(row.required(0)?, row.required(1)?).to_string())
    };
    rows.iter().map(name).collect::<pgcopydb_wire::Result<_>>().map_err(failed)
}
