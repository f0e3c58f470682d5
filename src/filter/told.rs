//! What is left out although no filter names it, and why, for people to read.

use std::collections::{HashMap, HashSet};

use super::archive::{is_told, label, makers, object};
use super::dependency::Cause;
use super::select::Selection;
use crate::model::{Entry, EntryId, Object};

/// An object that is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The object, if it has a number of its own.
    pub object: Option<Object>,
    /// What it is, as the archive says, such as `TABLE`.
    pub description: String,
    /// What it is called in messages.
    pub label: String,
    /// What it needs and cannot have; none if a filter itself leaves it out.
    pub because: Option<String>,
    /// Whether what stays behind means something else without it.
    pub weight: Weight,
}

/// How much an object is missed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weight {
    /// It goes as what it belongs to goes.
    Light,
    /// With it go rows, or a table that stays is open to more people.
    Heavy,
}

/// What is left out of the archive, in its order.
pub fn skipped(entries: &[Entry], selection: &Selection, out: &HashSet<EntryId>) -> Vec<Skipped> {
    let by_id: HashMap<EntryId, &Entry> = entries.iter().map(|entry| (entry.id, entry)).collect();
    let makers = makers(entries);
    let told = entries
        .iter()
        .filter(|entry| out.contains(&entry.id) && is_told(entry) && !is_inside_view(entry));
    let skipped = told.map(|entry| {
        let because = match object(entry) {
            Some(object) => reason(object, selection, &makers),
            None => entry.dependencies.iter().find(|id| out.contains(id)).map(|id| by_id[id]),
        };
        let is_heavy = match entry.description.as_str() {
            "TABLE" => because.is_some(),
            "POLICY" => because.is_some() && stays_open(entry, &by_id, out),
            _ => false,
        };
        Skipped {
            object: object(entry),
            description: entry.description.clone(),
            label: label(entry),
            because: because.map(label),
            weight: if is_heavy { Weight::Heavy } else { Weight::Light },
        }
    });
    skipped.collect()
}

/// What an object cannot be without: the first on the way to the filter that people know by name.
pub fn reason<'a>(
    object: Object,
    selection: &Selection,
    makers: &HashMap<Object, &'a Entry>,
) -> Option<&'a Entry> {
    let mut object = object;
    loop {
        match selection.out.cause(object)? {
            Cause::Filter => return None,
            Cause::Needs(other) | Cause::OnlyFor(other) => object = other,
        }
        if let Some(entry) = makers.get(&object).filter(|entry| !is_inside_view(entry)) {
            return Some(entry);
        }
    }
}

/// Whether an entry is the rule that is how a view is made.
fn is_inside_view(entry: &Entry) -> bool {
    entry.description == "RULE" && entry.tag.ends_with(" _RETURN")
}

/// Whether the table of a policy stays.
fn stays_open(policy: &Entry, by_id: &HashMap<EntryId, &Entry>, out: &HashSet<EntryId>) -> bool {
    let tables = policy.dependencies.iter().filter_map(|id| by_id.get(id));
    let mut own = tables.filter(|table| {
        table.namespace == policy.namespace && policy.tag.starts_with(&format!("{} ", table.tag))
    });
    own.any(|table| !out.contains(&table.id))
}

#[cfg(test)]
#[path = "told/tests.rs"]
mod tests;
