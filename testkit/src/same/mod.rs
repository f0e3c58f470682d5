//! Are two databases the same?
//!
//! Not by a count of one table: everything that can be told apart is compared. The schema is
//! compared as `pg_dump` writes it; rows by count and checksum; sequences, large objects, and
//! the states that no dump shows, by what the catalogs say.

mod facts;
mod schema;

use std::collections::BTreeMap;

use crate::database::Database;

/// More differences than a person reads.
const DIFFERENCES_SHOWN: usize = 60;

/// Fails the test unless the target has everything that the source has, and nothing else.
///
/// # Panics
/// With a list of the differences.
#[track_caller]
pub fn assert_same(source: &Database, target: &Database) {
    Same::of(source, target).assert();
}

/// A comparison of two databases, with parts left out where a test needs that.
#[derive(Clone, Debug)]
#[must_use]
pub struct Same<'a> {
    source: &'a Database,
    target: &'a Database,
    parts: Vec<Part>,
    ignored: Vec<String>,
}

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Schema,
    Objects,
    Rows,
    Statistics,
}

impl<'a> Same<'a> {
    /// A comparison of everything.
    pub fn of(source: &'a Database, target: &'a Database) -> Same<'a> {
        let parts = vec![Part::Schema, Part::Objects, Part::Rows, Part::Statistics];
        Same { source, target, parts, ignored: Vec::new() }
    }

    /// Leaves out what `pg_dump --schema-only` writes.
    pub fn without_schema(self) -> Same<'a> {
        self.without(Part::Schema)
    }

    /// Leaves out large objects, and whether indexes and constraints are valid.
    pub fn without_objects(self) -> Same<'a> {
        self.without(Part::Objects)
    }

    /// Leaves out tables' rows and the values of sequences.
    pub fn without_rows(self) -> Same<'a> {
        self.without(Part::Rows)
    }

    /// Leaves out whether the target has statistics for the planner.
    pub fn without_statistics(self) -> Same<'a> {
        self.without(Part::Statistics)
    }

    /// Leaves out the differences that contain a text, such as a quoted table name.
    pub fn ignoring(mut self, text: &str) -> Same<'a> {
        self.ignored.push(text.to_owned());
        self
    }

    fn without(mut self, part: Part) -> Same<'a> {
        self.parts.retain(|other| *other != part);
        self
    }

    /// Compares, and fails the test if there is a difference.
    ///
    /// # Panics
    /// With a list of the differences.
    #[track_caller]
    pub fn assert(&self) {
        let differences = self.differences();
        let count = differences.len();
        let shown = differences.into_iter().take(DIFFERENCES_SHOWN).collect::<Vec<_>>().join("\n");
        assert!(count == 0, "{count} differences, - in the source, + in the target:\n{shown}");
    }

    /// Compares, and returns a sentence for each difference.
    #[must_use]
    pub fn differences(&self) -> Vec<String> {
        let mut differences = std::thread::scope(|scope| {
            let compared = self.parts.iter().map(|part| scope.spawn(|| self.compare(*part)));
            let compared: Vec<_> = compared.collect();
            let joined = compared.into_iter().map(|thread| thread.join());
            let joined = joined.map(|lines| lines.unwrap_or_else(|p| std::panic::resume_unwind(p)));
            joined.flatten().collect::<Vec<String>>()
        });
        differences.retain(|line| !self.ignored.iter().any(|text| line.contains(text)));
        differences
    }

    fn compare(&self, part: Part) -> Vec<String> {
        match part {
            Part::Schema => {
                let expected = || schema::expected_entries(self.source, self.target);
                compare(expected, || schema::entries(self.target), schema::difference)
            }
            Part::Objects => self.compare_facts(facts::objects),
            Part::Rows => self.compare_facts(facts::rows),
            Part::Statistics => facts::tables_without_statistics(self.target),
        }
    }

    fn compare_facts(
        &self,
        ask: impl Fn(&Database) -> BTreeMap<String, String> + Sync,
    ) -> Vec<String> {
        compare(|| ask(self.source), || ask(self.target), facts::difference)
    }
}

/// Asks both sides at once, and describes each name for which they answer differently.
fn compare<T: PartialEq + Send>(
    source: impl FnOnce() -> BTreeMap<String, T> + Send,
    target: impl FnOnce() -> BTreeMap<String, T>,
    describe: impl Fn(&str, Option<&T>, Option<&T>) -> String,
) -> Vec<String> {
    let [source, target] = std::thread::scope(|scope| {
        let source = scope.spawn(source);
        let target = target();
        let source = source.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        [source, target]
    });
    let names = source.keys().chain(target.keys().filter(|name| !source.contains_key(*name)));
    let pairs = names.map(|name| (name, source.get(name), target.get(name)));
    let different = pairs.filter(|(_, source, target)| source != target);
    different.map(|(name, source, target)| describe(name, source, target)).collect()
}
