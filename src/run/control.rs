//! The session that holds the run's lock on the target. It is kept for as long as the run lasts;
//! when it is lost a new one takes the lock again, and until then no session joins the run. What
//! the target remembers is read again then: a server that has crashed may have lost the last
//! commits, and whatever was built upon them must not be.

use std::time::{Duration, Instant};

use pgcopydb_wire::Connection;
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

use super::ledger::{Ledger, Remembered};
use super::lock;
use crate::error::{Error, Result};
use crate::pg::Endpoint;
use crate::pg::keep::Kept;
use crate::tools::child::stopped;

/// What the session is for, in its application name.
pub const ROLE: &str = "control";

/// How long an answer of the server is waited for before the session counts as lost.
const PATIENCE_S: u64 = 30;

/// How long a server may be away: a crash recovery takes minutes.
pub const OUTAGE_S: u64 = 600;

/// Pause between two tries to reach it.
const TRY_AGAIN_MS: u64 = 500;

/// What happened to the lock.
#[derive(Debug)]
pub enum Event {
    /// Its session was lost; a new one is being opened.
    Lost(Error),
    /// A new session holds it. Nobody joins the run before [`Control::go_on`] is called.
    Back {
        /// The process id of the session that holds it.
        owner: i32,
        /// What the target remembers now.
        remembered: Box<Remembered>,
        /// Since when it has been asked that.
        asked: Instant,
    },
    /// It could not be taken again: the run has no right to go on.
    Gone(Error),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// By the session with this process id.
    Held(i32),
    /// Not at present.
    Lost,
    /// Not ever again.
    Over,
}

/// The lock, for the one who leads the run.
#[derive(Debug)]
pub struct Control {
    state: watch::Sender<State>,
    events: mpsc::Receiver<Event>,
    /// Who holds the lock, as far as has been told.
    owner: i32,
    end: CancellationToken,
    task: AbortOnDropHandle<()>,
}

/// The lock, for those who want to join the run.
#[derive(Clone, Debug)]
pub struct Membership(watch::Receiver<State>);

impl Control {
    /// Keeps a session that has taken the lock.
    pub fn keep(endpoint: Endpoint, session: Connection) -> Control {
        let owner = session.backend_pid();
        let (state, _) = watch::channel(State::Held(owner));
        let (news, events) = mpsc::channel(8);
        let end = CancellationToken::new();
        let keeper = Keeper { endpoint, state: state.clone(), news, end: end.clone() };
        let task =
            AbortOnDropHandle::new(tokio::spawn(keeper.keep(session, owner).in_current_span()));
        Control { state, events, owner, end, task }
    }

    /// For sessions that want to join.
    pub fn membership(&self) -> Membership {
        Membership(self.state.subscribe())
    }

    /// Waits for news about the lock.
    ///
    /// Cancel safe.
    pub async fn event(&mut self) -> Event {
        match self.events.recv().await {
            Some(event) => {
                if let Event::Back { owner, .. } = &event {
                    self.owner = *owner;
                }
                event
            }
            None => std::future::pending().await,
        }
    }

    /// Whether the lock is held, as far as is known, and all news about it were taken in.
    pub fn is_held(&self) -> bool {
        matches!(*self.state.borrow(), State::Held(_))
    }

    /// Lets sessions join again after [`Event::Back`].
    pub fn go_on(&self) {
        self.state.send_replace(State::Held(self.owner));
    }

    /// Lets nobody join any more.
    pub fn give_up(&self) {
        self.state.send_replace(State::Over);
    }

    /// Lets go of the lock.
    pub async fn close(self) {
        self.end.cancel();
        let _ = self.task.await;
    }
}

impl Membership {
    /// Marks a session as one of the run. False if that was not possible at the moment, because the
    /// lock has just been lost: the session must not be used then.
    pub async fn join(&mut self, session: &mut Connection) -> Result<bool> {
        let State::Held(owner) = *self.0.borrow_and_update() else { return Ok(false) };
        lock::join(session, owner).await
    }

    /// Waits until the lock is held.
    pub async fn held(&mut self) -> Result<()> {
        let limit = Duration::from_secs(OUTAGE_S);
        let held = self.0.wait_for(|state| *state != State::Lost);
        match tokio::time::timeout(limit, held).await {
            Ok(Ok(state)) if matches!(*state, State::Held(_)) => Ok(()),
            // Whoever leads the run says why.
            _ => Err(stopped()),
        }
    }
}

struct Keeper {
    endpoint: Endpoint,
    state: watch::Sender<State>,
    news: mpsc::Sender<Event>,
    end: CancellationToken,
}

impl Keeper {
    async fn keep(self, session: Connection, mut owner: i32) {
        let patience = Some(Duration::from_secs(PATIENCE_S));
        let mut kept = Kept::keep(session, patience);
        loop {
            let cause = tokio::select! {
                cause = kept.lost() => cause,
                () = self.end.cancelled() => return kept.close().await,
            };
            self.state.send_replace(State::Lost);
            let lost = Error::target("lost the session that holds the lock of this run", cause);
            let _ = self.news.send(Event::Lost(lost)).await;
            let again = tokio::select! {
                again = self.take_again(owner) => again,
                () = self.end.cancelled() => return,
            };
            let event = match again {
                Ok((session, remembered, asked)) => {
                    owner = session.backend_pid();
                    kept = Kept::keep(session, patience);
                    Event::Back { owner, remembered: Box::new(remembered), asked }
                }
                Err(error) => {
                    self.state.send_replace(State::Over);
                    let _ = self.news.send(Event::Gone(error)).await;
                    return;
                }
            };
            let _ = self.news.send(event).await;
        }
    }

    async fn take_again(&self, before: i32) -> Result<(Connection, Remembered, Instant)> {
        let begun = Instant::now();
        loop {
            let error = match self.try_again(before).await {
                Ok(taken) => return Ok(taken),
                Err(error) => error,
            };
            if !error.is_transient() || begun.elapsed() > Duration::from_secs(OUTAGE_S) {
                return Err(error);
            }
            tracing::debug!("could not take the lock of this run again yet: {error}");
            tokio::time::sleep(Duration::from_millis(TRY_AGAIN_MS)).await;
        }
    }

    async fn try_again(&self, before: i32) -> Result<(Connection, Remembered, Instant)> {
        let mut session = self.endpoint.open(ROLE).await?;
        // The server may not have noticed that the old session is gone.
        lock::end_backend(&mut session, before, &self.endpoint.application_name(ROLE)).await?;
        lock::take_alone(&mut session).await?;
        let asked = Instant::now();
        let remembered = Ledger::remembered(&mut session).await?;
        Ok((session, remembered, asked))
    }
}
