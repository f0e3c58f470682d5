//! A source into an inventory, by a handful of queries whatever the number of objects.

use std::collections::{HashMap, HashSet};

use pgcopydb_wire::{Connection, Row};

use super::preflight::listed;
use crate::error::{Error, Result};
use crate::model::settings::Sizes;
use crate::model::{
    Column, Constraint, ConstraintKind, Database, Extension, ExtensionTable, ForeignKey, Index,
    Inventory, LargeObjects, Oid, Packed, QualifiedName, Sequence, Table, TableKind, Type,
    TypeKind, View,
};

/// Large objects in a batch: one transaction on the target, one lock each until it ends.
const LARGE_OBJECTS_PER_BATCH: u32 = 1_000;

/// Their pages of 2 kB in a batch: with more in one, others would be done long before it.
const LARGE_OBJECT_PAGES_PER_BATCH: u32 = 4_096;

/// Of more objects nobody asks the sizes: that takes about 5 µs each before anything is copied, and
/// so many batches are done at about the same time anyway.
const SIZED_LARGE_OBJECTS_MAX: u64 = 50_000;

/// From this version on NOT NULL is a constraint that can be inherited.
const NOT_NULL_CONSTRAINTS_VERSION: u32 = 180_000;

/// Finds everything there is to copy. The archive's entries are added by whoever makes the archive.
pub async fn discover(
    source: &mut Connection,
    target_version: u32,
    sizes: Sizes,
) -> Result<Inventory> {
    let database = database(source).await?;
    let mut tables = tables(source, sizes).await?;
    add_columns(source, &mut tables, database.server_version).await?;
    let mut inventory = Inventory {
        indexes: indexes(source, target_version).await?,
        foreign_keys: rows(
            source,
            "foreign keys",
            include_str!("sql/foreign_keys.sql"),
            foreign_key,
        )
        .await?,
        sequences: rows(source, "sequences", include_str!("sql/sequences.sql"), sequence).await?,
        views: rows(source, "materialized views", include_str!("sql/views.sql"), view).await?,
        large_objects: large_objects(source).await?,
        extensions: extensions(source).await?,
        types: rows(source, "types", include_str!("sql/types.sql"), kind).await?,
        tables,
        database,
        ..Inventory::default()
    };
    if inventory.database.is_standby {
        leave_out_unlogged(source, &mut inventory).await?;
    }
    Ok(inventory)
}

/// Leaves the rows of unlogged tables out: they are on the primary alone.
async fn leave_out_unlogged(source: &mut Connection, inventory: &mut Inventory) -> Result<()> {
    let sql = include_str!("sql/unlogged.sql");
    let unlogged: HashSet<Oid> =
        rows(source, "unlogged tables", sql, |row| row.parsed::<Oid>(0)).await?;
    let mut names = Vec::new();
    inventory.tables.change(|table| {
        if unlogged.contains(&table.oid) {
            table.exclude_data = true;
            names.push(table.name.to_string());
        }
    });
    inventory.sequences.change(|sequence| {
        if unlogged.contains(&sequence.oid) {
            sequence.is_readable = false;
            names.push(sequence.name.to_string());
        }
    });
    if !names.is_empty() {
        tracing::warn!(
            "the source is a standby, which has no rows of unlogged tables and no values of \
             unlogged sequences: they stay empty: {}",
            listed(&names)
        );
    }
    Ok(())
}

async fn tables(source: &mut Connection, sizes: Sizes) -> Result<Packed<Table>> {
    let parameters = [Some(if sizes == Sizes::Exact { "false" } else { "true" })];
    let mut tables = Packed::default();
    let queried = source.query_each(include_str!("sql/tables.sql"), &parameters, |row| {
        tables.push(table(&row)?);
        Ok(())
    });
    let queried = queried.await;
    queried.map_err(|error| unlisted(source, "tables", error))?;
    Ok(tables)
}

