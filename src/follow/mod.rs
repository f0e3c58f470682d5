//! Changes, from the source's slot to the target. Two tasks with a store on our disk between them:
//! one receives and makes durable, the other applies whole transactions in the order of their
//! commits. Neither waits for the other; the operator's row tells both where to stop.

mod ahead;
mod applier;
mod apply;
mod lane;
mod meter;
mod receive;
pub mod remote;
mod room;
pub mod setup;
mod source;
mod tables;
mod trace;
mod watch;
mod watermarks;
mod wish;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::watch as channel;
use tokio_util::sync::CancellationToken;

use crate::catalog::{Catalog, no_sentinel};
use crate::changes::{Ahead, Owner};
use crate::error::{Error, Kind, Result};
use crate::model::{FollowSettings, Inventory, Lsn, QualifiedName, Slot};
use crate::pg::Endpoint;
use crate::stop::Stop;

use meter::Meter;
use trace::Trace;
pub use watermarks::Watermarks;

/// How often the operator's row is read, and written if something moved.
const SENTINEL_INTERVAL: Duration = Duration::from_millis(500);

/// How long a broken connection is tried again before that is an error: the restart of a server, a
/// failover. Nothing is lost by waiting longer, but somebody should know.
const RECONNECT_PATIENCE: Duration = Duration::from_secs(600);

/// Between two tries; doubled each time.
const RECONNECT_PAUSE: Duration = Duration::from_millis(500);
const RECONNECT_PAUSE_MAX: Duration = Duration::from_secs(15);

/// How long the source is given to take our leave.
const LEAVE_PATIENCE: Duration = Duration::from_secs(5);

/// What is to be followed, and where to.
#[derive(Clone, Debug)]
pub struct Follow {
    /// The server that changes come from.
    pub source: Endpoint,
    /// The server they go to; not needed to receive them.
    pub target: Option<Endpoint>,
    /// The work catalog, with the operator's row.
    pub catalog: Catalog,
    /// Where changes wait.
    pub directory: PathBuf,
    /// The slot they come out of.
    pub slot: Slot,
    /// What the user wants.
    pub settings: FollowSettings,
    /// The wish to stop.
    pub stop: Stop,
}

/// Which of the two tasks are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Both, until the end position is applied.
    Both,
    /// To receive only, until the end position is reached.
    Receive,
    /// To apply only what has been received.
    Apply,
}

/// What the operator wants now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Control {
    endpos: Option<Lsn>,
    apply: bool,
}

/// What both tasks share.
#[derive(Debug)]
struct Shared {
    control: channel::Sender<Control>,
    marks: channel::Sender<Watermarks>,
    /// The transaction that may be the next to commit; told before the marks move.
    ahead: channel::Sender<Ahead>,
    /// Everything is applied: nothing is to be received any more.
    finished: CancellationToken,
    /// Values are to be received in text form from now on.
    needs_text: CancellationToken,
    /// What is being applied.
    doing: watch::Doing,
    /// How receiving goes, and applying.
    receiving: Trace,
    applying: Trace,
    /// The end of the source's log when it was looked at last.
    source_end: AtomicU64,
}

