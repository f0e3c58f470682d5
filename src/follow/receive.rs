//! Receives from the slot and makes durable. What is reported to the source as flushed is on our
//! disk: it may forget it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use pgcopydb_wire::Connection;
use pgcopydb_wire::replicate::{Received, ReplicationStream, Status};
use tokio::sync::watch;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::watermarks::{is_beyond, is_reached, is_wanted};
use super::{Control, Follow, Patience, Shared, blocking, wish};
use crate::changes::{Incoming, Writer};
use crate::decode::{self, Mark};
use crate::error::{Error, Kind, Result};
use crate::model::Lsn;
use crate::pg::{activity, slot};

/// The source drops us after `wal_sender_timeout`, 60 s by default.
const REPORT_INTERVAL: Duration = Duration::from_secs(5);

/// How often a quiet stream is looked after.
const TICK: Duration = Duration::from_millis(500);

/// Quiet ticks before a source that should have reached the end position is given something to
/// send.
const QUIET_TICKS_MAX: u32 = 3;

/// Bytes that are made durable together, at most.
const BATCH_BYTES: usize = 4 << 20;

/// What comes in is stored together for so long, or until it is so many bytes: a source that sends
/// row by row would have us wait for the disk as often.
const WAITING_LIMIT: Duration = Duration::from_millis(10);
const WAITING_BYTES_MAX: usize = 256 << 10;

/// The source sends every row by itself. Whoever wakes up for each is slower than the source, and
/// makes it slow: so after a few messages there is a rest in which others come, and not so many that
/// the source has to wait. A Unix-domain socket takes about 280 small ones.
const REST: Duration = Duration::from_micros(200);
const FEW_MESSAGES: usize = 200;

/// A source that has said nothing for so long is asked for an answer, and later looked after. It
/// sends something every 30 s by default, but for the time it takes to read a large transaction.
const SILENCE_ASKED: Duration = Duration::from_secs(20);
const SILENCE_MAX: Duration = Duration::from_secs(30);

/// How long the source may take to begin.
const BEGIN_PATIENCE: Duration = Duration::from_secs(60);

/// A file of the store that has this many bytes is followed by another.
const FILE_BYTES: u64 = 128 << 20;

/// What to do at the end position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AtEndpos {
    /// To be done.
    Ends,
    /// To wait for another end position: somebody else decides when all is done.
    Waits,
}

/// Why a session with the source has ended in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    AtEndpos,
    Stopped,
    /// Values are not to come in binary form any more.
    NeedsText,
}

/// Receives until the end position, or until stopped.
pub(super) async fn receive(follow: &Follow, shared: &Shared, at_end: AtEndpos) -> Result<()> {
    let mut store = None;
    let mut patience = Patience::new();
    loop {
        let before = shared.marks().received();
        match session(follow, shared, &mut store).await {
            Ok(Ended::Stopped) => return Ok(()),
            Ok(Ended::NeedsText) => {
                tracing::info!("receiving all values in text form from now on");
                shared.needs_text.cancel();
            }
            Ok(Ended::AtEndpos) if at_end == AtEndpos::Ends => return Ok(()),
            Ok(Ended::AtEndpos) => {
                if wait_for_endpos(follow, shared).await == Ended::Stopped {
                    return Ok(());
                }
                patience.renew();
            }
            Err(error) => {
                if shared.marks().received() > before {
                    patience.renew();
                }
                patience.wait(error, &follow.stop, &shared.receiving).await?;
                if follow.stop.is_requested() {
                    return Ok(());
                }
            }
        }
    }
}

/// Waits until the end position lies further away.
async fn wait_for_endpos(follow: &Follow, shared: &Shared) -> Ended {
    let mut control = shared.control.subscribe();
    loop {
        if !is_reached(shared.marks().complete(), control.borrow_and_update().endpos) {
            return Ended::AtEndpos;
        }
        tokio::select! {
            _ = control.changed() => {}
            () = follow.stop.requested() => return Ended::Stopped,
            () = shared.finished.cancelled() => return Ended::Stopped,
        }
    }
}

