//! What the target remembers: the steps that are done, each recorded in the transaction that did
//! it.

use std::collections::HashSet;

use pgcopydb_wire::Connection;

use super::control::Membership;
use crate::error::{Error, Result};
use crate::model::quote_literal;

/// What the records of copied rows begin with.
pub const COPY_KEY: &str = "copy ";

/// The record of done steps on the target.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// Whether the role may keep one; without it a run cannot be resumed.
    is_kept: bool,
    /// The run whose record it is.
    membership: Membership,
}

/// What was found on the target when a run began.
#[derive(Debug, Default)]
pub struct Remembered {
    /// Whether an earlier run left a ledger.
    pub exists: bool,
    /// The keys of the steps it did.
    pub done: HashSet<String>,
}

impl Remembered {
    /// Whether rows were copied.
    pub fn has_rows(&self) -> bool {
        self.done.iter().any(|key| key.starts_with(COPY_KEY))
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
        let mut remembered = Remembered { exists, done: HashSet::new() };
        if exists {
            let read = session.query_each("select key from pgcopydb.step", &[], |row| {
                remembered.done.insert(row.required(0)?.to_owned());
                Ok(())
            });
            read.await.map_err(failed)?;
        }
        Ok(remembered)
    }

    /// Makes an empty ledger, or takes over the one that is there.
    pub async fn open(session: &mut Connection, membership: Membership) -> Result<Ledger> {
        let created = session.execute(include_str!("../pg/sql/create_ledger.sql")).await;
        match created {
            Ok(_) => Ok(Ledger { is_kept: true, membership }),
            Err(error) if error.sqlstate() == Some("42501") => {
                session.execute("rollback").await.ok();
                tracing::warn!(
                    "this run cannot be resumed: the role may not create a schema on the target"
                );
                Ok(Ledger { is_kept: false, membership })
            }
            Err(error) => Err(Error::target("could not create the record of done steps", error)),
        }
    }

    /// Whether the target remembers what is done.
    pub fn is_kept(&self) -> bool {
        self.is_kept
    }

    /// Drops the ledger: everything is done, or is to be done anew. This commit waits for the disk,
    /// and so for all commits before it.
    pub async fn drop(session: &mut Connection) -> Result<()> {
        // The event triggers that were just made are not about us. Whoever may make some may do this.
        let quiet = match session.server_version() {
            170_000.. => "set event_triggers = off",
            _ => "set session_replication_role = replica",
        };
        session.execute(quiet).await.ok();
        let failed = |error| Error::target("could not drop the record of done steps", error);
        let sql = "set synchronous_commit = on; \
                   drop table if exists pgcopydb.step, pgcopydb.run";
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
