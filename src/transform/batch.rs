//! Many changes of one table and one shape as one statement: COPY for new rows, arrays for others.
//! Which rows they are about is known by their keys, so that the last values of a row are the only
//! ones that travel.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};

use super::array::Array;
use super::layout::{Form, Layout, Place, Shape};
use crate::model::Lsn;
use crate::model::change::{RowChange, RowChangeKind, Tuple, Value};

/// Changes that go to the target together.
#[derive(Debug)]
pub struct Batch {
    layout: Arc<Layout>,
    shape: Shape,
    form: Form,
    /// The first of them, and where it was; alone it is cheaper as a statement of its own.
    first: (RowChange, Lsn),
    count: usize,
    /// The rows of a COPY.
    copied: BytesMut,
    /// The rows of other shapes, each once.
    rows: Vec<Tuple>,
    /// The rows by their keys; where there are none, empty.
    at: HashMap<Bytes, usize>,
}

/// What is sent for a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Many {
    /// The statement.
    pub text: String,
    /// What goes with it.
    pub values: Values,
    /// How many rows it touches.
    pub rows: u64,
}

/// The values of many changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// Rows for COPY.
    Rows(Bytes),
    /// Arrays, one for each parameter.
    Arrays(Vec<Array>),
}

impl Batch {
    pub(super) fn new(
        layout: Arc<Layout>,
        (shape, form): (Shape, Form),
        change: RowChange,
        lsn: Lsn,
        key: Option<Bytes>,
    ) -> Batch {
        let mut batch = Batch {
            layout,
            shape,
            form,
            first: (change.clone(), lsn),
            count: 0,
            copied: BytesMut::new(),
            rows: Vec::new(),
            at: HashMap::new(),
        };
        batch.add(change.kind, key);
        batch
    }

    pub(super) fn fits(&self, layout: &Arc<Layout>, shape: &Shape, form: Form) -> bool {
        Arc::ptr_eq(&self.layout, layout) && self.shape == *shape && self.form == form
    }

    /// Whether its values are in a form, without which nobody can tell whether a key is in it.
    pub(super) fn is_in(&self, form: Form) -> bool {
        self.form == form
    }

    /// Whether it has a change of a row.
    pub(super) fn has(&self, key: &Bytes) -> bool {
        self.at.contains_key(key)
    }

    /// Whether a second change of one row takes the place of the first.
    pub(super) fn replaces(&self) -> bool {
        matches!(self.shape, Shape::Update(_))
    }

    pub(super) fn add(&mut self, change: RowChangeKind, key: Option<Bytes>) {
        let row = match change {
            RowChangeKind::Insert { new } | RowChangeKind::Update { new, .. } => new,
            RowChangeKind::Delete { old } => old,
        };
        if self.shape == Shape::Insert {
            match self.form {
                Form::Binary => copy_binary_row(&self.layout, &row, &mut self.copied),
                Form::Text | Form::Mixed => copy_row(&self.layout, &row, &mut self.copied),
            }
            self.count += 1;
            self.at.extend(key.map(|key| (key, 0)));
            return;
        }
        let place = self.rows.len();
        match key.map(|key| *self.at.entry(key).or_insert(place)) {
            Some(known) if known < place => self.rows[known] = row,
            _ => {
                self.rows.push(row);
                self.count += 1;
            }
        }
    }

    /// How many rows it is about.
    pub fn len(&self) -> usize {
        self.count
    }

    /// Whether it is about no row, which does not happen.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// Where its first change was.
    pub fn lsn(&self) -> Lsn {
        self.first.1
    }

    /// The table's description.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The only change in it, with its last values.
    pub fn alone(&self) -> Option<RowChange> {
        if self.count != 1 {
            return None;
        }
        let mut change = self.first.0.clone();
        if let (RowChangeKind::Update { new, .. }, Some(row)) =
            (&mut change.kind, self.rows.first())
        {
            new.clone_from(row);
        }
        Some(change)
    }

    /// What is sent for all of them.
    pub fn many(mut self) -> Many {
        let rows = self.count as u64;
        if self.form == Form::Binary {
            self.copied.put_i16(-1);
        }
        let (text, values) = match &self.shape {
            Shape::Insert => (self.copy(), Values::Rows(self.copied.freeze())),
            Shape::Update(set) => {
                let places: Vec<usize> = self.layout.key.iter().chain(set).copied().collect();
                (self.update(set), Values::Arrays(self.arrays(&places)))
            }
            Shape::Delete => (self.delete(), Values::Arrays(self.arrays(&self.layout.key))),
        };
        Many { text, values, rows }
    }

