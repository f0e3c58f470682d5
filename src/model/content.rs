//! What has rows, as far as two servers' rows are to be compared.

use super::{Oid, QualifiedName};

/// What a relation with rows, or with partitions that have rows, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RelationKind {
    /// A table, possibly a partition or an inheritance child.
    Table,
    /// A partitioned table.
    Partitioned,
    /// A materialized view.
    MaterializedView,
}

/// A relation with rows.
#[derive(Clone, Debug)]
pub struct Relation {
    /// Its `pg_class` OID.
    pub oid: Oid,
    /// Its name.
    pub name: QualifiedName,
    /// What it is.
    pub kind: RelationKind,
    /// The table whose partition it is, directly.
    pub parent: Option<Oid>,
    /// Heap, TOAST and maps, in bytes.
    pub bytes: u64,
    /// Size of the heap alone, in pages.
    pub pages: u64,
    /// Its access method, such as `heap`.
    pub access_method: String,
    /// An integer column that is unique: what key ranges can be made of.
    pub split_key: Option<String>,
    /// What it is partitioned by.
    pub partition_key: Option<String>,
    /// Which rows its parent gives to it.
    pub bound: Option<String>,
    /// Whether its rows may belong into other partitions on another server.
    pub is_placed_by_oid: bool,
    /// Whether it can be read: a materialized view need not be.
    pub is_populated: bool,
    /// Which of its rows are the user's: empty, or a WHERE clause with its keyword.
    pub condition: String,
    /// Its columns, in order.
    pub columns: Vec<RelationColumn>,
}

/// A column of a relation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelationColumn {
    /// Its name, not quoted.
    pub name: String,
    /// The OID of its type, or of what its domain is over.
    pub type_oid: Oid,
}

/// A column that both sides have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComparedColumn {
    /// Its name, not quoted.
    pub name: String,
    /// Its type on the source and on the target.
    pub types: [Oid; 2],
}
