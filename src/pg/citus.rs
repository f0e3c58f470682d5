//! Tables that the extension citus keeps on other nodes.

use pgcopydb_wire::Connection;

use super::Side;
use crate::error::{Error, Result};
use crate::model::distributed::CITUS;
use crate::model::{Distributed, Distribution};

/// What the source has distributed, and how.
pub async fn distributed(source: &mut Connection) -> Result<Vec<Distributed>> {
    let mut found = Vec::new();
    let queried = source.query_each(include_str!("sql/citus.sql"), &[], |row| {
        let column = row.text(3)?;
        let colocation = row.parsed(4)?;
        let how = match (row.required(1)?, row.required(2)?, column) {
            ("h", _, Some(column)) => Some(Distribution::Hash { column: column.to_owned() }),
            ("n", "t", _) => Some(Distribution::Reference),
            ("n", ..) if colocation != 0 => Some(Distribution::SingleShard),
            // A local table that citus knows of.
            ("n", ..) => None,
            _ => Some(Distribution::Unknown),
        };
        let (table, shards) = (row.parsed(0)?, row.parsed(5)?);
        found.extend(how.map(|how| Distributed { table, how, colocation, shards }));
        Ok(())
    });
    let queried = queried.await;
    queried.map_err(|error| Side::Source.error("could not list distributed tables", error))?;
    Ok(found)
}

/// Whether the target has the extension.
pub async fn is_installed(target: &mut Connection) -> Result<bool> {
    let sql = "select from pg_catalog.pg_extension where extname = $1";
    let rows = target.query(sql, &[Some(CITUS)]).await;
    let rows = rows.map_err(|error| Error::target("could not list extensions", error))?;
    Ok(!rows.is_empty())
}
