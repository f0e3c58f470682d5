//! How many sessions a server has room for.

use pgcopydb_wire::Connection;

use super::Side;
use crate::error::Result;

/// One of the limits that apply to our role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limit {
    /// What sets it, in words.
    pub name: String,
    /// Sessions it allows.
    pub allowed: i64,
    /// Those that others use at the moment.
    pub used: i64,
}

/// Asks a server. Sessions that match `ours` are not counted as used.
pub async fn limits(session: &mut Connection, side: Side, ours: &str) -> Result<Vec<Limit>> {
    let failed = |error| side.error("could not count connections", error);
    let rows = session.query(include_str!("sql/room.sql"), &[Some(ours)]).await;
    let mut limits = Vec::new();
    for row in rows.map_err(failed)?.iter() {
        limits.push(Limit {
            name: row.required(0).map_err(failed)?.to_owned(),
            allowed: row.parsed(1).map_err(failed)?,
            used: row.parsed::<i64>(2).map_err(failed)?.max(0),
        });
    }
    Ok(limits)
}
