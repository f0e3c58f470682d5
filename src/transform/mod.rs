//! A change into the statement that repeats it on the target. The text depends on the shape of the
//! change alone (which columns, which of them NULL), so that it is prepared once for many changes;
//! values travel as parameters, in the form in which they came.

mod array;
mod batch;
mod identity;
mod layout;
mod pending;
#[cfg(test)]
mod tests;
mod truncate;

use std::fmt::{self, Write};

use crate::model::change::{Relation, RowChange, RowChangeKind, Value};
use crate::model::replica::{ReplicaColumn, ReplicaTable};
use crate::model::{binary, quote_identifier};

pub use array::Array;
pub use batch::{Batch, Many, Values};
use identity::Identity;
pub use layout::{Form, Layout, Shape};
pub use pending::{Order, Pending};
pub use truncate::{Emptied, truncate};

/// A statement for the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its text.
    pub text: String,
    /// The values of its parameters; none is unchanged.
    pub parameters: Vec<Value>,
    /// Whether it must touch exactly one row: any other number means that the target differs.
    pub touches_one_row: bool,
}

/// Why a change cannot be repeated on the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// The target's table lacks a column.
    MissingColumn(String),
    /// Nothing says which row it was.
    NoIdentity,
    /// A value that is needed was not sent.
    MissingValue(String),
    /// A value is in binary form, and nobody knows of what type.
    UnknownForm(String),
    /// Rows of a partition were removed, and the target has no such partition.
    TruncatedPartition(String),
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unfit::MissingColumn(column) => {
                write!(f, "the table has no column {} on the target", quote_identifier(column))
            }
            Unfit::NoIdentity => f.write_str("the change does not say which row it is about"),
            Unfit::MissingValue(column) => {
                write!(f, "the value of column {} was not sent", quote_identifier(column))
            }
            Unfit::UnknownForm(column) => write!(
                f,
                "the value of column {} came in a form that is not known",
                quote_identifier(column)
            ),
            Unfit::TruncatedPartition(name) => {
                write!(f, "the target has no partition {name} that could be truncated")
            }
        }
    }
}

/// Whether updates that change nothing are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoOpUpdates {
    /// They are left out.
    Skipped,
    /// They are repeated as well (`--replay-no-op-updates`).
    Replayed,
}

/// The statement for a change of one row; `None` where there is nothing to do.
pub fn statement(
    change: &RowChange,
    table: &ReplicaTable,
    no_ops: NoOpUpdates,
) -> Result<Option<Statement>, Unfit> {
    let relation = &*change.relation;
    match &change.kind {
        RowChangeKind::Insert { new } => insert(relation, table, new).map(Some),
        RowChangeKind::Update { old, new } => update(relation, table, old.as_deref(), new, no_ops),
        RowChangeKind::Delete { old } => delete(relation, table, old).map(Some),
    }
}

/// A statement being written.
#[derive(Default)]
struct Writer {
    text: String,
    parameters: Vec<Value>,
}

impl Writer {
    fn push(&mut self, text: &str) {
        self.text.push_str(text);
    }

    /// Adds the value of a column as a parameter, and says how it is written; `cast` names its type
    /// where the place does not. What came in binary form is of the type that it had on the source;
    /// a target with another one reads its text, as it does with other values.
    fn parameter(&mut self, field: &Field<'_>, cast: Option<&str>) -> Result<String, Unfit> {
        self.parameters.push(field.sent()?.clone());
        let number = self.parameters.len();
        let cast = cast.map(|cast| format!("::{cast}")).unwrap_or_default();
        if !matches!(field.value, Value::Binary(_)) {
            return Ok(format!("${number}{cast}"));
        }
        let source = field.source_type.ok_or_else(|| Unfit::UnknownForm(field.name.to_owned()))?;
        let target = &field.column.type_name;
        Ok(match source == target {
            true => format!("${number}::{source}{cast}"),
            false => format!("pg_catalog.format('%s', ${number}::{source})::{target}{cast}"),
        })
    }

    /// The same, written at once.
    fn push_parameter(&mut self, field: &Field<'_>, cast: Option<&str>) -> Result<(), Unfit> {
        let parameter = self.parameter(field, cast)?;
        self.push(&parameter);
        Ok(())
    }

    fn finish(self) -> Statement {
        Statement { text: self.text, parameters: self.parameters, touches_one_row: true }
    }
}

/// A column of a change, its value, and what the target says of it.
#[derive(Clone, Copy)]
struct Field<'a> {
    place: usize,
    name: &'a str,
    value: &'a Value,
    column: &'a ReplicaColumn,
    /// Its type on the source, if that is known.
    source_type: Option<&'static str>,
}

impl<'a> Field<'a> {
    /// The value, for a parameter.
    fn sent(&self) -> Result<&'a Value, Unfit> {
        match self.value {
            Value::Unchanged => Err(Unfit::MissingValue(self.name.to_owned())),
            value => Ok(value),
        }
    }
}

