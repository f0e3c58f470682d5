//! Entries of the archive that `pg_dump` makes: its table of contents.

use serde::{Deserialize, Serialize};

use super::Oid;

/// An entry's number within its archive (`dumpId`).
pub type EntryId = i32;

/// One entry of the archive's table of contents.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Entry {
    /// Its number.
    pub id: EntryId,
    /// The catalog its object is in, 0 if none.
    pub catalog: Oid,
    /// Its object's OID, 0 if none.
    pub oid: Oid,
    /// What it is, such as `TABLE` or `FK CONSTRAINT`.
    pub description: String,
    /// The object's name as the archive has it.
    pub tag: String,
    /// The namespace, if it has one.
    pub namespace: Option<String>,
    /// Who owns it.
    pub owner: Option<String>,
    /// Whether the archive puts it before the rows.
    pub is_pre_data: bool,
    /// The statements that make it, for the kinds that we run ourselves or look into; empty otherwise.
    pub definition: String,
    /// The statement that drops it, for the kinds that `--drop-if-exists` drops by it; empty otherwise.
    pub drop: String,
    /// The tablespace to set for it.
    pub tablespace: Option<String>,
    /// What is taken out of its statement: something in it needs what is left out.
    #[serde(default)]
    pub rewrite: Option<Rewrite>,
    /// The entries it needs.
    pub dependencies: Vec<EntryId>,
}

#[cfg(test)]
impl Entry {
    /// An entry of the pre-data section that is about nothing.
    pub fn sample(id: EntryId, description: &str, dependencies: &[EntryId]) -> Entry {
        Entry {
            id,
            catalog: Oid(0),
            oid: Oid(0),
            description: description.to_owned(),
            tag: format!("e{id}"),
            namespace: None,
            owner: None,
            is_pre_data: true,
            definition: String::new(),
            drop: String::new(),
            tablespace: None,
            rewrite: None,
            dependencies: dependencies.to_vec(),
        }
    }
}

/// A change to an entry's statement.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rewrite {
    /// The statement as the archive has it.
    pub original: String,
    /// The statement to run instead.
    pub reduced: String,
}

impl Entry {
    /// A name for it that is the same in every archive of the same objects, so that a record of it
    /// outlives the archive.
    pub fn key(&self) -> String {
        let namespace = self.namespace.as_deref().unwrap_or("-");
        format!("{} {} {} {} {}", self.catalog, self.oid, self.description, namespace, self.tag)
    }
}
