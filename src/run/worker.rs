//! One seat: a task with the connections its pool needs. It takes steps, does them in transactions
//! that also record them, tries again when a connection is lost, and says how each step ended.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use backon::BackoffBuilder;
use pgcopydb_wire::Connection;

use super::context::Context;
use super::ledger::Ledger;
use super::statements::{self, Hints};
use super::{copy, drop, extension, large_object, schema, sequence};
use crate::error::{Error, Kind, Result};
use crate::pg::Side;
use crate::plan::{Step, StepId};
use crate::tools::child::stopped;

/// Tries of a step that lost its connection, the first one included.
const ATTEMPTS_MAX: usize = 8;

/// How long a stopped statement may take to answer its cancel request.
const CANCEL_ANSWER_MS: u64 = 1_000;

/// Time without progress of a COPY after which somebody looks at what the servers wait for.
pub const SILENCE_S: u64 = 30;

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
    name: String,
    source: Option<Connection>,
    target: Option<Connection>,
    /// Bytes moved by the step in hand, for whoever shows progress.
    moved: Arc<AtomicU64>,
}

impl Worker {
    /// A worker that opens its connections when the first step needs them.
    pub fn new(context: Arc<Context>, name: String, moved: Arc<AtomicU64>) -> Worker {
        Worker { context, name, source: None, target: None, moved }
    }

    /// Says goodbye to both servers.
    pub async fn close(self) {
        for connection in [self.source, self.target].into_iter().flatten() {
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
                Err(failure) => {
                    tracing::debug!("doing {} steps one by one: {}", orders.len(), failure.error);
                }
            }
        }
        let mut ended = Vec::with_capacity(orders.len());
        for order in orders {
            let outcome = self.run_one(*order).await;
            ended.push((order.id, outcome));
        }
        ended
    }

    /// Does one step, again and again as long as the only trouble is a lost connection.
    async fn run_one(&mut self, order: Order) -> Outcome {
        let mut pauses = backon::ExponentialBuilder::default()
            .with_jitter()
            .with_min_delay(Duration::from_millis(200))
            .with_max_delay(Duration::from_secs(10))
            .with_max_times(ATTEMPTS_MAX - 1)
            .build();
        loop {
            let failure = match self.attempt(&[order]).await {
                Ok(done) => return Ok(done.into_iter().next().unwrap_or_default()),
                Err(failure) => failure,
            };
            if self.context.stop.is_requested() {
                return Err(stopped().into());
            }
            let pause = match pauses.next() {
                Some(pause) if failure.error.is_transient() => pause,
                _ => return Err(failure),
            };
            let label = self.context.label(order.step);
            tracing::warn!(
                "trying to {label} again in {} ms: {}",
                pause.as_millis(),
                failure.error
            );
            tokio::select! {
                () = tokio::time::sleep(pause) => {}
                () = self.context.stop.requested() => return Err(stopped().into()),
            }
        }
    }

    /// One try at some steps, given up when we are asked to stop. Connections that are not in order
    /// afterwards are dropped.
    async fn attempt(&mut self, orders: &[Order]) -> std::result::Result<Vec<Done>, Failure> {
        self.moved.store(0, Ordering::Relaxed);
        let stop = self.context.stop.clone();
        if stop.is_requested() {
            return Err(stopped().into());
        }
        let keys = [&self.source, &self.target].map(|c| c.as_ref().map(Connection::cancel_key));
        let result = {
            let work = self.transaction(orders);
            tokio::pin!(work);
            tokio::select! {
                result = &mut work => result,
                () = stop.requested() => {
                    for key in keys.into_iter().flatten() {
                        // Failing to cancel is no trouble of its own: the session is closed next.
                        let _ = key.cancel().await;
                    }
                    let limit = Duration::from_millis(CANCEL_ANSWER_MS);
                    let _ = tokio::time::timeout(limit, work).await;
                    Err(stopped().into())
                }
            }
        };
        if result.is_err() {
            self.clear_up().await;
        }
        result
    }

    /// After a failure: ends the transaction, or drops the connection if that cannot be done.
    async fn clear_up(&mut self) {
        // The source's transaction holds the snapshot; after an error it is of no more use.
        if self.source.as_ref().is_some_and(|c| !c.is_ready() || c.has_failed_transaction()) {
            self.source = None;
        }
        if let Some(mut target) = self.target.take()
            && target.is_ready()
            && (!target.in_transaction() || target.execute("rollback").await.is_ok())
        {
            self.target = Some(target);
        }
    }

    async fn transaction(&mut self, orders: &[Order]) -> std::result::Result<Vec<Done>, Failure> {
        let Worker { context, name, source, target, moved } = self;
        if target.is_none() {
            *target = Some(context.open_target(name).await?);
        }
        let Some(target) = target else { return Err(no_connection().into()) };
        let begun = Instant::now();
        let steps: Vec<Step> = orders.iter().map(|order| order.step).collect();
        if statements::is_sql_only(steps[0]) {
            return run_sql(context, target, orders, begun).await;
        }
        let failed = |error| Error::target("could not begin a transaction", error);
        target.execute("begin").await.map_err(failed)?;
        let mut done = Vec::with_capacity(orders.len());
        if let Step::RestorePostData { .. } = steps[0] {
            done = schema::post_data(context, target, &steps).await?;
        } else {
            for step in &steps {
                let begun = Instant::now();
                let mut one = match *step {
                    Step::DropObjects { batch } => drop::batch(context, target, batch).await?,
                    Step::RestorePreData { chunk } => {
                        schema::pre_data(context, target, chunk).await?
                    }
                    step => {
                        if source.is_none() {
                            *source = Some(context.open_source(name).await?);
                        }
                        let Some(source) = source else { return Err(no_connection().into()) };
                        with_source(context, source, target, step, moved).await?
                    }
                };
                one.duration = begun.elapsed();
                done.push(one);
            }
        }
        let keys: Vec<String> = steps.iter().map(|step| context.key(*step)).collect();
        commit(&context.ledger, target, &keys).await?;
        Ok(done)
    }
}

