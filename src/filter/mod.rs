//! What is in and what is out: the filter file, what its lines mean for the objects of a database,
//! and what cannot stay without those that are left out. Pure decisions; the source's server matches
//! names and patterns (`pg::filter`), and `command` brings both together.

pub mod archive;
pub mod closest;
pub mod dependency;
pub mod ini;
pub mod inline;
pub mod inventory;
pub mod json;
pub mod select;
pub mod told;

use std::fmt;

use crate::model::{QualifiedName, quote_identifier};

/// The sections of a filter file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Section {
    /// Only these schemas.
    IncludeOnlySchema,
    /// All schemas but these.
    ExcludeSchema,
    /// Only these tables and materialized views.
    IncludeOnlyTable,
    /// All tables but these.
    ExcludeTable,
    /// These tables without their rows.
    ExcludeTableData,
    /// All indexes but these.
    ExcludeIndex,
    /// All extensions but these.
    ExcludeExtension,
    /// Only these extensions.
    IncludeOnlyExtension,
    /// Only some rows of these tables.
    TableWhere,
}

impl Section {
    /// All of them.
    pub const ALL: [Section; 9] = [
        Section::IncludeOnlySchema,
        Section::ExcludeSchema,
        Section::IncludeOnlyTable,
        Section::ExcludeTable,
        Section::ExcludeTableData,
        Section::ExcludeIndex,
        Section::ExcludeExtension,
        Section::IncludeOnlyExtension,
        Section::TableWhere,
    ];

    /// Its name in the file.
    pub fn name(self) -> &'static str {
        match self {
            Section::IncludeOnlySchema => "include-only-schema",
            Section::ExcludeSchema => "exclude-schema",
            Section::IncludeOnlyTable => "include-only-table",
            Section::ExcludeTable => "exclude-table",
            Section::ExcludeTableData => "exclude-table-data",
            Section::ExcludeIndex => "exclude-index",
            Section::ExcludeExtension => "exclude-extension",
            Section::IncludeOnlyExtension => "include-only-extension",
            Section::TableWhere => "table-where",
        }
    }

    /// What its lines name.
    pub fn noun(self) -> &'static str {
        match self {
            Section::IncludeOnlySchema | Section::ExcludeSchema => "schema",
            Section::IncludeOnlyTable
            | Section::ExcludeTable
            | Section::ExcludeTableData
            | Section::TableWhere => "table",
            Section::ExcludeIndex => "index",
            Section::ExcludeExtension | Section::IncludeOnlyExtension => "extension",
        }
    }

    /// Whether only what it names is copied.
    pub fn is_inclusion(self) -> bool {
        match self {
            Section::IncludeOnlySchema
            | Section::IncludeOnlyTable
            | Section::IncludeOnlyExtension => true,
            Section::ExcludeSchema
            | Section::ExcludeTable
            | Section::ExcludeTableData
            | Section::ExcludeIndex
            | Section::ExcludeExtension
            | Section::TableWhere => false,
        }
    }
}

/// Sections of which a file may have only one.
const EXCLUSIVE: [(Section, Section); 3] = [
    (Section::IncludeOnlySchema, Section::ExcludeSchema),
    (Section::IncludeOnlyTable, Section::ExcludeTable),
    (Section::IncludeOnlyExtension, Section::ExcludeExtension),
];

/// A name, or what names must look like.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pattern {
    /// The name as the catalogs hold it.
    Exact(String),
    /// A regular expression of the server, not anchored.
    Regex(String),
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Pattern::Exact(name) => f.write_str(&quote_identifier(name)),
            Pattern::Regex(regex) => {
                let delimiters = ini::DELIMITERS.iter();
                let fits = |close: char| !regex.contains(close);
                let (open, close) = delimiters.copied().find(|d| fits(d.1)).unwrap_or(('/', '/'));
                write!(f, "~{open}{regex}{close}")
            }
        }
    }
}

/// One line of a filter file.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rule {
    /// The section it is in.
    pub section: Section,
    /// The namespace of what it names; none where the section names no relations.
    pub namespace: Option<Pattern>,
    /// What it names.
    pub name: Pattern,
    /// In `[table-where]`, which rows.
    pub condition: Option<String>,
    /// The number of its line; none where the filters were remembered from an earlier run.
    pub line: Option<usize>,
}

impl Rule {
    /// The name, if it says it exactly.
    pub fn exact_name(&self) -> Option<QualifiedName> {
        match (&self.namespace, &self.name) {
            (Some(Pattern::Exact(namespace)), Pattern::Exact(name)) => {
                Some(QualifiedName::new(namespace, name))
            }
            _ => None,
        }
    }

    /// The regular expressions in it.
    pub fn patterns(&self) -> impl Iterator<Item = &str> {
        let parts = self.namespace.iter().chain([&self.name]);
        parts.filter_map(|part| match part {
            Pattern::Regex(regex) => Some(regex.as_str()),
            Pattern::Exact(_) => None,
        })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(namespace) = &self.namespace {
            write!(f, "{namespace}.")?;
        }
        write!(f, "{}", self.name)
    }
}

/// What a filter file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filters {
    /// Its lines, in the order of the file.
    pub rules: Vec<Rule>,
}

impl Filters {
    /// Whether nothing is filtered.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// Whether a section has lines.
    pub fn has(&self, section: Section) -> bool {
        self.rules.iter().any(|rule| rule.section == section)
    }

    /// The lines of a section with their numbers in `rules`.
    pub fn of(&self, section: Section) -> impl Iterator<Item = (usize, &Rule)> {
        self.rules.iter().enumerate().filter(move |(_, rule)| rule.section == section)
    }

    /// Refuses sections that say opposite things.
    fn check(&self) -> Result<(), Malformed> {
        for (one, other) in EXCLUSIVE {
            let first = |section| self.of(section).next().and_then(|(_, rule)| rule.line);
            if self.has(one) && self.has(other) {
                let line = first(one).max(first(other)).unwrap_or_default();
                let (one, other) = (one.name(), other.name());
                return Err(Malformed {
                    line,
                    problem: format!("sections [{one}] and [{other}] exclude each other"),
                    hint: Some("Please use only one of these sections.".to_owned()),
                });
            }
        }
        Ok(())
    }
}

/// A line that says nothing understandable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The number of the line, from 1.
    pub line: usize,
    /// What is wrong: lower case, no period.
    pub problem: String,
    /// What to do: sentences.
    pub hint: Option<String>,
}
