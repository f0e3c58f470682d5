//! What the `list` commands show besides the inventory.

use std::collections::HashMap;

use super::Oid;

/// A database of a server.
#[derive(Clone, Debug)]
pub struct ListedDatabase {
    /// Its OID.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// Its size, if our role may know.
    pub bytes: Option<u64>,
}

/// What an object is called, as `pg_identify_object` has it: names are quoted where SQL needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// What it is, such as `table constraint`.
    pub kind: String,
    /// Its namespace; empty if it is in none.
    pub namespace: String,
    /// Its name; empty if the name alone says nothing.
    pub name: String,
    /// Its whole name.
    pub identity: String,
}

/// An extension that can be installed on a server.
#[derive(Clone, Debug)]
pub struct AvailableExtension {
    /// Its name.
    pub name: String,
    /// The version that is installed unless another is named.
    pub default_version: String,
    /// All versions, the default first.
    pub versions: Vec<String>,
}

/// A collation and what uses it.
#[derive(Clone, Debug)]
pub struct UsedCollation {
    /// Its OID.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// A description of what uses it.
    pub user: String,
}

/// What a sequence belongs to; an OID of 0 is nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SequenceOwner {
    /// The table that owns it.
    pub owned_by: Oid,
    /// The table with a default that takes values from it.
    pub table: Oid,
    /// That default.
    pub default: Oid,
}

/// Facts about relations that copying needs not know.
#[derive(Clone, Debug, Default)]
pub struct RelationFacts {
    /// Who owns a table, an index or a sequence.
    pub owners: HashMap<Oid, String>,
    /// Columns of keys, by table and number: whether in the primary key, in the replica identity.
    pub key_columns: HashMap<(Oid, i16), (bool, bool)>,
    /// The values of sequences: the last one, and whether it was handed out.
    pub sequence_values: HashMap<Oid, (i64, bool)>,
}

/// A step that is being done, with what is known of its process.
#[derive(Clone, Debug)]
pub struct RunningWork {
    /// The table or index.
    pub oid: Oid,
    /// The process that does it, if that is known.
    pub pid: Option<u32>,
    /// When it began, in seconds since 1970.
    pub started: u64,
    /// How long it has been at work.
    pub elapsed: std::time::Duration,
    /// What it does.
    pub command: String,
    /// Bytes that were sent so far.
    pub bytes: u64,
}
