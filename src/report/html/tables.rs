//! The tables and indexes that took longest.

use std::time::Duration;

use maud::{Markup, html};

use super::took;
use crate::model::{ObjectSummary, QualifiedName, Summary, TableSummary};
use crate::report::units;

/// How many of each are listed.
const SHOWN: usize = 20;

/// Both lists.
pub fn slowest(summary: &Summary) -> Markup {
    let tables = longest(summary.tables.iter(), all);
    let indexes = summary.tables.iter().flat_map(|table| {
        let name = table.name;
        table.indexes.into_iter().map(move |index| (name.clone(), index))
    });
    let indexes = longest(indexes, |(_, index)| index.duration);
    html! {
        section #tables {
            h2 { "Slowest tables" }
            table {
                thead { tr {
                    th { "table" } th { "size" } th { "rows" } th { "sent" } th { "parts" }
                    th { "copy" } th { "rate" } th { "indexes" } th { "index builds" }
                    th { "constraints" } th { "all" }
                } }
                tbody { @for table in &tables { (row(table)) } }
            }
        }
        @if !indexes.is_empty() { (slowest_indexes(&indexes)) }
    }
}

/// What took longest; of what took the same time, what comes first.
fn longest<T>(all: impl Iterator<Item = T>, duration: impl Fn(&T) -> Duration) -> Vec<T> {
    let mut longest = Vec::new();
    for one in all {
        let place = longest.partition_point(|other| duration(other) >= duration(&one));
        if place < SHOWN {
            longest.truncate(SHOWN - 1);
            longest.insert(place, one);
        }
    }
    longest
}

fn row(table: &TableSummary) -> Markup {
    let rows: u64 = table.parts.iter().map(|part| part.rows).sum();
    html! {
        tr {
            td { (table.name) }
            td { (units::bytes(table.source_bytes)) }
            td { (rows) }
            td { (units::bytes(table.bytes())) }
            td { (table.parts.len()) }
            td { (took(table.duration())) }
            td { (rate(table.bytes(), table.duration())) }
            td { (table.indexes.len()) }
            td { (took(table.index_duration())) }
            td { (took(constraints(table))) }
            td { (took(all(table))) }
        }
    }
}

fn slowest_indexes(indexes: &[(QualifiedName, ObjectSummary)]) -> Markup {
    html! {
        section #indexes {
            h2 { "Slowest indexes" }
            table {
                thead { tr {
                    th { "index" } th.name { "table" } th { "took" } th.name { "statement" }
                } }
                tbody { @for (table, index) in indexes {
                    tr {
                        td { (index.name) }
                        td.name { (table) }
                        td { (took(index.duration)) }
                        td.name { (index.sql) }
                    }
                } }
            }
        }
    }
}

fn constraints(table: &TableSummary) -> Duration {
    table.constraints.iter().map(|constraint| constraint.duration).sum()
}

fn all(table: &TableSummary) -> Duration {
    table.duration() + table.index_duration() + constraints(table)
}

/// Bytes in a second of one worker.
pub fn rate(bytes: u64, duration: Duration) -> String {
    let milliseconds = duration.as_millis();
    if milliseconds == 0 {
        return String::new();
    }
    let rate = u128::from(bytes) * 1000 / milliseconds;
    format!("{}/s", units::bytes(u64::try_from(rate).unwrap_or(u64::MAX)))
}
