//! What differs between the facts of two databases. Pure: nothing here asks a server.

use std::collections::{BTreeMap, BTreeSet};

use super::normal::{self, Qualifiers};
use crate::model::compare::{Class, Difference, Fact, Object, ObjectCounts, SchemaComparison};
use crate::pg::facts::Versions;

/// From this version on the text of a view qualifies no column where there is one table only.
const FEWER_QUALIFIERS_VERSION: u32 = 160_000;

/// Properties whose text is the user's own: never laid out by a server.
const VERBATIM: &[&str] = &["comment", "comment of its own", "body", "label", "labels"];

/// The facts of one database.
#[derive(Debug, Default)]
pub struct Facts(BTreeMap<Object, Properties>);

type Properties = BTreeMap<Box<str>, Box<str>>;

impl Facts {
    /// Takes in a fact.
    pub fn add(&mut self, fact: Fact) {
        let Fact { mut object, property, value } = fact;
        object.identity = normal::identity(&object.identity);
        if let Some((_, identity)) = &mut object.parent {
            *identity = normal::identity(identity);
        }
        self.0.entry(object).or_default().insert(normal::identity(&property), value);
    }

    fn counts(&self) -> ObjectCounts {
        let mut counts = ObjectCounts::default();
        for (object, properties) in &self.0 {
            match object.class.word() {
                "table" => counts.tables += 1,
                "index" => counts.indexes += 1,
                "constraint" if properties.contains_key("kind") => counts.constraints += 1,
                "sequence" => counts.sequences += 1,
                _ => {}
            }
        }
        counts
    }
}

/// Compares the facts of two databases, in both directions.
pub fn diff(source: &Facts, target: &Facts, versions: Versions) -> SchemaComparison {
    let mut comparison = SchemaComparison {
        source: source.counts(),
        target: target.counts(),
        ..SchemaComparison::default()
    };
    let mut found: Vec<(Object, Difference)> = Vec::new();
    let nothing = Properties::new();
    for (object, properties) in &source.0 {
        let others = target.0.get(object).or(is_given(properties).then_some(&nothing));
        let Some(others) = others else {
            found.push((object.clone(), Difference::SourceOnly));
            continue;
        };
        let before = found.len();
        let different = properties_that_differ(object, properties, others, versions);
        found.extend(different.into_iter().map(|difference| (object.clone(), difference)));
        comparison.same += usize::from(found.len() == before);
    }
    for (object, properties) in &target.0 {
        match source.0.contains_key(object) {
            true => {}
            false if is_given(properties) => {
                let different = properties_that_differ(object, &nothing, properties, versions);
                found.extend(different.into_iter().map(|difference| (object.clone(), difference)));
            }
            false => found.push((object.clone(), Difference::TargetOnly)),
        }
    }

    let missing = Missing::among(&found);
    found.retain(|(object, difference)| !missing.implies(object, difference));
    found.sort_by(|(a, _), (b, _)| a.group().cmp(&b.group()).then_with(|| a.cmp(b)));
    (comparison.notes, comparison.differences) = found
        .into_iter()
        .partition(|(object, difference)| is_note(object, difference, source, target));
    comparison
}

/// Whether an object is one of the system, which every server has: only the privileges that
/// somebody changed are known of it.
fn is_given(properties: &Properties) -> bool {
    properties.keys().all(|name| name.starts_with("granted ") || name.starts_with("revoked "))
}

fn properties_that_differ(
    object: &Object,
    source: &Properties,
    target: &Properties,
    versions: Versions,
) -> Vec<Difference> {
    let names: BTreeSet<&Box<str>> = source.keys().chain(target.keys()).collect();
    let mut different = Vec::new();
    for name in names {
        let (ours, theirs) = (source.get(name), target.get(name));
        let [source, target] = [ours, theirs].map(|value| value.map(|value| &**value));
        if source != target && !means_the_same(object, name, source, target, versions) {
            let (source, target) = (ours.cloned(), theirs.cloned());
            different.push(Difference::Property { name: name.clone(), source, target });
        }
    }
    different
}

