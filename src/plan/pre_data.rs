//! The archive's entries that come before the rows: which of them are restored, and how many in one
//! transaction.

use crate::model::{Entry, EntryId, Packed, Settings};

/// Entries in one transaction that take locks of their own. Each table takes a handful of entries
/// in the server's lock table, which has room for `max_locks_per_transaction` × `max_connections`:
/// 6,400 by default.
const RELATIONS_PER_CHUNK: usize = 500;

/// Entries in one transaction of any kind.
const ENTRIES_PER_CHUNK: usize = 4_000;

/// Entries that are about large objects: these are copied with their contents.
pub fn is_large_object(entry: &Entry) -> bool {
    matches!(entry.description.as_str(), "BLOB" | "BLOBS" | "BLOB METADATA")
        || (matches!(entry.description.as_str(), "ACL" | "COMMENT" | "SECURITY LABEL")
            && entry.tag.starts_with("LARGE OBJECT"))
}

/// Whether an entry is wanted at all.
pub fn is_wanted(entry: &Entry, settings: &Settings) -> bool {
    let is_extension_comment =
        entry.description == "COMMENT" && entry.tag.starts_with("EXTENSION ");
    let is_collation = entry.description == "COLLATION"
        || entry.description == "COMMENT" && entry.tag.starts_with("COLLATION ");
    match entry.description.as_str() {
        // What the archive says about itself and about the database as a whole.
        "ENCODING" | "STDSTRINGS" | "SEARCHPATH" | "DATABASE" | "DATABASE PROPERTIES" => false,
        _ if is_collation && settings.skip_collations => false,
        "EXTENSION" => !settings.skip_extensions,
        "COMMENT" if settings.no_comments => false,
        "ACL" | "DEFAULT ACL" if settings.no_acl => false,
        _ if is_large_object(entry) => false,
        _ => {
            !is_extension_comment || !(settings.skip_extensions || settings.skip_extension_comments)
        }
    }
}

/// What one step makes before the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Some entries, in the archive's order.
    Chunk(Vec<EntryId>),
    /// An extension, which may be wanted in a version of its own.
    Extension(EntryId),
}

/// The entries to restore before the rows, in the archive's order, a transaction's worth at a time;
/// without the extensions.
pub fn chunks(entries: &Packed<Entry>, settings: &Settings) -> Vec<Vec<EntryId>> {
    let chunks = pieces(entries, settings).into_iter().filter_map(|piece| match piece {
        Piece::Chunk(entries) => Some(entries),
        Piece::Extension(_) => None,
    });
    chunks.collect()
}

/// Everything that is made before the rows, in order.
pub fn pieces(entries: &Packed<Entry>, settings: &Settings) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut chunk = Vec::new();
    let mut relations = 0;
    let end = |chunk: &mut Vec<EntryId>, pieces: &mut Vec<Piece>| {
        if !chunk.is_empty() {
            pieces.push(Piece::Chunk(std::mem::take(chunk)));
        }
    };
    for entry in entries.iter().filter(|entry| entry.is_pre_data && is_wanted(entry, settings)) {
        if entry.description == "EXTENSION" {
            end(&mut chunk, &mut pieces);
            relations = 0;
            pieces.push(Piece::Extension(entry.id));
            continue;
        }
        relations += usize::from(takes_locks(&entry.description));
        chunk.push(entry.id);
        if relations >= RELATIONS_PER_CHUNK || chunk.len() >= ENTRIES_PER_CHUNK {
            end(&mut chunk, &mut pieces);
            relations = 0;
        }
    }
    end(&mut chunk, &mut pieces);
    pieces
}

fn takes_locks(description: &str) -> bool {
    matches!(
        description,
        "TABLE" | "FOREIGN TABLE" | "VIEW" | "MATERIALIZED VIEW" | "SEQUENCE" | "TYPE"
    )
}
