//! Locks on the target that say that a run is at work. They are advisory locks of the database, so
//! they end with the sessions that hold them, however these end.

use std::time::{Duration, Instant};

use pgcopydb_wire::Connection;

use crate::error::{Error, Kind, Result};

/// The class of our advisory locks: "pgcp" as a number. The object is one of the two below.
const LOCK_CLASS: i32 = 0x7067_6370;
/// Held by the one run that loads this database.
const RUN_LOCK: i32 = 1;
/// Held, shared, by every session of a run.
const SESSION_LOCK: i32 = 2;

/// How long sessions of a dead run are given to notice that their client is gone.
const LEFTOVERS_WAIT_S: u64 = 5;

/// How often somebody who waits for a session to end looks again.
const LOOK_AGAIN_MS: u64 = 100;

/// Takes the run's lock for as long as `session` lives, and makes sure that no session of a dead
/// run is still at work.
pub async fn take(session: &mut Connection) -> Result<()> {
    take_alone(session).await?;
    end_leftovers(session).await
}

/// Takes the run's lock for as long as `session` lives.
pub async fn take_alone(session: &mut Connection) -> Result<()> {
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
    Ok(())
}

/// Lets go of the run's lock.
pub async fn release(session: &mut Connection) -> Result<()> {
    let sql = format!("select pg_catalog.pg_advisory_unlock({LOCK_CLASS}, {RUN_LOCK})");
    let released = session.execute(&sql).await;
    released.map_err(|error| Error::target("could not unlock the database", error))?;
    Ok(())
}

/// Marks a session as one of the run whose lock `owner` holds. False if that session holds it no
/// longer: then this one must not be used, as another run may have begun.
///
/// In this order there is no gap: who takes the run's lock later finds our mark, and waits.
pub async fn join(session: &mut Connection, owner: i32) -> Result<bool> {
    let failed = |error| Error::target("could not join the run", error);
    let sql = format!("select pg_catalog.pg_advisory_lock_shared({LOCK_CLASS}, {SESSION_LOCK})");
    session.execute(&sql).await.map_err(failed)?;
    Ok(holders(session, RUN_LOCK).await.map_err(failed)?.contains(&owner))
}

/// Whether `source` is connected to the very database that `target` has locked.
pub async fn is_held_by(source: &mut Connection, target: &Connection) -> Result<bool> {
    let pid = target.backend_pid().to_string();
    let (class, object) = (LOCK_CLASS.to_string(), RUN_LOCK.to_string());
    let sql = include_str!("../pg/sql/is_our_lock.sql");
    let rows = source.query(sql, &[Some(&class), Some(&object), Some(&pid)]).await;
    rows.and_then(|rows| rows.first().map_or(Ok(false), |row| row.flag(0)))
        .map_err(|error| Error::source("could not look for locks", error))
}

async fn holders(session: &mut Connection, object: i32) -> pgcopydb_wire::Result<Vec<i32>> {
    let parameters = [LOCK_CLASS.to_string(), object.to_string()];
    let parameters = parameters.each_ref().map(|text| Some(text.as_str()));
    let rows = session.query(include_str!("../pg/sql/lock_pids.sql"), &parameters).await?;
    rows.iter().map(|row| row.parsed(0)).collect()
}

/// Ends a session of ours whose connection was lost, and waits until it is gone: the server may not
/// have noticed, and its transaction may be at work.
pub async fn end_backend(session: &mut Connection, pid: i32, application: &str) -> Result<()> {
    let failed = |error| Error::target("could not end a session that was lost", error);
    let begun = Instant::now();
    loop {
        let pid_text = pid.to_string();
        let parameters = [Some(pid_text.as_str()), Some(application)];
        let rows = session.query(include_str!("../pg/sql/end_backend.sql"), &parameters).await;
        if rows.map_err(failed)?.is_empty() {
            return Ok(());
        }
        if begun.elapsed() > Duration::from_secs(2 * LEFTOVERS_WAIT_S) {
            return Err(Error::new(
                Kind::Target,
                format!("session {pid} of ours, whose connection was lost, does not end"),
            )
            .hint("End it with pg_terminate_backend() and continue with --resume."));
        }
        tokio::time::sleep(Duration::from_millis(LOOK_AGAIN_MS)).await;
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
        tokio::time::sleep(Duration::from_millis(LOOK_AGAIN_MS)).await;
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
