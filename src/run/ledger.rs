//! What the target remembers: the steps that are done, each recorded in the transaction that did
//! it, and the locks that say a run is at work.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use pgcopydb_wire::Connection;

use crate::error::{Error, Kind, Result};
use crate::model::quote_literal;

/// The class of our advisory locks: "pgcp" as a number. The object is one of the two below.
const LOCK_CLASS: i32 = 0x7067_6370;
/// Held by the one run that loads this database.
const RUN_LOCK: i32 = 1;
/// Held, shared, by every session of a run.
const SESSION_LOCK: i32 = 2;

/// How long sessions of a dead run are given to notice that their client is gone.
const LEFTOVERS_WAIT_S: u64 = 5;

/// What the records of copied rows begin with.
pub const COPY_KEY: &str = "copy ";

/// The record of done steps on the target.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    /// Whether the role may keep one; without it a run cannot be resumed.
    is_kept: bool,
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
    /// Takes the run's lock on the target for as long as `session` lives, and makes sure that no
    /// session of a dead run is still at work.
    pub async fn lock(session: &mut Connection) -> Result<()> {
        let failed = |error| Error::target("could not lock the database for this run", error);
        let sql = format!("select pg_catalog.pg_try_advisory_lock({LOCK_CLASS}, {RUN_LOCK})");
        let rows = session.query(&sql, &[]).await.map_err(failed)?;
        if rows.value().map_err(failed)? != Some("t") {
            let who = holder(session, RUN_LOCK).await.unwrap_or_default();
            return Err(Error::new(
                Kind::State,
                "another run of pgcopydb is loading this target database",
            )
            .detail(format!("Its session is {who}."))
            .hint("Wait for it to end, or end it, and try again."));
        }
        end_leftovers(session).await
    }

    /// Whether `source` is connected to the very database that `target` has locked.
    pub async fn is_locked_by(source: &mut Connection, target: &mut Connection) -> Result<bool> {
        let read = |error| Error::target("could not identify the session", error);
        let rows = target.query("select pg_catalog.pg_backend_pid()", &[]).await.map_err(read)?;
        let pid = rows.value().map_err(read)?.unwrap_or_default();
        let (class, object) = (LOCK_CLASS.to_string(), RUN_LOCK.to_string());
        let sql = include_str!("../pg/sql/is_our_lock.sql");
        let rows = source.query(sql, &[Some(&class), Some(&object), Some(pid)]).await;
        rows.and_then(|rows| rows.first().map_or(Ok(false), |row| row.flag(0)))
            .map_err(|error| Error::source("could not look for locks", error))
    }

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
    pub async fn open(session: &mut Connection) -> Result<Ledger> {
        let created = session.execute(include_str!("../pg/sql/create_ledger.sql")).await;
        match created {
            Ok(_) => Ok(Ledger { is_kept: true }),
            Err(error) if error.sqlstate() == Some("42501") => {
                session.execute("rollback").await.ok();
                tracing::warn!(
                    "this run cannot be resumed: the role may not create a schema on the target"
                );
                Ok(Ledger { is_kept: false })
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
        let sql = "set synchronous_commit = on; drop schema if exists pgcopydb cascade";
        let dropped = session.execute(sql).await;
        dropped.map_err(|error| Error::target("could not drop the record of done steps", error))?;
        Ok(())
    }

    /// Marks a session as one of this run.
    pub async fn join(&self, session: &mut Connection) -> Result<()> {
        let sql =
            format!("select pg_catalog.pg_advisory_lock_shared({LOCK_CLASS}, {SESSION_LOCK})");
        let joined = session.execute(&sql).await;
        joined.map_err(|error| Error::target("could not join the run", error))?;
        Ok(())
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

/// Waits for sessions of a dead run to end, then ends them.
async fn end_leftovers(session: &mut Connection) -> Result<()> {
    let failed = |error| Error::target("could not wait for sessions of an earlier run", error);
    let try_lock = format!("select pg_catalog.pg_try_advisory_lock({LOCK_CLASS}, {SESSION_LOCK})");
    let begun = Instant::now();
    let mut ended = false;
    loop {
        let rows = session.query(&try_lock, &[]).await.map_err(failed)?;
        if rows.value().map_err(failed)? == Some("t") {
            break;
        }
        let waited = begun.elapsed();
        if waited > Duration::from_secs(2 * LEFTOVERS_WAIT_S) {
            let who = holder(session, SESSION_LOCK).await.unwrap_or_default();
            return Err(Error::new(
                Kind::State,
                "a session of an earlier run is still at work on the target",
            )
            .detail(format!("It is {who}."))
            .hint("End it with pg_terminate_backend() and try again."));
        }
        if waited > Duration::from_secs(LEFTOVERS_WAIT_S) && !ended {
            ended = true;
            let sql = include_str!("../pg/sql/end_sessions.sql");
            let parameters = [LOCK_CLASS.to_string(), SESSION_LOCK.to_string()];
            let parameters = parameters.each_ref().map(|text| Some(text.as_str()));
            let rows = session.query(sql, &parameters).await.map_err(failed)?;
            for row in rows.iter() {
                let pid = row.required(0).map_err(failed)?;
                tracing::warn!("ended session {pid} of an earlier run on the target");
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let unlock = format!("select pg_catalog.pg_advisory_unlock({LOCK_CLASS}, {SESSION_LOCK})");
    session.query(&unlock, &[]).await.map_err(failed)?;
    Ok(())
}

/// Who holds one of our locks, for people to read.
async fn holder(session: &mut Connection, object: i32) -> Option<String> {
    let sql = include_str!("../pg/sql/lock_holder.sql");
    let parameters = [LOCK_CLASS.to_string(), object.to_string()];
    let parameters = parameters.each_ref().map(|text| Some(text.as_str()));
    let rows = session.query(sql, &parameters).await.ok()?;
    Some(rows.first()?.required(0).ok()?.to_owned())
}
