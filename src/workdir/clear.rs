//! Removing what earlier runs left: only names that a run gives, only in directories that a run
//! makes. A directory that was named by mistake loses nothing else.

use std::io::ErrorKind;
use std::path::Path;

use crate::error::Result;

use super::error::failed;

/// Files of a run. The lock files stay: a lock on a file that was removed protects nothing.
const FILES: [&str; 2] = ["summary.json", "schema.json"];

/// The file of the snapshot, which a living service may need.
const SNAPSHOT: &str = "snapshot";

/// Files in `schema/`; for SQLite's, also those with the endings it adds.
const SCHEMA_FILES: [&str; 10] = [
    "source.db",
    "filter.db",
    "target.db",
    "schema.dump",
    "roles.sql",
    "pre-out.list",
    "post-out.list",
    "pre-filtered.list",
    "post-filtered.list",
    "schemas-only.list",
];

/// Endings of files in `cdc/`.
const CHANGE_FILES: [&str; 5] = [".db", ".db-wal", ".db-shm", ".history", "origin"];

/// The directories of a run.
const DIRECTORIES: [&str; 4] = ["schema", "cdc", "compare", "db"];

/// Whether a directory holds what a run might have left.
pub(super) fn has_leftovers(root: &Path) -> bool {
    let has_file = |name: &str| root.join(name).symlink_metadata().is_ok();
    let has_entries = |name: &str| {
        std::fs::read_dir(root.join(name)).is_ok_and(|mut entries| entries.next().is_some())
    };
    FILES.into_iter().chain([SNAPSHOT]).any(has_file) || DIRECTORIES.into_iter().any(has_entries)
}

/// Removes the snapshot's file.
pub(super) fn clear_snapshot(root: &Path) -> Result<()> {
    remove(&root.join(SNAPSHOT))
}

/// Removes the rest of what a run left in a work directory, or in one database's share of it.
pub(super) fn clear(root: &Path) -> Result<()> {
    for name in FILES {
        remove(&root.join(name))?;
    }
    let schema = root.join("schema");
    for side in ["source", "target"] {
        empty(&schema.join(side), is_schema_file)?;
    }
    empty(&schema, is_schema_file)?;
    empty(&root.join("cdc"), |name| CHANGE_FILES.iter().any(|ending| name.ends_with(ending)))?;
    empty(&root.join("compare"), |_| false)?;
    let databases = root.join("db");
    for name in names(&databases)? {
        let share = databases.join(name);
        clear(&share)?;
        remove_if_empty(&share)?;
    }
    remove_if_empty(&databases)
}

fn is_schema_file(name: &str) -> bool {
    // A file that was being written when its run died.
    let name = name.strip_suffix(".new").unwrap_or(name);
    let stem = ["-wal", "-shm", "-journal"].iter().find_map(|ending| name.strip_suffix(ending));
    SCHEMA_FILES.contains(&stem.unwrap_or(name))
}

/// Removes what is known from a directory, and the directory when nothing else is in it.
fn empty(directory: &Path, is_known: impl Fn(&str) -> bool) -> Result<()> {
    for name in names(directory)? {
        if is_known(&name) {
            remove(&directory.join(name))?;
        }
    }
    remove_if_empty(directory)
}

/// The names in a directory; none if it is missing or something else.
fn names(directory: &Path) -> Result<Vec<String>> {
    let doing = "could not read directory";
    if !directory.symlink_metadata().is_ok_and(|metadata| metadata.is_dir()) {
        return Ok(Vec::new());
    }
    let entries = std::fs::read_dir(directory).map_err(|cause| failed(doing, directory, cause))?;
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|cause| failed(doing, directory, cause))?;
        names.extend(entry.file_name().into_string());
    }
    Ok(names)
}

/// Removes a file; of a symbolic link, the link.
fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.map_err(|cause| failed("could not remove", path, cause)),
    }
}

fn remove_if_empty(directory: &Path) -> Result<()> {
    match std::fs::remove_dir(directory) {
        Err(cause) if matches!(cause.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
            Ok(())
        }
        Err(cause) if cause.kind() == ErrorKind::DirectoryNotEmpty => Ok(()),
        removed => removed.map_err(|cause| failed("could not remove", directory, cause)),
    }
}
