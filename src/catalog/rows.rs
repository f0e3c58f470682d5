//! The objects of an inventory as rows of their tables.

use rusqlite::types::Value;

use crate::model::{
    Entry, Extension, ForeignKey, Index, QualifiedName, Sequence, Table, TableKind, Type, View,
    quote_identifier,
};

use super::json::{signed, to_json};

/// What is stored one to a row.
pub(super) trait Stored: Sync {
    /// The statement that inserts one.
    const INSERT: &str;

    /// The values of its parameters; `datname` is the database's name.
    fn row(&self, datname: &str) -> rusqlite::Result<Vec<Value>>;
}

impl Stored for Table {
    const INSERT: &str = "insert into source_table \
        (oid, datname, qname, nspname, relname, relkind, amname, relpages, reltuples, bytes, \
         exclude_data, part_key, detail) \
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)";

    fn row(&self, datname: &str) -> rusqlite::Result<Vec<Value>> {
        let kind = match self.kind {
            TableKind::Ordinary => "r",
            TableKind::Partitioned => "p",
        };
        let mut row = vec![self.oid.0.into(), text(datname)];
        row.extend(name(&self.name));
        row.extend([
            text(kind),
            text(&self.access_method),
            signed(self.pages).into(),
            self.reltuples.into(),
            signed(self.bytes).into(),
            self.exclude_data.into(),
            self.split_key.clone().into(),
            to_json(self)?.into(),
        ]);
        Ok(row)
    }
}

impl Stored for Index {
    const INSERT: &str = "insert into s_index \
        (oid, qname, nspname, relname, tableoid, isprimary, isunique, columns, bytes, sql, detail) \
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

    fn row(&self, _datname: &str) -> rusqlite::Result<Vec<Value>> {
        let mut row = vec![self.oid.0.into()];
        row.extend(name(&self.name));
        row.extend([
            self.table.0.into(),
            self.is_primary.into(),
            self.is_unique.into(),
            text(&self.columns),
            signed(self.bytes).into(),
            text(&self.definition),
            to_json(self)?.into(),
        ]);
        Ok(row)
    }
}

impl Stored for ForeignKey {
    const INSERT: &str = "insert into s_foreign_key (oid, conname, tableoid, reftableoid, detail) \
        values (?1, ?2, ?3, ?4, ?5)";

    fn row(&self, _datname: &str) -> rusqlite::Result<Vec<Value>> {
        Ok(vec![
            self.oid.0.into(),
            text(&self.name),
            self.table.0.into(),
            self.referenced.0.into(),
            to_json(self)?.into(),
        ])
    }
}

impl Stored for Sequence {
    const INSERT: &str = "insert into s_seq \
        (oid, datname, qname, nspname, relname, ownedby, detail) \
        values (?1, ?2, ?3, ?4, ?5, ?6, ?7)";

    fn row(&self, datname: &str) -> rusqlite::Result<Vec<Value>> {
        let mut row = vec![self.oid.0.into(), text(datname)];
        row.extend(name(&self.name));
        row.extend([self.owned_by.map(|oid| oid.0).into(), to_json(self)?.into()]);
        Ok(row)
    }
}

impl Stored for View {
    const INSERT: &str = "insert into s_matview (oid, qname, nspname, relname, bytes, detail) \
        values (?1, ?2, ?3, ?4, ?5, ?6)";

    fn row(&self, _datname: &str) -> rusqlite::Result<Vec<Value>> {
        let mut row = vec![self.oid.0.into()];
        row.extend(name(&self.name));
        row.extend([signed(self.bytes).into(), to_json(self)?.into()]);
        Ok(row)
    }
}

impl Stored for Extension {
    const INSERT: &str = "insert into s_extension \
        (oid, extname, extnamespace, extversion, detail) values (?1, ?2, ?3, ?4, ?5)";

    fn row(&self, _datname: &str) -> rusqlite::Result<Vec<Value>> {
        Ok(vec![
            self.oid.0.into(),
            text(&self.name),
            text(&self.namespace),
            text(&self.version),
            to_json(self)?.into(),
        ])
    }
}

impl Stored for Type {
    const INSERT: &str = "insert into s_type (oid, typname, detail) values (?1, ?2, ?3)";

    fn row(&self, _datname: &str) -> rusqlite::Result<Vec<Value>> {
        Ok(vec![self.oid.0.into(), text(&self.name), to_json(self)?.into()])
    }
}

impl Stored for String {
    const INSERT: &str = "insert into s_role (rolname) values (?1)";

    fn row(&self, _datname: &str) -> rusqlite::Result<Vec<Value>> {
        Ok(vec![text(self)])
    }
}

impl Stored for Entry {
    const INSERT: &str =
        "insert into s_entry (id, description, tag, detail) values (?1, ?2, ?3, ?4)";

    fn row(&self, _datname: &str) -> rusqlite::Result<Vec<Value>> {
        Ok(vec![self.id.into(), text(&self.description), text(&self.tag), to_json(self)?.into()])
    }
}

/// A name as it is published: all of it, its namespace, itself, quoted where it must be.
fn name(name: &QualifiedName) -> [Value; 3] {
    [
        name.to_string().into(),
        quote_identifier(&name.namespace).into(),
        quote_identifier(&name.name).into(),
    ]
}

fn text(text: &str) -> Value {
    text.to_owned().into()
}
