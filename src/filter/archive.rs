//! Which entries of the archive are left out. One that makes an object goes with the object; one
//! that says something about others (a comment, a grant, an attachment) goes with any of them.

use std::collections::{HashMap, HashSet};

use super::dependency::LeftOut;
use crate::model::object::{CLASS_CATALOG, NAMESPACE_CATALOG};
use crate::model::{Entry, EntryId, Object, Oid};

/// What decides about entries.
#[derive(Clone, Copy, Debug)]
pub struct Verdict<'a> {
    /// What is left out.
    pub out: &'a LeftOut,
    /// Materialized views that are not filled.
    pub without_rows: &'a HashSet<Oid>,
    /// The namespaces of users.
    pub namespaces: &'a [(Oid, String)],
    /// Sequences whose owner is left out.
    pub without_owner: &'a HashSet<Oid>,
    /// What has no entry of its own and is left out, as namespace and tag of what is said about it:
    /// members of extensions, checks inside a table.
    pub members: &'a HashSet<(Option<String>, String)>,
}

/// The object that an entry makes; none if it only says something about others.
pub fn object(entry: &Entry) -> Option<Object> {
    let object = Object { catalog: entry.catalog, oid: entry.oid };
    (object.catalog != Oid(0) && object.oid != Oid(0)).then_some(object)
}

/// The entries that are left out.
pub fn left_out(entries: &[Entry], verdict: Verdict<'_>) -> HashSet<EntryId> {
    let mut out: HashSet<EntryId> = HashSet::new();
    let mut names: HashSet<(&str, Option<&str>, &str)> = HashSet::new();
    // Its dependencies do not name the owner.
    let without_owner: HashSet<EntryId> = entries
        .iter()
        .filter(|entry| {
            entry.catalog == CLASS_CATALOG && verdict.without_owner.contains(&entry.oid)
        })
        .map(|entry| entry.id)
        .collect();
    for entry in entries {
        let goes = match object(entry) {
            Some(object) => verdict.out.has(object),
            None => goes_by_itself(entry, verdict),
        };
        if goes {
            out.insert(entry.id);
            names.insert((&entry.description, entry.namespace.as_deref(), &entry.tag));
        }
    }
    for entry in entries.iter().filter(|entry| object(entry).is_none()) {
        let namespace = entry.namespace.as_deref();
        let goes = match entry.description.as_str() {
            "SHELL TYPE" => names.contains(&("TYPE", namespace, &entry.tag)),
            "USER MAPPING" => entry
                .tag
                .match_indices(" SERVER ")
                .any(|(at, word)| names.contains(&("SERVER", None, &entry.tag[at + word.len()..]))),
            "SEQUENCE OWNED BY" => entry.dependencies.iter().any(|id| without_owner.contains(id)),
            _ => false,
        };
        if goes {
            out.insert(entry.id);
        }
    }
    // An entry mostly comes behind what it is about; one pass more finds those that do not.
    loop {
        let before = out.len();
        for entry in entries.iter().filter(|entry| object(entry).is_none()) {
            if entry.dependencies.iter().any(|id| out.contains(id)) {
                out.insert(entry.id);
            }
        }
        if out.len() == before {
            return out;
        }
    }
}

/// Entries whose dependencies do not say what they are about, as that has no entry.
fn goes_by_itself(entry: &Entry, verdict: Verdict<'_>) -> bool {
    match entry.description.as_str() {
        "MATERIALIZED VIEW DATA" => verdict.without_rows.contains(&entry.oid),
        "ACL" | "COMMENT" | "SECURITY LABEL" => {
            // The namespace that every database has.
            let public = verdict.namespaces.iter().find(|(_, name)| name == "public");
            let is_public_out = || {
                public.is_some_and(|(oid, _)| {
                    verdict.out.has(Object { catalog: NAMESPACE_CATALOG, oid: *oid })
                })
            };
            (entry.tag == "SCHEMA public" && is_public_out())
                || verdict.members.contains(&(entry.namespace.clone(), entry.tag.clone()))
        }
        _ => false,
    }
}

/// The entries that make objects, by object.
pub fn makers(entries: &[Entry]) -> HashMap<Object, &Entry> {
    entries.iter().filter_map(|entry| Some((object(entry)?, entry))).collect()
}

