//! Transactions that are received while they still run: each in a file without a name, until its
//! commit puts it into the store, whole and in its place. Nothing here has to survive us: the source
//! sends again what we have not confirmed.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

use bytes::Bytes;

use super::{Incoming, Writer};
use crate::decode::streamed::{self, Change};
use crate::decode::{Malformed, Mark};
use crate::error::{Error, Kind, Result};
use crate::model::Lsn;

/// Bytes of a file that are kept in memory on their way.
const BUFFER_BYTES: usize = 128 << 10;

/// A change is its transaction, its mark, its position, its length and its message.
const HEAD_BYTES: usize = 4 + 1 + 8 + 4;

/// The transactions that still run.
#[derive(Debug, Default)]
pub(super) struct Spool {
    running: HashMap<u32, Running>,
    /// The one whose changes are coming in.
    current: Option<u32>,
}

#[derive(Debug)]
struct Running {
    file: BufWriter<File>,
    bytes: u64,
    /// Subtransactions that were rolled back.
    aborted: HashSet<u32>,
}

impl Spool {
    /// Bytes on disk.
    pub(super) fn bytes(&self) -> u64 {
        self.running.values().map(|running| running.bytes).sum()
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        *self = Spool::default();
    }

    fn start(&mut self, directory: &Path, xid: u32) -> Result<()> {
        if let std::collections::hash_map::Entry::Vacant(entry) = self.running.entry(xid) {
            let file = tempfile::tempfile_in(directory).map_err(|cause| failed(&cause))?;
            let file = BufWriter::with_capacity(BUFFER_BYTES, file);
            entry.insert(Running { file, bytes: 0, aborted: HashSet::new() });
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
        Ok(())
    }

    fn abort(&mut self, xid: u32, of: u32) {
        if xid == of {
            self.running.remove(&xid);
        } else if let Some(running) = self.running.get_mut(&xid) {
            running.aborted.insert(of);
        }
    }
}

impl Running {
    /// Gives the changes that were not rolled back, in their order.
    fn replay(self, mut each: impl FnMut(Incoming) -> Result<()>) -> Result<()> {
        let mut file = self.file.into_inner().map_err(|cause| failed(cause.error()))?;
        file.rewind().map_err(|cause| failed(&cause))?;
        let mut file = BufReader::with_capacity(BUFFER_BYTES, file);
        let mut left = self.bytes;
        while left > 0 {
            let mut head = [0; HEAD_BYTES];
            file.read_exact(&mut head).map_err(|cause| failed(&cause))?;
            let [x0, x1, x2, x3, is_relation, rest @ ..] = head;
            let [p0, p1, p2, p3, p4, p5, p6, p7, length @ ..] = rest;
            let length = u32::from_be_bytes(length) as usize;
            let mut payload = vec![0; length];
            file.read_exact(&mut payload).map_err(|cause| failed(&cause))?;
            left = left.saturating_sub((HEAD_BYTES + length) as u64);
            if self.aborted.contains(&u32::from_be_bytes([x0, x1, x2, x3])) {
                continue;
            }
            let mark = if is_relation == 1 { Mark::Relation } else { Mark::Inside };
            let lsn = Lsn(u64::from_be_bytes([p0, p1, p2, p3, p4, p5, p6, p7]));
            each(Incoming { lsn, payload: payload.into(), mark })?;
        }
        Ok(())
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
                match self.spool.current.is_some() {
                    true => self.spool.push(message),
                    false => self.append_one(message),
                }
            }
        }
    }

    /// The transaction has committed: it goes into the store.
    fn commit_streamed(&mut self, xid: u32, message: &Incoming) -> Result<()> {
        let begin_and_commit = streamed::begin_and_commit(&message.payload);
        let (begin, commit) = begin_and_commit.map_err(|cause| malformed(&cause))?;
        let Some(running) = self.spool.running.remove(&xid) else {
            return Err(malformed(&no_start()));
        };
        let around = |payload: Bytes, mark| Incoming { lsn: message.lsn, payload, mark };
        self.append_one(&around(begin, Mark::Begin))?;
        running.replay(|change| self.append_one(&change))?;
        self.append_one(&around(commit, Mark::Commit))
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
