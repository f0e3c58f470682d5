//! What the target remembers: the steps that are done, each recorded in the transaction that did
//! it.

use std::collections::{BTreeMap, HashSet};
use std::time::Instant;

use pgcopydb_wire::Connection;
use serde::{Deserialize, Serialize};

use super::control::Membership;
use super::records::Records;
use crate::catalog::Setup;
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::model::{Inventory, Oid, QualifiedName, TablePart, quote_literal};

/// What the records of copied rows begin with.
pub const COPY_KEY: &str = "copy ";

/// What the records of copied large objects begin with.
pub const LARGE_OBJECTS_KEY: &str = "large-objects ";

/// What the record of the sequences is called.
pub const SEQUENCES_KEY: &str = "sequences";

/// The record of done steps on the target.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Whether the role may keep one; without it a run cannot be resumed.
    is_kept: bool,
    /// Tells this copy apart from others into the same database.
    id: String,
    /// The run whose record it is.
    membership: Membership,
    /// Since when it has been there.
    opened: Instant,
}

/// What was decided when a copy began. It must not be decided again while rows are being copied: a
/// source that is written to grows meanwhile, and the parts of its tables would be others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Decided {
    /// Tells this copy apart from others into the same database.
    pub id: String,
    /// What the work directory is for.
    pub setup: Setup,
    /// The tables that are copied in parts.
    pub parts: BTreeMap<u32, Vec<TablePart>>,
    /// The first large object of every batch.
    pub batches: Vec<Oid>,
}

impl Decided {
    /// What was decided for an inventory.
    pub fn new(setup: Setup, inventory: &Inventory) -> Decided {
        let split = inventory.tables.iter().filter(|table| !table.parts.is_empty());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let now = now.map_or(0, |now| now.as_nanos());
        Decided {
            id: format!("{now:x}-{:x}", std::process::id()),
            setup,
            parts: split.map(|table| (table.oid.0, table.parts)).collect(),
            batches: inventory.large_objects.batches.clone(),
        }
    }

    /// Puts what was decided in place of what an inventory has.
    pub fn apply(&self, inventory: &mut Inventory) {
        inventory.tables.change(|table| {
            table.parts = self.parts.get(&table.oid.0).cloned().unwrap_or_default();
        });
        inventory.large_objects.batches.clone_from(&self.batches);
    }
}

/// What was found on the target when a run began.
#[derive(Debug, Default)]
pub struct Remembered {
    /// Whether an earlier run left a ledger.
    pub exists: bool,
    /// What was decided when the copy began.
    pub decided: Option<Decided>,
    /// The keys of the steps it did.
    pub done: Records,
    /// Unlogged tables that are empty after a crash.
    emptied: HashSet<QualifiedName>,
    /// Whether a crash has reset unlogged sequences.
    has_reset_sequences: bool,
}

impl Remembered {
    /// Whether rows were copied.
    pub fn has_rows(&self) -> bool {
        self.done.iter().any(|key| key.starts_with(COPY_KEY))
    }

    /// Records of steps whose work a crash of the server may have undone although it kept the
    /// records: it empties unlogged tables and resets unlogged sequences.
    pub fn undone(&self, inventory: &Inventory) -> Vec<String> {
        let mut keys = Vec::new();
        for table in inventory.tables.iter().filter(|table| self.emptied.contains(&table.name)) {
            let (whole, part) =
                (format!("{COPY_KEY}{}", table.oid), format!("{COPY_KEY}{} ", table.oid));
            let copies = self.done.iter().filter(|key| *key == whole || key.starts_with(&part));
            let copies: Vec<String> = copies.collect();
            if !copies.is_empty() && table.bytes > 0 {
                keys.extend(copies);
                let analyzed = format!("analyze {}", table.oid);
                keys.extend(Some(analyzed).filter(|key| self.done.contains(key)));
            }
        }
        if self.has_reset_sequences {
            let set = self.done.contains(SEQUENCES_KEY);
            keys.extend(set.then(|| SEQUENCES_KEY.to_owned()));
        }
        keys
    }

    /// Whether what was decided when the copy began holds.
    pub fn is_bound(&self) -> bool {
        self.has_rows() || self.done.iter().any(|key| key.starts_with(LARGE_OBJECTS_KEY))
    }
}

impl Ledger {
    /// Reads what an earlier run did, without changing anything.
    pub async fn remembered(session: &mut Connection) -> Result<Remembered> {
        let failed = |error| Error::target("could not read the record of done steps", error);
        let exists = session
            .query("select pg_catalog.to_regclass('pgcopydb.step') is not null", &[])
            .await
            .and_then(|rows| rows.first().map_or(Ok(false), |row| row.flag(0)))
            .map_err(failed)?;
        let mut remembered = Remembered { exists, ..Remembered::default() };
        if exists {
            // A run that was killed while it made the ledger has decided nothing.
            let rows = session.query("select detail from pgcopydb.run", &[]).await;
            if let Some(row) = rows.map_err(failed)?.first() {
                let detail = row.required(0).map_err(failed)?;
                remembered.decided = Some(serde_json::from_str(detail).map_err(unreadable)?);
            }
            let read = session.query_each("select key from pgcopydb.step", &[], |row| {
                remembered.done.insert(row.required(0)?);
                Ok(())
            });
            read.await.map_err(failed)?;
            let read = session.query_each(include_str!("../pg/sql/emptied.sql"), &[], |row| {
                let name = QualifiedName::new(row.required(1)?, row.required(2)?);
                match row.required(0)? {
                    "S" => remembered.has_reset_sequences = true,
                    _ => drop(remembered.emptied.insert(name)),
                }
                Ok(())
            });
            read.await.map_err(failed)?;
        }
        Ok(remembered)
    }

