//! TRUNCATE: all tables of one statement in one statement, since a foreign key between two of them
//! allows nothing else.

use std::fmt::Write;

use super::{Statement, Unfit};
use crate::model::QualifiedName;
use crate::model::change::Truncate;
use crate::model::replica::ReplicaTable;

/// A table that was emptied on the source, and the one that its changes go to.
#[derive(Clone, Debug)]
pub struct Emptied<'a> {
    /// Its name on the source.
    pub name: &'a QualifiedName,
    /// The table of the target: the same, or the one that it is a partition of.
    pub table: &'a ReplicaTable,
}

/// The statement that empties tables.
pub fn truncate(truncate: &Truncate, emptied: &[Emptied<'_>]) -> Result<Option<Statement>, Unfit> {
    if emptied.is_empty() {
        return Ok(None);
    }
    let mut text = String::from("truncate table ");
    let is_moved = |one: &Emptied<'_>| *one.name != one.table.name;
    // With all of a partitioned table its partitions are empty, wherever their rows are.
    let is_covered = |one: &Emptied<'_>| emptied.iter().any(|other| *other.name == one.table.name);
    if let Some(one) = emptied.iter().find(|one| is_moved(one) && !is_covered(one)) {
        return Err(Unfit::TruncatedPartition(one.name.to_string()));
    }
    for (number, one) in emptied.iter().filter(|one| !is_moved(one)).enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        let only = if one.table.is_partitioned { "" } else { "only " };
        let _ = write!(text, "{comma}{only}{}", one.table.name);
    }
    if truncate.restart_identity {
        text.push_str(" restart identity");
    }
    if truncate.cascade {
        text.push_str(" cascade");
    }
    Ok(Some(Statement { text, parameters: Vec::new(), touches_one_row: false }))
}
