//! Is the data of two databases the same?
//!
//! Every server exports one snapshot that all workers see, so that a table is compared with what
//! it was at that moment, whatever is written meanwhile.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pgcopydb_wire::Connection;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::crew::{self, Context, Mail};
use super::work::{self, Cutting, Holder, Piece};
use super::{interrupt, rows};
use crate::error::{Error, Kind, Result};
use crate::model::QualifiedName;
use crate::model::compare::{Checksum, ContentComparison, ContentKind, DataComparison};
use crate::model::content::Relation;
use crate::pg::checksum::{self, Method, Sum};
use crate::pg::contents::{self, SequenceValue};
use crate::pg::snapshot::{self, Snapshot};
use crate::pg::{Endpoint, Side, discover, preflight, session};
use crate::plan::compare::{Matter, matters};
use crate::report::progress::{Progress, Totals};
use crate::stop::Stop;
use crate::tools::child::stopped;

/// How often progress is looked at.
const TICK_MS: u64 = 200;

/// What is wanted of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// How tables are cut.
    pub cutting: Cutting,
    /// How many rows that differ are named of each table.
    pub rows: usize,
}

/// Compares everything that both databases hold.
pub async fn compare(
    source: &Endpoint,
    target: &Endpoint,
    wanted: Wanted,
    stop: &Stop,
) -> Result<DataComparison> {
    let (mut ours, mut theirs) =
        tokio::try_join!(Snapshot::export(source), Snapshot::export(target))?;
    let endpoints = [source.clone(), target.clone()];
    let result = tokio::select! {
        result = on_snapshots(endpoints, [ours.id.clone(), theirs.id.clone()], wanted, stop) => result,
        error = lost(&mut ours, &mut theirs) => Err(error),
    };
    ours.close().await;
    theirs.close().await;
    result
}

async fn lost(source: &mut Snapshot, target: &mut Snapshot) -> Error {
    let error = tokio::select! {
        error = source.lost() => error,
        error = target.lost() => error,
    };
    error.detail("Rows can only be read as they were when the snapshots were taken.")
}

async fn on_snapshots(
    endpoints: [Endpoint; 2],
    snapshots: [Option<String>; 2],
    wanted: Wanted,
    stop: &Stop,
) -> Result<DataComparison> {
    let (mut source, mut target) =
        tokio::try_join!(lead(&endpoints[0], &snapshots[0]), lead(&endpoints[1], &snapshots[1]))?;
    let keys = [source.cancel_key(), target.cancel_key()];
    let work = prepare(&mut source, &mut target, wanted.cutting);
    let mut begun = interrupt::unless_stopped(stop, keys, work).await?;
    source.close().await;
    target.close().await;

    let pieces = std::mem::take(&mut begun.pieces);
    let context = Context {
        endpoints,
        snapshots,
        method: begun.method,
        queue: Mutex::new((0..pieces.len()).collect::<VecDeque<usize>>()),
        pieces,
        stop: stop.clone(),
    };
    let context = Arc::new(context);
    let mut entries = begun.entries;
    run(&context, &mut entries, wanted.cutting.jobs).await?;
    let mut comparison = DataComparison { database: begun.database, contents: Vec::new() };
    for (place, entry) in entries.into_iter().enumerate() {
        let mut content = entry.finish();
        let matter = begun.matters.get(place);
        if let (Some(matter), false) = (matter, content.is_same() || wanted.rows == 0)
            && content.problem.is_none()
        {
            let relations = [&begun.relations[0][..], &begun.relations[1][..]];
            content.rows = rows::find(&context, matter, relations, &content, wanted.rows).await?;
        }
        comparison.contents.push(content);
    }
    comparison.contents.extend(begun.sequences);
    comparison.contents.sort_by(|a, b| (a.kind, &a.name).cmp(&(b.kind, &b.name)));
    Ok(comparison)
}