/// Steps that read from the source.
async fn with_source(
    context: &Context,
    source: &mut Connection,
    target: &mut Connection,
    step: Step,
    moved: &AtomicU64,
) -> std::result::Result<Done, Failure> {
    match step {
        Step::CopyTable { table } => copy::table(context, source, target, table, moved).await,
        Step::CopyPart { table, part } => {
            copy::part(context, source, target, table, part, moved).await
        }
        Step::CopyLargeObjects { batch } => {
            Ok(large_object::batch(context, source, target, batch, moved).await?)
        }
        Step::SetSequences => Ok(sequence::set_all(context, source, target).await?),
        Step::CopyExtensionData { extension } => {
            extension::configuration(context, source, target, extension, moved).await
        }
        step => Err(Error::new(Kind::Internal, format!("no worker for {step:?}")).into()),
    }
}

/// Records steps and commits them, in one round trip.
async fn commit(ledger: &Ledger, target: &mut Connection, keys: &[String]) -> Result<()> {
    let record = ledger.record(keys.iter().map(String::as_str));
    match target.execute(&format!("{record} commit")).await {
        Ok(_) => Ok(()),
        Err(error) if keys.len() == 1 && Ledger::says_done(&error) => {
            let rolled_back = target.execute("rollback").await;
            rolled_back.map_err(|error| Error::target("could not roll back", error))?;
            Ok(())
        }
        Err(error) => Err(Error::target("could not commit", error)),
    }
}

/// Steps that are nothing but statements on the target: one message, one answer.
async fn run_sql(
    context: &Context,
    target: &mut Connection,
    orders: &[Order],
    begun: Instant,
) -> std::result::Result<Vec<Done>, Failure> {
    let mut commands = Vec::with_capacity(orders.len());
    let mut keys = Vec::with_capacity(orders.len());
    for order in orders {
        commands.push(statements::sql(context, order.step, order.hints)?);
        keys.push(context.key(order.step));
    }
    let record = context.ledger.record(keys.iter().map(String::as_str));
    // VACUUM cannot run in a transaction, and may simply be done twice.
    let message = match &commands[..] {
        [command] if command.is_vacuum => command.text.clone(),
        commands => {
            let mut message = String::from("begin; ");
            for command in commands {
                message.push_str(&command.text);
                message.push_str("; ");
            }
            message + &record + " commit"
        }
    };
    for command in &commands {
        tracing::debug!(target: "sql", "[TARGET {}] {}", target.backend_pid(), command.text);
    }
    let result = target.execute(&message).await;
    if let ([command], Ok(_)) = (&commands[..], &result)
        && command.is_vacuum
        && !record.is_empty()
    {
        let recorded = target.execute(&record).await;
        recorded.map_err(|error| Error::target("could not record a step", error))?;
    }
    match result {
        Ok(_) => {}
        Err(error) if orders.len() == 1 && Ledger::says_done(&error) => {
            target.execute("rollback").await.ok();
        }
        Err(error) => {
            let label = context.label(orders[0].step);
            let error = Side::Target.error(format!("could not {label}"), error);
            return Err(Failure { error, sql: Some(commands.swap_remove(0).text) });
        }
    }
    let duration = begun.elapsed() / orders.len() as u32;
    let done = commands.into_iter().map(|command| Done {
        duration,
        command: command.text,
        ..Done::default()
    });
    Ok(done.collect())
}

fn no_connection() -> Error {
    Error::new(Kind::Internal, "a worker has no connection")
}