/// Analyses the tables of the source that never were, so that their sizes can be estimated. Tables
/// that our role may not analyse stay as they are, and so does everything on a standby.
pub async fn analyze_unknown(source: &mut Connection) -> Result<()> {
    if database(source).await?.is_standby {
        tracing::warn!("the source is a standby, where no table can be analysed");
        return Ok(());
    }
    let sql = include_str!("sql/never_analyzed.sql");
    let tables: Vec<QualifiedName> =
        rows(source, "tables without statistics", sql, |row| name(row, 0)).await?;
    tracing::info!("analysing {} tables of the source that have no statistics", tables.len());
    for table in tables {
        match source.execute(&format!("analyze {table}")).await {
            Ok(_) => {}
            Err(error) if error.sqlstate().is_some() && !error.is_closed() => {
                tracing::warn!("could not analyse {table} on the source: {error}");
            }
            Err(error) => return Err(Error::source(format!("could not analyse {table}"), error)),
        }
    }
    Ok(())
}

/// The database that a session is connected to.
pub async fn database(session: &mut Connection) -> Result<Database> {
    let sql = include_str!("sql/database.sql");
    let databases = rows::<_, Vec<Database>>(session, "the database", sql, |row| {
        Ok(Database {
            name: row.required(0)?.to_owned(),
            encoding: row.required(1)?.to_owned(),
            server_version: row.parsed(2)?,
            is_standby: row.flag(3)?,
        })
    });
    Ok(databases.await?.into_iter().next().unwrap_or_default())
}

/// Sequences whose values our role may not read.
pub async fn hidden_sequences(source: &mut Connection) -> Result<Vec<QualifiedName>> {
    let sql = include_str!("sql/hidden_sequences.sql");
    rows(source, "sequences", sql, |row| name(row, 0)).await
}

/// Runs one catalog query and reads its rows.
async fn rows<T, List: Default + Extend<T>>(
    source: &mut Connection,
    what: &str,
    sql: &str,
    read: impl Fn(&Row) -> pgcopydb_wire::Result<T>,
) -> Result<List> {
    let mut found = List::default();
    let queried = source.query_each(sql, &[], |row| {
        found.extend([read(&row)?]);
        Ok(())
    });
    let queried = queried.await;
    queried.map_err(|error| unlisted(source, what, error))?;
    Ok(found)
}

fn unlisted(source: &Connection, what: &str, error: pgcopydb_wire::Error) -> Error {
    let is_malformed = matches!(error, pgcopydb_wire::Error::Protocol(_));
    let error = Error::source(format!("could not list {what}"), error);
    match source.parameter("server_encoding") {
        Some("SQL_ASCII") if is_malformed => error.hint(NOT_UTF_8),
        _ => error,
    }
}

/// What to do about a schema in no encoding, or in several.
const NOT_UTF_8: &str = "In a database without an encoding (SQL_ASCII) rows may hold any bytes, \
                             but names, comments, defaults and bodies of functions must be UTF-8: \
                             rename or replace those that are not.";

fn name(row: &Row, column: usize) -> pgcopydb_wire::Result<QualifiedName> {
    Ok(QualifiedName::new(row.required(column)?, row.required(column + 1)?))
}

fn optional_oid(row: &Row, column: usize) -> pgcopydb_wire::Result<Option<Oid>> {
    match row.text(column)? {
        Some(_) => row.parsed(column).map(Some),
        None => Ok(None),
    }
}

fn table(row: &Row) -> pgcopydb_wire::Result<Table> {
    let is_partitioned = row.required(3)? == "p";
    Ok(Table {
        oid: row.parsed(0)?,
        name: name(row, 1)?,
        kind: if is_partitioned { TableKind::Partitioned } else { TableKind::Ordinary },
        parent: optional_oid(row, 4)?,
        bytes: row.parsed(5)?,
        pages: row.parsed(6)?,
        reltuples: row.parsed(7)?,
        access_method: row.required(8)?.to_owned(),
        split_key: row.text(9)?.map(str::to_owned),
        columns: Vec::new(),
        load_via: optional_oid(row, 10)?,
        compressible_bytes: row.parsed(11)?,
        exclude_data: false,
        condition: None,
        parts: Vec::new(),
    })
}