/// Opens the session that looks around.
async fn lead(endpoint: &Endpoint, snapshot: &Option<String>) -> Result<Connection> {
    let mut lead = snapshot::reader(endpoint, snapshot.as_deref(), "compare data").await?;
    session::fix_output(&mut lead, endpoint.side).await?;
    Ok(lead)
}

/// What is known before the first row is read.
struct Begun {
    database: String,
    relations: [Vec<Relation>; 2],
    matters: Vec<Matter>,
    /// One for each matter, and one for the large objects.
    entries: Vec<Entry>,
    pieces: Vec<Piece>,
    sequences: Vec<ContentComparison>,
    method: Method,
}

/// Something whose sums are being gathered.
struct Entry {
    content: ContentComparison,
    exists: [bool; 2],
    sums: [Sum; 2],
    pieces_left: usize,
}

impl Entry {
    fn new(
        kind: ContentKind,
        name: QualifiedName,
        exists: [bool; 2],
        problem: Option<String>,
    ) -> Entry {
        let content =
            ContentComparison { kind, name, source: None, target: None, problem, rows: Vec::new() };
        Entry { content, exists, sums: [Sum::default(); 2], pieces_left: 0 }
    }

    fn of(matter: &Matter) -> Entry {
        Entry::new(matter.kind, matter.name.clone(), matter.exists, matter.problem.clone())
    }

    fn finish(self) -> ContentComparison {
        let Entry { mut content, exists, sums, .. } = self;
        if content.problem.is_none() {
            let checksum = |side: usize| {
                let Sum { rows, .. } = sums[side];
                exists[side].then(|| Checksum { rows, text: sums[side].text() })
            };
            (content.source, content.target) = (checksum(0), checksum(1));
        }
        content
    }
}

async fn prepare(
    source: &mut Connection,
    target: &mut Connection,
    cutting: Cutting,
) -> Result<Begun> {
    let (ours, theirs) = tokio::try_join!(look(source, Side::Source), look(target, Side::Target))?;
    let method = Method::common(&ours.abilities, &theirs.abilities);
    let matters = matters(&ours.relations, &theirs.relations);
    for matter in matters.iter().filter(|matter| !matter.left_out.is_empty()) {
        let columns = matter.left_out.join(", ");
        tracing::warn!("columns of {} on the target only are not compared: {columns}", matter.name);
    }
    let holders = [
        Holder { side: Side::Source, session: source, relations: &ours.relations },
        Holder { side: Side::Target, session: target, relations: &theirs.relations },
    ];
    let mut pieces = work::pieces(&matters, holders, cutting, method).await?;
    let mut entries: Vec<Entry> = matters.iter().map(Entry::of).collect();

    let sides = [(&mut *source, Side::Source), (&mut *target, Side::Target)];
    let (count, of_large_objects) = work::large_objects(sides, entries.len(), method).await?;
    if count > 0 {
        let name = QualifiedName::new("", "large objects");
        entries.push(Entry::new(ContentKind::LargeObjects, name, [true, true], None));
        pieces.extend(of_large_objects);
    }
    for piece in &pieces {
        entries[piece.entry].pieces_left += 1;
    }
    Ok(Begun {
        database: discover::database(source).await?.name,
        relations: [ours.relations, theirs.relations],
        matters,
        entries,
        pieces,
        sequences: sequences(ours.sequences, theirs.sequences),
        method,
    })
}

/// What one side holds.
struct Looked {
    abilities: checksum::Abilities,
    relations: Vec<Relation>,
    sequences: Vec<(QualifiedName, SequenceValue)>,
}

async fn look(session: &mut Connection, side: Side) -> Result<Looked> {
    preflight::check_row_security(session, side, |_| true).await?;
    Ok(Looked {
        abilities: checksum::abilities(session, side).await?,
        relations: contents::relations(session, side).await?,
        sequences: contents::sequences(session, side).await?,
    })
}

