//! The tables and indexes that took longest.

use std::time::Duration;

use maud::{Markup, html};

use super::took;
use crate::model::{ObjectSummary, Summary, TableSummary};
use crate::report::units;

/// How many of each are listed.
const SHOWN: usize = 20;

/// Both lists.
pub fn slowest(summary: &Summary) -> Markup {
    let mut tables: Vec<&TableSummary> = summary.tables.iter().collect();
    tables.sort_by_key(|table| std::cmp::Reverse(all(table)));
    let has_indexes = tables.iter().any(|table| !table.indexes.is_empty());
    html! {
        section #tables {
            h2 { "Slowest tables" }
            table {
                thead { tr {
                    th { "table" } th { "size" } th { "rows" } th { "sent" } th { "parts" }
                    th { "copy" } th { "rate" } th { "indexes" } th { "index builds" }
                    th { "constraints" } th { "all" }
                } }
                tbody { @for table in tables.iter().take(SHOWN) { (row(table)) } }
            }
        }
        @if has_indexes { (indexes(summary)) }
    }
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

fn indexes(summary: &Summary) -> Markup {
    let each = summary
        .tables
        .iter()
        .flat_map(|table| table.indexes.iter().map(move |index| (table, index)));
    let mut indexes: Vec<(&TableSummary, &ObjectSummary)> = each.collect();
    indexes.sort_by_key(|(_, index)| std::cmp::Reverse(index.duration));
    html! {
        section #indexes {
            h2 { "Slowest indexes" }
            table {
                thead { tr {
                    th { "index" } th.name { "table" } th { "took" } th.name { "statement" }
                } }
                tbody { @for (table, index) in indexes.iter().take(SHOWN) {
                    tr {
                        td { (index.name) }
                        td.name { (table.name) }
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
