//! The summary at the end of a clone, as text and as JSON, both in the published layout. What that
//! layout has no room for is only there when it says something: a column for the database when
//! several were copied, a list of failures when there are any.

mod failures;
mod json;
pub(super) mod layout;

use std::time::Duration;

use crate::model::{Section, SectionSummary, Summary, TableSummary, quote_identifier};

use super::units;
use layout::{aligned, printable};

pub use json::{json, write_json};

/// The tables, the sections and the failures, each block after a blank line.
pub fn text(summary: &Summary) -> String {
    let mut text = tables(summary);
    text.push('\n');
    text.push_str(&sections(summary));
    if !summary.failures.is_empty() {
        text.push('\n');
        text.push_str(&failures::text(&summary.failures));
    }
    text
}

/// The failures alone.
pub fn failures(summary: &Summary) -> String {
    failures::text(&summary.failures)
}

fn tables(summary: &Summary) -> String {
    let mut header = vec![
        "OID",
        "Schema",
        "Name",
        "Parts",
        "copy duration",
        "transmitted bytes",
        "indexes",
        "create index",
    ];
    if summary.names_database {
        header.insert(0, "Database");
    }
    aligned(&header, summary.tables.iter().map(|table| row(&table, summary.names_database)))
}

fn row(table: &TableSummary, names_database: bool) -> Vec<String> {
    // What was not copied took no time, which is not the same as no time at all.
    let duration =
        if table.parts.is_empty() { String::new() } else { units::duration(table.duration()) };
    let database = names_database.then(|| printable(&table.database));
    let cells = [
        table.oid.to_string(),
        printable(&quote_identifier(&table.name.namespace)),
        printable(&quote_identifier(&table.name.name)),
        table.parts.len().to_string(),
        duration,
        units::bytes(table.bytes()),
        table.indexes.len().to_string(),
        units::duration(table.index_duration()),
    ];
    database.into_iter().chain(cells).collect()
}

fn sections(summary: &Summary) -> String {
    let mut text = section_line(["Step", "Connection", "Duration", "Transfer", "Concurrency"]);
    let dashes: [String; 5] = [50, 10, 10, 10, 12].map(|width| "-".repeat(width));
    let rule = section_line(dashes.each_ref().map(String::as_str));
    text.push_str(&rule);
    for SectionSummary { section, duration, bytes } in &summary.sections {
        if *section == Section::Total {
            text.push_str(&rule);
        }
        let transfer = if *bytes == 0 { String::new() } else { units::bytes(*bytes) };
        text.push_str(&section_line([
            section.label(),
            section.connection(),
            &units::duration(*duration),
            &transfer,
            &section.concurrency(summary.jobs).to_string(),
        ]));
    }
    text
}

fn section_line([step, connection, duration, transfer, concurrency]: [&str; 5]) -> String {
    format!(" {step:>50}   {connection:>10}  {duration:>10}  {transfer:>10}  {concurrency:>12}\n")
}

/// Milliseconds, as JSON has them.
fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
