//! Tables that the extension citus keeps on other nodes.

use super::Oid;

/// The name of the extension.
pub const CITUS: &str = "citus";

/// A table that is distributed on the source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Distributed {
    /// The table.
    pub table: Oid,
    /// How.
    pub how: Distribution,
    /// Tables of one number have their rows in the same places.
    pub colocation: u32,
    /// How many pieces it is in.
    pub shards: u64,
}

/// How a table is distributed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Distribution {
    /// By the hash of a column.
    Hash {
        /// Its name.
        column: String,
    },
    /// Whole, on one node.
    SingleShard,
    /// Whole, on every node.
    Reference,
    /// In a way that nobody can make today.
    Unknown,
}
