//! Applies what is stored: whole transactions, in the order of their commits. How far it has come
//! is what the target remembers, in the transactions of the changes.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use pgcopydb_wire::Connection;
use tokio::sync::watch as channel;

use super::ahead::Next;
use super::applier::{About, Applier};
use super::tables::{Destination, Tables};
use super::watch;
use super::watermarks::{Watermarks, is_reached};
use super::{Control, Follow, Patience, Shared, blocking};
use crate::changes::{Ahead, Item, Reader};
use crate::decode::{Decoder, Malformed, Numbers};
use crate::error::{Error, Kind, Result};
use crate::model::change::{Message, RowChange, Truncate};
use crate::model::replica::ReplicaTable;
use crate::model::{Lsn, QualifiedName};
use crate::pg::origin::Origin;
use crate::pg::replica;
use crate::transform::{self, Batch, Emptied, NoOpUpdates, Order, Pending, Statement};

/// How often the store is looked at when another process fills it.
const LOOK_INTERVAL: Duration = Duration::from_millis(200);

/// Changes that are gathered before they are sent, at most.
const GATHERED_ROWS: usize = 20_000;

/// Bytes of such changes.
const GATHERED_BYTES: usize = 4 << 20;

/// Items after which the target is looked after, so that it is at work while changes are gathered.
const NUDGE_ITEMS: usize = 256;

/// What to do when everything that is stored is applied, and there is no end yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenEmpty {
    /// To be done.
    Ends,
    /// To wait for more.
    Waits,
}

/// Applies until the end position is applied, or until stopped.
pub(super) async fn apply(follow: &Follow, shared: &Shared, empty: WhenEmpty) -> Result<()> {
    if !wait_for_gate(follow, shared).await {
        return Ok(());
    }
    shared.applying.goes_on();
    let mut patience = Patience::new();
    let mut trouble = Trouble::default();
    loop {
        let before = shared.marks().applied();
        let ended = tokio::select! {
            ended = session(follow, shared, empty, &mut trouble) => ended,
            error = watch::target(follow, shared) => Err(error),
            // What was not committed is not there: it is applied again another time.
            () = follow.stop.requested() => return Ok(()),
        };
        match ended {
            Ok(Ended::InOrder) => return Ok(()),
            Ok(Ended::GivenUp) => {}
            Err(error) if trouble.can_be_looked_at(&error) => {
                tracing::info!(
                    "applying changes one by one for a while, since many at once failed: {error}"
                );
                trouble.until = Some(trouble.seen);
            }
            Err(error) => {
                if shared.marks().applied() > before {
                    patience.renew();
                }
                patience.wait(error, &follow.stop, &shared.applying).await?;
            }
        }
    }
}

/// What the target does not take together it may take one by one; if not, the change that it does
/// not take is known then, and all transactions before it are applied.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    /// Changes up to here go one by one.
    pub until: Option<Lsn>,
    /// The last change that was read.
    seen: Lsn,
    /// The transaction that was not to be applied ahead of its commit.
    pub given_up: Option<u64>,
}

/// How a session has ended.
enum Ended {
    /// There is nothing more to apply.
    InOrder,
    /// What it had not committed is to be applied anew.
    GivenUp,
}

impl Trouble {
    fn can_be_looked_at(&self, error: &Error) -> bool {
        self.until.is_none() && error.kind() == Kind::Target && !error.is_transient()
    }
}

/// Waits until changes may be applied; false if the user wants to stop first.
async fn wait_for_gate(follow: &Follow, shared: &Shared) -> bool {
    let mut control = shared.control.subscribe();
    if !control.borrow().apply {
        tracing::info!("changes are received and kept, not applied yet");
        shared.applying.waits_for("the end of the copy, or \"stream sentinel set apply\"");
    }
    tokio::select! {
        opened = control.wait_for(|control| control.apply) => opened.is_ok(),
        () = follow.stop.requested() => false,
    }
}