fn sequences(
    source: Vec<(QualifiedName, SequenceValue)>,
    target: Vec<(QualifiedName, SequenceValue)>,
) -> Vec<ContentComparison> {
    let mut both: BTreeMap<QualifiedName, [Option<SequenceValue>; 2]> = BTreeMap::new();
    for (side, values) in [source, target].into_iter().enumerate() {
        for (name, value) in values {
            both.entry(name).or_default()[side] = Some(value);
        }
    }
    let compared = both.into_iter().map(|(name, values)| {
        let problem = match values {
            [Some(_), None] => Some(format!("Failed to find sequence {name} in target database")),
            [None, _] => Some(format!("Failed to find sequence {name} in source database")),
            [Some(None), _] => Some(format!("Cannot read sequence {name} on source")),
            [_, Some(None)] => Some(format!("Cannot read sequence {name} on target")),
            [Some(Some(_)), Some(Some(_))] => None,
        };
        let [source, target] = values.map(|value| value.flatten().map(standing));
        let kind = ContentKind::Sequence;
        ContentComparison { kind, name, source, target, problem, rows: Vec::new() }
    });
    compared.collect()
}

fn standing((value, is_called): (i64, bool)) -> Checksum {
    let called = if is_called { "called" } else { "not called" };
    Checksum { rows: 1, text: format!("{value}, {called}") }
}

/// Lets the workers do all pieces, and gathers the sums.
async fn run(context: &Arc<Context>, entries: &mut [Entry], jobs: u16) -> Result<()> {
    let (mail, mut mailbox) = mpsc::channel(64);
    let mut workers = JoinSet::new();
    for seat in 0..usize::from(jobs).min(context.pieces.len()) {
        workers.spawn(crew::work(context.clone(), seat, mail.clone()));
    }
    drop(mail);
    let mut progress = Progress::start(Totals {
        bytes: context.pieces.iter().map(|piece| piece.bytes).sum(),
        tables: entries.iter().filter(|entry| entry.pieces_left > 0).count(),
        indexes: 0,
    });
    let mut tick = tokio::time::interval(Duration::from_millis(TICK_MS));
    loop {
        tokio::select! {
            mail = mailbox.recv() => match mail {
                Some(mail) => heard(mail, context, entries, &mut progress)?,
                None => break,
            },
            _ = tick.tick() => progress.tick(),
        }
    }
    drop(progress);
    while let Some(ended) = workers.join_next().await {
        if let Err(error) = ended {
            let message = format!("a worker ended unexpectedly: {error}");
            return Err(Error::new(Kind::Internal, message));
        }
    }
    if context.stop.is_requested() { Err(stopped()) } else { Ok(()) }
}

fn heard(
    mail: Mail,
    context: &Context,
    entries: &mut [Entry],
    progress: &mut Progress,
) -> Result<()> {
    let seat_name = |seat: usize| format!("compare {}", seat + 1);
    match mail {
        Mail::Started { seat, piece } => {
            let piece = &context.pieces[piece];
            let name = display_name(&entries[piece.entry].content);
            progress.started(&seat_name(seat), &name, piece.bytes);
        }
        Mail::Ended { seat, piece, sums } => {
            let piece = &context.pieces[piece];
            let entry = &mut entries[piece.entry];
            entry.pieces_left -= 1;
            match sums {
                Ok(sums) => {
                    for (sum, more) in entry.sums.iter_mut().zip(sums) {
                        sum.add(more);
                    }
                }
                Err(error) if error.kind() == Kind::Stopped => return Ok(()),
                Err(error) => {
                    let name = display_name(&entry.content);
                    entry.content.problem = Some(format!("Could not compare {name}: {error}"));
                }
            }
            progress.ended(&seat_name(seat), piece.bytes, entry.pieces_left == 0, false);
        }
    }
    Ok(())
}

/// What is named in messages.
fn display_name(content: &ContentComparison) -> String {
    match content.kind {
        ContentKind::LargeObjects => content.kind.word().to_owned(),
        ContentKind::Table | ContentKind::MaterializedView | ContentKind::Sequence => {
            content.name.to_string()
        }
    }
}
