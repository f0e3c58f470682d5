//! The schema as `pg_dump` writes it, taken apart into entries, so that their order is nothing
//! and each difference names its object.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::clean;
use crate::database::Database;
use crate::version::Version;

/// The lines of all entries with the same heading; seldom more than one entry.
pub(super) type Entry = Vec<Vec<String>>;

static SCRATCH_DATABASES_MADE: AtomicU32 = AtomicU32::new(0);

/// Heading of each entry of a schema, `Name: t; Type: TABLE; …`, to its statements.
pub(super) fn entries(database: &Database) -> BTreeMap<String, Entry> {
    // The newest knows every server, and both sides get the same.
    split(&dump(database, &Version::newest()))
}

/// What the source's schema is on the target: servers of different versions write the same
/// object in different words.
pub(super) fn expected_entries(source: &Database, target: &Database) -> BTreeMap<String, Entry> {
    let [source_version, target_version] = [source, target].map(|side| side.cluster().version());
    if source_version == target_version {
        return entries(source);
    }
    let number = SCRATCH_DATABASES_MADE.fetch_add(1, Ordering::Relaxed);
    let name = format!("{} expected {number}", target.name());
    let scratch = Database::create(target.cluster_handle(), &name);
    // What cannot be restored will be missing, and the comparison says so.
    let dump = dump(source, source_version.max(target_version));
    let _ = scratch.try_sql(&format!("\\set ON_ERROR_STOP off\n{dump}"));
    let expected = entries(&scratch);
    // Database::remove does all that dropping may need, and a left-over harms nobody.
    let _ = scratch.remove();
    expected
}

fn dump(database: &Database, tool: &Version) -> String {
    let mut dump = clean::command(tool.program("pg_dump"));
    dump.args(["--schema-only", "--exclude-schema=pgcopydb", "--dbname", &database.uri()]);
    let output = dump.output().expect("pg_dump");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "pg_dump of {}: {errors}", database.name());
    String::from_utf8_lossy(&output.stdout).into_owned()
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
        text.push_str(&format!("\n  - {}\n  + {}", source.join("\n    "), target.join("\n    ")));
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
