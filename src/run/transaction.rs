//! Steps in a transaction that also records them: the last statement before the commit says on the
//! target which steps these were.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use pgcopydb_wire::Connection;

use super::apart::{self, Partitions};
use super::context::Context;
use super::ledger::Ledger;
use super::statements::{self, Command};
use super::worker::{Done, Failure, Order};
use super::{copy, drop, extension, large_object, schema, sequence, statistics};
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::model::Oid;
use crate::pg::Side;
use crate::pg::statistics::Statistics;
use crate::plan::Step;

/// How some steps done together ended.
pub type Outcomes = std::result::Result<Vec<Done>, Failure>;

/// What is needed for some steps, prepared before the transaction begins: while it is open nobody
/// but the servers should be at work.
pub enum Work {
    /// One message of statements for the target.
    Statements(Vec<Command>),
    /// Tables to analyse, the statistics that the source has of some of them, and the partitions that
    /// are to be left alone.
    Analyze(HashMap<Oid, Statistics>, Option<Partitions>),
    /// A script for the target.
    Script(String),
    /// A batch of what is in the way on the target.
    Drop(u32),
    /// Something that takes several messages.
    Steps,
}

/// Prepares some steps, all of one kind of work.
pub async fn prepare(context: &Context, orders: &[Order]) -> std::result::Result<Work, Failure> {
    let first = orders[0].step;
    if matches!(first, Step::Analyze { .. }) {
        let known = context.statistics.read(context, orders).await;
        return Ok(Work::Analyze(known, Partitions::lock(context, orders).await));
    }
    if statements::is_sql_only(first) {
        let commands = orders.iter().map(|o| statements::sql(context, o.step, o.hints));
        return Ok(Work::Statements(commands.collect::<Result<_>>()?));
    }
    match first {
        Step::RestorePreData { .. } | Step::RestorePostData { .. } => {
            let steps: Vec<Step> = orders.iter().map(|order| order.step).collect();
            Ok(Work::Script(schema::script(context, &steps).await?))
        }
        Step::DropObjects { batch } => Ok(Work::Drop(batch)),
        _ => Ok(Work::Steps),
    }
}

/// What is done by one transaction.
pub struct Transaction<'a> {
    pub context: &'a Context,
    pub orders: &'a [Order],
    /// Bytes moved so far, for whoever shows progress.
    pub moved: &'a AtomicU64,
    /// What the steps did, once nothing but the answer to the commit is missing.
    pub in_doubt: &'a mut Vec<Done>,
}

