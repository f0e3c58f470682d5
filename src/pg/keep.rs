//! A session that is kept for what it holds: a snapshot, a lock. A task waits for its end and
//! speaks to the server now and then, so that nothing between here and there takes the connection
//! for a dead one.

use std::time::Duration;

use pgcopydb_wire::{Connection, Error, Result};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

/// How often the server is spoken to: routers forget connections that are silent for minutes.
const PING_S: u64 = 30;

/// How long the answer to the last ping is waited for when the session is taken back.
const LAST_ANSWER_S: u64 = 5;

/// A session in the care of a task. Dropping it closes the session.
#[derive(Debug)]
pub struct Kept {
    end: CancellationToken,
    /// `None` once the end of the session has been told.
    task: Option<JoinHandle<Result<Connection>>>,
}

impl Kept {
    /// Keeps a session that is waiting for a statement. An answer that takes longer than `patience`
    /// counts as the loss of the session; `None` waits for as long as the network does.
    pub fn keep(session: Connection, patience: Option<Duration>) -> Kept {
        let end = CancellationToken::new();
        let task = tokio::spawn(keep(session, patience, end.clone()).in_current_span());
        Kept { end, task: Some(task) }
    }

    /// Waits until the session is lost, and says why; tells it once.
    ///
    /// Cancel safe.
    pub async fn lost(&mut self) -> Error {
        let Some(task) = &mut self.task else { return std::future::pending().await };
        let ended = task.await;
        self.task = None;
        match ended {
            Ok(Err(error)) => error,
            Ok(Ok(_)) => Error::Protocol("the session was taken back".into()),
            Err(error) => Error::Protocol(error.to_string()),
        }
    }

    /// Closes the session politely.
    pub async fn close(mut self) {
        self.end.cancel();
        if let Some(task) = self.task.take()
            && let Ok(Ok(session)) = task.await
        {
            session.close().await;
        }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

async fn keep(
    mut session: Connection,
    patience: Option<Duration>,
    end: CancellationToken,
) -> Result<Connection> {
    let ping = Duration::from_secs(PING_S);
    loop {
        tokio::select! {
            error = session.closed() => return Err(error),
            () = end.cancelled() => return Ok(session),
            () = tokio::time::sleep(ping) => {}
        }
        let last_answer = async {
            end.cancelled().await;
            tokio::time::sleep(Duration::from_secs(LAST_ANSWER_S)).await;
        };
        let limit = patience.unwrap_or(Duration::MAX);
        tokio::select! {
            answer = tokio::time::timeout(limit, session.execute("select 1")) => match answer {
                Ok(answer) => drop(answer?),
                Err(_) => return Err(Error::Timeout { doing: "asking after a session", after: limit }),
            },
            () = last_answer => {
                return Err(Error::Timeout { doing: "closing a session", after: ping });
            }
        }
    }
}
