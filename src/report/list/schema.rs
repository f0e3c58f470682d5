//! `list schema --json`: the tables, indexes and sequences of a database, and how they are copied.

use std::collections::HashMap;

use serde::Serialize;

use super::text::limits;
use crate::error::Result;
use crate::model::{
    Index, Inventory, Oid, PartRange, QualifiedName, RelationFacts, Sequence, Table, TableKind,
    quote_identifier,
};
use crate::report::json::pretty;
use crate::report::units;

/// What the document says it was made with.
#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Setup {
    /// The snapshot it was read in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<String>,
    /// Connection string of the source, without a password.
    #[serde(rename = "source_pguri")]
    pub source: String,
    /// Connection string of the target, without a password.
    #[serde(rename = "target_pguri", skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// `--table-jobs`; 0 if nothing is copied.
    pub table_jobs: u16,
    /// `--index-jobs`.
    pub index_jobs: u16,
    /// `--split-tables-larger-than`.
    pub split_tables_larger_than: u64,
}

#[derive(Serialize)]
struct Document {
    setup: Setup,
    filters: serde_json::Value,
    tables: Vec<TableObject>,
    indexes: Vec<IndexObject>,
    sequences: Vec<SequenceObject>,
}

/// The document, with a line break at its end.
pub fn schema(
    setup: Setup,
    filters: serde_json::Value,
    inventory: &Inventory,
    facts: &RelationFacts,
) -> Result<String> {
    let names = inventory.relation_names();
    let tables = inventory.tables.iter().filter(|table| table.kind == TableKind::Ordinary);
    let indexes = inventory.indexes.iter().filter(|index| !index.is_partitioned);
    let document = Document {
        setup,
        filters,
        tables: tables.map(|table| TableObject::of(&table, facts)).collect(),
        indexes: indexes.map(|index| IndexObject::of(&index, &names, facts)).collect(),
        sequences: inventory.sequences.iter().map(|s| SequenceObject::of(&s, facts)).collect(),
    };
    let mut text = pretty(&document)?;
    text.push('\n');
    Ok(text)
}

/// Tables alone.
pub fn table_array(tables: &[&Table], facts: &RelationFacts) -> Result<String> {
    let tables: Vec<_> = tables.iter().map(|table| TableObject::of(table, facts)).collect();
    Ok(pretty(&tables)? + "\n")
}

