//! Tables of fixed widths. Names that are longer push the rest of their line to the right.

use crate::model::{
    AvailableExtension, ConstraintKind, Extension, Identity, Index, ListedDatabase, Object,
    PartRange, Sequence, SequenceOwner, Table, UsedCollation, quote_identifier,
};
use crate::report::summary::layout::printable;
use crate::report::units;

/// A title, and how wide its column is; all but the last are filled up from the left.
type Column = (&'static str, usize);

/// A header, a rule, the rows, and an empty line.
fn layout<const N: usize>(
    columns: [Column; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut text = line(columns, columns.map(|(title, _)| title.to_owned()));
    let dashes = columns.map(|(_, width)| "-".repeat(width));
    text.push_str(&dashes.join("-+-"));
    text.push('\n');
    for row in rows {
        text.push_str(&line(columns, row));
    }
    text.push('\n');
    text
}

fn line<const N: usize>(columns: [Column; N], cells: [String; N]) -> String {
    let padded: Vec<String> = columns
        .iter()
        .zip(cells)
        .map(|((_, width), cell)| format!("{:>1$}", printable(&cell), *width))
        .collect();
    format!("{}\n", padded.join(" | "))
}

/// A layout whose last column has no width of its own: its dashes do.
fn open_layout<const N: usize>(
    columns: [Column; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let last = columns[N - 1].1;
    let mut bounded = columns;
    bounded[N - 1].1 = 0;
    let text = layout(bounded, rows);
    // The rule is the second line.
    text.replacen("-+-\n", &format!("-+-{}\n", "-".repeat(last)), 1)
}

fn quoted(name: &str) -> String {
    quote_identifier(name)
}

/// `list databases`.
pub fn databases(databases: &[ListedDatabase]) -> String {
    let rows = databases.iter().map(|database| {
        let size = database.bytes.map_or_else(String::new, units::size);
        [database.oid.to_string(), database.name.clone(), size]
    });
    layout([("OID", 10), ("Database Name", 20), ("On-disk size", 20)], rows)
}

/// `list extensions`.
pub fn extensions(extensions: &[Extension]) -> String {
    let rows = extensions.iter().map(|extension| {
        let config = extension
            .config
            .iter()
            .map(|table| format!("\"{}\".\"{}\"", table.name.namespace, table.name.name));
        [
            extension.oid.to_string(),
            extension.name.clone(),
            extension.namespace.clone(),
            extension.config.len().to_string(),
            config.collect::<Vec<_>>().join(","),
        ]
    });
    let columns = [("OID", 10), ("Name", 25), ("Schema", 20), ("Count", 10), ("Config", 10)];
    open_layout(columns, rows)
}

/// `list extensions --available-versions`.
pub fn available_extensions(extensions: &[AvailableExtension]) -> String {
    let rows = extensions.iter().map(|extension| {
        let versions = serde_json::json!(extension.versions).to_string();
        [extension.name.clone(), extension.default_version.clone(), versions]
    });
    open_layout([("Name", 20), ("Default", 20), ("Available", 20)], rows)
}

/// `list extensions --requirements`.
pub fn requirements(extensions: &[AvailableExtension]) -> String {
    let rows = extensions
        .iter()
        .map(|extension| [extension.name.clone(), extension.default_version.clone()]);
    open_layout([("Name", 30), ("Version", 20)], rows)
}

/// `list collations`: the only layout whose last column begins on the left, with a blank behind it.
pub fn collations(collations: &[UsedCollation]) -> String {
    let mut text = format!("{:>10} | {:>20} | {:<20} \n", "OID", "Name", "Object name");
    text.push_str(&["-".repeat(10), "-".repeat(20), "-".repeat(20)].join("-+-"));
    text.push('\n');
    for collation in collations {
        let (name, user) = (printable(&collation.name), printable(&collation.user));
        text.push_str(&format!("{:>10} | {name:>20} | {user} \n", collation.oid.to_string()));
    }
    text.push('\n');
    text
}

/// `list tables`.
pub fn tables(tables: impl Iterator<Item = Table>) -> String {
    let rows = tables.map(|table| {
        [
            table.oid.to_string(),
            quoted(&table.name.namespace),
            quoted(&table.name.name),
            format!("{:.0}", table.reltuples),
            units::size(table.bytes),
        ]
    });
    let columns = [
        ("OID", 8),
        ("Schema Name", 20),
        ("Table Name", 20),
        ("Est. Row Count", 15),
        ("On-disk size", 15),
    ];
    layout(columns, rows)
}

/// `list table-parts`. -1 stands for no bound.
pub fn table_parts(table: &Table) -> String {
    let total = table.parts.len();
    let rows = table.parts.iter().map(|part| {
        let [min, max, count] = bounds(table, &part.range);
        [format!("{}/{total}", part.number), min, max, count]
    });
    layout([("Part", 12), ("Min", 12), ("Max", 12), ("Count", 12)], rows)
}

/// The first and the last key or page of a part, and how many there are.
pub(super) fn limits(
    table: &Table,
    range: &PartRange,
) -> (Option<i128>, Option<i128>, Option<i128>) {
    let (from, to) = match *range {
        PartRange::Key { from, below, .. } => {
            (from.map(i128::from), below.map(|below| i128::from(below) - 1))
        }
        PartRange::Ctid { from, below } => {
            // What was added since is in the last part too.
            let below = below.unwrap_or(table.pages.max(from + 1));
            (Some(i128::from(from)), Some(i128::from(below) - 1))
        }
    };
    let count = from.zip(to).map(|(from, to)| to - from + 1);
    (from, to, count)
}

fn bounds(table: &Table, range: &PartRange) -> [String; 3] {
    let (min, max, count) = limits(table, range);
    let number = |value: Option<i128>| value.unwrap_or(-1).to_string();
    let bound = |value: Option<i128>| match range {
        PartRange::Key { .. } => number(value),
        PartRange::Ctid { .. } => format!("({},0)", number(value)),
    };
    [bound(min), bound(max), number(count)]
}

/// `list sequences`, one row for each that owns or uses a sequence.
pub fn sequences(sequences: &[(&Sequence, SequenceOwner)]) -> String {
    let columns = [
        ("OID", 8),
        ("Schema Name", 20),
        ("Sequence Name", 30),
        ("Owned By", 10),
        ("attrelid", 10),
        ("attroid", 10),
    ];
    let rows = sequences.iter().map(|(sequence, owner)| {
        [
            sequence.oid.to_string(),
            quoted(&sequence.name.namespace),
            quoted(&sequence.name.name),
            owner.owned_by.to_string(),
            owner.table.to_string(),
            owner.default.to_string(),
        ]
    });
    // The header has always had a blank at its end.
    layout(columns, rows).replacen('\n', " \n", 1)
}

/// `list indexes`.
pub fn indexes(indexes: &[&Index]) -> String {
    let rows = indexes.iter().map(|index| {
        let (constraint, definition) = match &index.constraint {
            Some(constraint) => (quoted(&constraint.name), constraint.definition.clone()),
            None => (String::new(), String::new()),
        };
        // The index of an exclusion constraint is not made on its own.
        let is_made = index.is_primary
            || index.is_unique
            || index.constraint.as_ref().is_none_or(|c| c.kind != ConstraintKind::Exclusion);
        let name = if is_made { quoted(&index.name.name) } else { String::new() };
        let statement = if is_made { index.definition.clone() } else { String::new() };
        let namespace = quoted(&index.name.namespace);
        [index.oid.to_string(), namespace, name, constraint, definition, statement]
    });
    let columns = [
        ("OID", 8),
        ("Schema", 10),
        ("Index Name", 20),
        ("Constraint Name", 20),
        ("Constraint", 25),
        ("DDL", 20),
    ];
    open_layout(columns, rows)
}

/// A left-out object that others need, and one of these.
pub type Dependent<'a> = (&'a Identity, Object, &'a Identity);

/// `list depends`: what is left out, and the catalog, OID, kind and identity of what depends on it.
pub fn depends(dependents: &[Dependent<'_>]) -> String {
    let columns = [
        ("Schema Name", 20),
        ("Table Name", 30),
        ("Catalog", 8),
        ("OID", 8),
        ("Type", 20),
        ("Identity", 30),
    ];
    let rows = dependents.iter().map(|(needed, object, dependent)| {
        [
            needed.namespace.clone(),
            needed.name.clone(),
            object.catalog.to_string(),
            object.oid.to_string(),
            dependent.kind.clone(),
            dependent.identity.clone(),
        ]
    });
    open_layout(columns, rows)
}
