//! What must hold before anything is written: rights on the source, roles on the target.

use std::collections::HashSet;

use pgcopydb_wire::Connection;

use super::Side;
use crate::error::{Error, Kind, Result};
use crate::model::{Object, QualifiedName, Settings, quote_identifier};

/// How many names a message lists before it only counts.
const NAMES_LISTED_MAX: usize = 10;

/// Refuses tables of which our role would see only a part of the rows, among those that are read.
pub async fn check_row_security(
    session: &mut Connection,
    side: Side,
    is_read: impl Fn(&QualifiedName) -> bool,
) -> Result<()> {
    // Asked with row_security on, as "off" makes the server answer that none is active.
    let mut hidden = Vec::new();
    let failed = |error| side.error("could not check row-level security", error);
    session.execute("set row_security = on").await.map_err(failed)?;
    let queried = session.query_each(include_str!("sql/row_security.sql"), &[], |row| {
        let name = QualifiedName::new(row.required(0)?, row.required(1)?);
        if is_read(&name) {
            hidden.push(name.to_string());
        }
        Ok(())
    });
    queried.await.map_err(failed)?;
    session.execute("set row_security = off").await.map_err(failed)?;
    if hidden.is_empty() {
        return Ok(());
    }
    let word = side.word();
    let kind = match side {
        Side::Source => Kind::Source,
        Side::Target => Kind::Target,
    };
    Err(Error::new(
        kind,
        format!("row-level security hides rows of {} from us on the {word}", listed(&hidden)),
    )
    .detail("Only the rows that our role may see would be read, and that is not the database.")
    .hint(format!(
        "Connect to the {word} as the tables' owner, a superuser, or a role with BYPASSRLS."
    )))
}

/// The roles that the source's objects name, but for those that are left out.
pub async fn roles(
    source: &mut Connection,
    settings: &Settings,
    left_out: &[Object],
) -> Result<Vec<String>> {
    let left_out = super::filter::pairs(left_out)?;
    let flag = |wanted: bool| Some(if wanted { "true" } else { "false" });
    let parameters = [flag(!settings.no_owner), flag(!settings.no_acl), Some(&*left_out)];
    let mut roles = Vec::new();
    let queried = source.query_each(include_str!("sql/roles.sql"), &parameters, |row| {
        roles.push(row.required(0)?.to_owned());
        Ok(())
    });
    queried.await.map_err(|error| Error::source("could not list roles", error))?;
    Ok(roles)
}

/// Says which of the roles the target lacks, before any row is copied.
pub async fn check_roles(target: &mut Connection, roles: Vec<String>) -> Result<()> {
    let sql = "select rolname from pg_catalog.pg_roles";
    let missing = missing(target, sql, "roles", roles).await?;
    if missing.is_empty() {
        return Ok(());
    }
    let message = "the target lacks roles that own or are granted objects";
    Err(Error::new(Kind::Target, format!("{message}: {}", listed(&missing))).hint(
        "Copy them with --roles or \"pgcopydb copy roles\", create them on the target, or leave \
         owners and privileges out with --no-owner and --no-acl.",
    ))
}

/// Says which of the tablespaces the target lacks, before anything is made.
pub async fn check_tablespaces(target: &mut Connection, tablespaces: Vec<String>) -> Result<()> {
    let sql = "select spcname from pg_catalog.pg_tablespace";
    let missing = missing(target, sql, "tablespaces", tablespaces).await?;
    if missing.is_empty() {
        return Ok(());
    }
    let message = format!("the target lacks tablespaces: {}", listed(&missing));
    Err(Error::new(Kind::Target, message).hint(
        "Make them with \"pgcopydb copy tablespaces\", name others with --tablespace-map, or put \
         everything into the target's default tablespace with --no-tablespaces.",
    ))
}

/// Those of some names that a query on the target does not return, quoted.
async fn missing(
    target: &mut Connection,
    sql: &str,
    what: &str,
    wanted: Vec<String>,
) -> Result<Vec<String>> {
    let mut known = HashSet::new();
    let queried = target.query_each(sql, &[], |row| {
        known.insert(row.required(0)?.to_owned());
        Ok(())
    });
    queried.await.map_err(|error| Error::target(format!("could not list {what}"), error))?;
    let missing = wanted.iter().filter(|name| !known.contains(*name));
    Ok(missing.map(|name| quote_identifier(name)).collect())
}

/// Names in a row, the first few of them.
pub fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMES_LISTED_MAX).cloned().collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMES_LISTED_MAX) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Says which relations of the target stand where one of ours must be.
pub async fn check_nothing_in_the_way(
    target: &mut Connection,
    wanted: &HashSet<String>,
) -> Result<()> {
    let mut in_the_way = Vec::new();
    let queried = target.query_each(include_str!("sql/relations.sql"), &[], |row| {
        let name = QualifiedName::new(row.required(0)?, row.required(1)?).to_string();
        if wanted.contains(&name) {
            in_the_way.push(name);
        }
        Ok(())
    });
    queried.await.map_err(|error| Error::target("could not list relations", error))?;
    if in_the_way.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Kind::Target,
        format!(
            "{} relations of the same name exist on the target: {}",
            in_the_way.len(),
            listed(&in_the_way)
        ),
    )
    .hint(
        "Copy into an empty database, or let --drop-if-exists drop them; \"pgcopydb copy data\" \
         replaces the rows of tables that are there and leaves everything else as it is.",
    ))
}