/// One connection, from its beginning to its end.
async fn session(
    follow: &Follow,
    shared: &Shared,
    empty: WhenEmpty,
    trouble: &mut Trouble,
) -> Result<Ended> {
    let Some(endpoint) = &follow.target else {
        return Err(Error::new(Kind::Internal, "there is no target to apply changes to"));
    };
    let mut target = endpoint.open("apply").await?;
    let mut control = endpoint.open("tables").await?;
    shared.doing.pid.store(target.backend_pid(), Ordering::Relaxed);
    let order = set_up(&mut target).await?;
    let name = &follow.slot.origin;
    let Some(origin) = Origin::find(&mut target, name).await? else {
        return Err(Error::new(
            Kind::Target,
            format!("the target knows no replication origin \"{name}\""),
        )
        .detail("Without it nobody knows which changes the target has.")
        .hint("Start over with --restart."));
    };
    origin.join(&mut target).await?;
    // Read by the other session: in this one it is only what this session has done.
    let cursor = origin.progress(&mut control).await?;
    shared.applied(cursor);
    tracing::info!("applying changes after {cursor}");
    let failed = |error| Error::target("could not begin to apply", error);
    let pipeline = target.pipeline().map_err(failed)?;
    let mut work = Work {
        follow,
        shared,
        applier: Applier::new(pipeline, origin.statement()),
        tables: Tables::new(follow, control).await?,
        decoder: Decoder::new(follow.slot.plugin, numbers(follow)),
        emptied: None,
        pending: Pending::new(order),
        trouble,
    };
    let cursor = cursor.max(follow.slot.consistent_point);
    let reader = Reader::new(follow.directory.clone(), follow.owner(), cursor);
    let ended = work.run(reader, empty).await;
    work.tables.close().await;
    ended
}

/// Prepares a session in which nothing but the changes themselves happens.
async fn set_up(target: &mut Connection) -> Result<Order> {
    let failed = |error| Error::target("could not set up a session", error);
    // Its commits are reported as durable.
    target.execute("set synchronous_commit = on").await.map_err(failed)?;
    target.execute(ROWS_BY_INDEX).await.map_err(failed)?;
    if target.server_version() >= 120_000 {
        target.execute("set plan_cache_mode = force_generic_plan").await.map_err(failed)?;
    }
    let is_free = replica::switch_triggers_off(target).await?
        && !replica::has_replica_triggers(target).await?;
    Ok(if is_free { Order::Free } else { Order::Kept })
}

/// Rows are found by their keys, one after the other in the order of the changes, however many
/// they are and whatever statistics say of a table that was filled a moment ago.
const ROWS_BY_INDEX: &str = "set enable_seqscan = off; set enable_hashjoin = off; \
                             set enable_mergejoin = off; set jit = off";

/// What is left to be done of an item that was taken in.
enum Taken {
    /// All of it.
    Item(Item),
    /// A change of a row, its position, and the bytes of its message.
    Row(RowChange, Lsn, usize),
    /// To send what has to go before the change that waits now.
    Added(Vec<Batch>),
    /// To commit the group.
    Group,
}

/// A session and what it has in hand.
pub(super) struct Work<'a> {
    follow: &'a Follow,
    shared: &'a Shared,
    pub(super) applier: Applier<'a>,
    tables: Tables<'a>,
    decoder: Decoder,
    /// Tables that were emptied, and perhaps not all that one statement has emptied.
    emptied: Option<(Lsn, Truncate)>,
    pending: Pending,
    pub(super) trouble: &'a mut Trouble,
}

/// What there is to be waited for.
struct News {
    marks: channel::Receiver<Watermarks>,
    control: channel::Receiver<Control>,
    ahead: channel::Receiver<Ahead>,
}

impl News {
    /// Something may have come.
    async fn wait(&mut self) {
        tokio::select! {
            _ = self.marks.changed() => {}
            _ = self.control.changed() => {}
            _ = self.ahead.changed() => {}
            () = tokio::time::sleep(LOOK_INTERVAL) => {}
        }
    }
}

/// How wal2json was asked to write numbers.
fn numbers(follow: &Follow) -> Numbers {
    match follow.slot.numeric_as_string {
        true => Numbers::Strings,
        false => Numbers::Plain,
    }
}

