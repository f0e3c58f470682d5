//! Tables, their columns, and the parts a table may be copied in.

use serde::{Deserialize, Serialize};

use super::{Oid, QualifiedName};

/// What a relation with rows, or with partitions that have rows, is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TableKind {
    /// An ordinary table, possibly a partition or an inheritance child.
    Ordinary,
    /// A partitioned table: its rows are those of its partitions.
    Partitioned,
}

/// A table on the source.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Table {
    /// Its `pg_class` OID.
    pub oid: Oid,
    /// Its name.
    pub name: QualifiedName,
    /// What it is.
    pub kind: TableKind,
    /// The table whose partition it is, directly.
    pub parent: Option<Oid>,
    /// `pg_table_size`: heap, TOAST and maps, in bytes; 0 for a partitioned table.
    pub bytes: u64,
    /// Size of the heap alone, in pages.
    pub pages: u64,
    /// Bytes of values that are stored outside the heap and may be compressed.
    #[serde(default)]
    pub compressible_bytes: u64,
    /// The planner's estimate of its rows; -1 when it was never analysed.
    pub reltuples: f64,
    /// Its access method, such as `heap`; empty for a partitioned table.
    pub access_method: String,
    /// The first column of a single-column primary key or valid plain unique index of an integer
    /// type: what key ranges can be made of.
    pub split_key: Option<String>,
    /// Its columns, in order, without dropped ones.
    pub columns: Vec<Column>,
    /// The table at the top of its partition tree, if the target may put its rows into other
    /// partitions than the source: the hash of an enum depends on OIDs.
    pub load_via: Option<Oid>,
    /// Whether the rows are left out although the table is copied.
    pub exclude_data: bool,
    /// Which rows are copied, as a condition in SQL; all of them without.
    #[serde(default)]
    pub condition: Option<String>,
    /// The slices it is copied in; empty when it is copied whole.
    pub parts: Vec<TablePart>,
}

/// How many bytes of plain rows cost as much as one byte of compressed values, which the source
/// expands and the target compresses again.
const COMPRESSED_WEIGHT: u64 = 3;

impl Table {
    /// What copying its rows costs, in bytes of plain rows.
    pub fn weight(&self) -> u64 {
        self.bytes.saturating_add(self.compressible_bytes.saturating_mul(COMPRESSED_WEIGHT - 1))
    }

    /// Whether it has rows of its own to be copied.
    pub fn has_data(&self) -> bool {
        self.kind == TableKind::Ordinary && !self.exclude_data
    }
}

#[cfg(test)]
impl Table {
    /// An empty table without columns.
    pub fn sample(oid: u32, namespace: &str, name: &str) -> Table {
        Table {
            oid: Oid(oid),
            name: QualifiedName::new(namespace, name),
            kind: TableKind::Ordinary,
            parent: None,
            bytes: 0,
            pages: 0,
            compressible_bytes: 0,
            reltuples: 0.0,
            access_method: "heap".to_owned(),
            split_key: None,
            columns: Vec::new(),
            load_via: None,
            exclude_data: false,
            condition: None,
            parts: Vec::new(),
        }
    }
}

/// A column of a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Column {
    /// `attnum`.
    pub number: i16,
    /// Its name, not quoted.
    pub name: String,
    /// The OID of its type.
    pub type_oid: Oid,
    /// Whether the target computes it: not to be copied.
    pub generated: bool,
}

/// A slice of a table's rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TablePart {
    /// Its number, from 1.
    pub number: u16,
    /// What share of the table's bytes it is thought to hold.
    pub bytes: u64,
    /// Which rows.
    pub range: PartRange,
}

/// Which rows are in a part. Bounds are inclusive below and exclusive above; `None` is no bound.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum PartRange {
    /// Rows whose key lies in a range.
    Key {
        /// The first key.
        from: Option<i64>,
        /// The first key that is no longer in.
        below: Option<i64>,
        /// Whether rows without a key are in this part as well.
        with_null: bool,
    },
    /// Rows that lie on a range of heap pages.
    Ctid {
        /// The first page.
        from: u64,
        /// The first page that is no longer in.
        below: Option<u64>,
    },
}
