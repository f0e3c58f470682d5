//! Does what a plan says. The dispatcher owns the plan, hands its steps to seats, keeps the records
//! and speaks to the user; seats take steps, do them, and say so.

mod apart;
pub mod capacity;
pub mod context;
pub mod control;
mod copy;
pub mod crew;
mod drop;
pub mod extension;
pub mod foreign_keys;
mod journal;
mod large_object;
pub mod ledger;
pub mod lock;
pub mod patience;
pub mod records;
pub mod roles;
mod schema;
pub mod sequence;
pub mod settle;
mod statements;
pub mod statistics;
mod transaction;
pub mod wal;
pub mod watch;
mod worker;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tracing::Instrument;

use crate::catalog::Catalog;
use crate::error::{Error, Kind, Result};
use crate::model::Oid;
use crate::pg::snapshot::Snapshot;
use crate::plan::{Plan, Pool, Step, StepId};
use crate::report::progress::Totals;
use context::Context;
use control::{Control, Event};
use crew::{Crew, Place};
use journal::Journal;
use records::Records;
use settle::{Settled, settle};
use statements::Hints;
use watch::{Pulse, Watch};
use worker::{Failure, Order, Outcome, Worker};

/// Steps handed out at once, and done in one transaction.
const BATCH_STEPS_MAX: usize = 50;

/// Steps of at least this weight are done alone.
const BATCH_WEIGHT_MAX: u64 = copy::FREEZE_BYTES_MIN;

/// How often progress is looked at.
const TICK_MS: u64 = 200;

/// How often the records say how far running steps have come, for `list progress`.
const NOTE_MS: u64 = 1_000;

/// How long sessions may take to be closed politely.
const GOODBYE_MS: u64 = 500;

/// What became of a run.
#[derive(Debug, Default)]
pub struct Report {
    /// How many steps failed; each was reported.
    pub failed: usize,
    /// How many steps were not tried because something they need had failed.
    pub skipped: usize,
    /// Steps that are left because the run was stopped.
    pub is_stopped: bool,
    /// Why no more rows could be read, if the snapshot was lost.
    pub snapshot_lost: Option<Error>,
    /// Whether the target has lost steps that it had told us were done: the plan is to be made
    /// anew from what the target remembers.
    pub is_set_back: bool,
    /// The steps that the target must remember.
    pub recorded: Records,
    /// The steps that were not done, whatever the reason.
    pub left: Left,
}

/// What is left of a plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct Left {
    /// Steps that read from the source.
    pub reading: usize,
    /// Tables that lack rows.
    pub tables: usize,
    /// Other steps.
    pub others: usize,
}

impl Report {
    /// Whether every step was done.
    pub fn is_whole(&self) -> bool {
        self.failed == 0
            && self.skipped == 0
            && !self.is_stopped
            && !self.is_set_back
            // The last steps need no snapshot.
            && (self.snapshot_lost.is_none() || self.left.reading + self.left.others == 0)
    }
}

impl Left {
    fn count_down(&mut self, done: Step) {
        match done {
            Step::Milestone => {}
            step if step.reads_source() => self.reading -= 1,
            _ => self.others -= 1,
        }
    }
}

/// What a seat says to the dispatcher.
struct Mail {
    seat: usize,
    ended: Vec<(StepId, Outcome)>,
}

/// A worker's place: what it may do, its inbox, and what it is doing.
struct Seat {
    pool: Pool,
    name: String,
    inbox: mpsc::Sender<Vec<Order>>,
    pulse: Arc<Pulse>,
    busy: usize,
    /// Its place among the workers of the command, while it is busy.
    place: Option<Place>,
    /// Whether its worker may have sessions open.
    has_sessions: bool,
    /// The step in hand, when it is only one.
    step: Option<Step>,
}

