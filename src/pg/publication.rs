//! The publication on the source: exactly the tables of the run.

use pgcopydb_wire::Connection;

use super::preflight::listed;
use crate::error::{Error, Kind, Result};
use crate::model::{QualifiedName, quote_identifier};

/// Finds the tables whose changes are to be published. Refuses tables whose rows have no identity:
/// publishing them would make every UPDATE and DELETE of an application fail on the source, and
/// leaving these changes out would lose them.
pub async fn tables(session: &mut Connection) -> Result<Vec<QualifiedName>> {
    let failed = |error| Error::source("could not list tables to publish", error);
    let knows_partitioned = if session.server_version() >= 130_000 { "true" } else { "false" };
    let sql = include_str!("sql/published_tables.sql");
    let rows = session.query(sql, &[Some(knows_partitioned)]).await;
    let rows = rows.map_err(failed)?;
    let mut tables = Vec::new();
    let mut anonymous = Vec::new();
    for row in rows.iter() {
        let name = |column| row.required(column).map_err(failed);
        tables.push(QualifiedName::new(name(1)?, name(2)?));
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

/// Whether a publication of this name exists.
pub async fn exists(session: &mut Connection, name: &str) -> Result<bool> {
    let sql = "select exists (select from pg_catalog.pg_publication where pubname = $1)";
    let failed = |error| Error::source("could not look up the publication", error);
    let rows = session.query(sql, &[Some(name)]).await.map_err(failed)?;
    Ok(rows.value().map_err(failed)? == Some("t"))
}

/// Publishes all changes of some tables.
pub async fn create(session: &mut Connection, name: &str, tables: &[QualifiedName]) -> Result<()> {
    let mut sql = format!("create publication {}", quote_identifier(name));
    let list: Vec<String> = tables.iter().map(|table| format!("only {table}")).collect();
    if !list.is_empty() {
        sql.push_str(" for table ");
        sql.push_str(&list.join(", "));
    }
    sql.push_str(" with (publish = 'insert, update, delete, truncate')");
    let created = session.execute(&sql).await;
    created.map_err(|error| {
        let is_refused = error.sqlstate() == Some("42501");
        let error = Error::source(format!("could not create the publication \"{name}\""), error);
        match is_refused {
            true => error.hint(
                "Connect as the owner of all tables with CREATE on the database, or name a \
                 publication that exists with --publication.",
            ),
            false => error,
        }
    })?;
    Ok(())
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

/// Drops a publication, if it exists.
pub async fn drop(session: &mut Connection, name: &str) -> Result<()> {
    let sql = format!("drop publication if exists {}", quote_identifier(name));
    let dropped = session.execute(&sql).await;
    let doing = || format!("could not drop the publication \"{name}\"");
    dropped.map_err(|error| Error::source(doing(), error))?;
    Ok(())
}
