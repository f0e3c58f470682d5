//! Everything found on the source that is to be copied.

use std::collections::HashMap;

use super::{
    Database, Entry, Extension, ForeignKey, Index, LargeObjects, Oid, Packed, QualifiedName,
    Sequence, Table, Type, View,
};

/// What one database holds, after filtering. There may be hundreds of thousands of these objects.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    /// The database.
    pub database: Database,
    /// Tables, the largest first.
    pub tables: Packed<Table>,
    /// Valid indexes.
    pub indexes: Packed<Index>,
    /// Foreign keys that are not inherited from a partitioned table.
    pub foreign_keys: Packed<ForeignKey>,
    /// Sequences.
    pub sequences: Packed<Sequence>,
    /// Materialized views.
    pub views: Vec<View>,
    /// Large objects.
    pub large_objects: LargeObjects,
    /// Extensions.
    pub extensions: Vec<Extension>,
    /// Column types.
    pub types: Vec<Type>,
    /// Roles that own something or are granted something.
    pub roles: Vec<String>,
    /// The archive's table of contents.
    pub entries: Packed<Entry>,
}

impl Inventory {
    /// The names of tables and materialized views, by their OID.
    pub fn relation_names(&self) -> HashMap<Oid, QualifiedName> {
        let tables = self.tables.iter().map(|table| (table.oid, table.name));
        tables.chain(self.views.iter().map(|view| (view.oid, view.name.clone()))).collect()
    }

    /// The size of all tables whose rows are copied, in bytes.
    pub fn data_bytes(&self) -> u64 {
        self.tables.iter().filter(|table| table.has_data()).map(|table| table.bytes).sum()
    }

    /// What copying all rows costs, in bytes of plain rows.
    pub fn data_weight(&self) -> u64 {
        self.tables.iter().filter(|table| table.has_data()).map(|table| table.weight()).sum()
    }

    /// Whether it has an extension.
    pub fn has_extension(&self, name: &str) -> bool {
        self.extensions.iter().any(|extension| extension.name == name)
    }

    /// Tables by their OID.
    pub fn tables_by_oid(&self) -> HashMap<Oid, Table> {
        self.tables.iter().map(|table| (table.oid, table)).collect()
    }
}