impl Work<'_> {
    async fn run(&mut self, mut reader: Reader, empty: WhenEmpty) -> Result<Ended> {
        let mut news = News {
            marks: self.shared.marks.subscribe(),
            control: self.shared.control.subscribe(),
            ahead: self.shared.ahead.subscribe(),
        };
        loop {
            // Asked first: what is complete now is in what is read next, and what has ended was
            // offered no longer when it was complete.
            let complete = news.marks.borrow_and_update().complete();
            let endpos = news.control.borrow_and_update().endpos;
            let ahead = news.ahead.borrow_and_update().clone();
            if let Some(number) = reader.begun() {
                let is_over = is_reached(complete, endpos);
                let next;
                (reader, next) = self.go_ahead(number, &ahead, reader, is_over).await?;
                match next {
                    Next::More => continue,
                    Next::Wait => {
                        self.drained(complete, endpos);
                        self.wait(&mut news).await;
                        continue;
                    }
                    Next::Store => {}
                    Next::GivenUp => return Ok(Ended::GivenUp),
                }
            }
            let (read, items) = blocking(move || {
                let items = reader.read(endpos);
                Ok((reader, items))
            })
            .await?;
            reader = read;
            let items = items?;
            if !items.is_empty() {
                self.items(items).await?;
                continue;
            }
            if reader.misses_begun() {
                return Ok(Ended::GivenUp);
            }
            self.commit().await?;
            self.drained(complete, endpos);
            if is_reached(complete, endpos) {
                return Ok(Ended::InOrder);
            }
            if empty == WhenEmpty::Ends {
                return self.ran_dry(endpos).await;
            }
            reader = self.begin_ahead(&ahead, reader).await?;
            if reader.begun().is_none() {
                self.wait(&mut news).await;
            }
        }
    }

    /// Everything up to a position is applied.
    fn drained(&self, complete: Lsn, endpos: Option<Lsn>) {
        if endpos.is_none() {
            self.shared.move_marks(|marks| marks.drain(complete));
        }
    }

    async fn wait(&self, news: &mut News) {
        self.shared.doing.is_idle.store(true, Ordering::Relaxed);
        news.wait().await;
        self.shared.doing.is_idle.store(false, Ordering::Relaxed);
    }

    pub(super) async fn items(&mut self, items: Vec<Item>) -> Result<()> {
        for (number, item) in items.into_iter().enumerate() {
            if let Some(item) = self.take_in(item)? {
                self.item(item).await?;
            }
            self.shared.doing.step();
            if number % NUDGE_ITEMS == 0 {
                self.applier.nudge().await?;
            }
        }
        Ok(())
    }

    /// Everything that is stored is applied; nobody in this process brings more.
    async fn ran_dry(&self, endpos: Option<Lsn>) -> Result<Ended> {
        let sentinel = self.follow.catalog.sentinel().await?.unwrap_or_default();
        let stored = sentinel.flush_lsn;
        match endpos {
            Some(endpos) if !is_reached(stored, Some(endpos)) => Err(Error::new(
                Kind::Incomplete,
                format!(
                    "the end position {endpos} is not reached: changes are here up to {stored}"
                ),
            )
            .detail("All of these are applied.")
            .hint("Receive the others with \"pgcopydb stream receive\", then try again.")),
            _ => Ok(Ended::InOrder),
        }
    }

    /// Takes in a change that only has to wait for others, as most do, and so without the state of
    /// a task that can wait itself. Gives back what is more than that.
    fn take_in(&mut self, item: Item) -> Result<Option<Taken>> {
        if self.emptied.is_some() || self.trouble.until.is_some() {
            return Ok(Some(Taken::Item(item)));
        }
        let (lsn, payload) = match item {
            Item::Message { lsn, payload } => (lsn, payload),
            Item::Relation(_) => return Ok(Some(Taken::Item(item))),
            Item::End(end) => {
                self.end(end);
                return Ok(self.applier.is_full().then_some(Taken::Group));
            }
        };
        let change =
            match self.decoder.message(&payload).map_err(|bad| self.malformed(&bad, lsn))? {
                Message::Row(change) => change,
                Message::Begin { .. } | Message::Commit { .. } | Message::Other => return Ok(None),
                Message::Relation { .. } | Message::Truncate(_) | Message::Undescribed(_) => {
                    return Ok(Some(Taken::Item(Item::Message { lsn, payload })));
                }
            };
        self.trouble.seen = self.trouble.seen.max(lsn);
        let Some(found) = self.tables.known(&change.relation) else {
            return Ok(Some(Taken::Row(change, lsn, payload.len())));
        };
        let Destination::Table { layout, number, is_partial: false, .. } = &*found else {
            return Ok(Some(Taken::Row(change, lsn, payload.len())));
        };
        let Some(shape) = layout.shape(&change.kind) else {
            return Ok(Some(Taken::Row(change, lsn, payload.len())));
        };
        self.applier.count_change();
        let before = self.pending.add(*number, layout, shape, change, (lsn, payload.len()));
        Ok((!before.is_empty() || self.is_full()).then_some(Taken::Added(before)))
    }

    fn end(&mut self, end: Lsn) {
        self.applier.end(end);
        self.trouble.seen = self.trouble.seen.max(end);
    }

    /// Whether enough changes have been gathered.
    fn is_full(&self) -> bool {
        self.pending.rows() >= GATHERED_ROWS || self.pending.bytes() >= GATHERED_BYTES
    }

    async fn item(&mut self, taken: Taken) -> Result<()> {
        let item = match taken {
            Taken::Item(item) => item,
            Taken::Row(change, lsn, bytes) => return self.row(change, lsn, bytes).await,
            Taken::Added(before) => return self.added(before).await,
            Taken::Group => return self.commit().await,
        };
        let (lsn, payload) = match item {
            Item::End(end) => {
                self.empty().await?;
                self.end(end);
                if self.applier.is_full() || self.trouble.until.is_some() {
                    self.commit().await?;
                }
                return Ok(());
            }
            Item::Relation(payload) => (Lsn::NONE, payload),
            Item::Message { lsn, payload } => (lsn, payload),
        };
        let message = self.message(&payload, lsn).await?;
        if !matches!(&message, Message::Truncate(_)) {
            self.empty().await?;
        }
        match message {
            Message::Relation { relation, .. } => {
                self.tables.describe(&relation);
                Ok(())
            }
            Message::Row(change) => {
                self.trouble.seen = self.trouble.seen.max(lsn);
                self.row(change, lsn, payload.len()).await
            }
            Message::Truncate(truncate) => self.gather(truncate, lsn).await,
            Message::Begin { .. }
            | Message::Commit { .. }
            | Message::Undescribed(_)
            | Message::Other => Ok(()),
        }
    }

    /// Reads a message; tells the decoder about its tables where it has to be told.
    async fn message(&mut self, payload: &Bytes, lsn: Lsn) -> Result<Message> {
        loop {
            let message = self.decoder.message(payload);
            let message = message.map_err(|malformed| self.malformed(&malformed, lsn))?;
            let Message::Undescribed(name) = message else { return Ok(message) };
            let relation = self.tables.on_source(&name).await?;
            self.decoder.describe(name, relation);
        }
    }

    fn malformed(&self, malformed: &Malformed, lsn: Lsn) -> Error {
        let plugin = self.follow.slot.plugin.name();
        Error::new(Kind::Source, format!("cannot read what {plugin} wrote at {lsn}: {malformed}"))
    }

    /// Tables that one statement emptied have one position, and are emptied by one statement again:
    /// wal2json has a message for each.
    async fn gather(&mut self, truncate: Truncate, lsn: Lsn) -> Result<()> {
        match &mut self.emptied {
            Some((position, emptied)) if *position == lsn => {
                emptied.relations.extend(truncate.relations);
                Ok(())
            }
            _ => {
                self.empty().await?;
                self.emptied = Some((lsn, truncate));
                Ok(())
            }
        }
    }

    /// Empties the tables that were gathered.
    async fn empty(&mut self) -> Result<()> {
        match self.emptied.take() {
            Some((lsn, truncate)) => self.truncate(&truncate, lsn).await,
            None => Ok(()),
        }
    }

    async fn row(&mut self, change: RowChange, lsn: Lsn, bytes: usize) -> Result<()> {
        let found = self.tables.table(&change.relation).await?;
        let Destination::Table { table, layout, number, is_partial } = &*found else {
            return Ok(());
        };
        self.applier.count_change();
        let goes_alone = *is_partial || self.trouble.until.is_some();
        let shape = layout.shape(&change.kind).filter(|_| !goes_alone);
        if let Some(shape) = shape {
            let before = self.pending.add(*number, layout, shape, change, (lsn, bytes));
            return self.added(before).await;
        }
        if layout.is_slow_in_binary(&change.kind) {
            self.shared.needs_text.cancel();
        }
        let Some(mut statement) = self.statement(&change, table, lsn)? else { return Ok(()) };
        let before = self.pending.take(*number);
        self.send(before).await?;
        statement.touches_one_row &= !is_partial;
        self.applier.apply(statement, about(&change.relation.name, lsn)).await
    }

    /// Sends what has to go before the change that was added, and all if that is enough.
    async fn added(&mut self, before: Vec<Batch>) -> Result<()> {
        self.send(before).await?;
        if self.is_full() {
            let all = self.pending.take_all();
            self.send(all).await?;
        }
        Ok(())
    }

    fn statement(
        &self,
        change: &RowChange,
        table: &ReplicaTable,
        lsn: Lsn,
    ) -> Result<Option<Statement>> {
        let no_ops = match self.follow.settings.replay_no_op_updates {
            true => NoOpUpdates::Replayed,
            false => NoOpUpdates::Skipped,
        };
        let statement = transform::statement(change, table, no_ops);
        statement.map_err(|unfit| cannot(&change.relation.name.to_string(), lsn, &unfit))
    }

    /// Sends what has waited.
    async fn send(&mut self, batches: Vec<Batch>) -> Result<()> {
        for batch in batches {
            let (lsn, layout) = (batch.lsn(), batch.layout());
            let about = about(&layout.relation.name, lsn);
            let Some(change) = batch.alone() else {
                self.applier.apply_many(batch.many(), about).await?;
                continue;
            };
            if let Some(statement) = self.statement(&change, &layout.table, lsn)? {
                self.applier.apply(statement, about).await?;
            }
        }
        Ok(())
    }

    async fn truncate(&mut self, change: &Truncate, lsn: Lsn) -> Result<()> {
        let before = self.pending.take_all();
        self.send(before).await?;
        let mut tables = Vec::new();
        let mut whole = HashMap::new();
        for relation in &change.relations {
            let found = self.tables.table(relation).await?;
            if let Destination::Table { table, .. } = &*found {
                // All partitions of a table are the table, wherever the target has their rows.
                if table.name != relation.name && !whole.contains_key(&table.name) {
                    let is_whole = self.tables.is_whole(&table.name, &change.relations).await?;
                    whole.insert(table.name.clone(), is_whole);
                }
                let is_whole = whole.get(&table.name).is_some_and(|is_whole| *is_whole);
                let name = if is_whole { &table.name } else { &relation.name };
                tables.push((name.clone(), table.clone()));
            }
        }
        tables.dedup_by(|one, other| one.0 == other.0);
        let emptied: Vec<Emptied<'_>> =
            tables.iter().map(|(name, table)| Emptied { name, table }).collect();
        let names: Vec<String> = emptied.iter().map(|one| one.name.to_string()).collect();
        let names = names.join(", ");
        let statement = transform::truncate(change, &emptied);
        match statement.map_err(|unfit| cannot(&names, lsn, &unfit))? {
            Some(statement) => {
                let about = About { table: Arc::from(names), lsn };
                self.applier.apply(statement, about).await
            }
            None => Ok(()),
        }
    }

    async fn commit(&mut self) -> Result<()> {
        let waiting = self.pending.take_all();
        self.send(waiting).await?;
        if let Some(end) = self.applier.commit().await? {
            self.shared.applied(end);
            self.shared.doing.step();
            self.trouble.until = self.trouble.until.filter(|until| *until > end);
        }
        Ok(())
    }
}

fn about(table: &QualifiedName, lsn: Lsn) -> About {
    About { table: Arc::from(table.to_string()), lsn }
}

fn cannot(table: &str, lsn: Lsn, unfit: &transform::Unfit) -> Error {
    Error::new(Kind::Target, format!("cannot apply the change of {table} at {lsn}: {unfit}"))
        .hint("Change the target as the source was changed, then continue with --resume.")
}