async fn add_columns(
    source: &mut Connection,
    tables: &mut Packed<Table>,
    version: u32,
) -> Result<()> {
    let sql = match version {
        ..120_000 => include_str!("sql/columns.until_11.sql"),
        _ => include_str!("sql/columns.sql"),
    };
    let wanted: HashSet<Oid> = tables.iter().map(|table| table.oid).collect();
    // The rows of a table come together.
    let mut found: Packed<Vec<Column>> = Packed::default();
    let mut places: HashMap<Oid, usize> = HashMap::with_capacity(wanted.len());
    let (mut table, mut columns) = (Oid::default(), Vec::new());
    let queried = source.query_each(sql, &[], |row| {
        let next = row.parsed(0)?;
        if next != table && !columns.is_empty() {
            places.insert(table, found.len());
            found.push(std::mem::take(&mut columns));
        }
        table = next;
        if wanted.contains(&table) {
            columns.push(Column {
                number: row.parsed(1)?,
                name: row.required(2)?.to_owned(),
                type_oid: row.parsed(3)?,
                generated: row.flag(4)?,
            });
        }
        Ok(())
    });
    let queried = queried.await;
    queried.map_err(|error| unlisted(source, "columns", error))?;
    if !columns.is_empty() {
        places.insert(table, found.len());
        found.push(columns);
    }
    tables.change(|table| {
        let columns = places.get(&table.oid).and_then(|place| found.get(*place));
        table.columns = columns.unwrap_or_default();
    });
    Ok(())
}

async fn indexes(source: &mut Connection, target_version: u32) -> Result<Packed<Index>> {
    let sql = include_str!("sql/indexes.sql");
    rows(source, "indexes", sql, |row| index(row, target_version)).await
}

fn index(row: &Row, target_version: u32) -> pgcopydb_wire::Result<Index> {
    // There a primary key made of an index turns the NOT NULL that a child inherits into its own.
    let keeps_inherited = target_version >= NOT_NULL_CONSTRAINTS_VERSION && row.flag(19)?;
    let is_btree = row.required(12)? == "btree";
    let constraint = match optional_oid(row, 13)? {
        None => None,
        Some(oid) => Some(Constraint {
            oid,
            name: row.required(14)?.to_owned(),
            kind: match row.required(15)? {
                // A key WITHOUT OVERLAPS is kept by a GiST index that cannot be made beforehand.
                "p" if is_btree && !keeps_inherited => ConstraintKind::PrimaryKey,
                "u" if is_btree => ConstraintKind::Unique,
                _ => ConstraintKind::Exclusion,
            },
            definition: row.required(16)?.to_owned(),
            deferrable: row.flag(17)?,
            deferred: row.flag(18)?,
        }),
    };
    Ok(Index {
        oid: row.parsed(0)?,
        name: name(row, 1)?,
        table: row.parsed(3)?,
        definition: row.required(4)?.to_owned(),
        columns: row.required(5)?.to_owned(),
        is_primary: row.flag(6)?,
        is_unique: row.flag(7)?,
        is_partitioned: row.flag(8)?,
        tablespace: row.text(9)?.map(str::to_owned),
        bytes: row.parsed(10)?,
        has_collated_text: row.flag(11)?,
        constraint,
    })
}

fn foreign_key(row: &Row) -> pgcopydb_wire::Result<ForeignKey> {
    Ok(ForeignKey {
        oid: row.parsed(0)?,
        name: row.required(1)?.to_owned(),
        table: row.parsed(2)?,
        table_name: name(row, 3)?,
        referenced: row.parsed(5)?,
        referenced_index: row.parsed(6)?,
        is_validated: row.flag(7)?,
        is_partitioned: row.flag(8)?,
        may_not_hold: false,
    })
}

