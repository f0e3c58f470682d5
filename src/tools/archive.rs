//! The archive's table of contents.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use libpgdump::Section;

use crate::error::{Error, Kind, Result};
use crate::model::{Entry, EntryId, Oid, Settings};
use crate::plan::drop::is_dropped_by_statement;

/// Reads the entries of an archive, in the archive's order. The statements are kept for the kinds
/// that this program runs itself.
pub fn entries(archive: &Path) -> Result<Vec<Entry>> {
    let dump = load(archive)?;
    let mut entries: Vec<Entry> = Vec::with_capacity(dump.entries().len());
    let mut post_data = HashSet::new();
    for found in dump.entries() {
        let description = found.desc.as_str().to_owned();
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
            "INDEX" | "CONSTRAINT" | "FK CONSTRAINT" | "INDEX ATTACH" | "SCHEMA"
        );
        let is_dropped = is_dropped_by_statement(&description);
        entries.push(Entry {
            id: found.dump_id,
            catalog: oid(&found.table_oid)?,
            oid: oid(&found.oid)?,
            description,
            tag: found.tag.clone().unwrap_or_default(),
            namespace: found.namespace.clone().filter(|namespace| !namespace.is_empty()),
            owner: found.owner.clone().filter(|owner| !owner.is_empty()),
            is_pre_data,
            definition: found.defn.clone().filter(|_| is_ours).unwrap_or_default(),
            drop: found.drop_stmt.clone().filter(|_| is_dropped).unwrap_or_default(),
            tablespace: found.tablespace.clone().filter(|tablespace| !tablespace.is_empty()),
            rewrite: None,
            dependencies: found.dependencies.clone(),
        });
    }
    Ok(entries)
}

fn load(archive: &Path) -> Result<libpgdump::Dump> {
    super::archive_header::check(archive)
        .map_err(|error| unreadable(archive, &error.to_string()))?;
    libpgdump::load(archive).map_err(|error| unreadable(archive, &error.to_string()))
}

fn unreadable(archive: &Path, reason: &str) -> Error {
    Error::new(Kind::State, format!("could not read {}: {reason}", archive.display()))
        .hint("Start over with --restart.")
}

/// The statements of some entries.
pub fn statements(archive: &Path, ids: &HashSet<EntryId>) -> Result<HashMap<EntryId, String>> {
    let dump = load(archive)?;
    let wanted = dump.entries().iter().filter(|entry| ids.contains(&entry.dump_id));
    Ok(wanted.filter_map(|entry| Some((entry.dump_id, entry.defn.clone()?))).collect())
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
    let dump = load(archive)?;
    let mut statements = DatabaseStatements::default();
    for entry in dump.entries() {
        let definition = entry.defn.clone().unwrap_or_default();
        let is_about_database = entry.tag.as_ref().is_some_and(|tag| tag.starts_with("DATABASE "));
        let is_wanted = match entry.desc.as_str() {
            "DATABASE" => {
                statements.create = definition;
                continue;
            }
            "COMMENT" => !settings.no_comments,
            "ACL" => !settings.no_acl,
            "SECURITY LABEL" => true,
            _ => false,
        };
        let is_outside = matches!(entry.section, Section::None) && entry.namespace.is_none();
        if is_about_database && is_wanted && is_outside && !definition.is_empty() {
            statements.others.push(definition);
        }
    }
    if statements.create.is_empty() {
        return Err(unreadable(archive, "it does not say how the database is made"));
    }
    Ok(statements)
}
