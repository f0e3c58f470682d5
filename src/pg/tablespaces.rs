//! Tablespaces of a server, and how they are made on another.

use std::collections::{BTreeMap, HashSet};

use pgcopydb_wire::{Connection, Row};

use crate::error::{Error, Kind, Result};
use crate::model::{quote_identifier, quote_literal};

/// From this version on a tablespace can be in the data directory, for tests of the server.
const IN_PLACE_VERSION: u32 = 150_000;

/// A tablespace of the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tablespace {
    /// Its name.
    pub name: String,
    owner: String,
    /// Empty for one in the data directory.
    directory: String,
    options: Option<String>,
    comment: Option<String>,
    /// Who may use it (everybody if it is none), and whether they may grant that.
    grants: Vec<(Option<String>, bool)>,
}

fn tablespace(row: &Row) -> pgcopydb_wire::Result<Tablespace> {
    Ok(Tablespace {
        name: row.required(0)?.to_owned(),
        owner: row.required(1)?.to_owned(),
        directory: row.required(2)?.to_owned(),
        options: row.text(3)?.filter(|options| !options.is_empty()).map(str::to_owned),
        comment: row.text(4)?.map(str::to_owned),
        grants: Vec::new(),
    })
}

/// The tablespaces of the source.
pub async fn tablespaces(source: &mut Connection) -> Result<Vec<Tablespace>> {
    let failed = |error| Error::source("could not list tablespaces", error);
    let mut found = BTreeMap::new();
    let queried = source.query_each(include_str!("sql/tablespaces.sql"), &[], |row| {
        let one = tablespace(&row)?;
        found.insert(one.name.clone(), one);
        Ok(())
    });
    queried.await.map_err(failed)?;
    let queried = source.query_each(include_str!("sql/tablespace_grants.sql"), &[], |row| {
        let grant = (row.text(1)?.map(str::to_owned), row.flag(2)?);
        if let Some(one) = found.get_mut(row.required(0)?) {
            one.grants.push(grant);
        }
        Ok(())
    });
    queried.await.map_err(failed)?;
    Ok(found.into_values().collect())
}

/// The names of the target's tablespaces and roles.
pub async fn known(target: &mut Connection) -> Result<[HashSet<String>; 2]> {
    let mut known = [HashSet::new(), HashSet::new()];
    let sql =
        ["select spcname from pg_catalog.pg_tablespace", "select rolname from pg_catalog.pg_roles"];
    for (names, sql) in known.iter_mut().zip(sql) {
        let queried = target.query_each(sql, &[], |row| {
            names.insert(row.required(0)?.to_owned());
            Ok(())
        });
        queried.await.map_err(|error| Error::target("could not list tablespaces", error))?;
    }
    Ok(known)
}

/// Makes a tablespace. Roles that the target does not have are returned.
pub async fn make(
    target: &mut Connection,
    tablespace: &Tablespace,
    roles: &HashSet<String>,
) -> Result<Vec<String>> {
    let name = quote_identifier(&tablespace.name);
    if tablespace.directory.is_empty() && target.server_version() >= IN_PLACE_VERSION {
        run(target, &name, "set allow_in_place_tablespaces = on").await?;
    }
    let mut missing = Vec::new();
    let mut create = format!("create tablespace {name}");
    match roles.contains(&tablespace.owner) {
        true => create.push_str(&format!(" owner {}", quote_identifier(&tablespace.owner))),
        false => missing.push(tablespace.owner.clone()),
    }
    create.push_str(&format!(" location {}", quote_literal(&tablespace.directory)));
    if let Some(options) = &tablespace.options {
        create.push_str(&format!(" with ({options})"));
    }
    run(target, &name, &create).await?;
    if let Some(comment) = &tablespace.comment {
        let comment = quote_literal(comment);
        run(target, &name, &format!("comment on tablespace {name} is {comment}")).await?;
    }
    for (grantee, is_grantable) in &tablespace.grants {
        let grantee = match grantee {
            Some(role) if !roles.contains(role) => {
                missing.push(role.clone());
                continue;
            }
            Some(role) => quote_identifier(role),
            None => "public".to_owned(),
        };
        let option = if *is_grantable { " with grant option" } else { "" };
        let grant = format!("grant create on tablespace {name} to {grantee}{option}");
        run(target, &name, &grant).await?;
    }
    Ok(missing)
}

/// One statement: a tablespace cannot be made in a transaction.
async fn run(target: &mut Connection, name: &str, sql: &str) -> Result<()> {
    match target.execute(sql).await {
        Ok(_) => Ok(()),
        Err(error) if error.sqlstate().is_some() => Err(Error::new(
            Kind::Target,
            format!("could not make tablespace {name} on the target: {error}"),
        )),
        Err(error) => Err(Error::target(format!("could not make tablespace {name}"), error)),
    }
}
