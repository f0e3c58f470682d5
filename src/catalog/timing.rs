//! How long the top-level sections take by the clock. Over several runs in one directory the
//! durations add up.

use std::time::Duration;

use rusqlite::Transaction;

use crate::error::Result;
use crate::model::Section;

use super::Catalog;
use super::record::{milliseconds, now};
use super::writer::Note;

/// A record about a section.
#[derive(Debug)]
pub(super) enum SectionNote {
    Started { section: Section, at: i64 },
    Ended { section: Section, at: i64, duration: Duration },
}

impl Catalog {
    /// A section has begun.
    pub async fn section_started(&self, section: Section) -> Result<()> {
        self.note(Note::Section(SectionNote::Started { section, at: now() })).await
    }

    /// A section has ended.
    pub async fn section_ended(&self, section: Section, duration: Duration) -> Result<()> {
        self.note(Note::Section(SectionNote::Ended { section, at: now(), duration })).await
    }
}

impl SectionNote {
    pub(super) fn write(&self, transaction: &Transaction) -> rusqlite::Result<()> {
        match self {
            SectionNote::Started { section, at } => {
                let update = "update timing set started = coalesce(started, ?2), ended = null \
                              where id = ?1";
                transaction.prepare_cached(update)?.execute((section.number(), at))?;
            }
            SectionNote::Ended { section, at, duration } => {
                let update = "update timing set ended = ?2, \
                              duration_ms = coalesce(duration_ms, 0) + ?3 where id = ?1";
                let values = (section.number(), at, milliseconds(*duration));
                transaction.prepare_cached(update)?.execute(values)?;
            }
        }
        Ok(())
    }
}