    fn copy(&self) -> String {
        let Layout { table, places, stored, .. } = &*self.layout;
        let names: Vec<&str> = stored.iter().map(|at| &*places[*at].name).collect();
        let format = if self.form == Form::Binary { " (format binary)" } else { "" };
        format!("copy {} ({}) from stdin{format}", table.name, names.join(", "))
    }

    fn update(&self, set: &[usize]) -> String {
        let mut text = format!("update only {} as t set ", self.layout.table.name);
        let key = self.layout.key.len();
        for (number, at) in set.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            let name = &self.layout.places[*at].name;
            let _ = write!(text, "{comma}{name} = {}", self.value(*at, key + number));
        }
        let places: Vec<usize> = self.layout.key.iter().chain(set).copied().collect();
        text.push_str(" from ");
        self.source(&places, &mut text);
        text
    }

    fn delete(&self) -> String {
        let mut text = format!("delete from only {} as t using ", self.layout.table.name);
        self.source(&self.layout.key, &mut text);
        text
    }

    /// The rows out of the arrays, and how they meet those of the table.
    fn source(&self, places: &[usize], text: &mut String) {
        text.push_str("rows from (");
        for (number, at) in places.iter().enumerate() {
            let comma = if number == 0 { "" } else { ", " };
            let array = self.layout.places[*at].column.array_type.as_deref();
            let array = array.unwrap_or("pg_catalog.text[]");
            let _ = write!(text, "{comma}pg_catalog.unnest(${}::{array})", number + 1);
        }
        let names: Vec<String> = (0..places.len()).map(|number| format!("v{number}")).collect();
        let _ = write!(text, ") as v ({}) where ", names.join(", "));
        for (number, at) in self.layout.key.iter().enumerate() {
            let and = if number == 0 { "" } else { " and " };
            let place = &self.layout.places[*at];
            let operator = place.column.equality.as_deref().unwrap_or("=");
            let value = self.value(*at, number);
            let _ = write!(text, "{and}t.{} {operator} {value}", place.name);
        }
    }

    fn value(&self, at: usize, number: usize) -> String {
        let column = &self.layout.places[at].column;
        match column.array_type {
            Some(_) => format!("v.v{number}"),
            None => format!("v.v{number}::{}", column.type_name),
        }
    }

    fn arrays(&self, places: &[usize]) -> Vec<Array> {
        let array = |at: &usize| {
            let Place { column, type_number, .. } = &self.layout.places[*at];
            let type_name = column.array_type.as_deref().unwrap_or("text[]");
            Array::new(type_name, *type_number, self.rows.iter().map(|row| row.get(*at)))
        };
        places.iter().map(array).collect()
    }
}

/// One line of COPY (PostgreSQL documentation, "COPY", "Text Format").
fn copy_row(layout: &Layout, row: &[Value], text: &mut BytesMut) {
    let name = |byte| match byte {
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        byte => byte,
    };
    for (number, at) in layout.stored.iter().enumerate() {
        if number > 0 {
            text.put_u8(b'\t');
        }
        match row.get(*at) {
            // Not binary: rows of a batch have one form. No value is to become NULL.
            Some(Value::Text(value) | Value::Binary(value)) => {
                escape(value, |byte| matches!(byte, b'\n' | b'\r' | b'\t' | b'\\'), name, text);
            }
            Some(Value::Null | Value::Unchanged) | None => text.put_slice(b"\\N"),
        }
    }
    text.put_u8(b'\n');
}

/// What a COPY in binary format begins with: its signature, no flags, no more header.
const COPY_HEADER: &[u8; 19] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// A row of COPY (PostgreSQL documentation, "COPY", "Binary Format"), the first one with what goes
/// before all.
fn copy_binary_row(layout: &Layout, row: &[Value], to: &mut BytesMut) {
    if to.is_empty() {
        to.put_slice(COPY_HEADER);
    }
    // A table has 1600 columns at most.
    to.put_u16(layout.stored.len() as u16);
    for at in &layout.stored {
        match row.get(*at) {
            Some(Value::Binary(value)) => {
                to.put_u32(value.len() as u32);
                to.put_slice(value);
            }
            Some(Value::Null | Value::Unchanged) | None => to.put_i32(-1),
            // Not of this form: a length that the server refuses.
            Some(Value::Text(_)) => to.put_i32(i32::MIN),
        }
    }
}

/// Writes a value with a backslash before what has a meaning.
pub(super) fn escape(
    mut value: &[u8],
    is_special: impl Fn(u8) -> bool,
    name: impl Fn(u8) -> u8,
    text: &mut BytesMut,
) {
    while let Some(at) = value.iter().position(|byte| is_special(*byte)) {
        text.put_slice(&value[..at]);
        text.put_slice(&[b'\\', name(value[at])]);
        value = &value[at + 1..];
    }
    text.put_slice(value);
}
