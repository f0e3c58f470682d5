//! What differs between the data of two databases, in the published layout.

use serde::Serialize;

use crate::error::Result;
use crate::model::compare::{
    Checksum, ContentComparison, ContentKind, DataComparison, RowDifference,
};
use crate::model::quote_identifier;
use crate::report::json::pretty;
use crate::report::summary::layout::printable;

/// The name as it stands in messages.
fn name(content: &ContentComparison) -> String {
    match content.kind {
        ContentKind::LargeObjects => content.kind.word().to_owned(),
        ContentKind::Table | ContentKind::MaterializedView | ContentKind::Sequence => {
            content.name.to_string()
        }
    }
}

/// What was found, as a line of the log.
pub fn sentence(content: &ContentComparison) -> String {
    let name = name(content);
    if let Some(problem) = &content.problem {
        return printable(problem);
    }
    let missing = Checksum { rows: 0, text: String::new() };
    let source = content.source.as_ref().unwrap_or(&missing);
    let target = content.target.as_ref().unwrap_or(&missing);
    let what = match content.kind {
        ContentKind::Table => format!("Table {name} has"),
        ContentKind::MaterializedView => format!("Materialized view {name} has"),
        ContentKind::Sequence => {
            return match content.is_same() {
                true => format!("Sequence {name} is at {} on source and target", source.text),
                false => printable(&format!(
                    "Sequence {name} is at {} on source, {} on target",
                    source.text, target.text
                )),
            };
        }
        ContentKind::LargeObjects => "There are".to_owned(),
    };
    let word = if content.kind == ContentKind::LargeObjects { "large objects" } else { "rows" };
    let text = match (source.rows == target.rows, content.is_same()) {
        (false, _) => {
            format!("{what} {} {word} on source, {} {word} on target", source.rows, target.rows)
        }
        (true, true) => format!("{what} the same {} {word} on source and target", source.rows),
        (true, false) => format!(
            "{what} {} {word} on source and target, but checksum {} on source, {} on target",
            source.rows, source.text, target.text
        ),
    };
    printable(&text)
}

/// Everything that was compared, then the rows that differ.
pub fn text(comparisons: &[&DataComparison]) -> String {
    let mut text = line(["Table Name", "!", "Source Checksum", "Target Checksum"]);
    text.push('\n');
    text.push_str(&[31, 3, 66, 65].map(|width| "-".repeat(width)).join("+"));
    text.push('\n');
    for comparison in comparisons {
        table(&mut text, comparison);
    }
    for comparison in comparisons {
        different_rows(&mut text, comparison);
    }
    text.push('\n');
    text
}

fn table(text: &mut String, comparison: &DataComparison) {
    let database = quote_identifier(&comparison.database);
    for content in &comparison.contents {
        let name = match content.kind {
            ContentKind::LargeObjects => name(content),
            ContentKind::Table | ContentKind::MaterializedView | ContentKind::Sequence => {
                format!("{database}.{}", name(content))
            }
        };
        let mark = if content.is_same() { " " } else { "!" };
        let [source, target] = [&content.source, &content.target]
            .map(|side| side.as_ref().map_or("", |checksum| checksum.text.as_str()));
        text.push_str(&line([&printable(&name), mark, source, target]));
        text.push_str(" \n");
    }
}

fn different_rows(text: &mut String, comparison: &DataComparison) {
    for content in comparison.contents.iter().filter(|content| !content.rows.is_empty()) {
        text.push_str(&format!("\nRows of {} that differ:\n", printable(&name(content))));
        for (difference, key) in &content.rows {
            let mark = match difference {
                RowDifference::Differs => '~',
                RowDifference::SourceOnly => '-',
                RowDifference::TargetOnly => '+',
            };
            text.push_str(&format!("  {mark} {}\n", printable(key)));
        }
    }
}

fn line([name, mark, source, target]: [&str; 4]) -> String {
    format!("{name:>30} | {mark} | {source:>64} | {target:>64}")
}

