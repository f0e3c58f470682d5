//! Foreign keys that are taken down while rows are copied.

use super::{QualifiedName, quote_identifier};

/// What must be known of a foreign key to bring it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptKey {
    /// Its name.
    pub name: String,
    /// The table that it is on.
    pub table: QualifiedName,
    /// What follows its name in `ADD CONSTRAINT`.
    pub definition: String,
    /// Whether all rows were known to hold it.
    pub is_validated: bool,
    /// What is said about it.
    pub comment: Option<String>,
    /// Whether its table is partitioned.
    pub is_partitioned: bool,
}

/// What is there of a foreign key that is to come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Its table is gone.
    NoTable,
    /// Nothing.
    Missing,
    /// The key, but nobody has looked whether all rows hold it.
    Unchecked,
    /// All of it.
    Whole,
}

impl std::fmt::Display for KeptKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}", quote_identifier(&self.name), self.table)
    }
}