impl Transaction<'_> {
    /// Does the steps and commits them.
    pub async fn run(
        &mut self,
        source: Option<&mut Connection>,
        target: &mut Connection,
        work: Work,
    ) -> Outcomes {
        match work {
            Work::Statements(commands) => self.statements(target, commands).await,
            Work::Analyze(known, partitions) => {
                let commands = self.analyze(target, known, partitions.is_some()).await?;
                let outcomes = self.statements(target, commands).await;
                if let Some(partitions) = partitions {
                    partitions.release().await;
                }
                outcomes
            }
            Work::Script(script) => {
                let begun = Instant::now();
                begin(target).await?;
                let label = self.context.label(self.orders[0].step);
                let doing = self.context.doing(self.orders[0].step);
                schema::run(target, &script, &doing).await?;
                let duration = begun.elapsed() / self.orders.len() as u32;
                let done = Done { command: label, duration, ..Done::default() };
                self.commit(target, vec![done; self.orders.len()]).await
            }
            Work::Drop(batch) => {
                let begun = Instant::now();
                begin(target).await?;
                let done = drop::batch(self.context, target, batch).await?;
                self.commit(target, vec![Done { duration: begun.elapsed(), ..done }]).await
            }
            Work::Steps => {
                let source = source.ok_or_else(no_connection)?;
                begin(target).await?;
                let mut done = Vec::with_capacity(self.orders.len());
                for order in self.orders {
                    let begun = Instant::now();
                    let mut one = self.copy(source, target, order.step).await?;
                    one.duration = begun.elapsed();
                    done.push(one);
                }
                self.commit(target, done).await
            }
        }
    }

    /// Tells the target what is known, and returns what is left to do for every table.
    async fn analyze(
        &self,
        target: &mut Connection,
        known: HashMap<Oid, Statistics>,
        has_locked_partitions: bool,
    ) -> Result<Vec<Command>> {
        let told = statistics::tell(target, &known).await;
        let commands = self.orders.iter().map(|order| match order.step {
            Step::Analyze { table } if told.contains(&table) => {
                Ok(statistics::of_table(self.context, &self.context.table(table), &known[&table]))
            }
            step => match apart::table_apart(self.context, step) {
                Some(table) if has_locked_partitions => Ok(apart::analyze(&table)),
                _ => statements::sql(self.context, step, order.hints),
            },
        });
        commands.collect()
    }

    fn are_several(&self) -> bool {
        self.orders.len() > 1
    }

    fn keys(&self) -> Vec<String> {
        self.orders.iter().map(|order| self.context.key(order.step)).collect()
    }

    fn record(&self) -> String {
        self.context.ledger.record(self.keys().iter().map(String::as_str))
    }

    /// Steps that read from the source.
    async fn copy(
        &self,
        source: &mut Connection,
        target: &mut Connection,
        step: Step,
    ) -> std::result::Result<Done, Failure> {
        let (context, moved) = (self.context, self.moved);
        let work = async {
            match step {
                Step::CopyTable { table } => {
                    copy::table(context, source, target, table, moved).await
                }
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
        };
        match step {
            Step::CopyTable { .. } | Step::CopyPart { .. } | Step::CopyLargeObjects { .. } => {
                let has_begun = || moved.load(Ordering::Relaxed) > 0;
                fault::amid(place(step), "middle", has_begun, work).await
            }
            _ => work.await,
        }
    }

    /// Records the steps and commits them, in one round trip.
    async fn commit(&mut self, target: &mut Connection, done: Vec<Done>) -> Outcomes {
        let place = if self.are_several() { "batch" } else { place(self.orders[0].step) };
        fault::point(place, "before_commit")?;
        let message = format!("{} commit", self.record());
        self.in_doubt.clone_from(&done);
        let committing = target.execute(&message);
        match fault::amid(place, "committing", || true, committing).await {
            Ok(_) => {}
            Err(error) if self.orders.len() == 1 && Ledger::says_done(&error) => {
                let rolled_back = target.execute("rollback").await;
                rolled_back.map_err(|error| Error::target("could not roll back", error))?;
            }
            Err(error) => return Err(Error::target("could not commit", error).into()),
        }
        fault::point(place, "after_commit")?;
        Ok(done)
    }

    /// Steps that are nothing but statements on the target: one message, one answer.
    async fn statements(&mut self, target: &mut Connection, commands: Vec<Command>) -> Outcomes {
        let begun = Instant::now();
        for command in &commands {
            tracing::debug!(target: "sql", "[TARGET {}] {}", target.backend_pid(), command.text);
        }
        let is_vacuum = commands.iter().any(|command| command.is_vacuum);
        let place = if is_vacuum { "vacuum" } else { place(self.orders[0].step) };
        let texts: Vec<&str> = commands.iter().map(|command| command.text.as_str()).collect();
        let record = self.record();
        // VACUUM cannot run in a transaction, and may simply be done twice.
        let message = match is_vacuum {
            true => texts.join("; "),
            false => format!("begin; {}; {record} commit", texts.join("; ")),
        };
        let done = |duration| {
            let command = |command: &Command| command.text.clone();
            let done = |c| Done { duration, command: command(c), ..Done::default() };
            commands.iter().map(done).collect::<Vec<Done>>()
        };
        *self.in_doubt = done(begun.elapsed());
        let several = self.are_several();
        let executing = target.execute(&message);
        let executing = fault::amid("statements", "sent", || several, executing);
        let mut result = fault::amid(place, "sent", || true, executing).await;
        if is_vacuum && result.is_ok() && !record.is_empty() {
            fault::point(place, "before_record")?;
            result = target.execute(&record).await;
        }
        match result {
            Ok(_) => {}
            Err(error) if self.orders.len() == 1 && Ledger::says_done(&error) => {
                target.execute("rollback").await.ok();
            }
            Err(error) => {
                let doing = self.context.doing(self.orders[0].step);
                let error = Side::Target.error(format!("could not {doing}"), error);
                return Err(Failure { error, sql: commands.into_iter().next().map(|c| c.text) });
            }
        }
        fault::point(place, "after_commit")?;
        if several {
            fault::point("statements", "after_commit")?;
        }
        Ok(done(begun.elapsed() / self.orders.len() as u32))
    }
}

async fn begin(target: &mut Connection) -> Result<()> {
    let begun = target.execute("begin").await;
    begun.map_err(|error| Error::target("could not begin a transaction", error))?;
    Ok(())
}

fn no_connection() -> Error {
    Error::new(Kind::Internal, "a worker has no connection")
}

/// What a step is called among the places of [`fault`].
fn place(step: Step) -> &'static str {
    match step {
        Step::DropObjects { .. } => "drop",
        Step::RestorePreData { .. } => "pre_data",
        Step::CreateExtension { .. } => "create_extension",
        Step::Truncate { .. } => "truncate",
        Step::CopyTable { .. } => "copy",
        Step::CopyPart { .. } => "part",
        Step::CreateIndex { .. } => "create_index",
        Step::FinishIndex { .. } => "finish_index",
        Step::AttachIndex { .. } => "attach_index",
        Step::AddForeignKey { .. } => "add_foreign_key",
        Step::ValidateForeignKey { .. } => "validate_foreign_key",
        Step::Analyze { .. } => "analyze",
        Step::CopyLargeObjects { .. } => "large_objects",
        Step::SetSequences => "sequences",
        Step::CopyExtensionData { .. } => "extension_data",
        Step::RefreshView { .. } => "refresh_view",
        Step::RestorePostData { .. } => "post_data",
        Step::Milestone => "milestone",
    }
}