/// Indexes alone.
pub fn index_array(
    indexes: &[&Index],
    inventory: &Inventory,
    facts: &RelationFacts,
) -> Result<String> {
    let names = inventory.relation_names();
    let indexes: Vec<_> =
        indexes.iter().map(|index| IndexObject::of(index, &names, facts)).collect();
    Ok(pretty(&indexes)? + "\n")
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct TableObject {
    oid: u32,
    schema: String,
    name: String,
    qname: String,
    reltuples: i64,
    bytes: u64,
    bytes_pretty: String,
    exclude_data: bool,
    restore_list_name: String,
    part_key: String,
    cols: Vec<ColumnObject>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    parts: Vec<PartObject>,
}

#[derive(Serialize)]
struct ColumnObject {
    attnum: i16,
    atttypid: u32,
    attname: String,
    attisprimary: bool,
    attisreplident: bool,
    attisgenerated: bool,
}

#[derive(Serialize)]
struct PartObject {
    number: u32,
    total: usize,
    min: i64,
    max: i64,
    count: i64,
}

#[derive(Serialize)]
pub(super) struct IndexObject {
    oid: u32,
    schema: String,
    name: String,
    qname: String,
    #[serde(rename = "isPrimary")]
    is_primary: bool,
    #[serde(rename = "isUnique")]
    is_unique: bool,
    columns: String,
    sql: String,
    #[serde(rename = "restore-list-name")]
    restore_list_name: String,
    table: RelationObject,
    #[serde(skip_serializing_if = "Option::is_none")]
    constraint: Option<ConstraintObject>,
}

#[derive(Serialize)]
struct RelationObject {
    oid: u32,
    schema: String,
    name: String,
    qname: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct ConstraintObject {
    oid: u32,
    name: String,
    sql: String,
    restore_list_name: String,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct SequenceObject {
    oid: u32,
    schema: String,
    name: String,
    qname: String,
    last_value: i64,
    is_called: bool,
    restore_list_name: String,
}

/// How the list of an archive names a relation.
fn restore_list_name(name: &QualifiedName, owner: Option<&String>) -> String {
    let owner = owner.map_or("", String::as_str);
    format!("{} {} {owner}", name.namespace, name.name).replace(['\n', '\r'], " ")
}

fn saturated(value: Option<i128>) -> i64 {
    value.map_or(-1, |value| value.clamp(i64::MIN.into(), i64::MAX.into()) as i64)
}

impl TableObject {
    pub(super) fn of(table: &Table, facts: &RelationFacts) -> TableObject {
        let keys = |number| facts.key_columns.get(&(table.oid, number)).copied();
        let total = table.parts.len();
        let is_by_page =
            table.parts.iter().any(|part| matches!(part.range, PartRange::Ctid { .. }));
        let part_key = if is_by_page { Some("ctid") } else { table.split_key.as_deref() };
        TableObject {
            oid: table.oid.0,
            schema: quote_identifier(&table.name.namespace),
            name: quote_identifier(&table.name.name),
            qname: table.name.to_string(),
            reltuples: table.reltuples as i64,
            bytes: table.bytes,
            bytes_pretty: units::size(table.bytes),
            exclude_data: table.exclude_data,
            restore_list_name: restore_list_name(&table.name, facts.owners.get(&table.oid)),
            part_key: part_key.map(quote_identifier).unwrap_or_default(),
            cols: table
                .columns
                .iter()
                .map(|column| {
                    let (is_primary, is_identity) = keys(column.number).unwrap_or_default();
                    ColumnObject {
                        attnum: column.number,
                        atttypid: column.type_oid.0,
                        attname: quote_identifier(&column.name),
                        attisprimary: is_primary,
                        attisreplident: is_identity,
                        attisgenerated: column.generated,
                    }
                })
                .collect(),
            parts: table
                .parts
                .iter()
                .map(|part| {
                    let (min, max, count) = limits(table, &part.range);
                    let [min, max, count] = [min, max, count].map(saturated);
                    PartObject { number: part.number.into(), total, min, max, count }
                })
                .collect(),
        }
    }
}

impl IndexObject {
    pub(super) fn of(
        index: &Index,
        names: &HashMap<Oid, QualifiedName>,
        facts: &RelationFacts,
    ) -> IndexObject {
        let unknown = QualifiedName::new("", "");
        let table = names.get(&index.table).unwrap_or(&unknown);
        IndexObject {
            oid: index.oid.0,
            schema: quote_identifier(&index.name.namespace),
            name: quote_identifier(&index.name.name),
            qname: index.name.to_string(),
            is_primary: index.is_primary,
            is_unique: index.is_unique,
            columns: index.columns.clone(),
            sql: index.definition.clone(),
            restore_list_name: restore_list_name(&index.name, facts.owners.get(&index.oid)),
            table: RelationObject {
                oid: index.table.0,
                schema: quote_identifier(&table.namespace),
                name: quote_identifier(&table.name),
                qname: table.to_string(),
            },
            constraint: index.constraint.as_ref().map(|constraint| ConstraintObject {
                oid: constraint.oid.0,
                name: quote_identifier(&constraint.name),
                sql: constraint.definition.clone(),
                restore_list_name: String::new(),
            }),
        }
    }
}

impl SequenceObject {
    fn of(sequence: &Sequence, facts: &RelationFacts) -> SequenceObject {
        let value = facts.sequence_values.get(&sequence.oid).copied();
        let (last_value, is_called) = value.unwrap_or_default();
        SequenceObject {
            oid: sequence.oid.0,
            schema: quote_identifier(&sequence.name.namespace),
            name: quote_identifier(&sequence.name.name),
            qname: sequence.name.to_string(),
            last_value,
            is_called,
            restore_list_name: restore_list_name(&sequence.name, facts.owners.get(&sequence.oid)),
        }
    }
}
