//! Any object of a database, as the catalogs number it.

use serde::{Deserialize, Serialize};

use super::Oid;

/// An object by the catalog it is in and its OID there: what `pg_depend` calls `classid` and
/// `objid`. The columns of a relation count as the relation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Object {
    /// The catalog's own OID, the same in every database.
    pub catalog: Oid,
    /// The object's OID.
    pub oid: Oid,
}

/// `pg_type`.
pub const TYPE_CATALOG: Oid = Oid(1247);
/// `pg_class`.
pub const CLASS_CATALOG: Oid = Oid(1259);
/// `pg_attrdef`: defaults of columns.
pub const DEFAULT_CATALOG: Oid = Oid(2604);
/// `pg_constraint`.
pub const CONSTRAINT_CATALOG: Oid = Oid(2606);
/// `pg_namespace`.
pub const NAMESPACE_CATALOG: Oid = Oid(2615);
/// `pg_extension`.
pub const EXTENSION_CATALOG: Oid = Oid(3079);

impl Object {
    /// A table, view, sequence or index.
    pub fn relation(oid: Oid) -> Object {
        Object { catalog: CLASS_CATALOG, oid }
    }

    /// A constraint.
    pub fn constraint(oid: Oid) -> Object {
        Object { catalog: CONSTRAINT_CATALOG, oid }
    }

    /// A namespace.
    pub fn namespace(oid: Oid) -> Object {
        Object { catalog: NAMESPACE_CATALOG, oid }
    }

    /// An extension.
    pub fn extension(oid: Oid) -> Object {
        Object { catalog: EXTENSION_CATALOG, oid }
    }
}
