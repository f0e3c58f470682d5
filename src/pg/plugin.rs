//! What the output plugins need of the source, and what they can do there.

use std::sync::Arc;

use pgcopydb_wire::Connection;

use super::preflight::listed;
use crate::error::{Error, Kind, Result};
use crate::model::change::Relation;
use crate::model::{Lsn, Plugin, QualifiedName};

/// Refuses a database whose text a plugin does not write in UTF-8: only pgoutput converts it.
pub async fn check_encoding(session: &mut Connection, plugin: Plugin) -> Result<()> {
    if plugin == Plugin::Pgoutput {
        return Ok(());
    }
    let failed = |error| Error::source("could not look up the encoding", error);
    let rows = session.query("show server_encoding", &[]).await.map_err(failed)?;
    match rows.value().map_err(failed)? {
        None | Some("UTF8" | "SQL_ASCII") => Ok(()),
        Some(encoding) => Err(Error::new(
            Kind::Source,
            format!("{} cannot be used: the source's encoding is {encoding}", plugin.name()),
        )
        .detail("It writes the bytes of the database, without converting them.")
        .hint("Leave --plugin out: pgoutput converts them.")),
    }
}

/// Explains why a slot could not be made, as far as the plugin is the reason.
pub fn explain(plugin: Plugin, error: Error, sqlstate: Option<&str>) -> Error {
    let name = plugin.name();
    match (plugin, sqlstate) {
        // The library is a file that the server does not find.
        (Plugin::Wal2json | Plugin::TestDecoding, Some("58P01")) => error.hint(format!(
            "Install {name} on the source's machine (a package as postgresql-17-wal2json, or \
             postgresql-contrib), or leave --plugin out: pgoutput is part of every server."
        )),
        (Plugin::Wal2json | Plugin::TestDecoding, Some("42501")) => error.hint(format!(
            "Where the source has the setting output_plugin_libraries, a superuser has to add the \
             plugin: alter system set output_plugin_libraries = pgoutput, test_decoding, {name}; \
             select pg_reload_conf(); -- or leave --plugin out"
        )),
        _ => error,
    }
}

/// Whether the source's wal2json can write numbers as strings, which is asked of a new slot. One
/// that cannot writes null for what is no number to JSON: it is refused where that may happen.
pub async fn numeric_as_string(
    session: &mut Connection,
    slot: &str,
    point: Lsn,
    is_wanted: bool,
) -> Result<bool> {
    let sql = "select count(*) from pg_catalog.pg_logical_slot_peek_changes( \
                 $1, $2::pg_catalog.pg_lsn, 1, 'format-version', '2', \
                 'numeric-data-types-as-string', 'true')";
    let point = point.to_string();
    match session.query(sql, &[Some(slot), Some(&point)]).await {
        Ok(_) => return Ok(true),
        Err(pgcopydb_wire::Error::Server(error))
            if error.message.contains("numeric-data-types-as-string") => {}
        Err(error) => return Err(Error::source("could not try wal2json", error)),
    }
    let failed = |error| Error::source("could not list columns", error);
    let rows = session.query(include_str!("sql/nullable_numbers.sql"), &[]).await;
    let rows = rows.map_err(failed)?;
    let name = |row: &pgcopydb_wire::Row| row.required(0).map(str::to_owned);
    let columns = rows.iter().map(name).collect::<pgcopydb_wire::Result<Vec<_>>>();
    let columns = columns.map_err(failed)?;
    let hint = "Install wal2json 2.6 or later on the source, which can write numbers as strings, \
                or use another plugin: leave --plugin out, or --plugin test_decoding.";
    let message = "the source's wal2json cannot write numbers as strings".to_owned();
    if is_wanted {
        return Err(Error::new(Kind::Source, message).hint(hint));
    }
    match columns.is_empty() {
        true => Ok(false),
        false => Err(Error::new(Kind::Source, message)
            .detail(format!(
                "It writes null for NaN and infinity, so that NULL could be one of these in {}.",
                listed(&columns)
            ))
            .hint(hint)),
    }
}

/// A table on the source, as far as its changes need it.
#[derive(Clone, Debug)]
pub enum SourceTable {
    /// A table of a user.
    Followed(Arc<Relation>),
    /// A materialized view, or a table of an extension: what fills it on the target is not us.
    Ignored,
}

/// Looks a table up; `None` if there is none.
pub async fn table(session: &mut Connection, name: &QualifiedName) -> Result<Option<SourceTable>> {
    let failed = |error| Error::source(format!("could not look up table {name}"), error);
    let sql = include_str!("sql/source_table.sql");
    let rows = session.query(sql, &[Some(&name.namespace), Some(&name.name)]).await;
    let rows = rows.map_err(failed)?;
    let Some(first) = rows.first() else { return Ok(None) };
    if !first.flag(0).map_err(failed)? {
        return Ok(Some(SourceTable::Ignored));
    }
    let is_full = first.flag(1).map_err(failed)?;
    let (mut columns, mut key) = (Vec::new(), Vec::new());
    for row in rows.iter() {
        let Some(column) = row.text(2).map_err(failed)? else { continue };
        columns.push(column.to_owned());
        key.push(row.flag(3).map_err(failed)?);
    }
    let relation = Relation { name: name.clone(), columns, key, is_full, types: Vec::new() };
    Ok(Some(SourceTable::Followed(Arc::new(relation))))
}
