//! An exported snapshot: one view of a database for all who read from it.

use pgcopydb_wire::Connection;

use super::keep::Kept;
use super::session::{Endpoint, Side};
use crate::error::{Error, Kind, Result};
use crate::model::quote_literal;

/// Begins a transaction that sees one state of the database and changes nothing.
const BEGIN: &str = "begin transaction isolation level repeatable read, read only";

/// A snapshot and, if it is ours, the session that keeps it alive.
#[derive(Debug)]
pub struct Snapshot {
    /// Its identifier; `None` where every reader has its own view (`--not-consistent`).
    pub id: Option<String>,
    holder: Option<Kept>,
    side: Side,
}

impl Snapshot {
    /// Exports a snapshot and keeps it alive for as long as the value lives.
    pub async fn export(endpoint: &Endpoint) -> Result<Snapshot> {
        let mut holder = endpoint.open("snapshot").await?;
        let failed = |error| endpoint.side.error("could not export a snapshot", error);
        holder.execute(BEGIN).await.map_err(failed)?;
        Snapshot::export_from(endpoint.side, holder).await
    }

    async fn export_from(side: Side, mut holder: Connection) -> Result<Snapshot> {
        let failed = |error| side.error("could not export a snapshot", error);
        let rows = holder.query("select pg_catalog.pg_export_snapshot()", &[]).await;
        let id = rows.and_then(|rows| rows.value().map(|id| id.map(str::to_owned)));
        // An answer that is late is no reason to give up what cannot be had again.
        let holder = Some(Kept::keep(holder, None));
        Ok(Snapshot { id: id.map_err(failed)?, holder, side })
    }

    /// Takes over a snapshot that was exported with a replication slot: it would end with the next
    /// command of that session, which therefore nobody could look after. It is exported once more,
    /// under another name.
    pub async fn take_over(source: &Endpoint, id: &str) -> Result<Snapshot> {
        let holder = reader(source, Some(id), "snapshot").await?;
        Snapshot::export_from(source.side, holder).await
    }

    /// Takes a snapshot that another session keeps alive, and checks that it does.
    pub async fn borrow(source: &Endpoint, id: &str) -> Result<Snapshot> {
        let snapshot = Snapshot { id: Some(id.to_owned()), holder: None, side: source.side };
        let session = snapshot.reader(source, "snapshot").await.map_err(|error| {
            if error.is_transient() {
                // Of the snapshot that says nothing.
                return error;
            }
            Error::new(
                Kind::State,
                format!("cannot use the snapshot {id:?} of the source: {}", error.message()),
            )
            .detail("A snapshot lives only as long as the session that exported it.")
            .hint(
                "Keep one with \"pgcopydb snapshot\", or continue without one with --resume \
                 --not-consistent if nothing was written to the source since.",
            )
        })?;
        session.close().await;
        Ok(snapshot)
    }

    /// No common snapshot: every reader sees the database as it is when it begins.
    pub fn none() -> Snapshot {
        Snapshot { id: None, holder: None, side: Side::Source }
    }

    /// Whether the session that keeps it alive is ours.
    pub fn is_ours(&self) -> bool {
        self.holder.is_some()
    }

    /// Opens a session in a transaction that sees the snapshot.
    pub async fn reader(&self, endpoint: &Endpoint, role: &str) -> Result<Connection> {
        reader(endpoint, self.id.as_deref(), role).await
    }

    /// Lets go of the snapshot.
    pub async fn close(&mut self) {
        if let Some(holder) = self.holder.take() {
            holder.close().await;
        }
    }

    /// Waits until the session that keeps the snapshot alive is lost; for ever if it is not ours.
    pub async fn lost(&mut self) -> Error {
        match &mut self.holder {
            Some(holder) => {
                let error = holder.lost().await;
                self.side
                    .error("lost the session that holds the snapshot", error)
                    .that_lost_the_snapshot()
            }
            None => std::future::pending().await,
        }
    }
}

/// Opens a session in a transaction that sees a snapshot, or the present if there is none.
pub async fn reader(endpoint: &Endpoint, id: Option<&str>, role: &str) -> Result<Connection> {
    let mut session = endpoint.open(role).await?;
    begin(&mut session, endpoint.side, id).await?;
    Ok(session)
}

/// Begins a transaction that sees a snapshot, or the present if there is none.
pub async fn begin(session: &mut Connection, side: Side, id: Option<&str>) -> Result<()> {
    let sql = String::from(BEGIN);
    import(session, side, id, sql, 1).await
}

/// Ends the transaction that sees a snapshot, and with it the locks on what was read, and begins
/// another.
pub async fn begin_again(session: &mut Connection, side: Side, id: Option<&str>) -> Result<()> {
    let sql = format!("commit; {BEGIN}");
    import(session, side, id, sql, 2).await
}

/// Runs `commands` that begin a transaction, and makes that see a snapshot.
async fn import(
    session: &mut Connection,
    side: Side,
    id: Option<&str>,
    mut sql: String,
    commands: usize,
) -> Result<()> {
    if let Some(id) = id {
        sql.push_str("; set transaction snapshot ");
        sql.push_str(&quote_literal(id));
    }
    match session.execute(&sql).await {
        Ok(_) => Ok(()),
        // The transaction was begun, and the server knows no such snapshot (any more).
        Err(error) if session.completed() == commands && !error.is_closed() => {
            Err(side.error("could not import the snapshot", error).that_lost_the_snapshot())
        }
        Err(error) => Err(side.error("could not begin to read", error)),
    }
}
