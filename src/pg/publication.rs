//! The publication on the source: exactly the tables of the run.

use std::collections::HashMap;

use pgcopydb_wire::Connection;

use super::preflight::listed;
use crate::error::{Error, Kind, Result};
use crate::model::{Inventory, Oid, QualifiedName, TableKind, binary, quote_identifier};

/// From this version on a publication can have some rows of a table only.
const ROW_FILTER_VERSION: u32 = 150_000;

/// What a run wants to be published, where that is not everything.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    tables: Vec<Oid>,
    conditions: HashMap<Oid, String>,
}

impl Wanted {
    /// The tables of an inventory, and of some of them only some rows. Refuses what cannot be
    /// repeated row by row.
    pub fn new(inventory: &Inventory) -> Result<Wanted> {
        let mut wanted = Wanted::default();
        for table in &inventory.tables {
            wanted.tables.push(table.oid);
            let Some(condition) = &table.condition else { continue };
            if table.kind == TableKind::Partitioned || table.parent.is_some() {
                let name = &table.name;
                return Err(Error::new(
                    Kind::Arguments,
                    format!("cannot follow some rows of {name} only: it is partitioned"),
                )
                .hint("Take its line out of [table-where], or copy without --follow."));
            }
            wanted.conditions.insert(table.oid, condition.clone());
        }
        if inventory.database.server_version < ROW_FILTER_VERSION
            && let Some(name) = conditioned(inventory).next()
        {
            return Err(Error::new(
                Kind::Arguments,
                format!("cannot follow some rows of {name} only: the source is older than 15"),
            )
            .hint("Take its line out of [table-where], or copy without --follow."));
        }
        Ok(wanted)
    }
}

/// Tables of which only some rows are copied.
pub fn conditioned(inventory: &Inventory) -> impl Iterator<Item = QualifiedName> {
    inventory.tables.iter().filter(|table| table.condition.is_some()).map(|table| table.name)
}

/// A table that is published.
#[derive(Clone, Debug)]
pub struct Member {
    name: QualifiedName,
    /// Which of its rows; all of them without.
    condition: Option<String>,
}

/// Finds the tables whose changes are to be published. Refuses tables whose rows have no identity:
/// publishing them would make every UPDATE and DELETE of an application fail on the source, and
/// leaving these changes out would lose them.
pub async fn tables(session: &mut Connection, wanted: Option<&Wanted>) -> Result<Vec<Member>> {
    let failed = |error| Error::source("could not list tables to publish", error);
    let knows_partitioned = if session.server_version() >= 130_000 { "true" } else { "false" };
    let sql = include_str!("sql/published_tables.sql");
    let oids = wanted.map(|wanted| {
        let oids: Vec<String> = wanted.tables.iter().map(ToString::to_string).collect();
        format!("{{{}}}", oids.join(","))
    });
    let rows = session.query(sql, &[Some(knows_partitioned), oids.as_deref()]).await;
    let rows = rows.map_err(failed)?;
    let mut tables = Vec::new();
    let mut anonymous = Vec::new();
    for row in rows.iter() {
        let name = |column| row.required(column).map_err(failed);
        let oid = Oid(row.parsed(0).map_err(failed)?);
        tables.push(Member {
            name: QualifiedName::new(name(1)?, name(2)?),
            condition: wanted.and_then(|wanted| wanted.conditions.get(&oid).cloned()),
        });
        anonymous.extend(row.text(3).map_err(failed)?.map(str::to_owned));
    }
    let Some(first) = anonymous.first() else { return Ok(tables) };
    let hint = format!(
        "Give each a primary key, or let the whole row identify it, on the source: alter table \
         {first} replica identity full;"
    );
    Err(Error::new(
        Kind::Source,
        format!(
            "cannot follow {} tables whose rows have neither a primary key nor a replica \
             identity: {}",
            anonymous.len(),
            listed(&anonymous)
        ),
    )
    .detail("An UPDATE or DELETE of such a row cannot be repeated on the target.")
    .hint(hint))
}

/// What the role lacks to make a publication of these tables.
pub async fn obstacles(session: &mut Connection, tables: &[Member]) -> Result<Vec<String>> {
    let failed = |error| Error::source("could not look up the rights of the role", error);
    let names: Vec<String> = tables.iter().map(|table| table.name.to_string()).collect();
    let names = serde_json::Value::from(names).to_string();
    let sql = include_str!("sql/publication_obstacles.sql");
    let rows = session.query(sql, &[Some(&names)]).await.map_err(failed)?;
    let right = |row: &pgcopydb_wire::Row| row.required(0).map(str::to_owned);
    rows.iter().map(right).collect::<pgcopydb_wire::Result<_>>().map_err(failed)
}

/// Whether a publication of this name exists.
pub async fn exists(session: &mut Connection, name: &str) -> Result<bool> {
    let sql = "select exists (select from pg_catalog.pg_publication where pubname = $1)";
    let failed = |error| Error::source("could not look up the publication", error);
    let rows = session.query(sql, &[Some(name)]).await.map_err(failed)?;
    Ok(rows.value().map_err(failed)? == Some("t"))
}

/// Why the values of a publication's tables cannot come in binary form, if they cannot. The source is of
/// version 14 or later.
pub async fn binary_obstacle(session: &mut Connection, name: &str) -> Result<Option<String>> {
    let failed = |error| Error::source("could not look up the types of published columns", error);
    let numbers: Vec<String> = binary::type_numbers().map(|number| number.to_string()).collect();
    let numbers = format!("{{{}}}", numbers.join(","));
    let sql = include_str!("sql/binary_obstacle.sql");
    let rows = session.query(sql, &[Some(name), Some(&numbers)]).await.map_err(failed)?;
    let reason = |row: &pgcopydb_wire::Row| row.required(0).map(str::to_owned);
    rows.first().map(reason).transpose().map_err(failed)
}

