//! The summary of a run, put together from the inventory and the records.

use std::cmp::Ordering;
use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{OptionalExtension, Row, Rows, Transaction};

use crate::error::Result;
use crate::model::{
    Failure, Jobs, ObjectSummary, Oid, Packed, PartSummary, QualifiedName, Section, SectionSummary,
    Settings, Summary, TableSummary,
};

use super::Catalog;
use super::json::{from_json, unsigned};

impl Catalog {
    /// What was done in this directory, over all runs in it.
    pub async fn summary(&self) -> Result<Summary> {
        self.read("could not read the summary", |transaction| {
            let jobs = transaction
                .query_row("select jobs from setup", (), |row| from_json::<Jobs>(row, "jobs"));
            Ok(Summary {
                jobs: jobs.optional()?.unwrap_or(Settings::default().jobs),
                names_database: false,
                sections: sections(transaction)?,
                tables: tables(transaction)?,
                failures: failures(transaction)?,
            })
        })
        .await
    }
}

fn sections(transaction: &Transaction) -> rusqlite::Result<Vec<SectionSummary>> {
    let mut measured: HashMap<u8, (Duration, u64)> = HashMap::new();
    let mut query = transaction.prepare("select id, duration, bytes from timings")?;
    let mut rows = query.query(())?;
    while let Some(row) = rows.next()? {
        let duration = row.get::<_, Option<i64>>(1)?.unwrap_or(0);
        measured.insert(row.get(0)?, (milliseconds(duration), unsigned(row.get(2)?)));
    }
    Ok(Section::ALL
        .into_iter()
        .map(|section| {
            let (duration, bytes) = measured.get(&section.number()).copied().unwrap_or_default();
            SectionSummary { section, duration, bytes }
        })
        .collect())
}

fn tables(transaction: &Transaction) -> rusqlite::Result<Packed<TableSummary>> {
    let mut parts = transaction.prepare(include_str!("schema/summary_parts.sql"))?;
    let mut parts = OfTables::new(parts.query(())?, part);
    let mut indexes = transaction.prepare(include_str!("schema/summary_indexes.sql"))?;
    let mut indexes = OfTables::new(indexes.query(())?, object);
    let mut constraints = transaction.prepare(include_str!("schema/summary_constraints.sql"))?;
    let mut constraints = OfTables::new(constraints.query(())?, object);
    let mut query = transaction.prepare(include_str!("schema/summary_tables.sql"))?;
    let mut rows = query.query(())?;
    let mut tables = Packed::default();
    while let Some(row) = rows.next()? {
        let place = row.get("place")?;
        tables.push(TableSummary {
            database: row.get("datname")?,
            oid: Oid(row.get("oid")?),
            name: name(row)?,
            source_bytes: unsigned(row.get("bytes")?),
            parts: parts.at(place)?,
            indexes: indexes.at(place)?,
            constraints: constraints.at(place)?,
        });
    }
    Ok(tables)
}

/// What belongs to tables, read along with them: in the order of their places.
struct OfTables<'a, T> {
    rows: Rows<'a>,
    read: fn(&Row) -> rusqlite::Result<T>,
    /// What was read last, of a table that has not come yet.
    ahead: Option<(i64, T)>,
}

impl<'a, T> OfTables<'a, T> {
    fn new(rows: Rows<'a>, read: fn(&Row) -> rusqlite::Result<T>) -> OfTables<'a, T> {
        OfTables { rows, read, ahead: None }
    }

    /// What belongs to the table at a place, which is not before any that was asked for.
    fn at(&mut self, place: i64) -> rusqlite::Result<Vec<T>> {
        let mut objects = Vec::new();
        loop {
            let next = match self.ahead.take() {
                Some(next) => next,
                None => match self.rows.next()? {
                    Some(row) => (row.get("place")?, (self.read)(row)?),
                    None => return Ok(objects),
                },
            };
            match next.0.cmp(&place) {
                Ordering::Less => {}
                Ordering::Equal => objects.push(next.1),
                Ordering::Greater => {
                    self.ahead = Some(next);
                    return Ok(objects);
                }
            }
        }
    }
}

fn part(row: &Row) -> rusqlite::Result<PartSummary> {
    Ok(PartSummary {
        number: row.get("part")?,
        bytes: unsigned(row.get("bytes")?),
        rows: unsigned(row.get("rows")?),
        duration: milliseconds(row.get("duration_ms")?),
    })
}

fn object(row: &Row) -> rusqlite::Result<ObjectSummary> {
    Ok(ObjectSummary {
        oid: Oid(row.get("oid")?),
        name: name(row)?,
        sql: row.get("sql")?,
        duration: milliseconds(row.get("duration_ms")?),
    })
}

fn name(row: &Row) -> rusqlite::Result<QualifiedName> {
    let (namespace, name): (String, String) = (row.get("namespace")?, row.get("name")?);
    Ok(QualifiedName::new(namespace, name))
}

fn failures(transaction: &Transaction) -> rusqlite::Result<Vec<Failure>> {
    let query = "select label, server, sqlstate, error, detail, hint, command \
                 from step where state = 'failed' order by ended, key";
    let mut query = transaction.prepare(query)?;
    let failures = query.query_map((), |row| {
        Ok(Failure {
            object: row.get("label")?,
            server: row.get::<_, Option<String>>("server")?.unwrap_or_default(),
            sqlstate: row.get("sqlstate")?,
            message: row.get("error")?,
            detail: row.get("detail")?,
            hint: row.get("hint")?,
            sql: row.get("command")?,
        })
    })?;
    failures.collect()
}

fn milliseconds(value: i64) -> Duration {
    Duration::from_millis(unsigned(value))
}
