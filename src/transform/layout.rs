//! What a table's changes look like, found out once for all of them: which changes can go to the
//! target together with others, and what tells their rows apart.

use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use crate::model::change::{Relation, RowChangeKind, Value};
use crate::model::replica::{ReplicaColumn, ReplicaTable};
use crate::model::{binary, quote_identifier};

/// Changes that one statement can repeat, whatever their values are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// New rows.
    Insert,
    /// Rows that get new values in the columns at these places, and keep their keys.
    Update(Vec<usize>),
    /// Rows that go.
    Delete,
}

/// The form of the values of a change, NULL being of any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// All of them are text, or there is none.
    Text,
    /// All of them are binary.
    Binary,
    /// They differ, which no plugin does.
    Mixed,
}

impl Form {
    /// The form of a change's values.
    pub(super) fn of(change: &RowChangeKind) -> Form {
        let tuple = match change {
            RowChangeKind::Insert { new } | RowChangeKind::Update { new, .. } => new,
            RowChangeKind::Delete { old } => old,
        };
        let (mut has_text, mut has_binary) = (false, false);
        for value in tuple {
            has_text |= matches!(value, Value::Text(_));
            has_binary |= matches!(value, Value::Binary(_));
        }
        match (has_text, has_binary) {
            (_, false) => Form::Text,
            (false, true) => Form::Binary,
            (true, true) => Form::Mixed,
        }
    }
}

/// A column of a relation with what the target says of it.
#[derive(Clone, Debug)]
pub(super) struct Place {
    /// Its name, quoted.
    pub name: String,
    pub column: ReplicaColumn,
    /// The number of its type; 0 if the plugin does not tell it.
    pub type_number: u32,
}

/// How the source describes a table, beside the table of the target that its changes go to.
#[derive(Clone, Debug)]
pub struct Layout {
    /// As the source describes it.
    pub relation: Arc<Relation>,
    /// As the target has it.
    pub table: Arc<ReplicaTable>,
    /// Its columns; none if the target lacks one.
    pub(super) places: Vec<Place>,
    /// Columns that the target does not compute.
    pub(super) stored: Vec<usize>,
    /// Columns that tell rows apart; none if rows can be equal.
    pub(super) key: Vec<usize>,
    /// Columns that an UPDATE can set.
    settable: Vec<usize>,
    /// Whether the target's columns have the types of the source's, so that binary values are theirs.
    takes_binary: bool,
}

impl Layout {
    /// Looks at a table.
    pub fn new(relation: Arc<Relation>, table: Arc<ReplicaTable>) -> Layout {
        let places: Option<Vec<Place>> = relation
            .columns
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let column = table.columns.get(name)?.clone();
                let type_number = relation.types.get(at).copied().unwrap_or_default();
                Some(Place { name: quote_identifier(name), column, type_number })
            })
            .collect();
        let places = places.unwrap_or_default();
        let all = |is: &dyn Fn(usize, &ReplicaColumn) -> bool| -> Vec<usize> {
            let places = places.iter().enumerate();
            places.filter(|(at, place)| is(*at, &place.column)).map(|(at, _)| at).collect()
        };
        let is_key = |at: usize| relation.key.get(at) == Some(&true);
        let stored = all(&|_, column| !column.is_generated);
        let mut key = all(&|at, column| is_key(at) && !column.is_generated);
        let can_compare = |at: &usize| places[*at].column.equality.is_some();
        // A statement that finds rows by their keys in partitions is of no use for many.
        if relation.is_full || table.is_partitioned || !key.iter().all(can_compare) {
            key.clear();
        }
        // Whether an identity column beside the key has changed has to be seen row by row.
        let has_hidden = places.iter().enumerate().any(|(at, place)| {
            place.column.is_identity_always && !is_key(at) && !place.column.is_generated
        });
        let settable = match has_hidden {
            true => Vec::new(),
            false => all(&|at, column| !column.is_generated && !is_key(at)),
        };
        let is_same = |at: &usize| {
            let Place { column, type_number, .. } = &places[*at];
            column.array_type.is_some()
                && binary::type_name(*type_number) == Some(column.type_name.as_str())
        };
        let takes_binary = stored.iter().all(is_same);
        Layout { relation, table, places, stored, key, settable, takes_binary }
    }

    /// Whether a change is one that would go together with others, had it come in text form.
    pub fn is_slow_in_binary(&self, change: &RowChangeKind) -> bool {
        !self.takes_binary && Form::of(change) == Form::Binary
    }

    /// The shape of a change; `None` if it has to go alone.
    pub fn shape(&self, change: &RowChangeKind) -> Option<Shape> {
        match Form::of(change) {
            Form::Text => {}
            Form::Binary if self.takes_binary => {}
            Form::Binary | Form::Mixed => return None,
        }
        match change {
            RowChangeKind::Insert { new } => {
                let is_sent = |at: &usize| new.get(*at).is_some_and(|v| *v != Value::Unchanged);
                (!self.stored.is_empty() && self.stored.iter().all(is_sent))
                    .then_some(Shape::Insert)
            }
            RowChangeKind::Update { old: None, new } => {
                let is_sent = |at: &usize| new.get(*at).is_some_and(|v| *v != Value::Unchanged);
                let set: Vec<usize> = self.settable.iter().copied().filter(is_sent).collect();
                (!set.is_empty() && self.has_key(new)).then_some(Shape::Update(set))
            }
            RowChangeKind::Update { .. } => None,
            RowChangeKind::Delete { old } => self.has_key(old).then_some(Shape::Delete),
        }
    }

    fn has_key(&self, tuple: &[Value]) -> bool {
        let is_known =
            |at: &usize| matches!(tuple.get(*at), Some(Value::Text(_) | Value::Binary(_)));
        !self.key.is_empty() && self.key.iter().all(is_known)
    }

    /// What tells a row apart from all others of its table, among changes of one form; `None` where
    /// nothing does.
    pub(super) fn key_of(&self, tuple: &[Value]) -> Option<Bytes> {
        let bytes = |at: &usize| match tuple.get(*at) {
            Some(Value::Text(bytes) | Value::Binary(bytes)) => Some(bytes),
            _ => None,
        };
        match &self.key[..] {
            [] => None,
            [at] => bytes(at).cloned(),
            key => {
                let mut all = BytesMut::new();
                for at in key {
                    let bytes = bytes(at)?;
                    all.put_u64(bytes.len() as u64);
                    all.put_slice(bytes);
                }
                Some(all.freeze())
            }
        }
    }
}
