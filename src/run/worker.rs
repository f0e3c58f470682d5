//! One seat: a task with the connections its pool needs. It takes steps, has them done in
//! transactions, tries again when a connection is lost, and says how each step ended.
//!
//! A connection can be lost while a commit is under way. Then the old session is ended, and the
//! target is asked what it remembers, before anything is done again.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pgcopydb_wire::{CancelKey, Connection};

use super::context::Context;
use super::lock;
use super::patience::Patience;
use super::statements::Hints;
use super::transaction::{Outcomes, Transaction, prepare};
use super::watch::{Pulse, Watch};
use crate::error::Error;
use crate::plan::{Step, StepId};
use crate::tools::child::stopped;

/// How long a stopped statement may take to answer its cancel request.
const CANCEL_ANSWER_MS: u64 = 1_000;

/// How long a session may take to be opened and to join the run.
const OPEN_LIMIT_S: u64 = 30;

/// What a step did.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Bytes moved.
    pub bytes: u64,
    /// Rows moved.
    pub rows: u64,
    /// How long it took.
    pub duration: Duration,
    /// What was run on the target, for the records.
    pub command: String,
}

/// A step that failed, with what was run.
#[derive(Debug)]
pub struct Failure {
    /// What went wrong.
    pub error: Error,
    /// The statement, where there is one to show.
    pub sql: Option<String>,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure { error, sql: None }
    }
}

/// How a step ended.
pub type Outcome = std::result::Result<Done, Failure>;

/// A step as it is handed out.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    /// Its place in the plan.
    pub id: StepId,
    /// The step.
    pub step: Step,
    /// How it is best done at this moment.
    pub hints: Hints,
}

/// A seat's connections and what it shows.
#[derive(Debug)]
pub struct Worker {
    context: Arc<Context>,
    watch: Arc<Watch>,
    name: String,
    source: Option<Connection>,
    target: Option<Connection>,
    /// Backends on the target whose connections were lost: they may still be at work.
    lost: Vec<i32>,
    /// Steps that may have been committed although we have not heard so, with what they did.
    unsure: HashMap<StepId, Done>,
    /// Whether the last attempt had all its sessions.
    reached: bool,
    pulse: Arc<Pulse>,
}

impl Worker {
    /// A worker that opens its connections when the first step needs them.
    pub fn new(
        context: Arc<Context>,
        watch: Arc<Watch>,
        name: String,
        pulse: Arc<Pulse>,
    ) -> Worker {
        let (source, target, lost) = (None, None, Vec::new());
        let unsure = HashMap::new();
        Worker { context, watch, name, source, target, lost, unsure, reached: false, pulse }
    }

    /// Says goodbye to both servers, until there is more to do.
    pub async fn rest(&mut self) {
        for connection in [self.source.take(), self.target.take()].into_iter().flatten() {
            connection.close().await;
        }
    }

    /// Does some steps: together in one transaction if there are several, each on its own if that
    /// fails.
    pub async fn run(&mut self, orders: &[Order]) -> Vec<(StepId, Outcome)> {
        if orders.len() > 1 {
            match self.attempt(orders).await {
                Ok(done) => {
                    let ended = orders.iter().zip(done);
                    return ended.map(|(order, done)| (order.id, Ok(done))).collect();
                }
                Err(Failure { error, .. }) if error.is_transient() => {
                    tracing::warn!("trying {} steps again, one by one: {error}", orders.len());
                }
                Err(Failure { error, .. }) => {
                    tracing::debug!("doing {} steps one by one: {error}", orders.len());
                }
            }
        }
        let mut ended = Vec::with_capacity(orders.len());
        for order in orders {
            let outcome = self.run_one(*order).await;
            self.unsure.remove(&order.id);
            ended.push((order.id, outcome));
        }
        ended
    }

    /// Does one step, again and again as long as the only trouble is a lost connection.
    async fn run_one(&mut self, order: Order) -> Outcome {
        let mut patience = Patience::default();
        loop {
            let failure = match self.attempt(&[order]).await {
                Ok(done) => return Ok(done.into_iter().next().unwrap_or_default()),
                Err(failure) => failure,
            };
            if self.context.stop.is_requested() {
                return Err(stopped().into());
            }
            let Failure { error, sql } = failure;
            let doing = self.context.label(order.step);
            let waited = patience.wait(self.reached, error, &doing, &self.context.stop).await;
            waited.map_err(|error| Failure { error, sql })?;
        }
    }

    /// One try at some steps, given up when we are asked to stop and when nothing moves any more.
    /// Connections that are not in order afterwards are dropped.
    async fn attempt(&mut self, orders: &[Order]) -> Outcomes {
        self.pulse.begin();
        self.reached = false;
        let stop = self.context.stop.clone();
        if stop.is_requested() {
            return Err(stopped().into());
        }
        let opened = tokio::select! {
            opened = self.open(orders) => opened,
            () = stop.requested() => Err(stopped().into()),
        };
        let recorded = match opened {
            Ok(recorded) => recorded,
            Err(failure) => {
                self.clear_up(&[], Vec::new()).await;
                return Err(failure);
            }
        };
        self.reached = true;
        let left: Vec<Order> = orders
            .iter()
            .zip(&recorded)
            .filter(|(_, recorded)| !**recorded)
            .map(|(order, _)| *order)
            .collect();
        let mut did =
            if left.is_empty() { Vec::new() } else { self.work(&left).await? }.into_iter();
        let done = orders.iter().zip(recorded).map(|(order, recorded)| match recorded {
            true => self.unsure.remove(&order.id),
            false => did.next(),
        });
        Ok(done.map(Option::unwrap_or_default).collect())
    }

