//! The roles of a server, as the statements that make them.

use std::collections::HashMap;

use pgcopydb_wire::{Connection, Row};
use secrecy::SecretString;

use super::Side;
use crate::error::{Error, Result};
use crate::model::role::{GrantOption, RoleAttribute, RoleFlag, RoleStatement};

/// Privileges on settings came with this version.
const PARAMETER_PRIVILEGES_VERSION: u32 = 150_000;

/// Whether passwords are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Passwords {
    /// Yes, where we may read them.
    Wanted,
    /// No.
    LeftOut,
}

async fn rows<T>(
    session: &mut Connection,
    what: &str,
    sql: &str,
    read: impl Fn(&Row) -> pgcopydb_wire::Result<T>,
) -> Result<Vec<T>> {
    let mut found = Vec::new();
    let queried = session.query_each(sql, &[], |row| {
        found.push(read(&row)?);
        Ok(())
    });
    queried.await.map_err(|error| Error::source(format!("could not list {what}"), error))?;
    Ok(found)
}

/// Reads all roles, memberships and settings of roles.
pub async fn statements(
    source: &mut Connection,
    passwords: Passwords,
) -> Result<Vec<RoleStatement>> {
    let mut passwords = read_passwords(source, passwords).await?;
    let mut statements = Vec::new();
    let mut comments = Vec::new();
    let sql = include_str!("sql/roles/roles.sql");
    for (role, mut attributes, comment) in rows(source, "roles", sql, role).await? {
        attributes.extend(passwords.remove(&role).map(RoleAttribute::Password));
        statements.push(RoleStatement::Create { role: role.clone() });
        statements.push(RoleStatement::Alter { role: role.clone(), attributes });
        comments.extend(comment.map(|text| RoleStatement::Comment { role, text }));
    }
    statements.extend(comments);
    let sql = include_str!("sql/roles/settings.sql");
    statements.extend(rows(source, "settings of roles", sql, setting).await?);
    let sql = include_str!("sql/roles/memberships.sql");
    statements.extend(in_order(rows(source, "members of roles", sql, membership).await?));
    if source.server_version() >= PARAMETER_PRIVILEGES_VERSION {
        let sql = include_str!("sql/roles/parameters.sql");
        let granted = rows(source, "privileges on settings", sql, |row| {
            Ok(RoleStatement::Other(row.required(0)?.to_owned()))
        });
        statements.extend(granted.await?);
    }
    Ok(statements)
}

async fn read_passwords(
    source: &mut Connection,
    passwords: Passwords,
) -> Result<HashMap<String, SecretString>> {
    if passwords == Passwords::LeftOut {
        return Ok(HashMap::new());
    }
    let sql = include_str!("sql/roles/may_read_passwords.sql");
    let may_read = rows(source, "our privileges", sql, |row| row.flag(0)).await?;
    if may_read != [true] {
        tracing::warn!(
            "passwords of roles are left out: our role may not read them on the source; set them \
             on the target with ALTER ROLE"
        );
        return Ok(HashMap::new());
    }
    let sql = include_str!("sql/roles/passwords.sql");
    let read = rows(source, "passwords of roles", sql, |row| {
        Ok((row.required(0)?.to_owned(), SecretString::from(row.required(1)?.to_owned())))
    });
    Ok(read.await?.into_iter().collect())
}

/// A role's name, its attributes without the password, its comment.
fn role(row: &Row) -> pgcopydb_wire::Result<(String, Vec<RoleAttribute>, Option<String>)> {
    let mut attributes = Vec::new();
    for (column, flag) in (1..).zip(RoleFlag::ALL) {
        attributes.push(RoleAttribute::Flag(flag, row.flag(column)?));
    }
    let limit: i32 = row.parsed(8)?;
    if limit != -1 {
        attributes.push(RoleAttribute::ConnectionLimit(limit));
    }
    attributes.extend(row.text(9)?.map(|end| RoleAttribute::ValidUntil(end.to_owned())));
    Ok((row.required(0)?.to_owned(), attributes, row.text(10)?.map(str::to_owned)))
}

