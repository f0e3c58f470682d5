//! What `--drop-if-exists` drops on the target before anything is made: everything of the archive
//! that has a name of its own, in the opposite of the archive's order. Namespaces and extensions
//! stay: the archive's entry takes over what is there.

use super::pre_data::is_wanted;
use crate::model::{Entry, EntryId, Packed, QualifiedName, Settings};

/// What one transaction drops. Each table takes a handful of entries in the server's lock table,
/// each other object one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Batch {
    /// Whatever relations of these names there are, with what depends on them.
    Relations(Vec<QualifiedName>),
    /// Other objects, by their own statements.
    Objects(Vec<EntryId>),
}

/// Relations in one transaction.
const RELATIONS_PER_BATCH: usize = 100;

/// Other objects in one transaction.
const OBJECTS_PER_BATCH: usize = 1_000;

/// The batches, in the order they must be dropped in.
pub fn batches(entries: &Packed<Entry>, settings: &Settings) -> Vec<Batch> {
    if !settings.drop_if_exists {
        return Vec::new();
    }
    // Event triggers would see the rest go. Sequences that a table owns go with it, and cannot go
    // before it.
    let (mut first, mut objects) = (Vec::new(), Vec::new());
    let (mut relations, mut sequences) = (Vec::new(), Vec::new());
    for entry in entries.iter().filter(|entry| is_wanted(entry, settings)) {
        match entry.description.as_str() {
            "EVENT TRIGGER" => first.push(entry.id),
            "SEQUENCE" => sequences.extend(relation_name(&entry)),
            description if is_dropped_by_statement(description) => objects.push(entry.id),
            _ => relations.extend(relation_name(&entry)),
        }
    }
    first.reverse();
    objects.reverse();
    let relations: Vec<QualifiedName> =
        relations.into_iter().rev().chain(sequences.into_iter().rev()).collect();
    let ids = |ids: &[EntryId]| Batch::Objects(ids.to_vec());
    let mut batches: Vec<Batch> = first.chunks(OBJECTS_PER_BATCH).map(ids).collect();
    let names = |names: &[QualifiedName]| Batch::Relations(names.to_vec());
    batches.extend(relations.chunks(RELATIONS_PER_BATCH).map(names));
    batches.extend(objects.chunks(OBJECTS_PER_BATCH).map(ids));
    batches
}

/// The name of the relation that an entry makes.
pub fn relation_name(entry: &Entry) -> Option<QualifiedName> {
    let namespace = entry.namespace.as_ref().filter(|_| is_relation(&entry.description))?;
    Some(QualifiedName::new(namespace, &entry.tag))
}

/// Whether an entry of the archive makes something that has a name among relations.
fn is_relation(description: &str) -> bool {
    matches!(description, "TABLE" | "VIEW" | "MATERIALIZED VIEW" | "SEQUENCE" | "FOREIGN TABLE")
}

/// Whether an entry makes an object that is neither a relation nor a part of one, and that its own
/// entry would not take over.
pub fn is_dropped_by_statement(description: &str) -> bool {
    matches!(
        description,
        "ACCESS METHOD"
            | "AGGREGATE"
            | "CAST"
            | "COLLATION"
            | "CONVERSION"
            | "DOMAIN"
            | "EVENT TRIGGER"
            | "FOREIGN DATA WRAPPER"
            | "FUNCTION"
            | "OPERATOR"
            | "OPERATOR CLASS"
            | "OPERATOR FAMILY"
            | "PROCEDURAL LANGUAGE"
            | "PROCEDURE"
            | "PUBLICATION"
            | "SERVER"
            | "STATISTICS"
            | "SUBSCRIPTION"
            | "TEXT SEARCH CONFIGURATION"
            | "TEXT SEARCH DICTIONARY"
            | "TEXT SEARCH PARSER"
            | "TEXT SEARCH TEMPLATE"
            | "TRANSFORM"
            | "TYPE"
            | "USER MAPPING"
    )
}

/// The statement that drops an object which may not be there.
pub fn if_exists(entry: &Entry) -> String {
    let statement = entry.drop.trim().trim_end_matches(';').trim_end();
    let drop = format!("DROP {} ", entry.description);
    match statement.strip_prefix(&drop) {
        Some(rest) => format!("{drop}IF EXISTS {rest}"),
        None => statement.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Oid;

    fn entry(id: EntryId, description: &str, tag: &str, drop: &str) -> Entry {
        Entry {
            id,
            catalog: Oid(0),
            oid: Oid(0),
            description: description.into(),
            tag: tag.into(),
            namespace: Some("public".into()),
            owner: None,
            is_pre_data: true,
            definition: String::new(),
            drop: drop.into(),
            tablespace: None,
            rewrite: None,
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn tables_go_before_sequences_and_types_last() {
        let entries = [
            entry(1, "SCHEMA", "s", "DROP SCHEMA s;\n"),
            entry(2, "TYPE", "t", "DROP TYPE public.t;\n"),
            entry(3, "TABLE", "a", ""),
            entry(4, "SEQUENCE", "a_id_seq", ""),
            entry(5, "TABLE", "b", ""),
            entry(6, "INDEX", "b_index", "DROP INDEX public.b_index;\n"),
            entry(7, "EVENT TRIGGER", "e", "DROP EVENT TRIGGER e;\n"),
        ];
        let name = |name| QualifiedName::new("public", name);
        let settings = Settings { drop_if_exists: true, ..Settings::default() };
        assert_eq!(
            batches(&entries.to_vec().into(), &settings),
            [
                Batch::Objects(vec![7]),
                Batch::Relations(vec![name("b"), name("a"), name("a_id_seq")]),
                Batch::Objects(vec![2]),
            ]
        );
        assert_eq!(batches(&entries.to_vec().into(), &Settings::default()), []);
    }

    #[test]
    fn statements_of_every_shape() {
        for (description, drop, expected) in [
            ("TYPE", "DROP TYPE public.t CASCADE;\n", "DROP TYPE IF EXISTS public.t CASCADE"),
            ("CAST", "DROP CAST (a AS b);\n", "DROP CAST IF EXISTS (a AS b)"),
            ("FUNCTION", "DROP FUNCTION s.f(x text);\n", "DROP FUNCTION IF EXISTS s.f(x text)"),
            (
                "USER MAPPING",
                "DROP USER MAPPING FOR \"a;b\" SERVER s;\n",
                "DROP USER MAPPING IF EXISTS FOR \"a;b\" SERVER s",
            ),
        ] {
            assert_eq!(if_exists(&entry(1, description, "", drop)), expected);
        }
    }
}
