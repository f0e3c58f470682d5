//! Column types, as far as the choice between text and binary COPY needs them.

use serde::{Deserialize, Serialize};

use super::Oid;

/// A type on the source.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Type {
    /// Its `pg_type` OID.
    pub oid: Oid,
    /// Its name.
    pub name: String,
    /// The extension it belongs to.
    pub extension: Option<String>,
    /// What it is made of.
    pub kind: TypeKind,
    /// Whether it has binary send and receive functions.
    pub has_binary: bool,
}

/// What a type is made of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TypeKind {
    /// A base type.
    Base,
    /// An array of another.
    Array(Oid),
    /// A domain over another.
    Domain(Oid),
    /// An enumeration.
    Enum,
    /// A range or multirange over another.
    Range(Oid),
    /// A composite of others.
    Composite(Vec<Oid>),
    /// A pseudo-type, or something this program does not know.
    Other,
}