    /// Opens what is missing. After a loss the old session is ended and the target asked which of
    /// the steps it remembers.
    async fn open(&mut self, orders: &[Order]) -> std::result::Result<Vec<bool>, Failure> {
        self.context.ledger.wait_for_run().await?;
        let limit = Duration::from_secs(OPEN_LIMIT_S);
        match tokio::time::timeout(limit, self.open_now(orders)).await {
            Ok(opened) => opened,
            Err(_) => {
                let doing = "opening sessions";
                let cause = pgcopydb_wire::Error::Timeout { doing, after: limit };
                Err(Error::target("could not open the sessions of a step", cause).into())
            }
        }
    }

    async fn open_now(&mut self, orders: &[Order]) -> std::result::Result<Vec<bool>, Failure> {
        let Worker { context, name, source, target, lost, unsure, .. } = self;
        let target = match target {
            Some(target) => target,
            None => target.insert(context.open_target(name).await?),
        };
        while let Some(pid) = lost.last() {
            let application = context.target.application_name(name);
            lock::end_backend(target, *pid, &application).await?;
            lost.pop();
        }
        let mut recorded = vec![false; orders.len()];
        if orders.iter().any(|order| unsure.contains_key(&order.id)) {
            let keys: Vec<String> = orders.iter().map(|order| context.key(order.step)).collect();
            recorded = context.ledger.recorded(target, &keys).await?;
        }
        let reads = orders.iter().zip(&recorded).any(|(o, done)| !done && o.step.reads_source());
        match source {
            _ if !reads => {}
            Some(session) if session.in_transaction() => {}
            Some(session) => context.begin_source(session).await?,
            None => *source = Some(context.open_source(name).await?),
        }
        Ok(recorded)
    }

    /// Does steps whose sessions are open.
    async fn work(&mut self, orders: &[Order]) -> Outcomes {
        let stop = self.context.stop.clone();
        let mut in_doubt = Vec::new();
        let result = {
            let Worker { context, watch, source, target, pulse, .. } = self;
            let source = source.as_mut().filter(|_| orders[0].step.reads_source());
            let target = target.as_mut().ok_or_else(stopped)?;
            let keys = [source.as_ref().map(|c| c.cancel_key()), Some(target.cancel_key())];
            let pids = (source.as_ref().map_or(0, |c| c.backend_pid()), target.backend_pid());
            let work = async {
                let work = prepare(context, orders).await?;
                pulse.servers_are_at_work(pids);
                let in_doubt = &mut in_doubt;
                let mut transaction =
                    Transaction { context, orders, moved: &pulse.moved, in_doubt };
                transaction.run(source, target, work).await
            };
            tokio::pin!(work);
            tokio::select! {
                result = &mut work => result,
                error = watch.silence(pulse) => Err(error.into()),
                () = stop.requested() => {
                    let [source, target] = keys.map(cancel);
                    let limit = Duration::from_millis(CANCEL_ANSWER_MS);
                    let answered = async { tokio::join!(source, target, work) };
                    let _ = tokio::time::timeout(limit, answered).await;
                    Err(stopped().into())
                }
            }
        };
        self.pulse.rest();
        match result {
            Ok(_) => self.unlock_source().await,
            Err(_) => self.clear_up(orders, in_doubt).await,
        }
        result
    }

    /// Ends the source's transaction, and with it the locks on what was read. Somebody may hold a
    /// lock that we wait for elsewhere, and wait for one of these: the server would never notice,
    /// since a session that is idle waits for nobody.
    async fn unlock_source(&mut self) {
        let Some(session) = self.source.as_mut().filter(|session| session.in_transaction()) else {
            return;
        };
        let limit = Duration::from_millis(CANCEL_ANSWER_MS);
        let ended = tokio::time::timeout(limit, session.execute("commit")).await;
        if !ended.is_ok_and(|ended| ended.is_ok()) {
            self.source = None;
        }
    }

    /// After a failure: ends the transaction, or drops the connection if that cannot be done, and
    /// remembers that it is not known how the transaction ended.
    async fn clear_up(&mut self, orders: &[Order], in_doubt: Vec<Done>) {
        // The source's transaction holds the snapshot; after an error it is of no more use.
        if self.source.as_ref().is_some_and(|c| !c.is_ready() || c.has_failed_transaction()) {
            self.source = None;
        }
        let Some(mut target) = self.target.take() else { return };
        let pid = target.backend_pid();
        if target.is_ready() && (!target.in_transaction() || rolled_back(&mut target).await) {
            self.target = Some(target);
            return;
        }
        self.lost.push(pid);
        let mut done = in_doubt.into_iter();
        for order in orders {
            self.unsure.insert(order.id, done.next().unwrap_or_default());
        }
    }
}

/// Asks a server to cancel what a session does. Failing is no trouble of its own: the session is
/// closed next.
async fn cancel(key: Option<CancelKey>) {
    if let Some(key) = key {
        let _ = key.cancel().await;
    }
}

async fn rolled_back(target: &mut Connection) -> bool {
    let limit = Duration::from_millis(CANCEL_ANSWER_MS);
    tokio::time::timeout(limit, target.execute("rollback")).await.is_ok_and(|done| done.is_ok())
}
