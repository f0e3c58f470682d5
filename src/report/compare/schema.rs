//! What differs between two schemas: object by object, `-` for what only the source has, `+` for
//! what only the target has, `~` for what both have and what is not the same.

use serde::Serialize;

use crate::error::Result;
use crate::model::compare::{Difference, Object, ObjectCounts, SchemaComparison};
use crate::report::json::pretty;
use crate::report::summary::layout::printable;

/// Characters of a value in a line of the log.
const VALUE_WIDTH: usize = 80;

/// How many objects each side has, in the published form.
pub fn counts(comparison: &SchemaComparison) -> [String; 2] {
    [("SOURCE", &comparison.source), ("TARGET", &comparison.target)].map(|(side, counts)| {
        let ObjectCounts { tables, indexes, constraints, sequences } = counts;
        format!(
            "[{side}] table: {tables}, index: {indexes}, constraint: {constraints}, \
             sequence: {sequences}"
        )
    })
}

/// A difference as a line of the log.
pub fn sentence((object, difference): &(Object, Difference)) -> String {
    match difference {
        Difference::SourceOnly => format!("Failed to find {object} in target database"),
        Difference::TargetOnly => format!("Failed to find {object} in source database"),
        Difference::Property { name, source, target } => {
            let object = object.to_string();
            let [source, target] = [source, target].map(|value| short(value.as_deref()));
            printable(&format!(
                "{}{} {name} mismatch: source {source}, target {target}",
                object[..1].to_ascii_uppercase(),
                &object[1..]
            ))
        }
    }
}

/// Something that differs and may, as a line of the log.
pub fn note(note: &(Object, Difference)) -> String {
    let (object, difference) = note;
    match difference {
        Difference::SourceOnly => format!("only the source has the invalid {object}"),
        Difference::TargetOnly => format!("only the target has the invalid {object}"),
        Difference::Property { name, source, target } => {
            let [source, target] = [source, target].map(|value| short(value.as_deref()));
            printable(&format!("{object}: {name} is {source} on source, {target} on target"))
        }
    }
}

fn short(value: Option<&str>) -> String {
    let Some(value) = value else { return "(none)".to_owned() };
    let line = value.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= VALUE_WIDTH {
        return line;
    }
    let kept: String = line.chars().take(VALUE_WIDTH - 3).collect();
    format!("{kept}...")
}

/// All differences, grouped by the object they are shown with; empty if there is none.
pub fn text(comparison: &SchemaComparison) -> String {
    let mut text = String::new();
    let mut group = None;
    for (object, difference) in &comparison.differences {
        let mark = mark(difference);
        let name = |word: &str, identity: &str| printable(format!("{word} {identity}").trim_end());
        if object.parent.is_none() && !matches!(difference, Difference::Property { .. }) {
            text.push_str(&format!("{mark} {}\n", name(object.class.word(), &object.identity)));
            continue;
        }
        if group != Some(object.group()) {
            let (class, identity) = object.group();
            text.push_str(&format!("{}\n", name(class.word(), identity)));
            group = Some(object.group());
        }
        let own = match object.parent {
            None => String::new(),
            Some(_) => name(object.class.word(), &object.identity),
        };
        match difference {
            Difference::SourceOnly | Difference::TargetOnly => {
                text.push_str(&format!("  {mark} {own}\n"));
            }
            Difference::Property { name, source, target } => {
                let separator = if own.is_empty() { "" } else { ", " };
                text.push_str(&format!("  {mark} {own}{separator}{}\n", printable(name)));
                values(&mut text, source.as_deref(), target.as_deref());
            }
        }
    }
    text
}

fn mark(difference: &Difference) -> char {
    match difference {
        Difference::SourceOnly | Difference::Property { target: None, .. } => '-',
        Difference::TargetOnly | Difference::Property { source: None, .. } => '+',
        Difference::Property { .. } => '~',
    }
}

/// Both values, without the lines in front and at the end that are the same.
fn values(text: &mut String, source: Option<&str>, target: Option<&str>) {
    let lines = |value: Option<&str>| -> Vec<String> {
        value.map_or(Vec::new(), |value| value.split('\n').map(printable).collect())
    };
    let (source, target) = (lines(source), lines(target));
    let both = || source.iter().zip(&target);
    let before = both().take_while(|(ours, theirs)| ours == theirs).count();
    let rest = source.len().min(target.len()) - before;
    let backwards = source.iter().rev().zip(target.iter().rev()).take(rest);
    let after = backwards.take_while(|(ours, theirs)| ours == theirs).count();
    let mut same = |count: usize| match count {
        0 => {}
        1 => text.push_str("        1 equal line\n"),
        count => text.push_str(&format!("        {count} equal lines\n")),
    };
    same(before);
    let mut different = String::new();
    for (mark, lines) in [('-', &source), ('+', &target)] {
        for line in &lines[before..lines.len() - after] {
            different.push_str(&format!("      {mark} {line}\n"));
        }
    }
    text.push_str(&different);
    if after > 0 {
        text.push_str(&format!(
            "        {after} equal line{}\n",
            if after == 1 { "" } else { "s" }
        ));
    }
}