impl Follow {
    /// Works until the end position is reached, or until stopped, which is an error that says how
    /// far it went. Gives back the last commit that is on the target.
    pub async fn run(&self, mode: Mode) -> Result<Watermarks> {
        let sentinel = self.catalog.sentinel().await?.ok_or_else(no_sentinel)?;
        let control = Control { endpos: sentinel.endpos.some(), apply: sentinel.apply };
        if control.endpos.is_some_and(|endpos| endpos <= sentinel.flush_lsn) {
            tracing::info!(
                "everything up to the end position {} has been received already; to go on from there, \
                 set another, or none with --endpos 0/0",
                sentinel.endpos
            );
        }
        let shared = Arc::new(Shared {
            control: channel::Sender::new(control),
            marks: channel::Sender::new(Watermarks::new(sentinel.replay_lsn)),
            ahead: channel::Sender::new(Ahead::default()),
            finished: CancellationToken::new(),
            needs_text: CancellationToken::new(),
            doing: watch::Doing::default(),
            receiving: Trace::default(),
            applying: Trace::default(),
            source_end: AtomicU64::new(0),
        });
        let mut meter = Meter::new(self, mode).await?;
        let ended = tokio::select! {
            ended = self.tasks(mode, &shared) => ended,
            error = self.keep_sentinel(&shared, &mut meter) => Err(error),
            error = remote::serve(self) => Err(error),
            () = self.watch_source(mode, &shared) => Ok(()),
        };
        if let Err(error) = &ended {
            shared.trace_of(mode, error).failed(error);
        }
        let marks = *shared.marks.borrow();
        let noted = self.note(&marks).await;
        let noted = noted.and(meter.end(self, marks, &shared).await);
        let told = ended.and(noted);
        if self.stop.is_requested() && told.is_ok() {
            return Err(stopped(&marks));
        }
        told.map(|()| marks)
    }

    /// Never ends.
    async fn watch_source(&self, mode: Mode, shared: &Shared) {
        match mode {
            Mode::Both | Mode::Receive => source::watch(self, shared).await,
            Mode::Apply => std::future::pending().await,
        }
    }

    async fn tasks(&self, mode: Mode, shared: &Arc<Shared>) -> Result<()> {
        match mode {
            Mode::Receive => lane::receive(self, shared, receive::AtEndpos::Ends).await,
            Mode::Apply => apply::apply(self, shared, apply::WhenEmpty::Ends).await,
            Mode::Both => {
                let receiving = lane::receive(self, shared, receive::AtEndpos::Waits);
                tokio::pin!(receiving);
                let applied = tokio::select! {
                    applied = apply::apply(self, shared, apply::WhenEmpty::Waits) => applied,
                    // It ends by itself when stopped only.
                    received = &mut receiving => return received,
                };
                shared.finished.cancel();
                let left = tokio::time::timeout(LEAVE_PATIENCE, receiving).await;
                applied.and(left.unwrap_or(Ok(())))
            }
        }
    }

    /// Reads what the operator wants, and writes how far things have come; until it fails.
    async fn keep_sentinel(&self, shared: &Shared, meter: &mut Meter) -> Error {
        let mut noted = Watermarks::default();
        loop {
            tokio::time::sleep(SENTINEL_INTERVAL).await;
            if let Err(error) = self.measure(shared, meter).await {
                return error;
            }
            let marks = *shared.marks.borrow();
            if marks != noted {
                if let Err(error) = self.note(&marks).await {
                    return error;
                }
                noted = marks;
            }
            match self.catalog.sentinel().await {
                Err(error) => return error,
                Ok(None) => return no_sentinel(),
                Ok(Some(sentinel)) => {
                    let now = Control { endpos: sentinel.endpos.some(), apply: sentinel.apply };
                    shared.control.send_if_modified(|control| {
                        if *control != now {
                            log_control(*control, now);
                        }
                        std::mem::replace(control, now) != now
                    });
                    // Another process may be the one that applies.
                    shared.applied(sentinel.replay_lsn);
                }
            }
        }
    }

    /// Tells and notes how things go.
    async fn measure(&self, shared: &Shared, meter: &mut Meter) -> Result<()> {
        let done_elsewhere = meter.done_elsewhere(self).await?;
        shared.move_marks(|marks| marks.drain(done_elsewhere));
        let marks = shared.marks();
        meter.look(marks);
        meter.tell(marks, shared);
        meter.note(self, marks, shared).await
    }

    async fn note(&self, marks: &Watermarks) -> Result<()> {
        let noted = [marks.received(), marks.complete(), marks.applied()].map(|lsn| lsn.some());
        self.catalog.note_positions(noted[0], noted[1], noted[2]).await
    }

