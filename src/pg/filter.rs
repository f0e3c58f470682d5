//! What filters must ask the source: which objects their lines name, and what needs what. Names and
//! patterns travel as one JSON parameter, so that no letter in them has a meaning on the way.

use std::collections::HashSet;

use pgcopydb_wire::{Connection, Row};
use serde::Serialize;

use crate::error::{Error, Kind, Result};
use crate::filter::dependency::{Bond, Dependencies};
use crate::filter::inline::{Part, PartKind};
use crate::filter::{Filters, Pattern, Rule, Section};
use crate::model::object::EXTENSION_CATALOG;
use crate::model::{Extension, Object, Oid, QualifiedName};

/// What the lines of a filter file name.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// The objects that each line names.
    pub by_rule: Vec<Vec<Object>>,
    /// The namespaces of users.
    pub namespaces: Vec<(Oid, String)>,
}

/// A line as the queries take it.
#[derive(Serialize)]
struct Line<'a> {
    number: usize,
    kinds: &'static str,
    schema: Option<&'a str>,
    schema_re: Option<&'a str>,
    name: Option<&'a str>,
    name_re: Option<&'a str>,
}

/// Refuses a pattern that the server does not understand: the number of its line in `rules`, and
/// the server's words.
pub async fn check_patterns(
    source: &mut Connection,
    filters: &Filters,
) -> Result<std::result::Result<(), (usize, String)>> {
    for (number, rule) in filters.rules.iter().enumerate() {
        for pattern in rule.patterns() {
            let sql = "select '' operator(pg_catalog.~) $1::text";
            match source.query(sql, &[Some(pattern)]).await {
                Ok(_) => {}
                Err(pgcopydb_wire::Error::Server(error)) if error.code == INVALID_PATTERN => {
                    return Ok(Err((number, error.message)));
                }
                Err(error) => return Err(Error::source("could not check a pattern", error)),
            }
        }
    }
    Ok(Ok(()))
}

/// `invalid_regular_expression`.
const INVALID_PATTERN: &str = "2201B";

/// Finds what the lines name.
pub async fn matches(
    source: &mut Connection,
    filters: &Filters,
    extensions: &[Extension],
) -> Result<Matches> {
    let mut found =
        Matches { by_rule: vec![Vec::new(); filters.rules.len()], namespaces: Vec::new() };
    let (mut relations, mut namespaces) = (Vec::new(), Vec::new());
    for (number, rule) in filters.rules.iter().enumerate() {
        match rule.section.noun() {
            "schema" => namespaces.push(Line::new(number, rule)),
            "extension" => {
                let same = |e: &&Extension| Pattern::Exact(e.name.clone()) == rule.name;
                let named = extensions.iter().filter(same);
                found.by_rule[number].extend(named.map(|e| Object::extension(e.oid)));
            }
            _ => relations.push(Line::new(number, rule)),
        }
    }
    let Matches { by_rule, namespaces: all } = &mut found;
    let sql = include_str!("sql/filter_namespaces.sql");
    let parameter = json(&namespaces)?;
    let queried = each(source, sql, &parameter, |row| {
        let oid = row.parsed(0)?;
        all.push((oid, row.required(1)?.to_owned()));
        let numbers: Vec<usize> = serde_json::from_str(row.required(2)?)
            .map_err(|error| pgcopydb_wire::Error::Protocol(error.to_string()))?;
        for number in numbers {
            by_rule[number].push(Object::namespace(oid));
        }
        Ok(())
    });
    queried.await.map_err(|error| Error::source("could not list schemas", error))?;
    let sql = include_str!("sql/filter_relations.sql");
    let parameter = json(&relations)?;
    let queried = each(source, sql, &parameter, |row| {
        by_rule[row.parsed::<usize>(0)?].push(Object::relation(row.parsed(1)?));
        Ok(())
    });
    queried.await.map_err(|error| Error::source("could not list what filters name", error))?;
    Ok(found)
}

impl Line<'_> {
    fn new(number: usize, rule: &Rule) -> Line<'_> {
        let (schema, schema_re) = split(rule.namespace.as_ref());
        let (name, name_re) = split(Some(&rule.name));
        Line { number, kinds: kinds(rule), schema, schema_re, name, name_re }
    }
}

fn split(pattern: Option<&Pattern>) -> (Option<&str>, Option<&str>) {
    match pattern {
        Some(Pattern::Exact(name)) => (Some(name), None),
        Some(Pattern::Regex(regex)) => (None, Some(regex)),
        None => (None, None),
    }
}

/// What kinds of relations a line may name. A view or foreign table must be named exactly.
pub fn kinds(rule: &Rule) -> &'static str {
    let is_exact = rule.exact_name().is_some();
    match rule.section {
        Section::ExcludeIndex => "iI",
        Section::TableWhere => "rp",
        Section::ExcludeTable | Section::IncludeOnlyTable if is_exact => "rpmvf",
        Section::ExcludeTableData if is_exact => "rpmf",
        Section::ExcludeTable | Section::IncludeOnlyTable | Section::ExcludeTableData => "rpm",
        Section::IncludeOnlySchema
        | Section::ExcludeSchema
        | Section::ExcludeExtension
        | Section::IncludeOnlyExtension => "",
    }
}