/// Whether an entry is worth telling when it is left out: not if it is about something that was told.
pub fn is_told(entry: &Entry) -> bool {
    !matches!(
        entry.description.as_str(),
        "ACL"
            | "COMMENT"
            | "SECURITY LABEL"
            | "ROW SECURITY"
            | "SEQUENCE OWNED BY"
            | "TABLE ATTACH"
            | "INDEX ATTACH"
            | "SHELL TYPE"
    )
}

/// What an entry is called in messages.
pub fn label(entry: &Entry) -> String {
    let kind = entry.description.to_lowercase();
    match &entry.namespace {
        Some(namespace) => format!("{kind} {namespace}.{}", entry.tag),
        None => format!("{kind} {}", entry.tag),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filter::dependency::{Cause, Dependencies};

    fn entry(
        id: EntryId,
        description: &str,
        tag: &str,
        oid: u32,
        dependencies: &[EntryId],
    ) -> Entry {
        Entry {
            id,
            catalog: Oid(if oid == 0 { 0 } else { 1259 }),
            oid: Oid(oid),
            description: description.to_owned(),
            tag: tag.to_owned(),
            namespace: Some("s".to_owned()),
            owner: None,
            is_pre_data: true,
            definition: String::new(),
            drop: String::new(),
            tablespace: None,
            rewrite: None,
            dependencies: dependencies.to_vec(),
        }
    }

    #[test]
    fn what_is_about_something_goes_with_it() {
        let mut entries = vec![
            entry(9, "COMMENT", "TRIGGER x ON t", 0, &[3]),
            entry(1, "TABLE", "t", 1, &[]),
            entry(2, "TABLE", "u", 2, &[1]),
            entry(3, "TRIGGER", "x", 3, &[1]),
            entry(4, "ACL", "TABLE t", 0, &[1]),
            entry(5, "TABLE ATTACH", "u", 0, &[2, 1]),
            entry(6, "COMMENT", "TABLE u", 0, &[2]),
            entry(7, "SHELL TYPE", "y", 0, &[]),
            entry(8, "TYPE", "y", 8, &[7]),
            entry(10, "USER MAPPING", "USER MAPPING a SERVER b SERVER c", 0, &[]),
            entry(11, "ACL", "FUNCTION f(integer)", 0, &[400]),
            entry(12, "ACL", "FUNCTION f()", 0, &[401]),
            entry(13, "ACL", "SCHEMA public", 0, &[402]),
        ];
        entries.push(Entry { namespace: None, ..entry(14, "SERVER", "b SERVER c", 14, &[]) });
        let refresh = |id, oid| Entry {
            catalog: Oid(0),
            ..entry(id, "MATERIALIZED VIEW DATA", "m", oid, &[])
        };
        entries.push(refresh(15, 15));
        entries.push(Entry { dependencies: vec![15], ..refresh(16, 16) });
        entries.push(refresh(17, 17));
        entries.push(entry(18, "SEQUENCE", "q", 18, &[]));
        entries.push(entry(19, "SEQUENCE OWNED BY", "q", 0, &[18]));
        entries.push(entry(20, "SEQUENCE OWNED BY", "r", 0, &[21]));
        let mut out = LeftOut::default();
        let gone = [1, 3, 8, 14].map(|oid| Object::relation(Oid(oid)));
        for object in gone.into_iter().chain([Object::namespace(Oid(2200))]) {
            Dependencies::default().leave_out(&mut out, &[object], Cause::Filter);
        }
        let members = HashSet::from([(Some("s".to_owned()), "FUNCTION f(integer)".to_owned())]);
        let namespaces = [(Oid(2200), "public".to_owned())];
        let without_rows = HashSet::from([Oid(15)]);
        let without_owner = HashSet::from([Oid(18)]);
        let verdict = Verdict {
            out: &out,
            without_owner: &without_owner,
            without_rows: &without_rows,
            namespaces: &namespaces,
            members: &members,
        };
        let left_out = left_out(&entries, verdict);
        let mut kept: Vec<EntryId> =
            entries.iter().map(|entry| entry.id).filter(|id| !left_out.contains(id)).collect();
        kept.sort_unstable();
        // The table stays although it depends on another that goes: what it really needs is known
        // from the catalogs.
        assert_eq!(kept, [2, 6, 12, 17, 18, 20]);
    }
}