/// What a run holds on the servers while it lasts.
pub struct Holds<'a> {
    /// The view of the source that rows are read in.
    pub snapshot: &'a mut Snapshot,
    /// The lock on the target.
    pub control: &'a mut Control,
    /// Looks at the servers from outside.
    pub watch: Arc<Watch>,
}

/// Does all outstanding steps of an opened plan, as far as they can be done. `recorded` are the
/// steps that the target remembers.
pub async fn run(
    plan: Plan,
    context: Arc<Context>,
    catalog: &Catalog,
    holds: Holds<'_>,
    recorded: Records,
    crew: Arc<Crew>,
) -> Result<Report> {
    let (mail, mailbox) = mpsc::channel(64);
    let mut tasks = JoinSet::new();
    let seats = open_seats(&context, &holds.watch, &mail, &mut tasks);
    let mut dispatcher = Dispatcher {
        journal: Journal::new(context.clone(), catalog.clone()),
        parts_left: parts_left(&plan),
        left: left(&plan),
        plan,
        context,
        seats,
        report: Report::default(),
        recorded,
        crew: crew.clone(),
        noted: Instant::now(),
    };
    crew.begin(totals(&dispatcher.plan));
    let result = dispatcher.dispatch(mailbox, &mut tasks, holds).await;
    // Seats end when their inboxes close; their sessions end with them.
    dispatcher.seats.clear();
    let limit = Duration::from_millis(GOODBYE_MS);
    let all_ended = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(limit, all_ended).await.is_err() {
        tasks.shutdown().await;
    }
    dispatcher.context.statistics.close().await;
    crew.end();
    dispatcher.report.recorded = std::mem::take(&mut dispatcher.recorded);
    dispatcher.report.left = dispatcher.left;
    result.map(|()| dispatcher.report)
}

fn open_seats(
    context: &Arc<Context>,
    watch: &Arc<Watch>,
    mail: &mpsc::Sender<Mail>,
    tasks: &mut JoinSet<()>,
) -> Vec<Seat> {
    let mut seats = Vec::new();
    for (pool, count, word) in capacity::seats(context.settings.jobs) {
        for number in 1..=count {
            let (inbox, mut orders) = mpsc::channel::<Vec<Order>>(1);
            let (seat, mail, context) = (seats.len(), mail.clone(), context.clone());
            let name = format!("{word} {number}");
            let pulse = Arc::new(Pulse::default());
            let mut worker = Worker::new(context, watch.clone(), name.clone(), pulse.clone());
            let work = async move {
                while let Some(orders) = orders.recv().await {
                    if orders.is_empty() {
                        worker.rest().await;
                        continue;
                    }
                    // Most seats wait most of the time: what a step needs is there
                    // only while it is done.
                    let ended = Box::pin(worker.run(&orders)).await;
                    if mail.send(Mail { seat, ended }).await.is_err() {
                        break;
                    }
                }
                worker.rest().await;
            };
            tasks.spawn(work.in_current_span());
            let (place, has_sessions) = (None, false);
            seats.push(Seat { pool, name, inbox, pulse, busy: 0, place, has_sessions, step: None });
        }
    }
    seats
}

/// How much there is to do.
fn totals(plan: &Plan) -> Totals {
    let mut totals = Totals { bytes: 0, tables: parts_left(plan).len(), indexes: 0 };
    for (step, weight) in plan.outstanding() {
        match step {
            Step::CopyTable { .. } => {
                totals.bytes += weight;
                totals.tables += 1;
            }
            Step::CopyPart { .. } => totals.bytes += weight,
            Step::CreateIndex { .. } => totals.indexes += 1,
            _ => {}
        }
    }
    totals
}

/// How many parts are still to be copied of every table that is copied in parts.
fn parts_left(plan: &Plan) -> HashMap<Oid, usize> {
    let mut left = HashMap::new();
    for (step, _) in plan.outstanding() {
        if let Step::CopyPart { table, .. } = step {
            *left.entry(table).or_default() += 1;
        }
    }
    left
}

