//! The changes of a large transaction that was received while it ran: they stay in the file that
//! they came into, which gets a name when they have committed. The store has one message more in
//! their place.

use std::collections::HashSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use bytes::{Buf, BufMut, Bytes};

use super::{Item, StoreFile};
use crate::error::{Error, Kind, Result};
use crate::model::Lsn;

/// The end of every such file's name.
const SUFFIX: &str = "-changes";

/// The beginning of the name of one whose transaction still runs.
pub(super) const RUNNING_PREFIX: &str = "running-";

/// A bit in a message's length: its payload says what of the file counts.
pub(super) const MARK: u32 = 1 << 31;

/// A change in a file is its transaction, whether it describes a table, its position, its length and
/// its message.
pub(super) const HEAD_BYTES: usize = 4 + 1 + 8 + 4;

/// Bytes that are read at a time.
const BLOCK_BYTES: u64 = 256 << 10;

/// What of a file counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Extent {
    /// Its bytes.
    pub bytes: u64,
    /// Subtransactions that were rolled back.
    pub aborted: HashSet<u32>,
}

impl Extent {
    /// For the store.
    pub fn to_bytes(&self) -> Bytes {
        let mut payload = Vec::with_capacity(8 + 4 * self.aborted.len());
        payload.put_u64(self.bytes);
        self.aborted.iter().for_each(|xid| payload.put_u32(*xid));
        payload.into()
    }

    /// Out of the store.
    pub fn read(mut payload: Bytes) -> Option<Extent> {
        if payload.len() < 8 || !payload.len().is_multiple_of(4) {
            return None;
        }
        let bytes = payload.get_u64();
        let mut aborted = HashSet::new();
        while payload.has_remaining() {
            aborted.insert(payload.get_u32());
        }
        Some(Extent { bytes, aborted })
    }
}

/// Changes being read.
#[derive(Debug)]
pub(super) struct Changes {
    file: File,
    /// Bytes of the file that count.
    bytes: u64,
    /// Those that are still to be read.
    left: u64,
    /// What was read and not given yet.
    block: Bytes,
    aborted: HashSet<u32>,
}

impl Changes {
    /// Those of a file, from where it stands.
    pub fn new(file: File, extent: Extent) -> Changes {
        let Extent { bytes, aborted } = extent;
        Changes { file, bytes, left: bytes, block: Bytes::new(), aborted }
    }

    /// More of the file counts now.
    pub fn reach(&mut self, bytes: u64) {
        self.left += bytes.saturating_sub(self.bytes);
        self.bytes = self.bytes.max(bytes);
    }

    /// Those of the file of a transaction that still runs; `None` if it has ended meanwhile.
    pub fn of_running(path: &Path) -> Result<Option<Changes>> {
        match File::open(path) {
            Ok(file) => Ok(Some(Changes::new(file, Extent::default()))),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cannot_read(path, &cause)),
        }
    }

    /// Those of the transaction that ends at a position.
    pub fn open(directory: &Path, end: Lsn, extent: Extent) -> Result<Changes> {
        let path = path(directory, end);
        let file = File::open(&path).map_err(|cause| cannot_read(&path, &cause))?;
        Ok(Changes::new(file, extent))
    }

    /// The rest of the same changes, now that all of them are known; `None` if some were rolled back.
    pub fn go_on_in(mut self, whole: Changes) -> Option<Changes> {
        self.reach(whole.bytes);
        (whole.aborted.is_empty() && self.bytes == whole.bytes).then_some(self)
    }

    /// The next one that was not rolled back: its position, whether it describes a table, its
    /// message. Descriptions count whatever became of their subtransaction: they come once.
    pub fn next(&mut self) -> std::io::Result<Option<(Lsn, bool, Bytes)>> {
        while self.left > 0 || !self.block.is_empty() {
            self.need(HEAD_BYTES)?;
            let (xid, is_relation) = (self.block.get_u32(), self.block.get_u8() == 1);
            let (lsn, length) = (Lsn(self.block.get_u64()), self.block.get_u32() as usize);
            self.need(length)?;
            let payload = self.block.split_to(length);
            if is_relation || !self.aborted.contains(&xid) {
                return Ok(Some((lsn, is_relation, payload)));
            }
        }
        Ok(None)
    }

    /// Reads on until so many bytes are there.
    fn need(&mut self, bytes: usize) -> std::io::Result<()> {
        if self.block.len() >= bytes {
            return Ok(());
        }
        let missing = (bytes - self.block.len()) as u64;
        if missing > self.left {
            return Err(ErrorKind::InvalidData.into());
        }
        let wanted = missing.max(BLOCK_BYTES).min(self.left);
        let mut block = Vec::with_capacity(self.block.len() + wanted as usize);
        block.extend_from_slice(&self.block);
        let read = (&self.file).take(wanted).read_to_end(&mut block)?;
        if (read as u64) < missing {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.left -= read as u64;
        self.block = block.into();
        Ok(())
    }

    /// The position of the first one that is a change.
    pub fn first_change(&mut self) -> std::io::Result<Option<Lsn>> {
        while let Some((lsn, is_relation, _)) = self.next()? {
            if !is_relation {
                return Ok(Some(lsn));
            }
        }
        Ok(None)
    }

    /// Adds up to `bytes` bytes of messages; whether there are more.
    pub fn read(&mut self, bytes: usize, items: &mut Vec<Item>) -> Result<bool> {
        let mut read = 0;
        while read < bytes {
            let next = self.next().map_err(|cause| {
                let message = format!("could not read the changes of a transaction: {cause}");
                Error::new(Kind::State, message)
            })?;
            let Some((lsn, _, payload)) = next else { return Ok(false) };
            read += payload.len().max(1);
            items.push(Item::Message { lsn, payload });
        }
        Ok(true)
    }
}

/// Where the changes of the transaction are that ends at a position.
pub(super) fn path(directory: &Path, end: Lsn) -> PathBuf {
    directory.join(format!("{:08X}-{:08X}{SUFFIX}", end.0 >> 32, end.0 & 0xFFFF_FFFF))
}

/// The files of a directory; `base` is the end of the transaction.
pub(super) fn files(directory: &Path) -> Result<Vec<StoreFile>> {
    let end_of = |name: &str| -> Option<Lsn> {
        let (high, low) = name.strip_suffix(SUFFIX)?.split_once('-')?;
        format!("{high}/{low}").parse().ok()
    };
    super::named(directory, end_of)
}

/// Removes what a writer that was killed has left: transactions that still ran, and those that end
/// after `last`, which the store does not know of.
pub(super) fn remove_left(directory: &Path, last: Lsn) -> Result<()> {
    let is_running = |name: &str| name.starts_with(RUNNING_PREFIX).then_some(Lsn::NONE);
    let running = super::named(directory, is_running)?;
    let unknown = files(directory)?.into_iter().filter(|file| file.base > last);
    running.into_iter().chain(unknown).try_for_each(|file| super::remove(&file.path))
}

fn cannot_read(path: &Path, cause: &std::io::Error) -> Error {
    Error::new(Kind::State, format!("could not read \"{}\": {cause}", path.display()))
        .detail("It has the changes of a large transaction.")
        .hint("Put it back where it was, or start over with --restart.")
}
