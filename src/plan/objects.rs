//! Entries of the archive, by the object that they make.

use std::collections::HashMap;

use crate::model::object::{CLASS_CATALOG, CONSTRAINT_CATALOG};
use crate::model::{Entry, EntryId, ForeignKey, Index, Oid, Packed};

/// What the archive's entry that makes an index is about: its constraint, if it has one.
pub fn index_object(index: &Index) -> (Oid, Oid) {
    match &index.constraint {
        Some(constraint) => (CONSTRAINT_CATALOG, constraint.oid),
        None => (CLASS_CATALOG, index.oid),
    }
}

/// What the archive's entry that makes a foreign key is about.
pub fn foreign_key_object(key: &ForeignKey) -> (Oid, Oid) {
    (CONSTRAINT_CATALOG, key.oid)
}

/// The archive's entries of the post-data section, by the object they make.
pub fn post_data_by_object(
    entries: &Packed<Entry>,
) -> impl Iterator<Item = ((Oid, Oid), Entry)> + '_ {
    let post_data = entries.iter().filter(|entry| !entry.is_pre_data && !is_about_another(entry));
    post_data.map(|entry| ((entry.catalog, entry.oid), entry))
}

/// The tables that entries of the archive make.
pub fn tables_by_entry(entries: &Packed<Entry>) -> HashMap<EntryId, Oid> {
    let tables = entries.iter().filter(|entry| entry.description == "TABLE");
    tables.map(|entry| (entry.id, entry.oid)).collect()
}

/// Entries that say something about an object instead of making one.
fn is_about_another(entry: &Entry) -> bool {
    matches!(entry.description.as_str(), "COMMENT" | "SECURITY LABEL" | "ACL")
}
