//! All databases of a server, and making them on another one.

use pgcopydb_wire::Connection;

use super::Side;
use crate::error::{Error, Result};
use crate::model::quote_identifier;

/// A database, as far as it is not within itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Database {
    /// Its name.
    pub name: String,
    /// Who owns it.
    pub owner: String,
    /// Whether anybody may connect to it.
    pub allows_connections: bool,
    /// Whether it is whole: dropping one that is in use can leave it in pieces.
    pub is_whole: bool,
    /// How many may connect to it at the same time; -1 for any number.
    pub connection_limit: i32,
    /// Whether anybody may make copies of it.
    pub is_template: bool,
    /// Its tablespace, if that is not the default one.
    pub tablespace: Option<String>,
}

/// Lists the databases of the source, the largest first.
pub async fn all(source: &mut Connection) -> Result<Vec<Database>> {
    let mut found = Vec::new();
    let queried = source.query_each(include_str!("sql/all_databases.sql"), &[], |row| {
        found.push(Database {
            name: row.required(0)?.to_owned(),
            owner: row.required(1)?.to_owned(),
            allows_connections: row.flag(2)?,
            is_whole: row.flag(3)?,
            connection_limit: row.parsed(4)?,
            is_template: row.flag(5)?,
            tablespace: row.text(6)?.map(str::to_owned),
        });
        Ok(())
    });
    queried.await.map_err(|error| Error::source("could not list the databases", error))?;
    Ok(found)
}

/// Whether a server has a database of that name.
pub async fn exists(session: &mut Connection, side: Side, name: &str) -> Result<bool> {
    let sql = "select exists (select 1 from pg_catalog.pg_database where datname = $1)";
    let rows = session.query(sql, &[Some(name)]).await;
    let exists = rows.and_then(|rows| rows.first().map_or(Ok(false), |row| row.flag(0)));
    exists.map_err(|error| side.error(format!("could not look for database {name:?}"), error))
}

/// Drops a database of the target.
pub async fn drop(target: &mut Connection, name: &str) -> Result<()> {
    let sql = format!("drop database {}", quote_identifier(name));
    let dropped = target.execute(&sql).await;
    dropped.map_err(|error| Error::target(format!("could not drop database {name:?}"), error))?;
    Ok(())
}

/// Makes a database by the statement that `pg_dump` has written for it.
pub async fn create(
    target: &mut Connection,
    name: &str,
    statement: &str,
    tablespace: Option<&str>,
) -> Result<()> {
    let mut sql = statement.trim().trim_end_matches(';').to_owned();
    if let Some(tablespace) = tablespace {
        sql.push_str(" TABLESPACE = ");
        sql.push_str(&quote_identifier(tablespace));
    }
    match target.execute(&sql).await {
        Ok(_) => Ok(()),
        Err(error) => {
            let error = Error::target(format!("could not create database {name:?}"), error);
            Err(error.hint("Create it as you want it to be, and try again with --resume."))
        }
    }
}

/// Gives a database what it has not got within itself, when nothing more is to be done there: what
/// is said here may lock us out.
pub async fn complete(
    target: &mut Connection,
    database: &Database,
    with_owner: bool,
    statements: &[String],
) -> Result<()> {
    let name = quote_identifier(&database.name);
    let owner = format!("alter database {name} owner to {}", quote_identifier(&database.owner));
    let limit = format!("alter database {name} connection limit {}", database.connection_limit);
    let template = format!("alter database {name} is_template {}", database.is_template);
    let owned = with_owner.then_some(owner);
    let is_limited = (database.connection_limit != -1).then_some(limit);
    let is_template = database.is_template.then_some(template);
    let ours = [owned, is_limited, is_template];
    for statement in ours.iter().flatten().chain(statements) {
        target.execute(statement).await.map_err(|error| {
            let name = &database.name;
            Error::target(format!("could not complete database {name:?} ({statement})"), error)
        })?;
    }
    Ok(())
}
