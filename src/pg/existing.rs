//! What is on the target when a command comes that has not made it: whether rows can be copied into
//! its tables, and which of its indexes and constraints are the source's.

use std::collections::{BTreeMap, HashMap, HashSet};

use pgcopydb_wire::Connection;

use super::preflight::listed;
use crate::error::{Error, Kind, Result};
use crate::model::{Found, FoundTable, Inventory, Oid, QualifiedName, Table, quote_identifier};

/// Looks at the tables that are to be filled. Refuses those into which rows cannot be copied as
/// they are on the source, and says which triggers fire.
pub async fn tables(
    target: &mut Connection,
    wanted: &[&Table],
) -> Result<HashMap<Oid, FoundTable>> {
    let names: HashSet<String> = wanted.iter().map(|table| table.name.to_string()).collect();
    let mut there = HashMap::new();
    let failed = |error| Error::target("could not list tables", error);
    let queried = target.query_each(include_str!("sql/target_tables.sql"), &[], |row| {
        let name = QualifiedName::new(row.required(0)?, row.required(1)?);
        there.insert(name.to_string(), (row.flag(2)?, row.flag(3)?));
        Ok(())
    });
    queried.await.map_err(failed)?;
    let missing = wanted.iter().map(|table| table.name.to_string());
    let missing: Vec<String> = missing.filter(|name| !there.contains_key(name)).collect();
    if !missing.is_empty() {
        let count = missing.len();
        return Err(Error::new(
            Kind::Target,
            format!("{count} tables to copy rows into are not on the target: {}", listed(&missing)),
        )
        .hint("Make them first, for example with \"pgcopydb restore pre-data\"."));
    }
    warn_of_triggers(target, &names).await?;
    let mut found = HashMap::new();
    for table in wanted {
        let (is_partitioned, may_truncate) = there[&table.name.to_string()];
        if !may_truncate {
            check_empty(target, table).await?;
        }
        found.insert(table.oid, FoundTable { is_partitioned, is_emptied: may_truncate });
    }
    Ok(found)
}

async fn warn_of_triggers(target: &mut Connection, names: &HashSet<String>) -> Result<()> {
    let mut firing = Vec::new();
    let queried = target.query_each(include_str!("sql/target_triggers.sql"), &[], |row| {
        let table = QualifiedName::new(row.required(1)?, row.required(2)?).to_string();
        if names.contains(&table) {
            firing.push(format!("{} of {table}", quote_identifier(row.required(0)?)));
        }
        Ok(())
    });
    queried.await.map_err(|error| Error::target("could not list triggers", error))?;
    if !firing.is_empty() {
        tracing::warn!(
            "{} triggers on the target fire for the rows that are copied, and may change them: {}",
            firing.len(),
            listed(&firing)
        );
    }
    Ok(())
}

/// A table that cannot be truncated must be empty, or its rows would be there twice.
async fn check_empty(target: &mut Connection, table: &Table) -> Result<()> {
    let name = &table.name;
    let failed = |error| Error::target(format!("could not look into table {name}"), error);
    let sql = format!("select exists (select from {name})");
    let rows = target.query(&sql, &[]).await.map_err(failed)?;
    if rows.value().map_err(failed)? != Some("t") {
        return Ok(());
    }
    Err(Error::new(
        Kind::Target,
        format!("table {name} on the target has rows, and our role may not truncate it"),
    )
    .hint("Empty it, or grant TRUNCATE on it to the role that connects to the target."))
}

/// Says which extensions the target has in another version than is required.
pub async fn warn_of_versions(
    target: &mut Connection,
    inventory: &Inventory,
    requirements: &BTreeMap<String, String>,
) -> Result<()> {
    let sql = "select extname, extversion from pg_catalog.pg_extension";
    let queried = target.query_each(sql, &[], |row| {
        let (name, version) = (row.required(0)?, row.required(1)?);
        let is_wanted = inventory.has_extension(name);
        if let Some(required) = requirements.get(name)
            && is_wanted
            && required != version
        {
            tracing::warn!(
                "extension {} is on the target already in version {version}, not {required}; \
                 ALTER EXTENSION UPDATE changes it",
                quote_identifier(name)
            );
        }
        Ok(())
    });
    queried.await.map_err(|error| Error::target("could not list extensions", error))
}

/// Adds the indexes and constraints of the source that the target has already. One of the same
/// name that is different is not among them: making it fails, and so is told.
pub async fn indexes(
    target: &mut Connection,
    inventory: &Inventory,
    found: &mut Found,
) -> Result<()> {
    let by_name: HashMap<QualifiedName, usize> =
        inventory.indexes.iter().map(|index| index.name).zip(0..).collect();
    let tables = inventory.relation_names();
    let queried = target.query_each(include_str!("sql/target_indexes.sql"), &[], |row| {
        let name = QualifiedName::new(row.required(0)?, row.required(1)?);
        let table = QualifiedName::new(row.required(2)?, row.required(3)?);
        let index = by_name.get(&name).and_then(|place| inventory.indexes.get(*place));
        let Some(index) = index else { return Ok(()) };
        if tables.get(&index.table).is_none_or(|name| *name != table) {
            return Ok(());
        }
        if row.required(4)? == index.definition {
            found.indexes.insert(index.oid);
        }
        if let Some(constraint) = &index.constraint
            && row.text(5)? == Some(&constraint.name)
            && row.text(6)? == Some(&constraint.definition)
        {
            found.constraints.insert(index.oid);
        }
        Ok(())
    });
    queried.await.map_err(|error| Error::target("could not list indexes", error))
}