    fn owner(&self) -> Owner {
        Owner { plugin: self.slot.plugin, slot: self.slot.name.clone() }
    }
}

impl Shared {
    fn control(&self) -> Control {
        *self.control.borrow()
    }

    fn marks(&self) -> Watermarks {
        *self.marks.borrow()
    }

    fn move_marks(&self, change: impl FnOnce(&mut Watermarks)) {
        self.marks.send_if_modified(|marks| {
            let before = *marks;
            change(marks);
            *marks != before
        });
    }

    fn offer(&self, ahead: Ahead) {
        self.ahead.send_if_modified(|known| {
            let is_new = *known != ahead;
            *known = ahead;
            is_new
        });
    }

    /// The task that an error is about.
    fn trace_of(&self, mode: Mode, error: &Error) -> &Trace {
        match mode {
            Mode::Receive => &self.receiving,
            Mode::Both if error.kind() == Kind::Source => &self.receiving,
            Mode::Both | Mode::Apply => &self.applying,
        }
    }

    fn source_end(&self) -> Lsn {
        Lsn(self.source_end.load(Ordering::Relaxed))
    }

    fn applied(&self, lsn: Lsn) {
        self.move_marks(|marks| marks.apply(lsn));
    }
}

fn log_control(was: Control, is: Control) {
    if was.endpos != is.endpos {
        match is.endpos {
            Some(endpos) => tracing::info!("the end position is {endpos} now"),
            None => tracing::info!("there is no end position any more"),
        }
    }
    if was.apply != is.apply {
        tracing::info!("changes are {} from now on", if is.apply { "applied" } else { "kept" });
    }
}

/// What partitions' changes have to go through their root table, because the target may keep their
/// rows elsewhere.
fn routes(inventory: &Inventory) -> HashMap<QualifiedName, QualifiedName> {
    let tables = inventory.tables_by_oid();
    let via = inventory.tables.iter().filter_map(|table| {
        let root = tables.get(&table.load_via?)?;
        Some((table.name.clone(), root.name.clone()))
    });
    via.collect()
}

/// The user wants to stop: how far it went.
fn stopped(marks: &Watermarks) -> Error {
    let error = Error::new(Kind::Stopped, "stopped on request");
    let error = match marks.applied().some() {
        Some(applied) => error.detail(format!("Changes up to {applied} are on the target.")),
        None => error.detail("No change was applied."),
    };
    error.hint("Continue with the same command and --resume.")
}

/// The pauses between tries to connect again, until there is no point.
struct Patience {
    since: Option<tokio::time::Instant>,
    pause: Duration,
}

impl Patience {
    fn new() -> Patience {
        Patience { since: None, pause: RECONNECT_PAUSE }
    }

    /// It worked for a while.
    fn renew(&mut self) {
        *self = Patience::new();
    }

    /// Waits a little; the error if it has gone on for too long, or never gets better.
    async fn wait(&mut self, error: Error, stop: &Stop, trace: &Trace) -> Result<()> {
        let since = *self.since.get_or_insert_with(tokio::time::Instant::now);
        if !error.is_transient() || since.elapsed() > RECONNECT_PATIENCE {
            return Err(error);
        }
        tracing::warn!("trying again in {:.1} s: {error}", self.pause.as_secs_f32());
        trace.failed(&error);
        trace.waits_for("a connection, which is tried again");
        tokio::select! {
            () = tokio::time::sleep(self.pause) => {}
            () = stop.requested() => {}
        }
        self.pause = (self.pause * 2).min(RECONNECT_PAUSE_MAX);
        Ok(())
    }
}

/// Work that waits for the disk, away from the runtime's threads.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    let joined = tokio::task::spawn_blocking(work).await;
    joined.unwrap_or_else(|error| Err(Error::new(Kind::Internal, error.to_string())))
}