fn setting(row: &Row) -> pgcopydb_wire::Result<RoleStatement> {
    let name = row.required(1)?;
    // A setting of an extension has a point in its name, which quotes would take the meaning from.
    let name = name.split('.').map(crate::model::quote_identifier).collect::<Vec<_>>().join(".");
    let setting = format!("{name} TO {}", row.required(2)?);
    Ok(RoleStatement::Set { role: row.required(0)?.to_owned(), setting })
}

fn membership(row: &Row) -> pgcopydb_wire::Result<RoleStatement> {
    let mut options = Vec::new();
    if row.flag(2)? {
        options.push((GrantOption::Admin, true));
    }
    for (column, option) in [(3, GrantOption::Inherit), (4, GrantOption::Set)] {
        if row.text(column)?.is_some() {
            options.push((option, row.flag(column)?));
        }
    }
    Ok(RoleStatement::Grant {
        role: row.required(0)?.to_owned(),
        member: row.required(1)?.to_owned(),
        options,
        grantor: row.text(5)?.map(str::to_owned),
    })
}

/// Puts grants after those that give their grantors the right to grant.
fn in_order(grants: Vec<RoleStatement>) -> Vec<RoleStatement> {
    let (mut ordered, mut left): (Vec<_>, Vec<_>) = grants
        .into_iter()
        .partition(|grant| matches!(grant, RoleStatement::Grant { grantor: None, .. }));
    loop {
        let may_grant = |grant: &RoleStatement| {
            let RoleStatement::Grant { role: wanted, grantor: Some(by), .. } = grant else {
                return true;
            };
            ordered.iter().any(|earlier| {
                matches!(earlier, RoleStatement::Grant { role, member, options, .. }
                    if role == wanted && member == by && options.contains(&(GrantOption::Admin, true)))
            })
        };
        let (next, rest): (Vec<_>, Vec<_>) = left.into_iter().partition(may_grant);
        if next.is_empty() {
            // Superusers may grant without having been granted anything.
            ordered.extend(rest);
            return ordered;
        }
        ordered.extend(next);
        left = rest;
    }
}

/// What must be known of a server before roles are made on it.
#[derive(Clone, Debug, Default)]
pub struct RoleServer {
    /// Its version.
    pub version: u32,
    /// Whether our role is a superuser there.
    pub is_superuser: bool,
    /// The roles that it has.
    pub roles: Vec<String>,
}

/// Looks at the target.
pub async fn server(target: &mut Connection) -> Result<RoleServer> {
    let failed = |error| Side::Target.error("could not list roles", error);
    let mut server = RoleServer { version: target.server_version(), ..RoleServer::default() };
    let sql = "select rolname, rolname = current_user and rolsuper from pg_catalog.pg_roles";
    let queried = target.query_each(sql, &[], |row| {
        server.roles.push(row.required(0)?.to_owned());
        server.is_superuser |= row.flag(1)?;
        Ok(())
    });
    queried.await.map_err(failed)?;
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(role: &str, member: &str, is_admin: bool, grantor: Option<&str>) -> RoleStatement {
        RoleStatement::Grant {
            role: role.into(),
            member: member.into(),
            options: is_admin.then_some((GrantOption::Admin, true)).into_iter().collect(),
            grantor: grantor.map(str::to_owned),
        }
    }

    #[test]
    fn a_grant_comes_after_the_one_that_allows_it() {
        let grants = vec![
            grant("r", "c", false, Some("b")),
            grant("r", "b", true, Some("a")),
            grant("q", "x", false, Some("super")),
            grant("r", "a", true, None),
        ];
        let ordered: Vec<String> = in_order(grants).iter().map(ToString::to_string).collect();
        assert_eq!(
            ordered,
            [
                "GRANT r TO a WITH ADMIN OPTION",
                "GRANT r TO b WITH ADMIN OPTION GRANTED BY a",
                "GRANT r TO c GRANTED BY b",
                "GRANT q TO x GRANTED BY super",
            ]
        );
    }
}
