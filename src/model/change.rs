//! What happened on the source, whatever output plugin told it.

use std::sync::Arc;

use bytes::Bytes;

use super::{Lsn, QualifiedName};

/// One message of an output plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A transaction begins.
    Begin {
        /// Its number.
        xid: u32,
        /// Where its commit record begins, if the plugin tells it in advance.
        commit_lsn: Option<Lsn>,
    },
    /// The transaction has ended.
    Commit {
        /// When it committed, in microseconds since 2000.
        committed_at: Option<i64>,
    },
    /// What a table looks like from now on; the plugin has a number for it.
    Relation {
        /// The plugin's number for it.
        id: u32,
        /// The table.
        relation: Arc<Relation>,
    },
    /// A row changed.
    Row(RowChange),
    /// Tables were emptied by one statement.
    Truncate(Truncate),
    /// A change of a table that the plugin does not describe, and nobody has yet.
    Undescribed(QualifiedName),
    /// Something that changes no row.
    Other,
}

/// A table as the source describes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relation {
    /// Its name.
    pub name: QualifiedName,
    /// The names of its columns, not quoted, in the order of a tuple's values.
    pub columns: Vec<String>,
    /// Which of them identify a row; all of them under replica identity full.
    pub key: Vec<bool>,
    /// Whether the whole row is its identity.
    pub is_full: bool,
    /// The types of its columns by the source's numbers; empty if the plugin does not tell them.
    pub types: Vec<u32>,
}

/// A value of a column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// NULL.
    Null,
    /// The text form.
    Text(Bytes),
    /// The binary form, as its type on the source has it.
    Binary(Bytes),
    /// The value did not change and was not sent: it is stored out of line.
    Unchanged,
}

impl Value {
    /// How many bytes it has.
    pub fn bytes(&self) -> usize {
        match self {
            Value::Text(bytes) | Value::Binary(bytes) => bytes.len(),
            Value::Null | Value::Unchanged => 0,
        }
    }
}

/// The values of a row, one for each column of the relation.
pub type Tuple = Vec<Value>;

/// A change of one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// The table.
    pub relation: Arc<Relation>,
    /// What happened.
    pub kind: RowChangeKind,
}

/// What happened to a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RowChangeKind {
    /// It is new.
    Insert {
        /// Its values.
        new: Tuple,
    },
    /// It has other values.
    Update {
        /// The identity it had, where the plugin tells it: if it changed, or is the whole row.
        old: Option<Tuple>,
        /// Its values now.
        new: Tuple,
    },
    /// It is gone.
    Delete {
        /// The identity it had.
        old: Tuple,
    },
}

/// Tables emptied by one statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Truncate {
    /// The tables.
    pub relations: Vec<Arc<Relation>>,
    /// CASCADE was given.
    pub cascade: bool,
    /// RESTART IDENTITY was given.
    pub restart_identity: bool,
}
