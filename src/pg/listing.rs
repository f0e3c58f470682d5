//! Catalog queries of the `list` commands.

use std::collections::HashMap;

use pgcopydb_wire::{Connection, Row};

use super::sequences;
use crate::error::{Error, Kind, Result};
use crate::model::{
    AvailableExtension, Identity, Inventory, ListedDatabase, Object, Oid, RelationFacts,
    SequenceOwner, UsedCollation,
};

/// Runs one query and reads its rows.
async fn rows<T>(
    source: &mut Connection,
    what: &str,
    sql: &str,
    read: impl Fn(&Row) -> pgcopydb_wire::Result<T>,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    let queried = source.query_each(sql, &[], |row| {
        found.push(read(&row)?);
        Ok(())
    });
    queried.await.map_err(|error| Error::source(format!("could not list {what}"), error))?;
    Ok(found)
}

/// Exports the snapshot that a session reads in.
pub async fn export_snapshot(source: &mut Connection) -> Result<String> {
    let sql = "select pg_catalog.pg_export_snapshot()";
    let exported = rows(source, "snapshots", sql, |row| Ok(row.required(0)?.to_owned())).await?;
    let exported = exported.into_iter().next();
    exported.ok_or_else(|| Error::new(Kind::Source, "the source exported no snapshot"))
}

/// What objects are called.
pub async fn identities(
    source: &mut Connection,
    objects: &[Object],
) -> Result<Vec<(Object, Identity)>> {
    let pairs = super::filter::pairs(objects)?;
    let parameters = [Some(&*pairs)];
    let mut found = Vec::new();
    let sql = include_str!("sql/list/identities.sql");
    let queried = source.query_each(sql, &parameters, |row| {
        let identity = Identity {
            kind: row.required(2)?.to_owned(),
            namespace: row.required(3)?.to_owned(),
            name: row.required(4)?.to_owned(),
            identity: row.required(5)?.to_owned(),
        };
        found.push((Object { catalog: row.parsed(0)?, oid: row.parsed(1)? }, identity));
        Ok(())
    });
    queried.await.map_err(|error| Error::source("could not list what is left out", error))?;
    Ok(found)
}

/// The databases of the server.
pub async fn databases(source: &mut Connection) -> Result<Vec<ListedDatabase>> {
    let sql = include_str!("sql/list/databases.sql");
    rows(source, "databases", sql, |row| {
        let bytes = match row.text(2)? {
            Some(_) => Some(row.parsed(2)?),
            None => None,
        };
        Ok(ListedDatabase { oid: row.parsed(0)?, name: row.required(1)?.to_owned(), bytes })
    })
    .await
}

/// The extensions that can be installed on the server.
pub async fn available_extensions(source: &mut Connection) -> Result<Vec<AvailableExtension>> {
    let sql = include_str!("sql/list/extension_versions.sql");
    rows(source, "versions of extensions", sql, |row| {
        let versions = serde_json::from_str(row.required(2)?)
            .map_err(|error| pgcopydb_wire::Error::Protocol(error.to_string()))?;
        Ok(AvailableExtension {
            name: row.required(0)?.to_owned(),
            default_version: row.required(1)?.to_owned(),
            versions,
        })
    })
    .await
}

/// The collations that the database uses.
pub async fn collations(source: &mut Connection) -> Result<Vec<UsedCollation>> {
    rows(source, "collations", include_str!("sql/list/collations.sql"), |row| {
        Ok(UsedCollation {
            oid: row.parsed(0)?,
            name: row.required(1)?.to_owned(),
            user: row.required(2)?.to_owned(),
        })
    })
    .await
}

/// What sequences belong to.
pub async fn sequence_owners(source: &mut Connection) -> Result<Vec<(Oid, SequenceOwner)>> {
    rows(source, "sequences", include_str!("sql/list/sequence_owners.sql"), |row| {
        let owner = SequenceOwner {
            owned_by: row.parsed(1)?,
            table: row.parsed(2)?,
            default: row.parsed(3)?,
        };
        Ok((row.parsed(0)?, owner))
    })
    .await
}

/// Facts about the relations of an inventory.
pub async fn relation_facts(
    source: &mut Connection,
    inventory: &Inventory,
) -> Result<RelationFacts> {
    let sql = include_str!("sql/list/relation_owners.sql");
    let owners = rows(source, "owners of relations", sql, |row| {
        Ok((row.parsed::<Oid>(0)?, row.required(1)?.to_owned()))
    });
    let owners: HashMap<Oid, String> = owners.await?.into_iter().collect();
    let sql = include_str!("sql/list/key_columns.sql");
    let key_columns = rows(source, "columns of keys", sql, |row| {
        Ok(((row.parsed(0)?, row.parsed(1)?), (row.flag(2)?, row.flag(3)?)))
    });
    let key_columns = key_columns.await?.into_iter().collect();
    let readable: Vec<_> =
        inventory.sequences.iter().filter(|sequence| sequence.is_readable).collect();
    let values = sequences::values(source, &readable.iter().collect::<Vec<_>>()).await?;
    let sequence_values =
        values.into_iter().map(|(number, value)| (readable[number].oid, value)).collect();
    Ok(RelationFacts { owners, key_columns, sequence_values })
}