/// The columns of a tuple that the target does not compute itself.
fn fields<'a>(
    relation: &'a Relation,
    table: &'a ReplicaTable,
    tuple: &'a [Value],
) -> Result<Vec<Field<'a>>, Unfit> {
    let mut fields = Vec::with_capacity(tuple.len());
    for (place, (name, value)) in relation.columns.iter().zip(tuple).enumerate() {
        let column = table.columns.get(name);
        let column = column.ok_or_else(|| Unfit::MissingColumn(name.clone()))?;
        if !column.is_generated {
            let source_type = relation.types.get(place).copied().and_then(binary::type_name);
            fields.push(Field { place, name, value, column, source_type });
        }
    }
    Ok(fields)
}

/// The table where its rows are looked for: not in tables that inherit from it.
fn target(table: &ReplicaTable) -> String {
    match table.is_partitioned {
        true => table.name.to_string(),
        false => format!("only {}", table.name),
    }
}

fn column_list(fields: &[Field<'_>]) -> String {
    fields.iter().map(|field| quote_identifier(field.name)).collect::<Vec<_>>().join(", ")
}

fn insert(relation: &Relation, table: &ReplicaTable, new: &[Value]) -> Result<Statement, Unfit> {
    let fields = fields(relation, table, new)?;
    let mut writer = Writer::default();
    let _ = write!(writer.text, "insert into {}", table.name);
    if fields.is_empty() {
        writer.push(" default values");
        return Ok(writer.finish());
    }
    let columns = column_list(&fields);
    let _ = write!(writer.text, " ({columns}) overriding system value values (");
    for (number, field) in fields.iter().enumerate() {
        writer.push(if number == 0 { "" } else { ", " });
        writer.push_parameter(field, None)?;
    }
    writer.push(")");
    Ok(writer.finish())
}

fn delete(relation: &Relation, table: &ReplicaTable, old: &[Value]) -> Result<Statement, Unfit> {
    let identity = Identity::new(relation, table, old)?;
    let mut writer = Writer::default();
    let _ = write!(writer.text, "delete from {} where ", target(table));
    identity.condition(table, &mut writer)?;
    Ok(writer.finish())
}

fn update(
    relation: &Relation,
    table: &ReplicaTable,
    old: Option<&[Value]>,
    new: &[Value],
    no_ops: NoOpUpdates,
) -> Result<Option<Statement>, Unfit> {
    if relation.is_full && old.is_none() {
        return Err(Unfit::NoIdentity);
    }
    let identity = Identity::new(relation, table, old.unwrap_or(new))?;
    let fields = fields(relation, table, new)?;
    let sent = fields.iter().filter(|field| *field.value != Value::Unchanged);
    let before = |field: &Field<'_>| identity.before(old, new, field.place);
    let is_same = |field: &Field<'_>| before(field).is_some_and(|value| value == field.value);
    let mut changed: Vec<Field<'_>> =
        sent.clone().filter(|field| !is_same(field)).copied().collect();
    // SET takes no value for such a column; the row has to be made anew.
    let is_moved = |field: &Field<'_>| field.column.is_identity_always && before(field).is_some();
    if changed.iter().any(is_moved) {
        return replace(table, &identity, &fields).map(Some);
    }
    // One that is no part of the identity: nobody says whether it changed, so it is compared.
    let compared: Vec<Field<'_>> =
        changed.iter().filter(|field| field.column.is_identity_always).copied().collect();
    changed.retain(|field| !field.column.is_identity_always);
    if changed.is_empty() && no_ops == NoOpUpdates::Replayed {
        changed = sent.filter(|field| !field.column.is_identity_always).copied().collect();
    }
    if changed.is_empty() {
        return Ok(None);
    }
    let mut writer = Writer::default();
    let _ = write!(writer.text, "update {} set ", target(table));
    for (number, field) in changed.iter().enumerate() {
        let comma = if number == 0 { "" } else { ", " };
        let _ = write!(writer.text, "{comma}{} = ", quote_identifier(field.name));
        writer.push_parameter(field, None)?;
    }
    writer.push(" where ");
    identity.condition(table, &mut writer)?;
    for field in &compared {
        writer.push(" and ");
        identity::compare(field, &mut writer)?;
    }
    Ok(Some(writer.finish()))
}

/// Removes a row and puts it back with other values: for identity columns that SET cannot change.
fn replace(
    table: &ReplicaTable,
    identity: &Identity<'_>,
    fields: &[Field<'_>],
) -> Result<Statement, Unfit> {
    let mut writer = Writer::default();
    let _ = write!(writer.text, "with old as (delete from {} where ", target(table));
    identity.condition(table, &mut writer)?;
    let columns = column_list(fields);
    let _ = write!(
        writer.text,
        " returning *) insert into {} ({columns}) overriding system value select ",
        table.name
    );
    for (number, field) in fields.iter().enumerate() {
        writer.push(if number == 0 { "" } else { ", " });
        match field.value {
            Value::Unchanged => {
                let _ = write!(writer.text, "old.{}", quote_identifier(field.name));
            }
            Value::Null | Value::Text(_) | Value::Binary(_) => {
                writer.push_parameter(field, Some(&field.column.type_name))?;
            }
        }
    }
    writer.push(" from old");
    Ok(writer.finish())
}