    /// Makes an empty ledger, or takes over the one that is there. As long as no rows were copied
    /// what has been decided now takes the place of what was decided before.
    pub async fn open(
        session: &mut Connection,
        membership: Membership,
        decided: &Decided,
    ) -> Result<Ledger> {
        let failed = |error| Error::target("could not create the record of done steps", error);
        let id = decided.id.clone();
        match session.execute(include_str!("../pg/sql/create_ledger.sql")).await {
            Ok(_) => {}
            Err(error) if error.sqlstate() == Some("42501") => {
                session.execute("rollback").await.ok();
                tracing::warn!(
                    "this run cannot be resumed: the role may not create a schema on the target"
                );
                return Ok(Ledger { is_kept: false, id, membership, opened: Instant::now() });
            }
            Err(error) => return Err(failed(error)),
        }
        fault::point("ledger", "created")?;
        let detail = serde_json::to_string(decided).map_err(unreadable)?;
        let sql = include_str!("../pg/sql/note_decisions.sql");
        session.query(sql, &[Some(&id), Some(&detail)]).await.map_err(failed)?;
        Ok(Ledger { is_kept: true, id, membership, opened: Instant::now() })
    }

    /// What tells this copy apart from others into the same database.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whether the ledger was there at this time.
    pub fn was_there(&self, then: Instant) -> bool {
        self.opened <= then
    }

    /// Whether the target remembers what is done.
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Takes back the records of steps whose work is gone.
    pub async fn take_back(session: &mut Connection, keys: &[String]) -> Result<()> {
        let failed = |error| Error::target("could not change the record of done steps", error);
        let listed: Vec<String> = keys.iter().map(|key| quote_literal(key)).collect();
        let sql = format!(
            "delete from pgcopydb.step where key in ({}); \
             insert into pgcopydb.canary default values on conflict do nothing",
            listed.join(", ")
        );
        session.execute(&sql).await.map_err(failed)?;
        Ok(())
    }

    /// Drops the ledger: everything is done, or is to be done anew. This commit waits for the disk,
    /// and so for all commits before it.
    pub async fn drop(session: &mut Connection) -> Result<()> {
        // The event triggers that were just made are not about us. Whoever may make some may do this.
        let quiet = match session.server_version() {
            170_000.. => "set event_triggers = off",
            _ => "set session_replication_role = replica",
        };
        let failed = |error| Error::target("could not drop the record of done steps", error);
        match session.execute(quiet).await {
            Err(error) if error.is_closed() => return Err(failed(error)),
            _ => {}
        }
        let sql = "set synchronous_commit = on; \
                   drop table if exists pgcopydb.step, pgcopydb.run, pgcopydb.canary";
        session.execute(sql).await.map_err(failed)?;
        match session.execute("drop schema if exists pgcopydb").await {
            // Somebody else uses that name as well.
            Err(error) if error.sqlstate() == Some("2BP01") => Ok(()),
            dropped => dropped.map(|_| ()).map_err(failed),
        }
    }

    /// Waits until sessions may join the run.
    pub async fn wait_for_run(&self) -> Result<()> {
        self.membership.clone().held().await
    }

    /// Marks a session as one of this run. False if it must not be used; see [`Membership::join`].
    pub async fn join(&self, session: &mut Connection) -> Result<bool> {
        if !self.is_kept {
            // Without a record nobody could tell which commits a crash of the server has lost.
            let set = session.execute("set synchronous_commit = on").await;
            set.map_err(|error| Error::target("could not set up a session", error))?;
        }
        self.membership.clone().join(session).await
    }

    /// Which of some steps are recorded.
    pub async fn recorded(&self, session: &mut Connection, keys: &[String]) -> Result<Vec<bool>> {
        let failed = |error| Error::target("could not read the record of done steps", error);
        let mut recorded = vec![false; keys.len()];
        if !self.is_kept {
            return Ok(recorded);
        }
        let listed: Vec<String> = keys.iter().map(|key| quote_literal(key)).collect();
        let sql = format!("select key from pgcopydb.step where key in ({})", listed.join(", "));
        let read = session.query_each(&sql, &[], |row| {
            let found = row.required(0)?;
            for (key, recorded) in keys.iter().zip(&mut recorded) {
                *recorded |= key == found;
            }
            Ok(())
        });
        read.await.map_err(failed)?;
        Ok(recorded)
    }

    /// The statement that records steps; part of the transaction that does them. Empty where no
    /// ledger is kept.
    pub fn record<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> String {
        let keys: Vec<String> =
            keys.into_iter().map(|key| format!("({})", quote_literal(key))).collect();
        if !self.is_kept || keys.is_empty() {
            return String::new();
        }
        format!("insert into pgcopydb.step (key) values {};", keys.join(", "))
    }

    /// Whether an error says that a step had been done already: an earlier try of ours, of which we
    /// never heard the end, did commit.
    pub fn says_done(error: &pgcopydb_wire::Error) -> bool {
        match error {
            pgcopydb_wire::Error::Server(error) => {
                error.code == "23505"
                    && error.schema.as_deref() == Some("pgcopydb")
                    && error.table.as_deref() == Some("step")
            }
            _ => false,
        }
    }
}

fn unreadable(error: serde_json::Error) -> Error {
    Error::new(
        Kind::State,
        format!("the record of done steps on the target is unreadable: {error}"),
    )
    .hint("Another version of this program may have made it; start over with --restart.")
}