/// Whether two texts of different versions say the same.
fn means_the_same(
    object: &Object,
    property: &str,
    source: Option<&str>,
    target: Option<&str>,
    versions: Versions,
) -> bool {
    let (Some(source), Some(target)) = (source, target) else {
        // Where one side inherits and the other does not there is only one order.
        return property == "column order";
    };
    if versions.older / 10_000 == versions.newer / 10_000 || VERBATIM.contains(&property) {
        return false;
    }
    if property == "uses" {
        // Later versions note more: nothing is exchanged if one side only has more.
        let [source, target] = [source, target].map(|text| text.lines().collect::<BTreeSet<_>>());
        return source.is_subset(&target) || target.is_subset(&source);
    }
    let straddles =
        versions.older < FEWER_QUALIFIERS_VERSION && versions.newer >= FEWER_QUALIFIERS_VERSION;
    let is_query = matches!(object.class.word(), "view" | "materialized view");
    let qualifiers = match straddles && is_query && property == "definition" {
        true => Qualifiers::Dropped,
        false => Qualifiers::Kept,
    };
    normal::definition(source, qualifiers) == normal::definition(target, qualifiers)
}

/// Objects that one side lacks: that it also lacks what is on them goes without saying.
struct Missing {
    source_only: BTreeSet<(Class, Box<str>)>,
    target_only: BTreeSet<(Class, Box<str>)>,
    /// Objects of which a column is missing: the order of the others follows.
    columns: BTreeSet<(Class, Box<str>)>,
}

impl Missing {
    fn among(found: &[(Object, Difference)]) -> Missing {
        let column = Class::named("column");
        let mut missing = Missing {
            source_only: BTreeSet::new(),
            target_only: BTreeSet::new(),
            columns: BTreeSet::new(),
        };
        for (object, difference) in found {
            let own = match difference {
                Difference::SourceOnly => &mut missing.source_only,
                Difference::TargetOnly => &mut missing.target_only,
                Difference::Property { .. } => continue,
            };
            match &object.parent {
                None => {
                    own.insert((object.class, object.identity.clone()));
                }
                Some(parent) if Some(object.class) == column => {
                    missing.columns.insert(parent.clone());
                }
                Some(_) => {}
            }
        }
        missing
    }

    fn implies(&self, object: &Object, difference: &Difference) -> bool {
        let own = || (object.class, object.identity.clone());
        match (difference, &object.parent) {
            (Difference::SourceOnly, Some(parent)) => self.source_only.contains(parent),
            (Difference::TargetOnly, Some(parent)) => self.target_only.contains(parent),
            (Difference::Property { name, .. }, None) => {
                &**name == "column order" && self.columns.contains(&own())
            }
            (_, _) => false,
        }
    }
}