/// Everything as JSON.
pub fn json(comparison: &SchemaComparison) -> Result<String> {
    pretty(&Document {
        same: comparison.differences.is_empty(),
        source: Counts::of(&comparison.source),
        target: Counts::of(&comparison.target),
        differences: comparison.differences.iter().map(Entry::of).collect(),
        notes: comparison.notes.iter().map(Entry::of).collect(),
    })
}

#[derive(Serialize)]
struct Document<'a> {
    same: bool,
    source: Counts,
    target: Counts,
    differences: Vec<Entry<'a>>,
    notes: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Counts {
    tables: usize,
    indexes: usize,
    constraints: usize,
    sequences: usize,
}

impl Counts {
    fn of(counts: &ObjectCounts) -> Counts {
        let ObjectCounts { tables, indexes, constraints, sequences } = *counts;
        Counts { tables, indexes, constraints, sequences }
    }
}

#[derive(Serialize)]
struct Entry<'a> {
    class: &'static str,
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    on: Option<Parent<'a>>,
    difference: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    property: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<&'a str>,
}

#[derive(Serialize)]
struct Parent<'a> {
    class: &'static str,
    name: &'a str,
}

impl<'a> Entry<'a> {
    fn of((object, difference): &'a (Object, Difference)) -> Entry<'a> {
        let on = object.parent.as_ref();
        let on = on.map(|(class, name)| Parent { class: class.word(), name });
        let entry = Entry {
            class: object.class.word(),
            name: &object.identity,
            on,
            difference: "property",
            property: None,
            source: None,
            target: None,
        };
        match difference {
            Difference::SourceOnly => Entry { difference: "source-only", ..entry },
            Difference::TargetOnly => Entry { difference: "target-only", ..entry },
            Difference::Property { name, source, target } => Entry {
                property: Some(name),
                source: source.as_deref(),
                target: target.as_deref(),
                ..entry
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::compare::Class;

    fn object(parent: Option<&str>, class: &str, identity: &str) -> Object {
        let named = |name| Class::named(name).unwrap();
        Object {
            parent: parent.map(|identity| (named("r"), identity.into())),
            class: named(class),
            identity: identity.into(),
        }
    }

    fn property(name: &str, source: Option<&str>, target: Option<&str>) -> Difference {
        let [source, target] = [source, target].map(|value| value.map(Into::into));
        Difference::Property { name: name.into(), source, target }
    }

    fn comparison() -> SchemaComparison {
        let table = Some("public.t");
        SchemaComparison {
            differences: vec![
                (object(None, "table", "public.t"), property("owner", Some("a"), Some("b"))),
                (object(table, "column", "note"), property("type", Some("text"), Some("json"))),
                (object(table, "column", "note"), property("comment", None, Some("x\ny"))),
                (object(table, "index", "public.i"), Difference::SourceOnly),
                (object(None, "view", "public.v"), Difference::TargetOnly),
                (
                    object(None, "function", "public.f()"),
                    property("body", Some("a\nb\nc\nd"), Some("a\nB\n\u{1b}\nc\nd")),
                ),
            ],
            ..SchemaComparison::default()
        }
    }

    #[test]
    fn differences_are_grouped_by_object() {
        assert_eq!(
            text(&comparison()),
            "table public.t
  ~ owner
      - a
      + b
  ~ column note, type
      - text
      + json
  + column note, comment
      + x
      + y
  - index public.i
+ view public.v
function public.f()
  ~ body
        1 equal line
      - b
      + B
      + \\u{1b}
        2 equal lines
"
        );
        assert_eq!(text(&SchemaComparison::default()), "");
    }

    #[test]
    fn a_difference_is_a_line_of_the_log() {
        let sentences: Vec<String> = comparison().differences.iter().map(sentence).collect();
        assert_eq!(
            sentences,
            [
                "Table public.t owner mismatch: source a, target b",
                "Column note of table public.t type mismatch: source text, target json",
                "Column note of table public.t comment mismatch: source (none), target x y",
                "Failed to find index public.i in target database",
                "Failed to find view public.v in source database",
                "Function public.f() body mismatch: source a b c d, target a B \\u{1b} c d",
            ]
        );
        assert_eq!(short(Some(&"x".repeat(81))).len(), VALUE_WIDTH);
        assert_eq!(
            counts(&comparison())[0],
            "[SOURCE] table: 0, index: 0, constraint: 0, sequence: 0"
        );
    }

    #[test]
    fn json_has_all_of_it() {
        let document: serde_json::Value =
            serde_json::from_str(&json(&comparison()).unwrap()).unwrap();
        assert_eq!(document["same"], false);
        let differences = document["differences"].as_array().unwrap();
        assert_eq!(differences.len(), 6);
        assert_eq!(differences[1]["on"]["name"], "public.t");
        assert_eq!(differences[1]["property"], "type");
        assert_eq!(differences[1]["source"], "text");
        assert_eq!(differences[3]["difference"], "source-only");
        assert!(differences[3].get("property").is_none());
    }
}
