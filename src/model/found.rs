//! What a command finds on the target that this program has not made.

use std::collections::{HashMap, HashSet};

use super::Oid;

/// Objects of the target that are as the source has them, by the OIDs of the source.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// Tables that are to be filled.
    pub tables: HashMap<Oid, FoundTable>,
    /// Indexes.
    pub indexes: HashSet<Oid>,
    /// Constraints on indexes, by their index.
    pub constraints: HashSet<Oid>,
}

/// A table that is to be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FoundTable {
    /// Whether it is a partitioned table: rows go into its partitions.
    pub is_partitioned: bool,
    /// Whether it must be emptied first. A table that our role may not truncate is empty already.
    pub is_emptied: bool,
}
