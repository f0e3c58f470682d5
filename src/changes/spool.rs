//! Transactions that are received while they still run: each in a file of its own, until its commit
//! puts it into the store, whole and in its place. A large one keeps its file, so that it is written
//! once. Nothing here has to survive us until then: the source sends again what we have not
//! confirmed.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::File;
use std::io::{BufWriter, Seek, Write};
use std::path::Path;

use bytes::Bytes;
use tempfile::NamedTempFile;

use super::ahead::{Ahead, Choice, Lookout, Part};
use super::aside::{self, Changes, Extent, HEAD_BYTES};
use super::{Incoming, Writer};
use crate::decode::streamed::{self, Change};
use crate::decode::{Malformed, Mark};
use crate::error::{Error, Kind, Result};
use crate::model::Lsn;

/// Bytes of a file that are kept in memory on their way.
const BUFFER_BYTES: usize = 128 << 10;

/// A transaction of so many bytes keeps its file; smaller ones are copied.
const KEPT_BYTES_MIN: u64 = 2 << 20;

/// The transactions that still run.
#[derive(Debug, Default)]
pub(super) struct Spool {
    running: HashMap<u32, Running>,
    /// The one whose changes are coming in.
    current: Option<u32>,
    pub(super) lookout: Lookout,
}

#[derive(Debug)]
struct Running {
    file: BufWriter<NamedTempFile>,
    bytes: u64,
    /// Subtransactions that were rolled back.
    aborted: HashSet<u32>,
    /// Tables by the plugin's numbers, as they were described last.
    described: BTreeMap<[u8; 4], Bytes>,
}

impl Spool {
    /// Bytes on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.running.values().map(|running| running.bytes).sum()
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.running.clear();
        self.current = None;
        self.lookout.forget();
    }

    /// The only transaction that runs, if it is large and nothing of it was rolled back. One that would
    /// not keep its file is not worth it.
    fn only(&self) -> Option<u32> {
        let mut all = self.running.iter();
        let is_worth_it =
            |running: &Running| running.bytes >= KEPT_BYTES_MIN && running.aborted.is_empty();
        match (all.next(), all.next()) {
            (Some((xid, running)), None) if is_worth_it(running) => Some(*xid),
            _ => None,
        }
    }

    /// What can be read of a transaction that runs.
    fn part(&mut self, xid: u32) -> Result<Option<Part>> {
        let Some(running) = self.running.get_mut(&xid) else { return Ok(None) };
        running.file.flush().map_err(|cause| failed(&cause))?;
        let path = running.file.get_ref().path().to_owned();
        Ok(Some(Part::Running { path, bytes: running.bytes }))
    }

    fn start(&mut self, directory: &Path, xid: u32) -> Result<()> {
        if let std::collections::hash_map::Entry::Vacant(entry) = self.running.entry(xid) {
            let file =
                tempfile::Builder::new().prefix(aside::RUNNING_PREFIX).tempfile_in(directory);
            let file = file.map_err(|cause| failed(&cause))?;
            entry.insert(Running {
                file: BufWriter::with_capacity(BUFFER_BYTES, file),
                bytes: 0,
                aborted: HashSet::new(),
                described: BTreeMap::new(),
            });
        }
        self.current = Some(xid);
        Ok(())
    }

    fn push(&mut self, message: &Incoming) -> Result<()> {
        let running = self.current.and_then(|xid| self.running.get_mut(&xid));
        let Some(running) = running else { return Err(malformed(&no_start())) };
        let change = streamed::change(&message.payload).map_err(|cause| malformed(&cause))?;
        let Some(Change { xid, mark, payload }) = change else { return Ok(()) };
        let length = u32::try_from(payload.len())
            .map_err(|_| Error::new(Kind::Source, "a change is larger than 4 GB"))?;
        let mut head = [0; HEAD_BYTES];
        head[..4].copy_from_slice(&xid.to_be_bytes());
        head[4] = u8::from(mark == Mark::Relation);
        head[5..13].copy_from_slice(&message.lsn.0.to_be_bytes());
        head[13..].copy_from_slice(&length.to_be_bytes());
        let written = running.file.write_all(&head);
        written.and_then(|()| running.file.write_all(&payload)).map_err(|cause| failed(&cause))?;
        running.bytes += (HEAD_BYTES + payload.len()) as u64;
        if mark == Mark::Relation
            && let Some(number) = payload.get(1..).and_then(|rest| rest.first_chunk::<4>())
        {
            running.described.insert(*number, payload);
        }
        Ok(())
    }

    fn abort(&mut self, xid: u32, of: u32) {
        self.lookout.abort(xid);
        if xid == of {
            self.running.remove(&xid);
        } else if let Some(running) = self.running.get_mut(&xid) {
            running.aborted.insert(of);
        }
    }
}

impl Running {
    fn extent(&self) -> Extent {
        Extent { bytes: self.bytes, aborted: self.aborted.clone() }
    }

