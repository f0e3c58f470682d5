//! `summary.json`.

use std::io::Write;

use serde::{Serialize, Serializer};

use crate::model::{
    Failure, ObjectSummary, SectionSummary, Summary, TableSummary, quote_identifier,
};

use super::milliseconds;
use crate::report::units;

/// The summary as JSON.
pub fn json(summary: &Summary) -> crate::error::Result<String> {
    crate::report::json::pretty(&Document::of(summary))
}

/// Writes the summary as JSON, piece by piece: that of 100,000 tables has some hundred megabytes.
pub fn write_json(writer: &mut dyn Write, summary: &Summary) -> std::io::Result<()> {
    crate::report::json::write_pretty(writer, &Document::of(summary))
}

#[derive(Serialize)]
struct Document<'a> {
    setup: Setup,
    steps: Vec<Step>,
    tables: Tables<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<Failed>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Setup {
    table_jobs: u16,
    index_jobs: u16,
}

#[derive(Serialize)]
struct Step {
    label: &'static str,
    conn: &'static str,
    duration: u64,
    duration_pretty: String,
    concurrency: u32,
}

/// Made one by one, while they are written.
struct Tables<'a>(&'a Summary);

impl Serialize for Tables<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Tables(summary) = self;
        let tables = summary.tables.iter().map(|table| Table::of(&table, summary.names_database));
        serializer.collect_seq(tables)
    }
}

#[derive(Serialize)]
struct Table {
    #[serde(skip_serializing_if = "Option::is_none")]
    database: Option<String>,
    oid: u32,
    schema: String,
    name: String,
    duration: u64,
    network: Network,
    index: Indexes,
    indexes: Vec<Object>,
    constraints: Vec<Object>,
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct Network {
    bytes: u64,
    bytes_pretty: String,
    transmit_rate: String,
}

#[derive(Serialize)]
struct Indexes {
    count: usize,
    duration: u64,
}

#[derive(Serialize)]
struct Object {
    oid: u32,
    schema: String,
    name: String,
    sql: String,
    ms: u64,
}

#[derive(Serialize)]
struct Failed {
    object: String,
    server: String,
    sqlstate: Option<String>,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    sql: Option<String>,
}

impl Document<'_> {
    fn of(summary: &Summary) -> Document<'_> {
        let step = |of: &SectionSummary| Step {
            label: of.section.label(),
            conn: of.section.connection(),
            duration: milliseconds(of.duration),
            duration_pretty: units::duration(of.duration),
            concurrency: of.section.concurrency(summary.jobs),
        };
        Document {
            setup: Setup { table_jobs: summary.jobs.table, index_jobs: summary.jobs.index },
            steps: summary.sections.iter().map(step).collect(),
            tables: Tables(summary),
            failures: summary.failures.iter().map(Failed::of).collect(),
        }
    }
}

impl Table {
    fn of(table: &TableSummary, names_database: bool) -> Table {
        let (bytes, duration) = (table.bytes(), table.duration());
        Table {
            database: names_database.then(|| table.database.clone()),
            oid: table.oid.0,
            schema: quote_identifier(&table.name.namespace),
            name: quote_identifier(&table.name.name),
            duration: milliseconds(duration),
            network: Network {
                bytes,
                bytes_pretty: units::bytes(bytes),
                transmit_rate: units::rate(bytes, duration),
            },
            index: Indexes {
                count: table.indexes.len(),
                duration: milliseconds(table.index_duration()),
            },
            indexes: table.indexes.iter().map(Object::of).collect(),
            constraints: table.constraints.iter().map(Object::of).collect(),
        }
    }
}

impl Object {
    fn of(object: &ObjectSummary) -> Object {
        Object {
            oid: object.oid.0,
            schema: quote_identifier(&object.name.namespace),
            name: quote_identifier(&object.name.name),
            sql: object.sql.clone(),
            ms: milliseconds(object.duration),
        }
    }
}

impl Failed {
    fn of(failure: &Failure) -> Failed {
        Failed {
            object: failure.object.clone(),
            server: failure.server.clone(),
            sqlstate: failure.sqlstate.clone(),
            message: failure.message.clone(),
            detail: failure.detail.clone(),
            hint: failure.hint.clone(),
            sql: failure.sql.clone(),
        }
    }
}
