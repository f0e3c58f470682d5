//! JSON of the smaller lists.

use serde::Serialize;

use super::text::Dependent;
use crate::error::Result;
use crate::model::{
    AvailableExtension, Extension, ListedDatabase, Sequence, SequenceOwner, UsedCollation,
    quote_identifier,
};
use crate::report::json::pretty;
use crate::report::units;

fn array<'a, T, S: Serialize>(items: &'a [T], of: impl Fn(&'a T) -> S) -> Result<String> {
    let mut text = pretty(&items.iter().map(of).collect::<Vec<_>>())?;
    text.push('\n');
    Ok(text)
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct DatabaseObject<'a> {
    oid: u32,
    name: &'a str,
    bytes: Option<u64>,
    bytes_pretty: Option<String>,
}

/// `list databases --json`.
pub fn databases_json(databases: &[ListedDatabase]) -> Result<String> {
    array(databases, |database| DatabaseObject {
        oid: database.oid.0,
        name: &database.name,
        bytes: database.bytes,
        bytes_pretty: database.bytes.map(units::size),
    })
}

#[derive(Serialize)]
struct DependentObject<'a> {
    schema: &'a str,
    name: &'a str,
    catalog: u32,
    oid: u32,
    r#type: &'a str,
    identity: &'a str,
}

/// `list depends --json`.
pub fn depends_json(dependents: &[Dependent<'_>]) -> Result<String> {
    array(dependents, |(needed, object, dependent)| DependentObject {
        schema: &needed.namespace,
        name: &needed.name,
        catalog: object.catalog.0,
        oid: object.oid.0,
        r#type: &dependent.kind,
        identity: &dependent.identity,
    })
}

#[derive(Serialize)]
struct ExtensionObject<'a> {
    oid: u32,
    name: &'a str,
    schema: &'a str,
    version: &'a str,
    config: Vec<ConfigObject<'a>>,
}

#[derive(Serialize)]
struct ConfigObject<'a> {
    schema: &'a str,
    name: &'a str,
}

/// `list extensions --json`.
pub fn extensions_json(extensions: &[Extension]) -> Result<String> {
    array(extensions, |extension| ExtensionObject {
        oid: extension.oid.0,
        name: &extension.name,
        schema: &extension.namespace,
        version: &extension.version,
        config: extension
            .config
            .iter()
            .map(|table| ConfigObject { schema: &table.name.namespace, name: &table.name.name })
            .collect(),
    })
}

#[derive(Serialize)]
struct AvailableObject<'a> {
    name: &'a str,
    versions: &'a [String],
}

/// `list extensions --available-versions --json`.
pub fn available_extensions_json(extensions: &[AvailableExtension]) -> Result<String> {
    array(extensions, |extension| AvailableObject {
        name: &extension.name,
        versions: &extension.versions,
    })
}

#[derive(Serialize)]
struct RequirementObject<'a> {
    name: &'a str,
    version: &'a str,
}

/// `list extensions --requirements --json`: what `--requirements` reads.
pub fn requirements_json(extensions: &[AvailableExtension]) -> Result<String> {
    array(extensions, |extension| RequirementObject {
        name: &extension.name,
        version: &extension.default_version,
    })
}

#[derive(Serialize)]
#[serde(rename_all = "kebab-case")]
struct CollationObject<'a> {
    oid: u32,
    name: &'a str,
    object_name: &'a str,
}

/// `list collations --json`.
pub fn collations_json(collations: &[UsedCollation]) -> Result<String> {
    array(collations, |collation| CollationObject {
        oid: collation.oid.0,
        name: &collation.name,
        object_name: &collation.user,
    })
}

#[derive(Serialize)]
struct SequenceObject {
    oid: u32,
    schema: String,
    name: String,
    ownedby: u32,
    attrelid: u32,
    attroid: u32,
}

/// `list sequences --json`.
pub fn sequences_json(sequences: &[(&Sequence, SequenceOwner)]) -> Result<String> {
    array(sequences, |(sequence, owner)| SequenceObject {
        oid: sequence.oid.0,
        schema: quote_identifier(&sequence.name.namespace),
        name: quote_identifier(&sequence.name.name),
        ownedby: owner.owned_by.0,
        attrelid: owner.table.0,
        attroid: owner.default.0,
    })
}