    /// Gives the changes that were not rolled back, in their order.
    fn replay(self, mut each: impl FnMut(Incoming) -> Result<()>) -> Result<()> {
        let extent = self.extent();
        let file = self.file.into_inner().map_err(|cause| failed(cause.error()))?;
        let mut file = file.reopen().map_err(|cause| failed(&cause))?;
        file.rewind().map_err(|cause| failed(&cause))?;
        let mut changes = Changes::new(file, extent);
        while let Some((lsn, is_relation, payload)) =
            changes.next().map_err(|cause| failed(&cause))?
        {
            let mark = if is_relation { Mark::Relation } else { Mark::Inside };
            each(Incoming { lsn, payload, mark })?;
        }
        Ok(())
    }

    /// Makes them durable where they are, under the name of their transaction.
    fn keep(self, directory: &Path, end: Lsn) -> Result<()> {
        let file = self.file.into_inner().map_err(|cause| failed(cause.error()))?;
        file.as_file().sync_all().map_err(|cause| failed(&cause))?;
        let kept = file.persist(aside::path(directory, end));
        kept.map_err(|cause| failed(&cause.error))?;
        let directory = File::open(directory).map_err(|cause| failed(&cause))?;
        directory.sync_all().map_err(|cause| failed(&cause))
    }
}

impl Writer {
    /// Takes in a message: of a transaction that still runs into its file, others at once.
    pub(super) fn receive(&mut self, message: &Incoming) -> Result<()> {
        match message.mark {
            Mark::StreamStart(xid) => self.spool.start(&self.directory, xid),
            Mark::StreamStop => {
                self.spool.current = None;
                Ok(())
            }
            Mark::StreamAbort { xid, of } => {
                self.spool.abort(xid, of);
                Ok(())
            }
            Mark::StreamCommit(xid) => self.commit_streamed(xid, message),
            Mark::Begin | Mark::Commit | Mark::Relation | Mark::Inside => {
                if self.spool.current.is_some() {
                    return self.spool.push(message);
                }
                match message.mark {
                    Mark::Begin => self.spool.lookout.begin(),
                    // One that is known was sent again.
                    Mark::Commit if message.lsn <= self.last => self.spool.lookout.forget(),
                    Mark::Commit => self.spool.lookout.commit(Choice::Coming, message.lsn),
                    _ => {}
                }
                self.append_one(message)
            }
        }
    }

    /// What may be begun with before it has ended. Everything that committed before it was offered is
    /// durable.
    pub fn ahead(&mut self) -> Result<Ahead> {
        let coming = self.coming();
        let choice = self.spool.lookout.choice(coming.is_some(), self.spool.only());
        let part = match choice {
            Some(Choice::Coming) => coming,
            Some(Choice::Running(xid)) => self.spool.part(xid)?,
            None => None,
        };
        Ok(self.spool.lookout.offer(choice.zip(part)))
    }

    /// The transaction has committed: it goes into the store.
    fn commit_streamed(&mut self, xid: u32, message: &Incoming) -> Result<()> {
        let begin_and_commit = streamed::begin_and_commit(&message.payload);
        let (begin, commit) = begin_and_commit.map_err(|cause| malformed(&cause))?;
        let Some(running) = self.spool.running.remove(&xid) else {
            return Err(malformed(&no_start()));
        };
        let lsn = message.lsn;
        // One that is known was sent again.
        let is_new = lsn > self.last;
        match is_new {
            true => self.spool.lookout.commit(Choice::Running(xid), lsn),
            false => self.spool.lookout.forget(),
        }
        let around = |payload: Bytes, mark| Incoming { lsn, payload, mark };
        if running.bytes < KEPT_BYTES_MIN {
            self.append_one(&around(begin, Mark::Begin))?;
            running.replay(|change| self.append_one(&change))?;
            return self.append_one(&around(commit, Mark::Commit));
        }
        let described: Vec<Bytes> = running.described.values().cloned().collect();
        // Who reads what is known has its file.
        if is_new {
            self.append_one(&around(begin, Mark::Begin))?;
            let (extent, bytes) = (running.extent().to_bytes(), running.bytes);
            running.keep(&self.directory, lsn)?;
            self.append_aside(lsn, &extent)?;
            self.file_bytes += bytes;
        }
        // Later transactions build upon these.
        for payload in described {
            self.append_one(&around(payload, Mark::Relation))?;
        }
        match is_new {
            true => self.append_one(&around(commit, Mark::Commit)),
            false => Ok(()),
        }
    }
}

fn no_start() -> Malformed {
    Malformed("changes of a transaction whose beginning was not sent".to_owned())
}

fn malformed(cause: &Malformed) -> Error {
    Error::new(Kind::Source, format!("cannot read what pgoutput wrote: {cause}"))
}

fn failed(cause: &std::io::Error) -> Error {
    let error = Error::new(
        Kind::State,
        format!("could not keep the changes of a transaction that still runs: {cause}"),
    );
    match cause.kind() {
        std::io::ErrorKind::StorageFull => {
            error.hint("Make room in the work directory's file system and continue with --resume.")
        }
        _ => error,
    }
}