fn sequence(row: &Row) -> pgcopydb_wire::Result<Sequence> {
    Ok(Sequence {
        oid: row.parsed(0)?,
        name: name(row, 1)?,
        owned_by: optional_oid(row, 3)?,
        is_readable: row.flag(4)?,
    })
}

fn view(row: &Row) -> pgcopydb_wire::Result<View> {
    Ok(View {
        oid: row.parsed(0)?,
        name: name(row, 1)?,
        bytes: row.parsed(3)?,
        is_populated: row.flag(4)?,
    })
}

async fn large_objects(source: &mut Connection) -> Result<LargeObjects> {
    let mut found = LargeObjects::default();
    let batch = LARGE_OBJECTS_PER_BATCH.to_string();
    let sql = include_str!("sql/large_objects.sql");
    let parameters = [Some(batch.as_str())];
    let mut are_sized = false;
    let queried = source.query_each(sql, &parameters, |row| {
        found.count = row.parsed(0)?;
        found.batches.push(row.parsed(1)?);
        are_sized = row.flag(2)?;
        Ok(())
    });
    let mut queried = queried.await;
    if queried.is_ok() && are_sized && found.count <= SIZED_LARGE_OBJECTS_MAX {
        let sql = include_str!("sql/large_objects_by_size.sql");
        let pages = LARGE_OBJECT_PAGES_PER_BATCH.to_string();
        let parameters = [Some(batch.as_str()), Some(pages.as_str())];
        found.batches.clear();
        let batches = source.query_each(sql, &parameters, |row| {
            found.batches.push(row.parsed(0)?);
            Ok(())
        });
        queried = batches.await;
    }
    queried.map_err(|error| unlisted(source, "large objects", error))?;
    Ok(found)
}

async fn extensions(source: &mut Connection) -> Result<Vec<Extension>> {
    let mut found: Vec<Extension> = Vec::new();
    let queried = source.query_each(include_str!("sql/extensions.sql"), &[], |row| {
        let oid = row.parsed(0)?;
        if found.last().is_none_or(|extension| extension.oid != oid) {
            found.push(Extension {
                oid,
                name: row.required(1)?.to_owned(),
                namespace: row.required(2)?.to_owned(),
                version: row.required(3)?.to_owned(),
                config: Vec::new(),
            });
        }
        if let (Some(config_oid), Some(extension)) = (optional_oid(&row, 4)?, found.last_mut()) {
            extension.config.push(ExtensionTable {
                oid: config_oid,
                name: name(&row, 5)?,
                is_sequence: row.flag(7)?,
                columns: json(row.text(8)?.unwrap_or("[]"))?,
                condition: row.required(9)?.to_owned(),
            });
        }
        Ok(())
    });
    let queried = queried.await;
    queried.map_err(|error| unlisted(source, "extensions", error))?;
    Ok(found)
}

fn kind(row: &Row) -> pgcopydb_wire::Result<Type> {
    let made_of: Vec<Oid> = json(row.required(4)?)?;
    let first = made_of.first().copied().unwrap_or_default();
    Ok(Type {
        oid: row.parsed(0)?,
        name: row.required(1)?.to_owned(),
        extension: row.text(2)?.map(str::to_owned),
        kind: match row.required(3)? {
            "b" => TypeKind::Base,
            "a" => TypeKind::Array(first),
            "d" => TypeKind::Domain(first),
            "e" => TypeKind::Enum,
            "r" => TypeKind::Range(first),
            "c" => TypeKind::Composite(made_of),
            _ => TypeKind::Other,
        },
        has_binary: row.flag(5)?,
    })
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> pgcopydb_wire::Result<T> {
    serde_json::from_str(text).map_err(|error| pgcopydb_wire::Error::Protocol(error.to_string()))
}
