//! The workers of a comparison: each asks both servers at the same time for the sums of one piece
//! of work after the other, until none is left.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pgcopydb_wire::Connection;
use tokio::sync::mpsc;

use super::interrupt;
use super::work::Piece;
use crate::error::Result;
use crate::pg::checksum::{self, Method, Sum};
use crate::pg::{Endpoint, session, snapshot};
use crate::stop::Stop;

/// Tries of a piece of work that lost a connection, the first one included.
const ATTEMPTS_MAX: usize = 4;

/// The pause before another try.
const PAUSE_MS: u64 = 500;

/// What every worker knows.
#[derive(Debug)]
pub struct Context {
    /// Both servers, the source first.
    pub endpoints: [Endpoint; 2],
    /// The exported snapshots.
    pub snapshots: [Option<String>; 2],
    /// How rows are hashed.
    pub method: Method,
    /// What is to be done.
    pub pieces: Vec<Piece>,
    /// Places of pieces that nobody has taken yet.
    pub queue: Mutex<VecDeque<usize>>,
    /// The wish to stop.
    pub stop: Stop,
}

/// What a worker has to say.
#[derive(Debug)]
pub enum Mail {
    /// It begins with a piece of work.
    Started {
        /// Its number.
        seat: usize,
        /// The piece.
        piece: usize,
    },
    /// It has done it, or could not.
    Ended {
        /// Its number.
        seat: usize,
        /// The piece.
        piece: usize,
        /// The sums of both sides.
        sums: Result<[Sum; 2]>,
    },
}

impl Context {
    /// Opens a session to each server that sees its snapshot.
    pub async fn open(&self, role: &str) -> Result<[Connection; 2]> {
        let open = async |side: usize| -> Result<Connection> {
            let endpoint = &self.endpoints[side];
            let id = self.snapshots[side].as_deref();
            let mut session = snapshot::reader(endpoint, id, role).await?;
            session::fix_output(&mut session, endpoint.side).await?;
            if let Some(settings) = self.method.settings() {
                let set = session.execute(settings).await;
                set.map_err(|error| endpoint.side.error("could not set up a session", error))?;
            }
            Ok(session)
        };
        let (source, target) = tokio::try_join!(open(0), open(1))?;
        Ok([source, target])
    }

    /// Computes the sum of one side, and lets go of the locks on what was read at once: somebody may
    /// hold a lock that the other side waits for, and wait for one of these. No server would ever
    /// notice, since a session that is idle waits for nobody.
    async fn sum(
        &self,
        place: usize,
        session: &mut Connection,
        query: &Option<String>,
    ) -> Result<Sum> {
        let Some(query) = query else { return Ok(Sum::default()) };
        let side = self.endpoints[place].side;
        let word = side.word().to_uppercase();
        tracing::debug!(target: "sql", "[{word} {}] {query}", session.backend_pid());
        let summed = checksum::sum(session, query).await;
        let sum = summed.map_err(|error| side.error("could not compute a checksum", error))?;
        snapshot::begin_again(session, side, self.snapshots[place].as_deref()).await?;
        Ok(sum)
    }

    fn take(&self) -> Option<usize> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }
}

/// Works until nothing is left, or nobody listens.
pub async fn work(context: Arc<Context>, seat: usize, mail: mpsc::Sender<Mail>) {
    let role = format!("compare data {}", seat + 1);
    let mut sessions = None;
    while let Some(piece) = context.take() {
        if context.stop.is_requested() || mail.send(Mail::Started { seat, piece }).await.is_err() {
            break;
        }
        let sums = patiently(&context, &role, &mut sessions, piece).await;
        if mail.send(Mail::Ended { seat, piece, sums }).await.is_err() {
            break;
        }
    }
    for session in sessions.into_iter().flatten() {
        session.close().await;
    }
}

/// Does one piece, again as long as the only trouble is a lost connection.
async fn patiently(
    context: &Context,
    role: &str,
    sessions: &mut Option<[Connection; 2]>,
    piece: usize,
) -> Result<[Sum; 2]> {
    let mut attempts = 1;
    loop {
        let error = match attempt(context, role, sessions, piece).await {
            Ok(sums) => return Ok(sums),
            Err(error) => error,
        };
        *sessions = None;
        if !error.is_transient() || attempts == ATTEMPTS_MAX || context.stop.is_requested() {
            return Err(error);
        }
        attempts += 1;
        tracing::warn!("trying again in {PAUSE_MS} ms: {error}");
        tokio::time::sleep(Duration::from_millis(PAUSE_MS)).await;
    }
}

async fn attempt(
    context: &Context,
    role: &str,
    sessions: &mut Option<[Connection; 2]>,
    piece: usize,
) -> Result<[Sum; 2]> {
    if sessions.is_none() {
        *sessions = Some(context.open(role).await?);
    }
    let Some([source, target]) = sessions else { return Ok([Sum::default(); 2]) };
    let keys = [source.cancel_key(), target.cancel_key()];
    let [ours, theirs] = &context.pieces[piece].queries;
    let work = async {
        let (source, target) =
            tokio::try_join!(context.sum(0, source, ours), context.sum(1, target, theirs))?;
        Ok([source, target])
    };
    let result = interrupt::unless_stopped(&context.stop, keys.clone(), work).await;
    if result.is_err() {
        // The other server may still be at it; failing to cancel that is no trouble of its own.
        let [source, target] = keys;
        let _ = tokio::join!(source.cancel(), target.cancel());
    }
    result
}
