//! The summary of a run, put together from the inventory and the records.

use std::collections::HashMap;
use std::time::Duration;

use rusqlite::{OptionalExtension, Row, Transaction};

use crate::error::Result;
use crate::model::{
    Failure, Jobs, ObjectSummary, Oid, PartSummary, QualifiedName, Section, SectionSummary,
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

fn tables(transaction: &Transaction) -> rusqlite::Result<Vec<TableSummary>> {
    let mut tables = Vec::new();
    let mut places: HashMap<Oid, usize> = HashMap::new();
    let mut query = transaction.prepare(include_str!("schema/summary_tables.sql"))?;
    let mut rows = query.query(())?;
    while let Some(row) = rows.next()? {
        let oid = Oid(row.get("oid")?);
        places.insert(oid, tables.len());
        tables.push(TableSummary {
            database: row.get("datname")?,
            oid,
            name: name(row)?,
            source_bytes: unsigned(row.get("bytes")?),
            parts: Vec::new(),
            indexes: Vec::new(),
            constraints: Vec::new(),
        });
    }
    let mut for_each = |query: &str, add: Add| -> rusqlite::Result<()> {
        let mut query = transaction.prepare(query)?;
        let mut rows = query.query(())?;
        while let Some(row) = rows.next()? {
            let place = places.get(&Oid(row.get("tableoid")?));
            if let Some(table) = place.and_then(|place| tables.get_mut(*place)) {
                add(table, row)?;
            }
        }
        Ok(())
    };
    for_each(include_str!("schema/summary_parts.sql"), |table, row| {
        push(&mut table.parts, part(row)?);
        Ok(())
    })?;
    for_each(include_str!("schema/summary_indexes.sql"), |table, row| {
        push(&mut table.indexes, object(row)?);
        Ok(())
    })?;
    for_each(include_str!("schema/summary_constraints.sql"), |table, row| {
        push(&mut table.constraints, object(row)?);
        Ok(())
    })?;
    Ok(tables)
}

/// Most tables have one or two of each: room for four would be most of the memory of a summary.
fn push<T>(objects: &mut Vec<T>, object: T) {
    objects.reserve_exact(1);
    objects.push(object);
}

/// Adds a row to its table's summary.
type Add = fn(&mut TableSummary, &Row) -> rusqlite::Result<()>;

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