/// Everything that was compared, as JSON.
pub fn json(comparison: &DataComparison) -> Result<String> {
    pretty(&comparison.contents.iter().map(Entry::of).collect::<Vec<_>>())
}

#[derive(Serialize)]
struct Entry<'a> {
    schema: String,
    name: String,
    source: Option<Side<'a>>,
    target: Option<Side<'a>>,
    kind: &'static str,
    same: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Side<'a> {
    rowcount: u64,
    checksum: &'a str,
}

#[derive(Serialize)]
struct Row<'a> {
    difference: &'static str,
    key: &'a str,
}

impl<'a> Entry<'a> {
    fn of(content: &'a ContentComparison) -> Entry<'a> {
        let side = |side: &'a Option<Checksum>| {
            side.as_ref().map(|side| Side { rowcount: side.rows, checksum: &side.text })
        };
        let (schema, name) = match content.kind {
            ContentKind::LargeObjects => (String::new(), content.kind.word().to_owned()),
            ContentKind::Table | ContentKind::MaterializedView | ContentKind::Sequence => {
                (quote_identifier(&content.name.namespace), quote_identifier(&content.name.name))
            }
        };
        let rows = content.rows.iter().map(|(difference, key)| Row {
            difference: match difference {
                RowDifference::Differs => "differs",
                RowDifference::SourceOnly => "source-only",
                RowDifference::TargetOnly => "target-only",
            },
            key,
        });
        Entry {
            schema,
            name,
            source: side(&content.source),
            target: side(&content.target),
            kind: content.kind.word(),
            same: content.is_same(),
            problem: content.problem.as_deref(),
            rows: rows.collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::QualifiedName;

    fn table(source: (u64, char), target: (u64, char)) -> ContentComparison {
        let side = |(rows, digit): (u64, char)| {
            Some(Checksum { rows, text: digit.to_string().repeat(64) })
        };
        ContentComparison {
            kind: ContentKind::Table,
            name: QualifiedName::new("public", "Neg 4"),
            source: side(source),
            target: side(target),
            problem: None,
            rows: Vec::new(),
        }
    }

    #[test]
    fn the_published_layout() {
        let mut different = table((2, 'a'), (2, 'b'));
        different.rows = vec![(RowDifference::SourceOnly, "(1,\n)".to_owned())];
        let comparison = DataComparison {
            database: "k1".to_owned(),
            contents: vec![table((1, 'c'), (1, 'c')), different],
        };
        let [a, b, c] = ["a", "b", "c"].map(|digit| digit.repeat(64));
        let gap = " ".repeat(49);
        let expected = format!(
            "                    Table Name | ! | {gap}Source Checksum | {gap}Target Checksum
-------------------------------+---+{}+{}
             k1.public.\"Neg 4\" |   | {c} | {c} 
             k1.public.\"Neg 4\" | ! | {a} | {b} 

Rows of public.\"Neg 4\" that differ:
  - (1,\\n)

",
            "-".repeat(66),
            "-".repeat(65)
        );
        assert_eq!(text(&[&comparison]), expected);
    }

    #[test]
    fn a_line_of_the_log_has_both_counts() {
        assert_eq!(
            sentence(&table((6003, 'a'), (9338, 'b'))),
            "Table public.\"Neg 4\" has 6003 rows on source, 9338 rows on target"
        );
        let sentence = sentence(&table((3, 'a'), (3, 'b')));
        let start = "Table public.\"Neg 4\" has 3 rows on source and target, but checksum aaa";
        assert!(sentence.starts_with(start), "{sentence}");
    }

    #[test]
    fn the_published_json() {
        let comparison = DataComparison {
            database: "k1".to_owned(),
            contents: vec![ContentComparison { target: None, ..table((1, 'c'), (1, 'c')) }],
        };
        let expected = format!(
            r#"[
    {{
        "schema": "public",
        "name": "\"Neg 4\"",
        "source": {{
            "rowcount": 1,
            "checksum": "{}"
        }},
        "target": null,
        "kind": "table",
        "same": false
    }}
]"#,
            "c".repeat(64)
        );
        assert_eq!(json(&comparison).unwrap(), expected);
    }
}
