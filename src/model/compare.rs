//! What comparisons of two databases speak of: objects and their properties, what differs between
//! two sides, checksums of rows.

use std::fmt;

use super::QualifiedName;

/// A kind of object, in PostgreSQL's word for it. The order is the one in which differences are
/// listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Class(u8);

const CLASSES: &[&str] = &[
    "database",
    "extension",
    "schema",
    "type",
    "table",
    "foreign table",
    "view",
    "materialized view",
    "sequence",
    "column",
    "constraint",
    "index",
    "statistics",
    "trigger",
    "rule",
    "policy",
    "function",
    "procedure",
    "aggregate",
    "operator",
    "operator class",
    "operator family",
    "cast",
    "transform",
    "language",
    "access method",
    "collation",
    "conversion",
    "text search configuration",
    "text search dictionary",
    "text search parser",
    "text search template",
    "foreign data wrapper",
    "server",
    "user mapping",
    "publication",
    "subscription",
    "event trigger",
    "default privileges",
    "large objects",
    "security label",
];

impl Class {
    /// A class by its word, or by the letter that `pg_class` and `pg_type` have for it.
    pub fn named(name: &str) -> Option<Class> {
        let word = match name {
            "r" | "p" => "table",
            "v" => "view",
            "m" => "materialized view",
            "S" => "sequence",
            "f" => "foreign table",
            "c" | "d" => "type",
            word => word,
        };
        let place = CLASSES.iter().position(|class| *class == word)?;
        u8::try_from(place).ok().map(Class)
    }

    /// The word.
    pub fn word(self) -> &'static str {
        CLASSES[usize::from(self.0)]
    }

    /// The word, where a sentence begins with it.
    pub fn capitalized(self) -> String {
        let word = self.word();
        word[..1].to_ascii_uppercase() + &word[1..]
    }
}

/// An object: alone, or on another one, as a column is on its table.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Object {
    /// What it is on.
    pub parent: Option<(Class, Box<str>)>,
    /// What it is.
    pub class: Class,
    /// Its name, quoted where it must be and qualified where it has a namespace of its own; empty
    /// for what there is one of.
    pub identity: Box<str>,
}

impl Object {
    /// The object that its differences are shown with: its parent, or itself.
    pub fn group(&self) -> (Class, &str) {
        match &self.parent {
            Some((class, identity)) => (*class, identity),
            None => (self.class, &self.identity),
        }
    }

    /// Whether its name says where it is: that of a column, say, needs its table's.
    fn is_local(&self) -> bool {
        !matches!(self.class.word(), "index" | "statistics")
    }
}

/// As in "column a of table public.t".
impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.class.word())?;
        if !self.identity.is_empty() {
            write!(f, " {}", self.identity)?;
        }
        match &self.parent {
            Some((class, identity)) if self.is_local() => {
                write!(f, " of {} {identity}", class.word())
            }
            _ => Ok(()),
        }
    }
}

/// One thing that a catalog says of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// The object.
    pub object: Object,
    /// Which of its properties.
    pub property: Box<str>,
    /// The value.
    pub value: Box<str>,
}

/// How an object differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Difference {
    /// The target lacks it.
    SourceOnly,
    /// The source lacks it.
    TargetOnly,
    /// Both have it, and one of its properties differs; `None` where a side does not have that.
    Property {
        /// Which.
        name: Box<str>,
        /// On the source.
        source: Option<Box<str>>,
        /// On the target.
        target: Option<Box<str>>,
    },
}

/// How many objects of some classes a database has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ObjectCounts {
    /// Tables, partitioned ones among them.
    pub tables: usize,
    /// Indexes.
    pub indexes: usize,
    /// Constraints that an index keeps.
    pub constraints: usize,
    /// Sequences.
    pub sequences: usize,
}

/// What a comparison of two schemas found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SchemaComparison {
    /// What the source has.
    pub source: ObjectCounts,
    /// What the target has.
    pub target: ObjectCounts,
    /// What differs, in the order it is listed in.
    pub differences: Vec<(Object, Difference)>,
    /// What differs and may: worth a line, no failure.
    pub notes: Vec<(Object, Difference)>,
    /// How many objects are the same.
    pub same: usize,
}

/// What is compared by its content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContentKind {
    /// A table; a partitioned one where the partitions differ.
    Table,
    /// A materialized view.
    MaterializedView,
    /// A sequence.
    Sequence,
    /// All large objects.
    LargeObjects,
}

impl ContentKind {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            ContentKind::Table => "table",
            ContentKind::MaterializedView => "materialized view",
            ContentKind::Sequence => "sequence",
            ContentKind::LargeObjects => "large objects",
        }
    }
}

/// The rows of something, as far as they are told apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checksum {
    /// How many rows.
    pub rows: u64,
    /// The same for the same rows in whatever order.
    pub text: String,
}

/// How a row differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowDifference {
    /// Both sides have the key, with other values.
    Differs,
    /// The target lacks it.
    SourceOnly,
    /// The source lacks it.
    TargetOnly,
}

/// What a comparison of the content of something found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContentComparison {
    /// What it is.
    pub kind: ContentKind,
    /// Its name.
    pub name: QualifiedName,
    /// On the source, if it is there.
    pub source: Option<Checksum>,
    /// On the target, if it is there.
    pub target: Option<Checksum>,
    /// Why both could not be compared.
    pub problem: Option<String>,
    /// Rows that differ, by their keys: the first ones.
    pub rows: Vec<(RowDifference, String)>,
}

impl ContentComparison {
    /// Whether both sides were read and have the same.
    pub fn is_same(&self) -> bool {
        self.problem.is_none() && self.source.is_some() && self.source == self.target
    }
}

/// What a comparison of the data of two databases found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DataComparison {
    /// The name of the source's database.
    pub database: String,
    /// Everything that was compared, by name.
    pub contents: Vec<ContentComparison>,
}

impl DataComparison {
    /// What is not the same on both sides.
    pub fn different(&self) -> impl Iterator<Item = &ContentComparison> {
        self.contents.iter().filter(|content| !content.is_same())
    }
}
