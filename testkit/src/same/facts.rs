//! What the catalogs and the tables say, as one line for each fact.

use std::collections::BTreeMap;

use crate::database::Database;

const SETTINGS: &str = include_str!("settings.sql");
const OBJECTS: &str = include_str!("objects.sql");
const ROWS: &str = include_str!("rows.sql");
const STATISTICS: &str = include_str!("statistics.sql");

/// Large objects, and the states of relations, constraints and indexes.
pub(super) fn objects(database: &Database) -> BTreeMap<String, String> {
    facts(&ask(database, OBJECTS))
}

/// Rows of tables and values of sequences.
pub(super) fn rows(database: &Database) -> BTreeMap<String, String> {
    facts(&ask(database, ROWS))
}

/// A sentence for each table that has rows and was not analyzed.
pub(super) fn tables_without_statistics(database: &Database) -> Vec<String> {
    let tables = ask(database, STATISTICS);
    tables.lines().map(|table| format!("no statistics of {table} on the target")).collect()
}

pub(super) fn difference(name: &str, source: Option<&String>, target: Option<&String>) -> String {
    match (source, target) {
        (Some(source), Some(target)) => format!("{name}\n  - {source}\n  + {target}"),
        (Some(source), None) => format!("{name} is missing on the target\n  - {source}"),
        (None, target) => {
            format!("{name} is only on the target\n  + {}", target.map_or("", |text| text))
        }
    }
}

fn ask(database: &Database, query: &str) -> String {
    database.sql(&format!("{SETTINGS}{query}"))
}

/// Names are JSON strings, so neither a tab nor a newline is part of one.
fn facts(lines: &str) -> BTreeMap<String, String> {
    let facts = lines.lines().map(|line| {
        let (name, value) = line.split_once('\t').expect("a tab after the name");
        (name.to_owned(), value.to_owned())
    });
    facts.collect()
}
