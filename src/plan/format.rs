//! Text or binary: how the rows of a table travel.

use std::collections::HashMap;

use crate::model::settings::RowFormat;
use crate::model::{Oid, Table, Type, TypeKind};

/// OIDs below this are assigned by PostgreSQL's developers and the same on every server
/// (`FirstGenbkiObjectId`).
const FIRST_UNPINNED_OID: u32 = 10_000;

/// Base types whose binary form is the same from PostgreSQL 10 to 18. Left out on purpose: `money`
/// (depends on `lc_monetary`), the `reg…` types (an OID of this very server), `xml` and the text
/// search types (their receive functions check more than their input functions).
const STABLE_TYPES: &[&str] = &[
    "bool",
    "bytea",
    "char",
    "name",
    "int8",
    "int2",
    "int4",
    "text",
    "oid",
    "tid",
    "xid",
    "cid",
    "xid8",
    "json",
    "jsonb",
    "point",
    "lseg",
    "path",
    "box",
    "polygon",
    "line",
    "circle",
    "float4",
    "float8",
    "macaddr",
    "macaddr8",
    "inet",
    "cidr",
    "bpchar",
    "varchar",
    "date",
    "time",
    "timestamp",
    "timestamptz",
    "interval",
    "timetz",
    "bit",
    "varbit",
    "numeric",
    "uuid",
    "pg_lsn",
];

/// Types of extensions whose binary form has never changed.
const STABLE_EXTENSION_TYPES: &[(&str, &str)] = &[("citext", "citext"), ("hstore", "hstore")];

/// How the rows of a table travel, and why if not in binary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// Binary.
    Binary,
    /// Text, for the reason given.
    Text(String),
}

/// The types of a database, by their OID.
#[derive(Debug)]
pub struct Types(HashMap<Oid, Type>);

impl Types {
    /// Takes in what was discovered.
    pub fn new(types: &[Type]) -> Types {
        Types(types.iter().map(|kind| (kind.oid, kind.clone())).collect())
    }

    /// Decides for one table. Binary text is in the session's encoding, and is only taken when the
    /// source's own is UTF-8, since then nothing is converted on the way.
    pub fn format_of(&self, table: &Table, encoding: &str, wanted: RowFormat) -> Format {
        if wanted == RowFormat::Text {
            return Format::Text("text was asked for".into());
        }
        if encoding != "UTF8" {
            return Format::Text(format!("the encoding is {encoding}"));
        }
        for column in table.columns.iter().filter(|column| !column.generated) {
            if let Err(reason) = self.check(column.type_oid, 0) {
                return Format::Text(format!("column {:?}: {reason}", column.name));
            }
        }
        Format::Binary
    }

    fn check(&self, oid: Oid, depth: u8) -> Result<(), String> {
        let Some(kind) = self.0.get(&oid) else { return Err(format!("unknown type {oid}")) };
        let unsafe_type = || Err(format!("type {:?} has no stable binary form", kind.name));
        // A type cannot contain itself, but a damaged catalog could say so.
        if !kind.has_binary || depth > 32 {
            return unsafe_type();
        }
        match &kind.kind {
            TypeKind::Base => {
                let known = match &kind.extension {
                    None => {
                        oid.0 < FIRST_UNPINNED_OID && STABLE_TYPES.contains(&kind.name.as_str())
                    }
                    Some(extension) => {
                        STABLE_EXTENSION_TYPES.contains(&(extension.as_str(), kind.name.as_str()))
                    }
                };
                if known { Ok(()) } else { unsafe_type() }
            }
            // The binary form of an array, and of a composite, names its elements' types by OID.
            TypeKind::Array(element) => {
                self.check_pinned(*element)?;
                self.check(*element, depth + 1)
            }
            TypeKind::Composite(fields) => fields.iter().try_for_each(|field| {
                self.check_pinned(*field)?;
                self.check(*field, depth + 1)
            }),
            TypeKind::Domain(base) | TypeKind::Range(base) => self.check(*base, depth + 1),
            TypeKind::Enum => Ok(()),
            TypeKind::Other => unsafe_type(),
        }
    }

    fn check_pinned(&self, oid: Oid) -> Result<(), String> {
        if oid.0 < FIRST_UNPINNED_OID {
            return Ok(());
        }
        let name = self.0.get(&oid).map_or("?", |kind| &kind.name);
        Err(format!("type {name:?} has another OID on every server"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Column, QualifiedName, TableKind};

    fn kind(oid: u32, name: &str, kind: TypeKind) -> Type {
        Type { oid: Oid(oid), name: name.into(), extension: None, kind, has_binary: true }
    }

    fn table(types: &[u32]) -> Table {
        let column = |(number, &oid): (usize, &u32)| Column {
            number: number as i16,
            name: format!("c{number}"),
            type_oid: Oid(oid),
            generated: false,
        };
        Table {
            oid: Oid(1),
            name: QualifiedName::new("public", "t"),
            kind: TableKind::Ordinary,
            parent: None,
            bytes: 0,
            pages: 0,
            compressible_bytes: 0,
            reltuples: 0.0,
            access_method: "heap".into(),
            split_key: None,
            columns: types.iter().enumerate().map(column).collect(),
            load_via: None,
            exclude_data: false,
            condition: None,
            parts: Vec::new(),
        }
    }

    #[test]
    fn binary_where_every_column_is_safe() {
        let types = [
            kind(23, "int4", TypeKind::Base),
            kind(1007, "_int4", TypeKind::Array(Oid(23))),
            kind(790, "money", TypeKind::Base),
            kind(20_000, "mood", TypeKind::Enum),
            kind(20_001, "_mood", TypeKind::Array(Oid(20_000))),
            kind(20_002, "positive", TypeKind::Domain(Oid(23))),
            kind(20_003, "pair", TypeKind::Composite(vec![Oid(23), Oid(23)])),
            kind(20_004, "moods", TypeKind::Composite(vec![Oid(20_000)])),
            kind(20_005, "int4", TypeKind::Base),
        ];
        let types = Types::new(&types);
        let format = |oids: &[u32]| types.format_of(&table(oids), "UTF8", RowFormat::Automatic);
        for safe in [23, 1007, 20_000, 20_002, 20_003] {
            assert_eq!(format(&[23, safe]), Format::Binary, "{safe}");
        }
        for not in [790, 20_001, 20_004, 20_005, 9] {
            assert!(matches!(format(&[23, not]), Format::Text(_)), "{not}");
        }
    }

    #[test]
    fn other_encodings_and_wishes_are_text() {
        let types = [kind(23, "int4", TypeKind::Base)];
        let types = Types::new(&types);
        let table = table(&[23]);
        assert_ne!(types.format_of(&table, "LATIN1", RowFormat::Automatic), Format::Binary);
        assert_ne!(types.format_of(&table, "UTF8", RowFormat::Text), Format::Binary);
    }
}
