//! A database, and the objects in it that are neither tables nor on tables.

use serde::{Deserialize, Serialize};

use super::{Oid, QualifiedName};

/// A database and the server it is on.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Database {
    /// Its name, not quoted.
    pub name: String,
    /// Its encoding, such as `UTF8`.
    pub encoding: String,
    /// The server's version, such as 150018.
    pub server_version: u32,
    /// Whether the server is a standby.
    pub is_standby: bool,
}

/// A sequence of any kind.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sequence {
    /// Its `pg_class` OID.
    pub oid: Oid,
    /// Its name.
    pub name: QualifiedName,
    /// The table that owns it.
    pub owned_by: Option<Oid>,
    /// Whether our role may read its value.
    pub is_readable: bool,
}

/// A materialized view.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct View {
    /// Its `pg_class` OID.
    pub oid: Oid,
    /// Its name.
    pub name: QualifiedName,
    /// Its size on the source in bytes.
    pub bytes: u64,
    /// Whether it is populated on the source.
    pub is_populated: bool,
}

/// The large objects of a database.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct LargeObjects {
    /// How many there are.
    pub count: u64,
    /// The first OID of every batch, ascending: a batch ends where the next begins.
    pub batches: Vec<Oid>,
}

/// An extension.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Extension {
    /// Its `pg_extension` OID.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// The namespace its objects are in.
    pub namespace: String,
    /// Its version on the source.
    pub version: String,
    /// The tables whose rows belong to the user (`pg_extension_config_dump`).
    pub config: Vec<ExtensionTable>,
}

/// A configuration table or sequence of an extension.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ExtensionTable {
    /// Its `pg_class` OID.
    pub oid: Oid,
    /// Its name.
    pub name: QualifiedName,
    /// Whether it is a sequence.
    pub is_sequence: bool,
    /// The columns to copy.
    pub columns: Vec<String>,
    /// Which rows are the user's: empty, or a WHERE clause with its keyword.
    pub condition: String,
}
