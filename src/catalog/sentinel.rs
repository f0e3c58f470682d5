//! Following the source: the slot that the directory belongs to, and the operator's row.

use rusqlite::{OptionalExtension, Row, Transaction};

use crate::error::{Error, Kind, Result};
use crate::model::{Lsn, Plugin, Sentinel, Slot};

use super::Catalog;

/// A change to the operator's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SentinelChange {
    /// Where changes begin.
    Startpos(Lsn),
    /// Where to stop.
    Endpos(Lsn),
    /// Whether to apply, or only to receive.
    Apply(bool),
}

impl Catalog {
    /// The slot that the directory belongs to.
    pub async fn slot(&self) -> Result<Option<Slot>> {
        self.read("could not read the replication slot", |transaction| {
            let sql = "select * from replication_slot where is_made";
            transaction.query_row(sql, (), read_slot).optional()
        })
        .await
    }

    /// A slot whose making has begun, and not come to its end.
    pub async fn unfinished_slot(&self) -> Result<Option<Slot>> {
        self.read("could not read the replication slot", |transaction| {
            let sql = "select * from replication_slot where not is_made";
            transaction.query_row(sql, (), read_slot).optional()
        })
        .await
    }

    /// Notes what is about to be made.
    pub async fn note_slot(&self, slot: &Slot) -> Result<()> {
        let slot = slot.clone();
        self.write("could not note the replication slot", move |transaction| {
            write_slot(transaction, &slot, false)
        })
        .await
    }

    /// Registers the slot and a new operator's row.
    pub async fn register_slot(&self, slot: &Slot, sentinel: &Sentinel) -> Result<()> {
        let (slot, sentinel) = (slot.clone(), *sentinel);
        self.write("could not register the replication slot", move |transaction| {
            write_slot(transaction, &slot, true)?;
            write_sentinel(transaction, &sentinel)
        })
        .await
    }

    /// Forgets the slot and the operator's row.
    pub async fn forget_slot(&self) -> Result<()> {
        self.write("could not forget the replication slot", |transaction| {
            transaction.execute("delete from replication_slot", ())?;
            transaction.execute("delete from follow_task", ())?;
            transaction.execute("delete from sentinel", ()).map(|_| ())
        })
        .await
    }

    /// The operator's row.
    pub async fn sentinel(&self) -> Result<Option<Sentinel>> {
        self.read("could not read the sentinel", |transaction| {
            transaction.query_row("select * from sentinel", (), read_sentinel).optional()
        })
        .await
    }

    /// Replaces the operator's row.
    pub async fn set_sentinel(&self, sentinel: Sentinel) -> Result<()> {
        self.write("could not write the sentinel", move |transaction| {
            write_sentinel(transaction, &sentinel)
        })
        .await
    }

    /// Changes the operator's row; an error if there is none.
    pub async fn change_sentinel(&self, change: SentinelChange) -> Result<()> {
        let changed = self
            .write("could not write the sentinel", move |transaction| match change {
                SentinelChange::Startpos(lsn) => {
                    transaction.execute("update sentinel set startpos = ?1", [lsn.to_string()])
                }
                SentinelChange::Endpos(lsn) => {
                    transaction.execute("update sentinel set endpos = ?1", [lsn.to_string()])
                }
                SentinelChange::Apply(apply) => {
                    transaction.execute("update sentinel set apply = ?1", [apply])
                }
            })
            .await?;
        match changed {
            0 => Err(no_sentinel()),
            _ => Ok(()),
        }
    }

    /// Notes how far things have come; a position of `None` stays.
    pub async fn note_positions(
        &self,
        write: Option<Lsn>,
        flush: Option<Lsn>,
        replay: Option<Lsn>,
    ) -> Result<()> {
        self.write("could not write the sentinel", move |transaction| {
            let text = |lsn: Option<Lsn>| lsn.map(|lsn| lsn.to_string());
            let update = "update sentinel set write_lsn = coalesce(?1, write_lsn), \
                          flush_lsn = coalesce(?2, flush_lsn), \
                          replay_lsn = coalesce(?3, replay_lsn)";
            transaction.execute(update, (text(write), text(flush), text(replay))).map(|_| ())
        })
        .await
    }
}

/// The directory does not follow a source.
pub fn no_sentinel() -> Error {
    Error::new(Kind::State, "this work directory follows no source")
        .hint("Set it up with \"pgcopydb stream setup\", or name another directory with --dir.")
}

fn write_slot(transaction: &Transaction, slot: &Slot, is_made: bool) -> rusqlite::Result<()> {
    transaction
        .execute(
            "insert or replace into replication_slot (id, slot_name, lsn, snapshot, plugin, \
             publication_name, publication_auto_managed, origin, wal2json_numeric_as_string, \
             is_made) values (1, ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
            (
                &slot.name,
                slot.consistent_point.to_string(),
                &slot.snapshot,
                slot.plugin.name(),
                &slot.publication,
                slot.owns_publication,
                &slot.origin,
                slot.numeric_as_string,
                is_made,
            ),
        )
        .map(|_| ())
}

fn read_slot(row: &Row) -> rusqlite::Result<Slot> {
    Ok(Slot {
        name: row.get("slot_name")?,
        consistent_point: lsn(row, "lsn")?,
        snapshot: row.get("snapshot")?,
        plugin: plugin(row)?,
        publication: row.get("publication_name")?,
        owns_publication: row.get("publication_auto_managed")?,
        origin: row.get("origin")?,
        numeric_as_string: row.get("wal2json_numeric_as_string")?,
    })
}

fn plugin(row: &Row) -> rusqlite::Result<Plugin> {
    let name = row.get_ref("plugin")?.as_str()?;
    Plugin::from_name(name).ok_or_else(|| {
        let cause = format!("there is no output plugin \"{name}\"").into();
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, cause)
    })
}

fn read_sentinel(row: &Row) -> rusqlite::Result<Sentinel> {
    Ok(Sentinel {
        startpos: lsn(row, "startpos")?,
        endpos: lsn(row, "endpos")?,
        apply: row.get("apply")?,
        write_lsn: lsn(row, "write_lsn")?,
        flush_lsn: lsn(row, "flush_lsn")?,
        replay_lsn: lsn(row, "replay_lsn")?,
    })
}

fn lsn(row: &Row, column: &str) -> rusqlite::Result<Lsn> {
    let text = row.get_ref(column)?.as_str()?;
    text.parse().map_err(|cause: crate::model::lsn::NoLsn| {
        rusqlite::Error::FromSqlConversionFailure(0, rusqlite::types::Type::Text, cause.into())
    })
}

fn write_sentinel(transaction: &Transaction, sentinel: &Sentinel) -> rusqlite::Result<()> {
    transaction.execute(
        "insert or replace into sentinel \
         (id, startpos, endpos, apply, write_lsn, flush_lsn, replay_lsn) \
         values (1, ?1, ?2, ?3, ?4, ?5, ?6)",
        (
            sentinel.startpos.to_string(),
            sentinel.endpos.to_string(),
            sentinel.apply,
            sentinel.write_lsn.to_string(),
            sentinel.flush_lsn.to_string(),
            sentinel.replay_lsn.to_string(),
        ),
    )?;
    Ok(())
}
