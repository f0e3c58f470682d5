//! The comparison of all databases of two servers.

use crate::error::Result;
use crate::model::compare::{ObjectCounts, SchemaComparison};
use crate::report::summary::layout::printable;

/// The line in front of what differs in one database.
pub fn heading(database: &str) -> String {
    format!("database {}\n", printable(database))
}

/// How many objects every database has on both sides, in the published layout.
pub fn counts(databases: &[(String, SchemaComparison)]) -> String {
    let names: Vec<String> = databases.iter().map(|(name, _)| printable(name)).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0).max(8);
    let mut text = format!(
        "{:width$} |   Tables    |   Indexes   | Constraints |  Sequences\n\
         {:width$} | Src | Tgt   | Src | Tgt   | Src | Tgt   | Src | Tgt\n",
        "Database", ""
    );
    let rule = "-".repeat(width + 1);
    text.push_str(&format!("{rule}+-----+-------+-----+-------+-----+-------+-----+------\n"));
    for (name, (_, comparison)) in names.iter().zip(databases) {
        let [source, target] = [&comparison.source, &comparison.target].map(numbers);
        let mut line = format!("{name:width$} ");
        for (source, target) in source.iter().zip(target) {
            line.push_str(&format!("| {source:>3} | {target:>5} "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn numbers(counts: &ObjectCounts) -> [usize; 4] {
    let ObjectCounts { tables, indexes, constraints, sequences } = *counts;
    [tables, indexes, constraints, sequences]
}

/// An array with an object for each database.
pub fn json<T>(databases: &[(&String, &T)], one: impl Fn(&T) -> Result<String>) -> Result<String> {
    let mut values = Vec::new();
    for (name, comparison) in databases {
        let value: serde_json::Value = serde_json::from_str(&one(comparison)?).unwrap_or_default();
        values.push(serde_json::json!({ "database": name, "comparison": value }));
    }
    Ok(crate::report::json::pretty(&values)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_layout() {
        let counts = |tables| ObjectCounts { tables, indexes: 20, constraints: 14, sequences: 3 };
        let comparison =
            SchemaComparison { source: counts(12), target: counts(11), ..Default::default() };
        assert_eq!(
            super::counts(&[("app".to_owned(), comparison)]),
            "Database |   Tables    |   Indexes   | Constraints |  Sequences\n         \
             | Src | Tgt   | Src | Tgt   | Src | Tgt   | Src | Tgt\n\
             ---------+-----+-------+-----+-------+-----+-------+-----+------\n\
             app      |  12 |    11 |  20 |    20 |  14 |    14 |   3 |     3\n"
        );
    }
}