/// Publishes all changes of some tables. A publication that would be in the way of applications is
/// never seen by them.
pub async fn create(session: &mut Connection, name: &str, tables: &[Member]) -> Result<()> {
    let failed = |error| Error::source("could not make a publication", error);
    session.execute("begin").await.map_err(failed)?;
    let made = match create_with(session, name, tables).await {
        Ok(()) => check_conditions(session, name).await,
        Err(error) => Err(error),
    };
    let end = if made.is_ok() { "commit" } else { "rollback" };
    let ended = session.execute(end).await.map_err(failed);
    made.and(ended.map(|_| ()))
}

async fn create_with(session: &mut Connection, name: &str, tables: &[Member]) -> Result<()> {
    let mut sql = format!("create publication {}", quote_identifier(name));
    let member = |Member { name, condition }: &Member| match condition {
        Some(condition) => format!("only {name} where ({condition}\n)"),
        None => format!("only {name}"),
    };
    let list: Vec<String> = tables.iter().map(member).collect();
    if !list.is_empty() {
        sql.push_str(" for table ");
        sql.push_str(&list.join(", "));
    }
    sql.push_str(" with (publish = 'insert, update, delete, truncate')");
    let created = session.execute(&sql).await;
    created.map_err(|error| {
        let is_refused = error.sqlstate() == Some("42501");
        let is_filtered = tables.iter().any(|table| table.condition.is_some());
        let is_condition = is_filtered && matches!(error.sqlstate(), Some("0A000" | "42P17"));
        let error = Error::source(format!("could not create the publication \"{name}\""), error);
        if is_refused {
            return error.hint(
                "Connect as the owner of all tables with CREATE on the database, name a \
                 publication that exists with --publication, or use --plugin test_decoding, \
                 which needs none.",
            );
        }
        match is_condition {
            true => error.hint(
                "Of a condition in [table-where] the source can follow columns, constants, and \
                 immutable functions and operators of PostgreSQL itself.",
            ),
            false => error,
        }
    })?;
    Ok(())
}

/// Refuses conditions on columns that the old rows of UPDATE and DELETE do not have: the source
/// would refuse these statements of an application.
async fn check_conditions(session: &mut Connection, name: &str) -> Result<()> {
    if session.server_version() < ROW_FILTER_VERSION {
        return Ok(());
    }
    let failed = |error| Error::source("could not check the publication", error);
    let sql = include_str!("sql/row_filter_columns.sql");
    let rows = session.query(sql, &[Some(name)]).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(()) };
    let (table, column) = (row.required(0).map_err(failed)?, row.required(1).map_err(failed)?);
    Err(Error::new(
        Kind::Source,
        format!("cannot follow some rows of {table} only: column {column} is not in its identity"),
    )
    .detail(
        "Where a row is updated or deleted, the source has the old values of its identity only.",
    )
    .hint(format!("On the source: alter table {table} replica identity full;")))
}

/// Tables of a publication that have a condition.
pub async fn filtered(session: &mut Connection, name: &str) -> Result<Vec<QualifiedName>> {
    if session.server_version() < ROW_FILTER_VERSION {
        return Ok(Vec::new());
    }
    let failed = |error| Error::source("could not list the tables of the publication", error);
    let sql = "select schemaname, tablename from pg_catalog.pg_publication_tables \
               where pubname = $1 and rowfilter is not null";
    let rows = session.query(sql, &[Some(name)]).await.map_err(failed)?;
    let name =
        |row: &pgcopydb_wire::Row| Ok(QualifiedName::new(row.required(0)?, row.required(1)?));
    rows.iter().map(name).collect::<pgcopydb_wire::Result<_>>().map_err(failed)
}

/// The tables of a publication, partitions by themselves.
pub async fn members(session: &mut Connection, name: &str) -> Result<Vec<QualifiedName>> {
    let sql = "select schemaname, tablename from pg_catalog.pg_publication_tables \
               where pubname = $1";
    let failed = |error| Error::source("could not list the tables of the publication", error);
    let rows = session.query(sql, &[Some(name)]).await.map_err(failed)?;
    let name =
        |row: &pgcopydb_wire::Row| Ok(QualifiedName::new(row.required(0)?, row.required(1)?));
    rows.iter().map(name).collect::<pgcopydb_wire::Result<_>>().map_err(failed)
}

/// Unlogged tables: their changes are in no log.
pub async fn unlogged(session: &mut Connection) -> Result<Vec<QualifiedName>> {
    let sql = "select n.nspname, c.relname from pg_catalog.pg_class c \
                 join pg_catalog.pg_namespace n on n.oid = c.relnamespace \
                where c.relkind = 'r' and c.relpersistence = 'u'";
    let failed = |error| Error::source("could not list unlogged tables", error);
    let rows = session.query(sql, &[]).await.map_err(failed)?;
    let name =
        |row: &pgcopydb_wire::Row| Ok(QualifiedName::new(row.required(0)?, row.required(1)?));
    rows.iter().map(name).collect::<pgcopydb_wire::Result<_>>().map_err(failed)
}

/// Drops a publication. False when there was none.
pub async fn drop(session: &mut Connection, name: &str) -> Result<bool> {
    let is_there = exists(session, name).await?;
    let sql = format!("drop publication if exists {}", quote_identifier(name));
    let dropped = session.execute(&sql).await;
    let doing = || format!("could not drop the publication \"{name}\"");
    dropped.map_err(|error| Error::source(doing(), error))?;
    Ok(is_there)
}