/// The store, for tasks that must not block.
#[derive(Clone)]
pub(super) struct Store(Arc<Mutex<Writer>>);

impl Store {
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Writer) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let store = self.clone();
        blocking(move || store.at_once(work)).await
    }

    /// For what takes no longer than a wait for the disk: the thread serves the stream alone.
    fn at_once<T>(&self, work: impl FnOnce(&mut Writer) -> Result<T>) -> Result<T> {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One connection, from its beginning to its end.
async fn session(follow: &Follow, shared: &Shared, store: &mut Option<Store>) -> Result<Ended> {
    let mut replication = follow.source.open_replication("receive").await?;
    let system = answered(replication.identify_system()).await?;
    let store = match store {
        Some(store) => store,
        None => store.insert(open(follow, system.timeline).await?),
    };
    let (stored, ahead) = store
        .run(|writer| {
            // What was received of transactions that are not whole comes again.
            writer.abandon()?;
            Ok((writer.stored(), writer.ahead()?))
        })
        .await?;
    shared.offer(ahead);
    super::source::check_slot(&mut replication, follow, stored).await?;
    shared.move_marks(|marks| marks.store(stored));
    if is_reached(stored, shared.control().endpos) {
        return Ok(Ended::AtEndpos);
    }
    let slot = &follow.slot;
    let publications = wish::publications(slot);
    let version = replication.connection().server_version();
    let is_binary = wish::takes_binary(follow, shared, version).await;
    let options = wish::options(slot, &publications, version, is_binary);
    let stream = answered(replication.start(&slot.name, stored.0, &options)).await?;
    tracing::info!("receiving changes from slot \"{}\" after {stored}", slot.name);
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut session = Session {
        follow,
        shared,
        store: store.clone(),
        stream,
        control: shared.control.subscribe(),
        ticks,
        is_inside: false,
        is_in_block: false,
        is_binary,
        sent_to: None,
        reported: Instant::now(),
        quiet_ticks: 0,
        appended: 0,
        waiting: Vec::new(),
        waiting_bytes: 0,
        due: None,
        heard: Instant::now(),
    };
    let ended = session.run().await?;
    session.report(false);
    // Everything is in order on our side whatever the source says to it.
    let finished = tokio::time::timeout(super::LEAVE_PATIENCE, session.stream.finish()).await;
    if let Ok(Err(error)) = finished {
        tracing::debug!("the source did not take leave: {error}");
    }
    Ok(ended)
}

/// At a moment, if there is one.
async fn at(moment: Option<Instant>) {
    match moment {
        Some(moment) => tokio::time::sleep_until(moment).await,
        None => std::future::pending().await,
    }
}

/// What the source has to answer before long.
async fn answered<T>(answer: impl Future<Output = pgcopydb_wire::Result<T>>) -> Result<T> {
    match tokio::time::timeout(BEGIN_PATIENCE, answer).await {
        Ok(answer) => answer.map_err(explain),
        Err(_) => Err(Error::new(Kind::Source, "the source does not answer").transient()),
    }
}

/// A slot that another session uses may be free in a moment: that of a run that has just died.
fn explain(error: pgcopydb_wire::Error) -> Error {
    let is_active = error.sqlstate() == Some("55006");
    let error = Error::source("could not begin to receive", error);
    if is_active { error.transient() } else { error }
}

async fn open(follow: &Follow, timeline: u32) -> Result<Store> {
    let (directory, owner) = (follow.directory.clone(), follow.owner());
    let base = follow.slot.consistent_point;
    let limit = follow.settings.max_store_size.map_or(FILE_BYTES, |bytes| bytes / 4);
    let file_bytes = limit.min(FILE_BYTES);
    let writer =
        blocking(move || Writer::open(&directory, &owner, timeline, base, file_bytes)).await?;
    Ok(Store(Arc::new(Mutex::new(writer))))
}

/// A stream of changes and what is known of it.
pub(super) struct Session<'a> {
    pub(super) follow: &'a Follow,
    pub(super) shared: &'a Shared,
    pub(super) store: Store,
    pub(super) stream: ReplicationStream,
    control: watch::Receiver<Control>,
    ticks: Interval,
    /// Whether a transaction is being received.
    is_inside: bool,
    /// Whether that one still runs.
    is_in_block: bool,
    /// Whether values come in binary form.
    is_binary: bool,
    /// All changes up to here have come in, outside transactions.
    sent_to: Option<Lsn>,
    reported: Instant,
    quiet_ticks: u32,
    /// Bytes since the store's size was looked at.
    pub(super) appended: u64,
    /// What is not stored yet, its bytes, and when it will be.
    waiting: Vec<Incoming>,
    waiting_bytes: usize,
    due: Option<Instant>,
    /// When something came last.
    heard: Instant,
}

