//! Which row a change is about: the columns of the replica identity and their values before it.

use std::fmt::Write;

use super::{Field, Unfit, Writer, fields};
use crate::model::change::{Relation, Value};
use crate::model::quote_identifier;
use crate::model::replica::ReplicaTable;

/// The identity of a row.
pub(super) struct Identity<'a> {
    fields: Vec<Field<'a>>,
    /// The whole row: several rows may have the same values, and one of them is meant.
    is_full: bool,
}

impl<'a> Identity<'a> {
    pub(super) fn new(
        relation: &'a Relation,
        table: &'a ReplicaTable,
        tuple: &'a [Value],
    ) -> Result<Identity<'a>, Unfit> {
        let mut fields = fields(relation, table, tuple)?;
        if !relation.is_full {
            fields.retain(|field| relation.key.get(field.place) == Some(&true));
        }
        if fields.is_empty() {
            return Err(Unfit::NoIdentity);
        }
        Ok(Identity { fields, is_full: relation.is_full })
    }

    /// Whether a column is part of it.
    pub(super) fn has(&self, place: usize) -> bool {
        self.fields.iter().any(|field| field.place == place)
    }

    /// The value that a column of it had; without an old identity it has not changed.
    pub(super) fn before<'t>(
        &self,
        old: Option<&'t [Value]>,
        new: &'t [Value],
        place: usize,
    ) -> Option<&'t Value> {
        self.has(place).then(|| old.unwrap_or(new).get(place)).flatten()
    }

    /// Writes the condition that exactly one row meets.
    pub(super) fn condition(&self, table: &ReplicaTable, writer: &mut Writer) -> Result<(), Unfit> {
        if !self.is_full {
            return self.comparisons(writer).map(|_| ());
        }
        // A ctid is a place in one partition.
        let place = if table.is_partitioned { "(tableoid, ctid)" } else { "ctid" };
        let list = if table.is_partitioned { "tableoid, ctid" } else { "ctid" };
        let _ =
            write!(writer.text, "{place} = (select {list} from {} where ", super::target(table));
        let ties = self.comparisons(writer)?;
        if !ties.is_empty() {
            let _ = write!(writer.text, " order by {}", ties.join(", "));
        }
        writer.push(" limit 1)");
        Ok(())
    }

    /// Writes comparisons. Gives back what tells values apart that are equal without being the same.
    fn comparisons(&self, writer: &mut Writer) -> Result<Vec<String>, Unfit> {
        let mut ties = Vec::new();
        for (number, field) in self.fields.iter().enumerate() {
            writer.push(if number == 0 { "" } else { " and " });
            let parameter = compare(field, writer)?;
            let column = field.column;
            if let Some(parameter) = parameter
                && column.equality.is_some()
                && !EXACT_TYPES.contains(&column.type_name.as_str())
            {
                ties.push(format!(
                    "({}::pg_catalog.text collate \"C\" = {parameter}::pg_catalog.text) desc",
                    quote_identifier(field.name),
                ));
            }
        }
        Ok(ties)
    }
}

/// Types whose values are the same if they are equal. Of others the row with the same text is
/// preferred: 1.5 is equal to 1.50, and -0 to 0.
const EXACT_TYPES: [&str; 12] = [
    "smallint",
    "integer",
    "bigint",
    "oid",
    "boolean",
    "date",
    "uuid",
    "bytea",
    "\"char\"",
    "time without time zone",
    "timestamp without time zone",
    "timestamp with time zone",
];

/// Writes that a column has a value, and gives back how the value is written. A type without equality
/// is compared by its text.
pub(super) fn compare(field: &Field<'_>, writer: &mut Writer) -> Result<Option<String>, Unfit> {
    let name = quote_identifier(field.name);
    if *field.sent()? == Value::Null {
        let _ = write!(writer.text, "{name} is null");
        return Ok(None);
    }
    let (left, cast) = match &field.column.equality {
        Some(operator) => (format!("{name} {operator} "), field.column.type_name.as_str()),
        None => (format!("{name}::pg_catalog.text = "), "pg_catalog.text"),
    };
    writer.push(&left);
    let parameter = writer.parameter(field, Some(cast))?;
    writer.push(&parameter);
    Ok(Some(parameter))
}