fn left(plan: &Plan) -> Left {
    let mut left = Left { tables: totals(plan).tables, ..Left::default() };
    for (step, _) in plan.outstanding().filter(|(step, _)| *step != Step::Milestone) {
        match step.reads_source() {
            true => left.reading += 1,
            false => left.others += 1,
        }
    }
    left
}

struct Dispatcher {
    plan: Plan,
    context: Arc<Context>,
    seats: Vec<Seat>,
    journal: Journal,
    crew: Arc<Crew>,
    parts_left: HashMap<Oid, usize>,
    left: Left,
    report: Report,
    /// The steps that the target remembers, or should.
    recorded: Records,
    noted: Instant,
}

impl Dispatcher {
    async fn dispatch(
        &mut self,
        mut mailbox: mpsc::Receiver<Mail>,
        tasks: &mut JoinSet<()>,
        holds: Holds<'_>,
    ) -> Result<()> {
        let Holds { snapshot, control, .. } = holds;
        let stop = self.context.stop.clone();
        let mut tick = tokio::time::interval(Duration::from_millis(TICK_MS));
        let mut freed = self.crew.freed();
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            let mut is_waiting = false;
            if !stop.is_requested() && !self.report.is_set_back {
                freed.mark_unchanged();
                is_waiting = self.hand_out().await?;
            }
            if self.plan.running() == 0 && !is_waiting {
                break;
            }
            tokio::select! {
                Ok(()) = freed.changed(), if is_waiting => {}
                Some(mail) = mailbox.recv() => self.heard(mail).await?,
                _ = tick.tick() => {
                    self.show();
                    self.note().await?;
                }
                () = stop.requested_now() => break,
                error = snapshot.lost(), if self.report.snapshot_lost.is_none() => {
                    self.lost_snapshot(error);
                }
                event = control.event() => self.control_changed(event, control)?,
                Some(ended) = tasks.join_next() => {
                    let reason = ended.err().map_or_else(String::new, |error| error.to_string());
                    let message = format!("a worker ended unexpectedly: {reason}");
                    return Err(Error::new(Kind::Internal, message));
                }
            }
        }
        self.report.is_stopped = stop.is_requested() && !self.plan.is_finished();
        Ok(())
    }

    fn lost_snapshot(&mut self, error: Error) {
        crate::log::error(&error);
        tracing::warn!("no more rows can be read; finishing what needs none");
        self.report.snapshot_lost = Some(error);
    }

    fn control_changed(&mut self, event: Event, control: &Control) -> Result<()> {
        match settle(event, &self.context, &self.recorded)? {
            Settled::Held => control.go_on(),
            Settled::Lost => {}
            Settled::SetBack => {
                self.report.is_set_back = true;
                control.give_up();
            }
        }
        Ok(())
    }

    /// Gives every idle seat something to do, if there is something for it. Whether there is, but
    /// other databases' workers have to end theirs first.
    async fn hand_out(&mut self) -> Result<bool> {
        let mut is_waiting = false;
        for seat in 0..self.seats.len() {
            if self.seats[seat].busy > 0 {
                continue;
            }
            let pool = self.seats[seat].pool;
            if self.report.snapshot_lost.is_some() && matches!(pool, Pool::Copy | Pool::LargeObject)
            {
                continue;
            }
            if self.plan.peek(pool).is_none() {
                self.rest(seat);
                continue;
            }
            let Some(place) = self.crew.take(pool) else {
                is_waiting = true;
                continue;
            };
            let orders = self.take(pool);
            for order in &orders {
                self.journal.started(order.step, &self.seats[seat].name).await?;
            }
            let label = self.context.label(orders[0].step);
            let work = match orders.len() {
                1 => label,
                many => format!("{label} and {} more", many - 1),
            };
            // Elsewhere a weight is a rank, not a number of bytes to be moved.
            let bytes = match pool {
                Pool::Copy => orders.iter().map(|order| self.plan.weight(order.id)).sum(),
                _ => 0,
            };
            self.seats[seat].busy = orders.len();
            self.seats[seat].place = Some(place);
            self.seats[seat].has_sessions = true;
            self.seats[seat].step = Some(orders[0].step).filter(|_| orders.len() == 1);
            let name = self.shown_name(seat);
            self.crew.show(|progress| progress.started(&name, &work, bytes));
            // The inbox of an idle seat is empty; a seat that is gone is noticed by the dispatcher.
            let _ = self.seats[seat].inbox.send(orders).await;
        }
        Ok(is_waiting)
    }

    /// Lets a seat close its sessions where nothing is left for it, or other databases need them.
    fn rest(&mut self, seat: usize) {
        let seat = &mut self.seats[seat];
        let is_over = self.plan.outstanding_in(seat.pool) == 0;
        if (is_over || self.crew.is_shared()) && std::mem::take(&mut seat.has_sessions) {
            // The inbox of an idle seat is empty.
            let _ = seat.inbox.try_send(Vec::new());
        }
    }

    /// What a seat is called where progress is shown.
    fn shown_name(&self, seat: usize) -> String {
        let name = &self.seats[seat].name;
        match self.crew.is_shared() {
            true => format!("{} {name}", self.context.inventory.database.name),
            false => name.clone(),
        }
    }

    /// Takes the next step of a pool, and if it is small a fair share of the small ones behind it.
    fn take(&mut self, pool: Pool) -> Vec<Order> {
        let idle = self.seats.iter().filter(|seat| seat.pool == pool && seat.busy == 0).count();
        // The seat that takes has its place already.
        let idle = idle.min(self.crew.free(pool) + 1);
        let share = (self.plan.ready_count(pool) / idle.max(1)).clamp(1, BATCH_STEPS_MAX);
        let mut orders: Vec<Order> = Vec::new();
        let mut weight = 0;
        while orders.len() < share
            && let Some((id, step)) = self.plan.peek(pool)
        {
            let light = self.light_weight(id, step);
            let fits = light.is_some_and(|light| weight + light < BATCH_WEIGHT_MAX)
                && orders.first().is_none_or(|first| goes_with(first.step, step));
            if !orders.is_empty() && !fits {
                break;
            }
            let Some((id, step)) = self.plan.take(pool) else { break };
            let hints =
                Hints { parallel: self.is_parallel(), target_version: self.context.target_version };
            orders.push(Order { id, step, hints });
            match light {
                Some(light) => weight += light,
                None => break,
            }
        }
        orders
    }

    /// What a step weighs in a batch; `None` if it must be done alone.
    fn light_weight(&self, id: StepId, step: Step) -> Option<u64> {
        let own_weight = || Some(self.plan.weight(id)).filter(|weight| *weight < BATCH_WEIGHT_MAX);
        match step {
            Step::Analyze { table }
                if statements::is_vacuumed(&self.context, table)
                    || apart::table_apart(&self.context, step).is_some() =>
            {
                None
            }
            Step::CopyTable { .. }
            | Step::CreateIndex { .. }
            | Step::Analyze { .. }
            | Step::ValidateForeignKey { .. } => own_weight(),
            Step::FinishIndex { index } => {
                let builds = self.context.index_by_oid(index).builds_with_constraint();
                (!builds).then_some(0)
            }
            Step::AttachIndex { .. }
            | Step::AddForeignKey { .. }
            | Step::RestorePostData { .. } => Some(0),
            Step::DropObjects { .. }
            | Step::RestorePreData { .. }
            | Step::CreateExtension { .. }
            | Step::Truncate { .. }
            | Step::CopyPart { .. }
            | Step::CopyLargeObjects { .. }
            | Step::SetSequences
            | Step::CopyExtensionData { .. }
            | Step::RefreshView { .. }
            | Step::Milestone => None,
        }
    }

    /// Whether an index may be built by several processes of the server: while seats are free.
    fn is_parallel(&self) -> bool {
        let is_copying = self.crew.free(Pool::Copy) < usize::from(self.context.settings.jobs.table);
        // The one that is asked for has its place already.
        !is_copying && self.plan.ready_count(Pool::Index) < self.crew.free(Pool::Index)
    }

    /// Takes in what a seat has to say.
    async fn heard(&mut self, mail: Mail) -> Result<()> {
        let mut bytes = 0;
        let (mut tables, mut indexes) = (0, 0);
        for (id, outcome) in mail.ended {
            let step = self.plan.step(id);
            match outcome {
                Ok(done) => {
                    bytes += done.bytes;
                    let completed = usize::from(self.completes_table(step));
                    tables += completed;
                    self.left.tables -= completed;
                    indexes += usize::from(matches!(step, Step::CreateIndex { .. }));
                    self.journal.done(step, done).await?;
                    self.recorded.insert(&self.context.key(step));
                    self.left.count_down(step);
                    self.plan.finish(id);
                }
                // Nothing is wrong with the step: it is left.
                Err(Failure { error, .. }) if error.has_lost_snapshot() => {
                    if self.report.snapshot_lost.is_none() {
                        self.lost_snapshot(error);
                    }
                    self.report.skipped += 1 + self.plan.fail(id).len();
                }
                Err(failure) => {
                    if failure.error.kind() != Kind::Stopped {
                        self.report.failed += 1;
                        self.journal.failed(step, &failure).await?;
                        if self.context.settings.fail_fast {
                            tracing::warn!("stopping at the first failure, as --fail-fast wants");
                            self.context.stop.request();
                        }
                    }
                    let skipped = self.plan.fail(id).into_iter();
                    let steps = skipped.filter(|id| self.plan.step(*id) != Step::Milestone);
                    self.report.skipped += steps.count();
                }
            }
        }
        let seat = &mut self.seats[mail.seat];
        seat.busy = 0;
        seat.place = None;
        let name = self.shown_name(mail.seat);
        self.crew.show(|progress| progress.ended(&name, bytes, tables > 0, indexes > 0));
        Ok(())
    }

    fn completes_table(&mut self, step: Step) -> bool {
        match step {
            Step::CopyTable { .. } => true,
            Step::CopyPart { table, .. } => match self.parts_left.get_mut(&table) {
                Some(left) => {
                    *left -= 1;
                    *left == 0
                }
                None => false,
            },
            _ => false,
        }
    }

    fn show(&mut self) {
        for seat in (0..self.seats.len()).filter(|seat| self.seats[*seat].busy > 0) {
            let moved = self.seats[seat].pulse.moved.load(Ordering::Relaxed);
            let name = self.shown_name(seat);
            self.crew.show(|progress| progress.moved(&name, moved));
        }
        self.crew.show(|progress| progress.tick());
    }

    /// Records how far the steps in hand have come.
    async fn note(&mut self) -> Result<()> {
        if self.noted.elapsed() < Duration::from_millis(NOTE_MS) {
            return Ok(());
        }
        self.noted = Instant::now();
        for seat in self.seats.iter().filter(|seat| seat.busy > 0) {
            if let Some(step) = seat.step {
                let moved = seat.pulse.moved.load(Ordering::Relaxed);
                self.journal.moved(step, moved).await?;
            }
        }
        Ok(())
    }
}

/// Whether two steps may be done in one transaction.
fn goes_with(first: Step, next: Step) -> bool {
    let is_sql = statements::is_sql_only;
    match (first, next) {
        // One pool's statements; an entry of the archive is printed by another program.
        (Step::RestorePostData { .. }, Step::RestorePostData { .. })
        | (Step::CopyTable { .. }, Step::CopyTable { .. }) => true,
        _ => is_sql(first) && is_sql(next),
    }
}