/// What may differ without the databases being different.
fn is_note(object: &Object, difference: &Difference, source: &Facts, target: &Facts) -> bool {
    let is_invalid = |facts: &Facts| {
        let properties = facts.0.get(object);
        properties.and_then(|p| p.get("valid")).is_some_and(|valid| &**valid == "no")
    };
    match (object.class.word(), difference) {
        // An index whose build has failed is used for nothing, and nobody copies it.
        ("index", Difference::SourceOnly) => is_invalid(source),
        ("index", Difference::TargetOnly) => is_invalid(target),
        (_, Difference::SourceOnly | Difference::TargetOnly) => false,
        ("extension", Difference::Property { name, .. }) => &**name == "version",
        ("database", Difference::Property { name, .. }) => !name.starts_with("setting "),
        (_, Difference::Property { name, .. }) => &**name == "comment of its own",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAME: Versions = Versions { older: 150_001, newer: 150_009 };
    const ACROSS: Versions = Versions { older: 150_001, newer: 180_000 };

    /// Facts as "class identity property value" or "class parent/identity property value".
    fn facts(lines: &[&str]) -> Facts {
        let mut facts = Facts::default();
        for line in lines {
            let [class, identity, property, value] =
                line.splitn(4, ' ').collect::<Vec<_>>()[..].try_into().unwrap();
            let (parent, identity) = match identity.split_once('/') {
                Some((parent, identity)) => (Some((Class::named("r").unwrap(), parent)), identity),
                None => (None, identity),
            };
            facts.add(Fact {
                object: Object {
                    parent: parent.map(|(class, parent)| (class, parent.into())),
                    class: Class::named(class).unwrap(),
                    identity: identity.into(),
                },
                property: property.into(),
                value: value.into(),
            });
        }
        facts
    }

    /// What differs, and what is noted.
    fn differences(source: &[&str], target: &[&str], versions: Versions) -> [Vec<String>; 2] {
        let comparison = diff(&facts(source), &facts(target), versions);
        let describe = |(object, difference): &(Object, Difference)| match difference {
            Difference::SourceOnly => format!("- {object}"),
            Difference::TargetOnly => format!("+ {object}"),
            Difference::Property { name, .. } => format!("~ {object} {name}"),
        };
        [comparison.differences, comparison.notes].map(|found| found.iter().map(describe).collect())
    }

    #[test]
    fn both_directions_are_looked_at() {
        let source = ["r public.a owner x", "v public.v owner x", "column public.a/n type int"];
        let target = ["r public.a owner y", "S public.s owner x", "column public.a/n default 1"];
        let [different, notes] = differences(&source, &target, SAME);
        assert_eq!(
            different,
            [
                "~ table public.a owner",
                "~ column n of table public.a default",
                "~ column n of table public.a type",
                "- view public.v",
                "+ sequence public.s",
            ]
        );
        assert!(notes.is_empty());
        assert_eq!(differences(&source, &source, SAME), [vec![], Vec::<String>::new()]);
    }

    #[test]
    fn what_is_on_a_missing_object_goes_without_saying() {
        let table =
            ["r public.a owner x", "column public.a/n type int", "index public.a/i valid yes"];
        assert_eq!(differences(&table, &[], SAME)[0], ["- table public.a"]);
        assert_eq!(differences(&[], &table, SAME)[0], ["+ table public.a"]);
    }

    #[test]
    fn a_missing_column_says_enough_about_the_order() {
        let with = |order: &str, columns: &[&str]| {
            let mut facts = facts(columns);
            facts.add(Fact {
                object: Object {
                    parent: None,
                    class: Class::named("r").unwrap(),
                    identity: "t".into(),
                },
                property: "column order".into(),
                value: order.into(),
            });
            facts
        };
        let both = with("a, b", &["column t/a type int", "column t/b type int"]);
        let one = with("a", &["column t/a type int"]);
        let swapped = with("b, a", &["column t/a type int", "column t/b type int"]);
        assert_eq!(diff(&both, &one, SAME).differences.len(), 1);
        assert_eq!(diff(&both, &swapped, SAME).differences.len(), 1);
    }

    #[test]
    fn some_things_may_differ() {
        let [different, notes] = differences(
            &["extension hstore version 1.7", "r t owner x", "index t/i valid no"],
            &["extension hstore version 1.8", "r t owner x"],
            SAME,
        );
        assert!(different.is_empty());
        assert_eq!(notes, ["~ extension hstore version", "- index i"]);
        let [different, _] = differences(
            &["extension hstore schema a", "r t owner x", "index t/i valid yes"],
            &["extension hstore schema b", "r t owner x"],
            SAME,
        );
        assert_eq!(different, ["~ extension hstore schema", "- index i"]);
    }

    #[test]
    fn the_layout_of_texts_counts_among_servers_of_one_version_only() {
        let source = ["v v definition SELECT t.a\n   FROM public.t", "r \"json\" owner x"];
        let target = ["v v definition SELECT a FROM public.t", "r json owner x"];
        assert_eq!(differences(&source, &target, SAME)[0], ["~ view v definition"]);
        assert!(differences(&source, &target, ACROSS)[0].is_empty());
        let body = ["function f() body a  b"];
        let other = ["function f() body a b"];
        assert_eq!(differences(&body, &other, ACROSS)[0].len(), 1);
        let uses = ["v v uses function f\nview w"];
        assert!(differences(&uses, &["v v uses view w"], ACROSS)[0].is_empty());
        assert_eq!(differences(&uses, &["v v uses view x"], ACROSS)[0].len(), 1);
    }
}