/// The names that a line could have meant, as they would be written in the file.
pub async fn names(source: &mut Connection, rule: &Rule) -> Result<Vec<String>> {
    let mut names = Vec::new();
    let sql = include_str!("sql/filter_names.sql");
    let parameter = kinds(rule);
    let queried = each(source, sql, parameter, |row| {
        names.push(QualifiedName::new(row.required(0)?, row.required(1)?).to_string());
        Ok(())
    });
    queried.await.map_err(|error| Error::source("could not list relations", error))?;
    Ok(names)
}

/// What needs what, for the whole database.
pub async fn dependencies(source: &mut Connection) -> Result<Dependencies> {
    let mut bonds = Vec::new();
    let sql = include_str!("sql/filter_dependencies.sql");
    let queried = source.query_each(sql, &[], |row| {
        let bond = match row.required(4)? {
            "i" => Bond::Implements,
            "p" => Bond::PartOf,
            "e" => Bond::Member,
            "o" => Bond::Owned,
            "a" => Bond::Attached,
            _ => Bond::Needs,
        };
        bonds.push((object(&row, 0)?, object(&row, 2)?, bond));
        Ok(())
    });
    queried.await.map_err(|error| Error::source("could not list dependencies", error))?;
    Ok(Dependencies::new(bonds))
}

/// Runs a query with one parameter.
async fn each(
    source: &mut Connection,
    sql: &str,
    parameter: &str,
    read: impl FnMut(Row) -> pgcopydb_wire::Result<()>,
) -> pgcopydb_wire::Result<()> {
    source.query_each(sql, &[Some(parameter)], read).await
}

fn object(row: &Row, column: usize) -> pgcopydb_wire::Result<Object> {
    Ok(Object { catalog: row.parsed(column)?, oid: row.parsed(column + 1)? })
}

/// Looks at defaults and checks that are not entries of their own in the archive.
pub async fn parts(source: &mut Connection, objects: &[Object]) -> Result<Vec<Part>> {
    let sql = include_str!("sql/filter_parts.sql");
    let mut found = Vec::new();
    let parameter = pairs(objects)?;
    let queried = each(source, sql, &parameter, |row| {
        found.push(Part {
            object: object(&row, 0)?,
            owner: object(&row, 2)?,
            name: row.required(4)?.to_owned(),
            kind: match row.required(5)? {
                "d" => PartKind::Default(row.required(6)?.to_owned()),
                "c" => PartKind::Check(row.required(6)?.to_owned()),
                "e" => PartKind::Essential,
                _ => PartKind::Inherited,
            },
        });
        Ok(())
    });
    queried.await.map_err(|error| Error::source("could not list defaults", error))?;
    Ok(found)
}

/// The members of extensions that are left out, as namespace and tag of the archive's entries.
pub async fn members(
    source: &mut Connection,
    objects: impl Iterator<Item = Object>,
) -> Result<HashSet<(Option<String>, String)>> {
    let extensions = objects.filter(|object| object.catalog == EXTENSION_CATALOG);
    let extensions: Vec<Oid> = extensions.map(|object| object.oid).collect();
    let mut found = HashSet::new();
    if extensions.is_empty() {
        return Ok(found);
    }
    let sql = include_str!("sql/filter_members.sql");
    let parameter = json(&extensions)?;
    let queried = each(source, sql, &parameter, |row| {
        found.insert((row.text(0)?.map(str::to_owned), row.required(1)?.to_owned()));
        Ok(())
    });
    queried.await.map_err(|error| Error::source("could not list members of extensions", error))?;
    Ok(found)
}

/// The extensions that a server has.
pub async fn extensions(target: &mut Connection) -> Result<HashSet<String>> {
    let mut found = HashSet::new();
    let queried = target.query_each("select extname from pg_catalog.pg_extension", &[], |row| {
        found.insert(row.required(0)?.to_owned());
        Ok(())
    });
    queried.await.map_err(|error| Error::target("could not list extensions", error))?;
    Ok(found)
}

/// Has the server plan a reading of the rows that a condition wants; the server's words if it
/// cannot.
pub async fn check_condition(
    source: &mut Connection,
    table: &QualifiedName,
    condition: &str,
) -> Result<std::result::Result<(), String>> {
    let sql = format!("explain select from only {table} where ({condition}\n)");
    match source.query(&sql, &[]).await {
        Ok(_) => Ok(Ok(())),
        Err(pgcopydb_wire::Error::Server(error)) => Ok(Err(error.message)),
        Err(error) => Err(Error::source("could not check a condition", error)),
    }
}

/// Objects as the queries take them.
pub fn pairs(objects: &[Object]) -> Result<String> {
    let pairs: Vec<(Oid, Oid)> = objects.iter().map(|o| (o.catalog, o.oid)).collect();
    json(&pairs)
}

fn json<T: Serialize>(values: &[T]) -> Result<String> {
    serde_json::to_string(values).map_err(|error| Error::new(Kind::Internal, error.to_string()))
}