impl Session<'_> {
    async fn run(&mut self) -> Result<Ended> {
        loop {
            let ended = tokio::select! {
                biased;
                () = self.follow.stop.requested() => Some(Ended::Stopped),
                () = self.shared.finished.cancelled() => Some(Ended::Stopped),
                () = self.shared.needs_text.cancelled(), if self.is_binary => {
                    self.store_waiting().await?;
                    Some(Ended::NeedsText)
                }
                _ = self.control.changed() => {
                    self.control.borrow_and_update();
                    self.settle().await?
                }
                _ = self.ticks.tick() => self.tick().await?,
                () = at(self.due) => {
                    self.store_waiting().await?;
                    self.settle().await?
                }
                received = self.stream.next() => match received.map_err(broken_off)? {
                    Some(message) => self.take(message).await?,
                    None => return Err(ended_by_source()),
                },
            };
            if let Some(ended) = ended {
                return Ok(ended);
            }
            self.wait_for_room().await?;
        }
    }

    /// Takes in a message, and all others that have arrived.
    async fn take(&mut self, first: Received) -> Result<Option<Ended>> {
        let endpos = self.shared.control().endpos;
        self.heard = Instant::now();
        self.shared.receiving.goes_on();
        let (mut bytes, mut count) = (0, 0);
        let (mut is_beyond_end, mut needs_text, mut wants_reply) = (false, false, false);
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Received::KeepAlive { position, wants_reply: wants } => {
                    wants_reply |= wants;
                    if !self.is_inside {
                        self.sent_to = Some(Lsn(position));
                    }
                }
                Received::Data { position, payload } => {
                    let mark = decode::mark(self.follow.slot.plugin, &payload);
                    is_beyond_end = match mark {
                        Mark::Begin => decode::commit_lsn(self.follow.slot.plugin, &payload)
                            .is_some_and(|commit| is_beyond(commit, endpos)),
                        Mark::Commit | Mark::StreamCommit(_) => !is_wanted(Lsn(position), endpos),
                        Mark::Relation
                        | Mark::Inside
                        | Mark::StreamStart(_)
                        | Mark::StreamStop
                        | Mark::StreamAbort { .. } => false,
                    };
                    needs_text = self.is_binary
                        && mark == Mark::Relation
                        && decode::forbids_binary(&payload, self.is_in_block);
                    if is_beyond_end || needs_text {
                        break;
                    }
                    self.is_in_block |= matches!(mark, Mark::StreamStart(_));
                    self.is_in_block &= mark != Mark::StreamStop;
                    match mark {
                        Mark::Begin | Mark::StreamStart(_) => self.is_inside = true,
                        Mark::Commit | Mark::StreamStop => self.is_inside = false,
                        Mark::Relation
                        | Mark::Inside
                        | Mark::StreamCommit(_)
                        | Mark::StreamAbort { .. } => {}
                    }
                    self.quiet_ticks = 0;
                    bytes += payload.len();
                    count += 1;
                    self.waiting.push(Incoming { lsn: Lsn(position), payload, mark });
                }
            }
            next = match bytes < BATCH_BYTES {
                true => self.stream.ready().map_err(broken_off)?,
                false => None,
            };
        }
        self.appended += bytes as u64;
        self.waiting_bytes += bytes;
        if is_beyond_end || needs_text || wants_reply || self.waiting_bytes >= WAITING_BYTES_MAX {
            self.store_waiting().await?;
        } else if !self.waiting.is_empty() {
            self.due.get_or_insert_with(|| Instant::now() + WAITING_LIMIT);
        }
        if needs_text {
            // None of its values has come yet; what is not whole comes again.
            return Ok(Some(Ended::NeedsText));
        }
        if is_beyond_end {
            // The source keeps this transaction: we do not confirm it.
            self.store.run(|writer| writer.abandon()).await?;
            self.offer_ahead()?;
            self.is_inside = false;
            self.shared.move_marks(|marks| marks.complete_to(endpos.unwrap_or_default()));
            return Ok(Some(Ended::AtEndpos));
        }
        if wants_reply {
            self.advance().await?;
            self.report(false);
        }
        let ended = self.settle().await?;
        if ended.is_none() && (1..FEW_MESSAGES).contains(&count) {
            // The runtime's own clock knows milliseconds only, and the thread has no other work.
            std::thread::sleep(REST);
        }
        Ok(ended)
    }

    /// Stores what has come in.
    async fn store_waiting(&mut self) -> Result<()> {
        self.due = None;
        self.waiting_bytes = 0;
        let batch = std::mem::take(&mut self.waiting);
        let Some(last) = batch.last() else { return Ok(()) };
        let received = last.lsn;
        let stored = self.append(batch).await?;
        self.offer_ahead()?;
        self.shared.move_marks(|marks| {
            marks.receive(received);
            marks.store(stored);
        });
        self.report(false);
        Ok(())
    }

    /// Offers the transaction that may be the next to commit to whoever applies.
    fn offer_ahead(&self) -> Result<()> {
        let ahead = self.store.at_once(|writer| writer.ahead())?;
        self.shared.offer(ahead);
        Ok(())
    }

    /// Stores messages. A large transaction that has committed takes its time: the source hears from
    /// us meanwhile.
    async fn append(&mut self, batch: Vec<Incoming>) -> Result<Lsn> {
        let failed = |error| Error::source("could not report to the source", error);
        let store = self.store.clone();
        let is_large = |message: &Incoming| matches!(message.mark, Mark::StreamCommit(_));
        let has_large = batch.iter().any(is_large);
        let work = move |writer: &mut Writer| {
            writer.append(&batch)?;
            writer.flush()
        };
        if !has_large {
            return store.at_once(work);
        }
        let storing = store.run(work);
        tokio::pin!(storing);
        loop {
            tokio::select! {
                stored = &mut storing => return stored,
                () = tokio::time::sleep(REPORT_INTERVAL) => {
                    self.report(false);
                    self.stream.send().await.map_err(failed)?;
                }
            }
        }
    }

    /// Notes that the source has nothing more up to where it says.
    async fn advance(&mut self) -> Result<()> {
        self.store_waiting().await?;
        if self.is_inside {
            return Ok(());
        }
        let Some(position) = self.sent_to.take() else { return Ok(()) };
        let stored = self.store.run(move |writer| writer.advance(position)).await?;
        self.shared.move_marks(|marks| marks.store(stored));
        Ok(())
    }

    /// Whether the end position is reached.
    async fn settle(&mut self) -> Result<Option<Ended>> {
        let endpos = self.shared.control().endpos;
        if self.sent_to.is_some_and(|position| is_reached(position, endpos)) {
            self.advance().await?;
        }
        let is_reached = is_reached(self.shared.marks().stored(), endpos);
        Ok(is_reached.then_some(Ended::AtEndpos))
    }

    /// A source that says nothing is asked for a sign of life; if none comes, whether it still knows
    /// us.
    async fn listen(&mut self) -> Result<()> {
        let silence = self.heard.elapsed();
        if silence >= SILENCE_ASKED {
            self.report(true);
        }
        if silence < SILENCE_MAX {
            return Ok(());
        }
        let name = &self.follow.slot.name;
        let silence = silence.as_secs();
        let looking = async {
            let mut session = self.follow.source.open("watch").await?;
            let found = slot::find(&mut session, name).await?;
            let pid = found.and_then(|slot| slot.active_pid);
            let activity = match pid {
                Some(pid) => activity::of(&mut session, pid).await?,
                None => None,
            };
            session.close().await;
            Ok::<_, Error>(pid.map(|pid| (pid, activity)))
        };
        let found = tokio::time::timeout(SILENCE_ASKED, looking).await;
        if let Ok(Ok(Some((pid, activity)))) = found {
            let words = activity.map_or("is at work".to_owned(), |activity| activity.words);
            tracing::warn!(
                "nothing has come from the source for {silence} s: its session {pid} on replication \
                 slot \"{name}\" {words}, perhaps with a large transaction"
            );
            let whom = format!("session {pid} of the source, which {words}");
            self.shared.receiving.waits_for(whom);
            self.heard = Instant::now();
            return Ok(());
        }
        let message = format!("the source has said nothing for {silence} s");
        Err(Error::new(Kind::Source, message).transient())
    }

    /// Reports now and then; asks a quiet source for the end position.
    async fn tick(&mut self) -> Result<Option<Ended>> {
        self.listen().await?;
        self.offer_ahead()?;
        if self.reported.elapsed() >= REPORT_INTERVAL {
            self.advance().await?;
            self.report(false);
            let (directory, applied) =
                (self.follow.directory.clone(), self.shared.marks().applied());
            super::room::prune(directory, applied).await?;
        }
        let Some(endpos) = self.shared.control().endpos else { return Ok(None) };
        self.quiet_ticks += 1;
        self.report(true);
        if self.quiet_ticks > QUIET_TICKS_MAX && !self.is_inside {
            self.quiet_ticks = 0;
            let mut session: Connection = self.follow.source.open("marker").await?;
            if slot::has_passed(&mut session, endpos).await? {
                slot::emit_marker(&mut session).await?;
            }
            session.close().await;
        }
        self.settle().await
    }

    /// Tells the source how far we have come.
    pub(super) fn report(&mut self, wants_reply: bool) {
        let marks = self.shared.marks();
        let status = Status {
            written: marks.received().0,
            flushed: marks.stored().0,
            applied: marks.applied().0.min(marks.stored().0),
        };
        self.stream.report(status, wants_reply);
        self.reported = Instant::now();
    }
}

/// A slot whose beginning lies in the middle of a TRUNCATE, or of another statement that gives a table
/// new files, cannot always be read by the server: a fault of its own that no second try mends.
fn broken_off(error: pgcopydb_wire::Error) -> Error {
    let cannot_map = matches!(
        &error,
        pgcopydb_wire::Error::Server(cause) if cause.message.contains("could not map file")
    );
    let error = Error::source("could not receive changes", error);
    match cannot_map {
        true => error
            .detail(
                "A table was emptied or rewritten while the replication slot was made, and the \
                 server cannot read its own log from there.",
            )
            .hint(
                "Begin again with --restart: \"pgcopydb clone --follow --restart\". Nothing that \
                 was applied is wrong, but nothing more can come out of this slot.",
            ),
        false => error,
    }
}

/// As servers do that shut down.
fn ended_by_source() -> Error {
    Error::new(Kind::Source, "the source ended the stream of changes").transient()
}
