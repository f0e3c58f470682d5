//! The schema as `pg_dump` writes it, taken apart into entries, so that their order is nothing
//! and each difference names its object.

use std::collections::BTreeMap;

use crate::clean;
use crate::database::Database;
use crate::version::Version;

/// The lines of all entries with the same heading; seldom more than one entry.
pub(super) type Entry = Vec<Vec<String>>;

/// Dumps a schema: heading of each entry, `Name: t; Type: TABLE; …`, to its statements.
pub(super) fn entries(database: &Database) -> BTreeMap<String, Entry> {
    // The newest knows every server, and both sides get the same.
    let mut dump = clean::command(Version::newest().program("pg_dump"));
    dump.args([
        "--schema-only",
        "--exclude-schema=pgcopydb",
        "--dbname",
        &database.uri(),
    ]);
    let output = dump.output().expect("pg_dump");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "pg_dump of {}: {errors}",
        database.name()
    );
    split(&String::from_utf8_lossy(&output.stdout))
}

fn split(dump: &str) -> BTreeMap<String, Entry> {
    let mut entries: BTreeMap<String, Entry> = BTreeMap::new();
    let mut heading = "beginning";
    let mut lines = Vec::new();
    for line in dump.lines() {
        if let Some(next) = line.strip_prefix("-- Name: ") {
            add(&mut entries, heading, std::mem::take(&mut lines));
            heading = next;
        } else if !is_noise(line) {
            lines.push(line.to_owned());
        }
    }
    add(&mut entries, heading, lines);
    entries
}

fn add(entries: &mut BTreeMap<String, Entry>, heading: &str, mut lines: Vec<String>) {
    // Grants have the order of an array that nobody can see.
    if heading.contains("; Type: ACL; ") || heading.contains("; Type: DEFAULT ACL; ") {
        lines.sort();
    }
    let same_heading = entries.entry(heading.to_owned()).or_default();
    same_heading.push(lines);
    same_heading.sort();
}

/// Lines that depend on the tool or on other entries: comments, session settings, and the key
/// which is new in every dump.
fn is_noise(line: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "--",
        "SET ",
        "SELECT pg_catalog.set_config('search_path'",
        "\\restrict ",
        "\\unrestrict ",
    ];
    line.is_empty() || PREFIXES.iter().any(|prefix| line.starts_with(prefix))
}

pub(super) fn difference(name: &str, source: Option<&Entry>, target: Option<&Entry>) -> String {
    let lines = |entry: Option<&Entry>| entry.into_iter().flatten().flatten().cloned().collect();
    let (source, target): (Vec<String>, Vec<String>) = (lines(source), lines(target));
    let mut text = format!("dump entry {name}");
    for (mark, lines, others) in [('-', &source, &target), ('+', &target, &source)] {
        for line in left_over(lines, others) {
            text.push_str(&format!("\n  {mark} {line}"));
        }
    }
    if left_over(&source, &target).is_empty() && left_over(&target, &source).is_empty() {
        text.push_str(&format!(
            "\n  - {}\n  + {}",
            source.join("\n    "),
            target.join("\n    ")
        ));
    }
    text
}

/// The lines which the others have not, or not as often.
fn left_over<'a>(lines: &'a [String], others: &[String]) -> Vec<&'a String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for line in others {
        *counts.entry(line).or_default() += 1;
    }
    let mut is_left_over = |line: &&String| match counts.get_mut(line.as_str()) {
        Some(count) if *count > 0 => {
            *count -= 1;
            false
        }
        _ => true,
    };
    lines.iter().filter(|line| is_left_over(line)).collect()
}
