//! The archive's table of contents.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use super::contents::{Contents, Section};
use crate::error::{Error, Kind, Result};
use crate::model::{Entry, EntryId, Oid, Packed, Settings};
use crate::plan::drop::is_dropped_by_statement;

/// Reads the entries of an archive, in the archive's order. The statements are kept for the kinds
/// that this program runs itself.
pub fn entries(archive: &Path) -> Result<Packed<Entry>> {
    let failed = |error: std::io::Error| unreadable(archive, &error.to_string());
    let contents = Contents::open(archive).map_err(failed)?;
    let mut entries = Packed::default();
    let mut post_data = HashSet::new();
    for found in contents {
        let found = found.map_err(failed)?;
        let description = found.description;
        let is_pre_data = match found.section {
            Section::PreData => true,
            // Statistics objects need no rows, and ANALYZE needs them.
            Section::PostData if description == "STATISTICS" => true,
            Section::PostData | Section::Data => false,
            // Privileges come after the rows, as an owner may have taken his own away; a comment
            // comes when what it is about is there.
            Section::None => {
                description != "ACL"
                    && !found.dependencies.iter().any(|entry| post_data.contains(entry))
            }
        };
        if !is_pre_data {
            post_data.insert(found.dump_id);
        }
        let oid = |text: &str| {
            text.parse::<Oid>().map_err(|_| unreadable(archive, &format!("{text:?} is not an OID")))
        };
        let is_ours = matches!(
            description.as_str(),
            "INDEX" | "CONSTRAINT" | "FK CONSTRAINT" | "INDEX ATTACH" | "TABLE ATTACH" | "SCHEMA"
        );
        let is_dropped = is_dropped_by_statement(&description);
        entries.push(Entry {
            id: found.dump_id,
            catalog: oid(&found.catalog)?,
            oid: oid(&found.oid)?,
            description,
            tag: found.tag.unwrap_or_default(),
            namespace: found.namespace.filter(|namespace| !namespace.is_empty()),
            owner: found.owner.filter(|owner| !owner.is_empty()),
            is_pre_data,
            definition: found.definition.filter(|_| is_ours).unwrap_or_default(),
            drop: found.drop.filter(|_| is_dropped).unwrap_or_default(),
            tablespace: found.tablespace.filter(|tablespace| !tablespace.is_empty()),
            rewrite: None,
            dependencies: found.dependencies,
        });
    }
    Ok(entries)
}

pub(super) fn unreadable(archive: &Path, reason: &str) -> Error {
    Error::new(Kind::State, format!("could not read {}: {reason}", archive.display()))
        .hint("Start over with --restart.")
}

/// The statements of some entries.
pub fn statements(archive: &Path, ids: &HashSet<EntryId>) -> Result<HashMap<EntryId, String>> {
    let failed = |error: std::io::Error| unreadable(archive, &error.to_string());
    let mut statements = HashMap::new();
    for entry in Contents::open(archive).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if let (true, Some(definition)) = (ids.contains(&entry.dump_id), entry.definition) {
            statements.insert(entry.dump_id, definition);
        }
    }
    Ok(statements)
}

/// The statements that make a database, from outside.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DatabaseStatements {
    /// The one that makes it.
    pub create: String,
    /// Those that give it a comment, a label and privileges.
    pub others: Vec<String>,
}

/// Reads the statements that make a database.
pub fn database(archive: &Path, settings: &Settings) -> Result<DatabaseStatements> {
    let failed = |error: std::io::Error| unreadable(archive, &error.to_string());
    let mut statements = DatabaseStatements::default();
    for entry in Contents::open(archive).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let definition = entry.definition.unwrap_or_default();
        let is_about_database = entry.tag.as_ref().is_some_and(|tag| tag.starts_with("DATABASE "));
        let is_wanted = match entry.description.as_str() {
            "DATABASE" => {
                statements.create = definition;
                continue;
            }
            "COMMENT" => !settings.no_comments,
            "ACL" => !settings.no_acl,
            "SECURITY LABEL" => true,
            _ => false,
        };
        let is_outside = entry.section == Section::None && entry.namespace.is_none();
        if is_about_database && is_wanted && is_outside && !definition.is_empty() {
            statements.others.push(definition);
        }
    }
    if statements.create.is_empty() {
        return Err(unreadable(archive, "it does not say how the database is made"));
    }
    Ok(statements)
}
