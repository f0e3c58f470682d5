//! Tables of the target, as far as changes need to know them.

use std::collections::HashMap;

use super::QualifiedName;

/// A table of the target that changes go to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaTable {
    /// Its name.
    pub name: QualifiedName,
    /// Whether its rows are those of its partitions.
    pub is_partitioned: bool,
    /// Its columns by their names.
    pub columns: HashMap<String, ReplicaColumn>,
}

/// A column of a table of the target.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplicaColumn {
    /// Its type, as SQL names it.
    pub type_name: String,
    /// The type of arrays of its values, where their text form can be made without knowing the type.
    pub array_type: Option<String>,
    /// Whether the target computes it.
    pub is_generated: bool,
    /// `GENERATED ALWAYS AS IDENTITY`.
    pub is_identity_always: bool,
    /// The operator that says whether two values are equal, with its namespace; types such as json
    /// have none.
    pub equality: Option<String>,
}
