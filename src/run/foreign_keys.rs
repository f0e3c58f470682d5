//! Foreign keys that somebody else's tables have, and that would not let rows in: taken down before
//! the rows, put back after them, whatever became of these.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use pgcopydb_wire::Connection;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tracing::Instrument;

use super::control::Membership;
use super::ledger::Ledger;
use crate::error::Result;
use crate::model::{KeptKey, KeyState, Table};
use crate::pg::preflight::listed;
use crate::pg::{Endpoint, foreign_keys as pg};
use crate::stop::Stop;

/// What the sessions are for, in their application names.
const ROLE: &str = "foreign keys";

/// Tries of each move, where connections are lost.
const ATTEMPTS_MAX: u32 = 10;

/// Drops what is in the way of the rows of some tables. Whatever comes of it, what was dropped is to
/// be put back.
pub async fn take_down(
    target: &mut Connection,
    ledger: &Ledger,
    wanted: &[&Table],
    stop: &Stop,
) -> Result<()> {
    let keys = pg::in_the_way(target, wanted).await?;
    if keys.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = keys.iter().map(KeptKey::to_string).collect();
    if !ledger.is_kept() {
        let reason = "our role may not create the schema in which that would be remembered";
        return Err(pg::cannot_be_dropped(&names, reason));
    }
    tracing::warn!(
        "dropping {} foreign keys of the target until the rows are in: {}",
        names.len(),
        listed(&names)
    );
    let cancel = target.cancel_key();
    let taking = pg::take_down(target, &keys);
    tokio::pin!(taking);
    tokio::select! {
        taken = &mut taking => taken,
        () = stop.requested() => {
            let _ = cancel.cancel().await;
            let _ = taking.await;
            Err(crate::tools::child::stopped())
        }
    }
}

