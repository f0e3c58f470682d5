//! Replication slots on the source, and what the source must allow for one.

use std::time::Duration;

use pgcopydb_wire::Connection;

use crate::error::{Error, Kind, Result};
use crate::model::{Lsn, Plugin};

/// How often a session that is to end is looked for, and the pause between.
const MAKER_TRIES_MAX: u32 = 50;
const MAKER_PAUSE: Duration = Duration::from_millis(200);

/// A slot as the source has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotState {
    /// Its output plugin.
    pub plugin: String,
    /// Its database.
    pub database: String,
    /// The session that uses it.
    pub active_pid: Option<i32>,
    /// What is before this position does not come out of it any more.
    pub confirmed: Lsn,
}

/// Looks a slot up.
pub async fn find(session: &mut Connection, name: &str) -> Result<Option<SlotState>> {
    let failed = |error| Error::source("could not look up the replication slot", error);
    let sql = include_str!("sql/replication_slot.sql");
    let rows = session.query(sql, &[Some(name)]).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(None) };
    let text = |column| row.text(column).map(|text| text.unwrap_or_default().to_owned());
    let state = SlotState {
        plugin: text(0).map_err(failed)?,
        database: text(1).map_err(failed)?,
        active_pid: match row.text(2).map_err(failed)? {
            Some(_) => Some(row.parsed(2).map_err(failed)?),
            None => None,
        },
        confirmed: match row.text(3).map_err(failed)? {
            Some(_) => row.parsed(3).map_err(failed)?,
            None => Lsn::NONE,
        },
    };
    Ok(Some(state))
}

/// Drops a slot; one that is in use, by ending its session first. False when there was none.
pub async fn drop(session: &mut Connection, name: &str) -> Result<bool> {
    let failed = |error| Error::source("could not drop the replication slot", error);
    let Some(state) = find(session, name).await? else { return Ok(false) };
    let rows = session.query("select pg_catalog.current_database()", &[]).await.map_err(failed)?;
    if rows.value().map_err(failed)? != Some(&*state.database) {
        return Err(Error::new(
            Kind::State,
            format!("cannot drop the replication slot \"{name}\": it is not of this database"),
        )
        .detail(format!("It belongs to database \"{}\", perhaps to another run.", state.database))
        .hint("Name that database in --source, or the right slot with --slot-name."));
    }
    if let Some(pid) = state.active_pid {
        return Err(Error::new(
            Kind::State,
            format!("cannot drop the replication slot \"{name}\": it is in use"),
        )
        .detail(format!("Session {pid} of the source receives from it."))
        .hint("End the command that receives, or that session with pg_terminate_backend().")
        .transient());
    }
    let sql = "select pg_catalog.pg_drop_replication_slot($1)";
    session.query(sql, &[Some(name)]).await.map_err(failed)?;
    Ok(true)
}

/// Ends a session of ours that still makes a slot for a run that is gone, and with it, as long as it is
/// not whole, the slot.
pub async fn end_maker(session: &mut Connection, name: &str) -> Result<()> {
    let failed = |error| Error::source("could not end the session that makes the slot", error);
    for _ in 0..MAKER_TRIES_MAX {
        let sql = include_str!("sql/end_slot_maker.sql");
        let rows = session.query(sql, &[Some(name)]).await.map_err(failed)?;
        if rows.is_empty() {
            break;
        }
        tokio::time::sleep(MAKER_PAUSE).await;
    }
    Ok(())
}

/// Refuses a source that cannot decode its log for us, and says what to change.
pub async fn check(session: &mut Connection, plugin: Plugin) -> Result<()> {
    let failed = |error| Error::source("could not check the settings for replication", error);
    let sql = include_str!("sql/replication_checks.sql");
    let rows = session.query(sql, &[]).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok(()) };
    let number = |column| row.parsed::<i64>(column).map_err(failed);
    let refused = |message: String, hint: &str| {
        Err(Error::new(Kind::Source, format!("cannot follow the source: {message}")).hint(hint))
    };
    let level = row.required(0).map_err(failed)?;
    if level != "logical" {
        return refused(
            format!("its wal_level is {level}, not logical"),
            "On the source: alter system set wal_level = logical; then restart the server.",
        );
    }
    if row.flag(6).map_err(failed)? && plugin == Plugin::Pgoutput {
        return refused(
            "it is a standby, where no publication can be made".to_owned(),
            "Connect to the primary.",
        );
    }
    if row.text(5).map_err(failed)? != Some("t") {
        return refused(
            "the role may not replicate".to_owned(),
            "On the source, as a superuser: alter role ... replication;",
        );
    }
    for (name, most, used) in [
        ("max_replication_slots", number(1)?, number(2)?),
        ("max_wal_senders", number(3)?, number(4)?),
    ] {
        if used >= most {
            return refused(
                format!("its {name} is {most} and {used} are in use"),
                &format!("Raise {name} on the source and restart it, or end what is not needed."),
            );
        }
    }
    Ok(())
}

/// Whether a position is in the past of the source. A standby is not asked.
pub async fn has_passed(session: &mut Connection, position: Lsn) -> Result<bool> {
    let failed = |error| Error::source("could not ask for the end of the log", error);
    let sql = "select not pg_catalog.pg_is_in_recovery() \
               and pg_catalog.pg_current_wal_insert_lsn() >= $1::pg_catalog.pg_lsn";
    let rows = session.query(sql, &[Some(&position.to_string())]).await.map_err(failed)?;
    Ok(rows.value().map_err(failed)? == Some("t"))
}

/// How far the source's log is flushed.
pub async fn current(session: &mut Connection) -> Result<Lsn> {
    Ok(end_of_log(session).await?.0)
}

/// The end of everything that has committed on the source, also of what is not flushed yet: an
/// application need not wait for that (`synchronous_commit = off`).
pub async fn end_of_commits(session: &mut Connection) -> Result<Lsn> {
    Ok(end_of_log(session).await?.1)
}

/// What of the source's log is flushed, and what is written at all.
async fn end_of_log(session: &mut Connection) -> Result<(Lsn, Lsn)> {
    let failed = |error| Error::source("could not ask for the end of the log", error);
    let rows = session.query(include_str!("sql/end_of_log.sql"), &[]).await.map_err(failed)?;
    let Some(row) = rows.first() else { return Ok((Lsn::NONE, Lsn::NONE)) };
    Ok((row.parsed(0).map_err(failed)?, row.parsed(1).map_err(failed)?))
}

/// Writes a record into the source's log that changes nothing, so that an idle source has something
/// to send.
pub async fn emit_marker(session: &mut Connection) -> Result<()> {
    let sql = "select pg_catalog.pg_logical_emit_message(true, 'pgcopydb', 'end')";
    let emitted = session.query(sql, &[]).await;
    emitted.map_err(|error| Error::source("could not write a marker", error))?;
    Ok(())
}
