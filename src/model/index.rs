//! Indexes, the constraints built on them, and foreign keys.

use serde::{Deserialize, Serialize};

use super::{Oid, QualifiedName};

/// An index to be built on the target.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Index {
    /// Its `pg_class` OID.
    pub oid: Oid,
    /// Its name.
    pub name: QualifiedName,
    /// The table it is on (or materialized view).
    pub table: Oid,
    /// `pg_get_indexdef`.
    pub definition: String,
    /// The columns' names, for people to read.
    pub columns: String,
    /// Whether it is the primary key's.
    pub is_primary: bool,
    /// Whether it is unique.
    pub is_unique: bool,
    /// Whether it belongs to a partitioned table: a shell that the partitions' indexes are attached to.
    pub is_partitioned: bool,
    /// The tablespace, when it is not the database's own.
    pub tablespace: Option<String>,
    /// The index's size on the source in bytes.
    pub bytes: u64,
    /// Whether a key column is text in a collation other than C: the dearest kind to build.
    pub has_collated_text: bool,
    /// The constraint built on it.
    pub constraint: Option<Constraint>,
}

/// Text in a collation of the operating system is compared several times slower than anything else:
/// such an index counts as that much larger, so that it is built first.
const COLLATED_WEIGHT: u64 = 3;

impl Index {
    /// What building it costs, in bytes of an index of plain numbers.
    pub fn weight(&self) -> u64 {
        let dearness = if self.has_collated_text { COLLATED_WEIGHT } else { 1 };
        self.bytes.saturating_mul(dearness)
    }

    /// Whether adding the constraint is what builds the index.
    pub fn builds_with_constraint(&self) -> bool {
        let constraint = self.constraint.as_ref();
        !self.is_partitioned && constraint.is_some_and(|c| c.kind == ConstraintKind::Exclusion)
    }
}

/// A constraint that is built on an index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Constraint {
    /// Its `pg_constraint` OID.
    pub oid: Oid,
    /// Its name, not quoted.
    pub name: String,
    /// What it is.
    pub kind: ConstraintKind,
    /// `pg_get_constraintdef`.
    pub definition: String,
    /// DEFERRABLE.
    pub deferrable: bool,
    /// INITIALLY DEFERRED.
    pub deferred: bool,
}

/// The kinds of constraints that are built on an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConstraintKind {
    /// PRIMARY KEY that a unique index can be turned into.
    PrimaryKey,
    /// UNIQUE that a unique index can be turned into.
    Unique,
    /// EXCLUDE, keys WITHOUT OVERLAPS, and primary keys that must not touch an inherited NOT NULL: the
    /// constraint makes its own index.
    Exclusion,
}

/// A foreign key.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ForeignKey {
    /// Its `pg_constraint` OID.
    pub oid: Oid,
    /// Its name, not quoted.
    pub name: String,
    /// The referencing table.
    pub table: Oid,
    /// The referencing table's name.
    pub table_name: QualifiedName,
    /// The referenced table.
    pub referenced: Oid,
    /// The referenced index.
    pub referenced_index: Oid,
    /// Whether the source holds it for all rows (`convalidated`).
    pub is_validated: bool,
    /// Whether one of the tables is partitioned: then NOT VALID is not to be had (referencing, before
    /// 18), or VALIDATE leaves out what the key means for each partition (referenced).
    pub is_partitioned: bool,
    /// Whether rows that it refers to may be left out: the target does not check it then.
    #[serde(default)]
    pub may_not_hold: bool,
}