/// What is done over a session that may be lost.
enum Move<'a> {
    /// Lists what is to be put back.
    Look(&'a mut Vec<(KeptKey, KeyState)>),
    /// Does for a key what takes no time.
    PutBack(&'a KeptKey, KeyState),
    /// Does the rest.
    Check(&'a KeptKey),
    /// Drops the list.
    ForgetAll,
}

/// Puts keys back, over sessions of a run.
#[derive(Clone, Debug)]
pub struct PutBack {
    /// The server.
    pub target: Endpoint,
    /// The run.
    pub membership: Membership,
    /// Keys whose rows are looked at at the same time.
    pub jobs: u16,
    /// The wish to stop: then keys come back unchecked.
    pub stop: Stop,
}

impl PutBack {
    /// Puts all keys back that are kept, and tells of those that could not be; says how many these
    /// are.
    pub async fn all(&self) -> Result<usize> {
        let (mut session, mut kept) = (None, Vec::new());
        self.make(&mut session, Move::Look(&mut kept)).await?;
        if kept.is_empty() {
            return Ok(0);
        }
        let mut unchecked = VecDeque::new();
        let (mut failed, mut whole) = (0, 0);
        for (key, state) in kept {
            match self.make(&mut session, Move::PutBack(&key, state)).await {
                Ok(true) => whole += 1,
                Ok(false) => unchecked.push_back(key),
                Err(error) => {
                    crate::log::error(&error);
                    failed += 1;
                }
            }
        }
        drop(session);
        let (checked, left) = self.check(unchecked).await;
        whole += checked;
        failed += left;
        if failed == 0 {
            let mut session = None;
            self.make(&mut session, Move::ForgetAll).await?;
            tracing::info!("{whole} foreign keys of the target are as they were");
        }
        Ok(failed)
    }

    /// What takes no time; true if nothing is left to be done.
    async fn first_move(
        &self,
        target: &mut Connection,
        key: &KeptKey,
        state: KeyState,
    ) -> Result<bool> {
        match state {
            KeyState::NoTable => {
                tracing::warn!("foreign key {key} is not put back: its table is gone");
                pg::forget(target, key).await?;
                Ok(true)
            }
            KeyState::Whole => {
                pg::forget(target, key).await?;
                Ok(true)
            }
            KeyState::Unchecked => Ok(false),
            KeyState::Missing if !pg::comes_unchecked(key, target) => Ok(false),
            KeyState::Missing => pg::put_back(target, key).await,
        }
    }

    /// Looks at the rows of keys, several at a time. Returns how many hold, and how many do not or
    /// could not be looked at.
    async fn check(&self, keys: VecDeque<KeptKey>) -> (usize, usize) {
        let count = keys.len();
        let workers = usize::from(self.jobs).min(count);
        let queue = Arc::new(Mutex::new(keys));
        let mut tasks = JoinSet::new();
        for _ in 0..workers {
            let (this, queue) = (self.clone(), queue.clone());
            let work = async move {
                let (mut session, mut checked) = (None, 0);
                while !this.stop.is_requested() {
                    let Some(key) = queue.lock().await.pop_front() else { break };
                    match this.make(&mut session, Move::Check(&key)).await {
                        Ok(_) => checked += 1,
                        Err(_) if this.stop.is_requested() => {}
                        Err(error) => crate::log::error(&error),
                    }
                }
                checked
            };
            tasks.spawn(work.in_current_span());
        }
        let mut checked = 0;
        while let Some(ended) = tasks.join_next().await {
            checked += ended.unwrap_or(0);
        }
        if checked < count && self.stop.is_requested() {
            tracing::warn!(
                "{} foreign keys of the target are not as they were: --resume checks their rows",
                count - checked
            );
        }
        (checked, count - checked)
    }

    async fn second_move(&self, target: &mut Connection, key: &KeptKey) -> Result<()> {
        let cancel = target.cancel_key();
        let work = async {
            if !pg::comes_unchecked(key, target) {
                return pg::put_back(target, key).await.map(|_| ());
            }
            pg::check(target, key).await
        };
        tokio::pin!(work);
        tokio::select! {
            done = &mut work => done,
            () = self.stop.requested() => {
                let _ = cancel.cancel().await;
                work.await
            }
        }
    }

    /// Makes a move, again where the session is lost. What was done and not heard of is no trouble to
    /// be done again. Says whether nothing is left to be done for that key.
    async fn make(&self, session: &mut Option<Connection>, mut next: Move<'_>) -> Result<bool> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            match self.try_to_make(session, &mut next).await {
                Err(error)
                    if error.is_transient()
                        && attempts < ATTEMPTS_MAX
                        && !self.stop.is_requested() =>
                {
                    tracing::warn!("trying to put foreign keys back again: {error}");
                    *session = None;
                    tokio::select! {
                        () = tokio::time::sleep(Duration::from_secs(u64::from(attempts))) => {}
                        () = self.stop.requested() => {}
                    }
                }
                Err(error) => {
                    *session = None;
                    return Err(error);
                }
                made => return made,
            }
        }
    }

    async fn try_to_make(
        &self,
        session: &mut Option<Connection>,
        next: &mut Move<'_>,
    ) -> Result<bool> {
        let target = match session {
            Some(target) => target,
            None => session.insert(self.open().await?),
        };
        match next {
            Move::Look(found) => {
                if pg::are_kept(target).await? {
                    **found = pg::kept(target).await?;
                }
                Ok(true)
            }
            Move::PutBack(key, state) => self.first_move(target, key, *state).await,
            Move::Check(key) => self.second_move(target, key).await.map(|()| true),
            Move::ForgetAll => pg::forget_all(target).await.map(|()| true),
        }
    }

    async fn open(&self) -> Result<Connection> {
        loop {
            let mut membership = self.membership.clone();
            membership.held().await?;
            let mut session = self.target.open(ROLE).await?;
            if membership.join(&mut session).await? {
                return Ok(session);
            }
        }
    }
}
