//! What a server knows of the rows of its tables (PostgreSQL documentation, `pg_stats`), in a form
//! that a server of version 18 or later takes.

use std::collections::HashMap;

use pgcopydb_wire::Connection;

use crate::error::{Error, Result};
use crate::model::Oid;

/// Servers from this version on take statistics (`pg_restore_attribute_stats`).
pub const TAKEN_FROM_VERSION: u32 = 180_000;

/// What is known of a table.
#[derive(Clone, Debug)]
pub struct Statistics {
    /// `pg_class.relpages`; -1 for a partitioned table.
    pub relpages: i32,
    /// `pg_class.reltuples`, in text form.
    pub reltuples: String,
    /// A query that tells the target about the columns, and answers whether all was understood.
    pub columns: String,
}

/// The statistics of those tables whose statistics need not be gathered anew.
pub async fn of(source: &mut Connection, tables: &[Oid]) -> Result<HashMap<Oid, Statistics>> {
    let oids = tables.iter().map(Oid::to_string).collect::<Vec<_>>().join(",");
    let mut statistics = HashMap::with_capacity(tables.len());
    let parameters = [Some(oids.as_str())];
    let queried = source.query_each(include_str!("sql/statistics.sql"), &parameters, |row| {
        let known = Statistics {
            relpages: row.parsed(1)?,
            reltuples: row.required(2)?.to_owned(),
            columns: row.required(3)?.to_owned(),
        };
        statistics.insert(Oid(row.parsed(0)?), known);
        Ok(())
    });
    queried.await.map_err(|error| Error::source("could not read statistics", error))?;
    Ok(statistics)
}
