//! What was done when, over all runs in the directory.

use rusqlite::{OptionalExtension, Row, Transaction};

use crate::error::Result;
use crate::model::{History, Oid, Packed, Section, SectionRecord, StepKind, StepRecord, StepState};

use super::Catalog;
use super::json::unsigned;

impl Catalog {
    /// Everything that was recorded with its time.
    pub async fn history(&self) -> Result<History> {
        self.read("could not read the records of the run", |transaction| {
            let database = "select database ->> '$.name' from inventory";
            let database = transaction.query_row(database, (), |row| row.get(0)).optional()?;
            let mut query = transaction.prepare(include_str!("schema/history_steps.sql"))?;
            let mut rows = query.query(())?;
            let mut steps = Packed::default();
            while let Some(row) = rows.next()? {
                steps.extend(step(row)?);
            }
            Ok(History {
                database: database.unwrap_or_default(),
                steps,
                sections: sections(transaction)?,
            })
        })
        .await
    }
}

/// A step; `None` if another version of this program recorded it.
fn step(row: &Row) -> rusqlite::Result<Option<StepRecord>> {
    let (kind, state): (String, String) = (row.get("kind")?, row.get("state")?);
    let state = match state.as_str() {
        "running" => StepState::Running,
        "failed" => StepState::Failed,
        _ => StepState::Done,
    };
    let Some(kind) = StepKind::from_name(&kind) else {
        return Ok(None);
    };
    Ok(Some(StepRecord {
        kind,
        table: row.get::<_, Option<u32>>("tableoid")?.map(Oid),
        label: row.get("label")?,
        seat: row.get("seat")?,
        started: unsigned(row.get("started")?),
        ended: row.get::<_, Option<i64>>("ended")?.map(unsigned),
        bytes: unsigned(row.get("bytes")?),
        rows: unsigned(row.get("rows")?),
        state,
    }))
}

fn sections(transaction: &Transaction) -> rusqlite::Result<Vec<SectionRecord>> {
    let query = "select id, coalesce(started, ended - duration_ms) as started, ended \
                 from timing where ended is not null order by id";
    let mut query = transaction.prepare(query)?;
    let rows = query.query_map((), |row| {
        Ok((row.get::<_, u8>("id")?, row.get("started")?, row.get("ended")?))
    })?;
    let mut sections = Vec::new();
    for row in rows {
        let (number, started, ended) = row?;
        let section = Section::ALL.into_iter().find(|section| section.number() == number);
        sections.extend(section.map(|section| SectionRecord {
            section,
            started: unsigned(started),
            ended: unsigned(ended),
        }));
    }
    Ok(sections)
}
