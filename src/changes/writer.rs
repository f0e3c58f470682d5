//! Appends what was received. Messages are gathered into chunks; a flush makes everything up to the
//! last commit durable, however many transactions that are: one wait for the disk.

use std::path::{Path, PathBuf};

use bytes::{BufMut, Bytes};
use rusqlite::Connection;

use super::ahead::Part;
use super::file::{self, Owner, explain};
use super::spool::Spool;
use super::{aside, file_name, files};
use crate::decode::Mark;
use crate::error::{Error, Kind, Result};
use crate::model::Lsn;

/// A chunk is written when it has this much. Large enough that a row of SQLite costs nothing per
/// message, small enough to be read whole.
const CHUNK_BYTES: usize = 256 * 1024;

/// Bytes of one transaction that are written before the disk is asked for them.
const UNSYNCED_BYTES_MAX: usize = 4 << 20;

/// A transaction of so many chunks is not waited for.
const COMING_CHUNKS_MIN: i64 = 4;

/// A message that was received.
#[derive(Clone, Debug)]
pub struct Incoming {
    /// Its position.
    pub lsn: Lsn,
    /// What the plugin wrote.
    pub payload: Bytes,
    /// What it is to the store.
    pub mark: Mark,
}

/// The end of the store.
#[derive(Debug)]
pub struct Writer {
    pub(super) directory: PathBuf,
    owner: Owner,
    timeline: u32,
    path: PathBuf,
    file: Connection,
    /// The number of the chunk being gathered.
    chunk: i64,
    /// The first chunk that is not durable.
    durable: i64,
    gathered: Vec<u8>,
    /// Where the transaction in hand begins.
    begun: Option<i64>,
    /// Commits that are not durable yet: first, past the last, end.
    ended: Vec<(i64, i64, Lsn)>,
    relations: Vec<(i64, Bytes)>,
    /// Bytes in SQLite's open transaction, if there is one.
    unsynced: Option<usize>,
    /// The end of the last transaction that came in.
    pub(super) last: Lsn,
    stored: Lsn,
    pub(super) file_bytes: u64,
    /// A file that has this many bytes is followed by another one.
    file_bytes_max: u64,
    /// Transactions that are received while they run.
    pub(super) spool: Spool,
}

impl Writer {
    /// Opens the store of a directory, or makes one that begins at `base`.
    pub fn open(
        directory: &Path,
        owner: &Owner,
        timeline: u32,
        base: Lsn,
        file_bytes_max: u64,
    ) -> Result<Writer> {
        let mut known = files(directory)?;
        let mut opened = None;
        while let Some(last) = known.pop() {
            if let Some(file) = file::open(&last.path, owner)? {
                opened = Some((last.path, file));
                break;
            }
            // Its maker died first, and so before it was used.
            std::fs::remove_file(&last.path)?;
        }
        let (path, file) = match opened {
            Some(opened) => opened,
            None => {
                let path = directory.join(file_name(timeline, base));
                let file = file::create(&path, owner, base)?;
                (path, file)
            }
        };
        let mut writer = Writer {
            directory: directory.to_owned(),
            owner: owner.clone(),
            timeline,
            path,
            file,
            chunk: 1,
            durable: 1,
            gathered: Vec::new(),
            begun: None,
            ended: Vec::new(),
            relations: Vec::new(),
            unsynced: None,
            last: base,
            stored: base,
            file_bytes: 0,
            file_bytes_max,
            spool: Spool::default(),
        };
        writer.recover()?;
        Ok(writer)
    }

    /// Everything that was sent up to here is durable.
    pub fn stored(&self) -> Lsn {
        self.stored
    }

    /// The end of the last transaction that came in.
    pub fn last(&self) -> Lsn {
        self.last
    }

    /// Whether a transaction is being received.
    pub fn is_inside(&self) -> bool {
        self.begun.is_some()
    }

    /// What can be read of the transaction that is coming in, if it is a large one.
    pub(super) fn coming(&self) -> Option<Part> {
        let is_large = |first: &i64| (first >> 32) + COMING_CHUNKS_MIN <= self.durable;
        let first = self.begun.filter(is_large)?;
        Some(Part::Coming { path: self.path.clone(), first, past_chunk: self.durable })
    }

    /// Bytes of all files, and of transactions that still run.
    pub fn bytes(&self) -> Result<u64> {
        let files = files(&self.directory)?.into_iter().chain(aside::files(&self.directory)?);
        Ok(files.map(|file| file.bytes()).sum::<u64>() + self.spool.bytes())
    }

    /// Where the files are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Forgets what was received of transactions that are not durable: the source sends them again,
    /// whole.
    pub fn abandon(&mut self) -> Result<()> {
        if self.unsynced.take().is_some() {
            self.sql(|file| file.execute_batch("rollback"))?;
        }
        self.gathered.clear();
        self.ended.clear();
        self.relations.clear();
        self.begun = None;
        self.spool.clear();
        self.recover()
    }

    /// Takes in messages; they are durable after [`Writer::flush`].
    pub fn append(&mut self, messages: &[Incoming]) -> Result<()> {
        for message in messages {
            self.receive(message)?;
        }
        Ok(())
    }

    pub(super) fn append_one(&mut self, message: &Incoming) -> Result<()> {
        let position = self.position();
        match message.mark {
            Mark::Begin => self.begun = Some(position),
            Mark::Relation => self.relations.push((position, message.payload.clone())),
            Mark::Commit
            | Mark::Inside
            | Mark::StreamStart(_)
            | Mark::StreamStop
            | Mark::StreamCommit(_)
            | Mark::StreamAbort { .. } => {}
        }
        let length =
            u32::try_from(message.payload.len()).ok().filter(|length| *length < aside::MARK);
        let length =
            length.ok_or_else(|| Error::new(Kind::Source, "a change is larger than 2 GB"))?;
        self.put(length, message.lsn, &message.payload);
        if message.mark == Mark::Commit {
            // One that is known was sent again: what is not covered means nothing.
            if let Some(first) = self.begun.take()
                && message.lsn > self.last
            {
                self.ended.push((first, self.position(), message.lsn));
                self.last = message.lsn;
            }
            if self.file_bytes + self.gathered.len() as u64 >= self.file_bytes_max {
                self.flush()?;
            }
        }
        if self.gathered.len() >= CHUNK_BYTES {
            self.write_chunk()?;
        }
        if self.unsynced.is_some_and(|bytes| bytes >= UNSYNCED_BYTES_MAX) {
            self.commit()?;
        }
        Ok(())
    }

    /// Takes in that the changes of the transaction in hand are in a file of their own.
    pub(super) fn append_aside(&mut self, lsn: Lsn, payload: &Bytes) -> Result<()> {
        let length = u32::try_from(payload.len()).ok().filter(|length| *length < aside::MARK);
        let length = length.ok_or_else(|| {
            Error::new(Kind::Source, "a transaction has too many subtransactions that failed")
        })?;
        self.put(length | aside::MARK, lsn, payload);
        Ok(())
    }

    fn put(&mut self, length: u32, lsn: Lsn, payload: &[u8]) {
        self.gathered.put_u32(length);
        self.gathered.put_u64(lsn.0);
        self.gathered.put_slice(payload);
    }

    fn position(&self) -> i64 {
        self.chunk << 32 | self.gathered.len() as i64
    }

    /// Makes everything up to the last commit durable and says how far that is.
    pub fn flush(&mut self) -> Result<Lsn> {
        if self.ended.is_empty() {
            return Ok(self.stored);
        }
        self.write_chunk()?;
        self.commit()?;
        if self.file_bytes >= self.file_bytes_max && self.begun.is_none() {
            self.rotate()?;
        }
        Ok(self.stored)
    }

    /// Notes that everything the source sent up to a position is durable, outside transactions.
    pub fn advance(&mut self, position: Lsn) -> Result<Lsn> {
        self.flush()?;
        if self.begun.is_none() && position > self.stored {
            if self.unsynced.is_some() {
                self.commit()?;
            }
            let stored = position.0.cast_signed();
            self.sql(|file| file.execute("update store set stored_lsn = ?1", [stored]))?;
            self.stored = position;
        }
        Ok(self.stored)
    }

    fn begin(&mut self) -> Result<()> {
        if self.unsynced.is_none() {
            self.sql(|file| file.execute_batch("begin immediate"))?;
            self.unsynced = Some(0);
        }
        Ok(())
    }

    fn write_chunk(&mut self) -> Result<()> {
        if self.gathered.is_empty() {
            return Ok(());
        }
        self.begin()?;
        let (id, frames) = (self.chunk, &self.gathered);
        let insert = "insert into chunk (id, frames) values (?1, ?2)";
        let written = self.file.prepare_cached(insert).and_then(|mut s| s.execute((id, frames)));
        written.map_err(|cause| explain(&self.path, "store", &cause))?;
        self.file_bytes += frames.len() as u64;
        self.unsynced = self.unsynced.map(|bytes| bytes + frames.len());
        self.gathered.clear();
        self.chunk += 1;
        Ok(())
    }

    /// Ends SQLite's transaction: what is in it is durable.
    fn commit(&mut self) -> Result<()> {
        self.begin()?;
        let (ended, relations) =
            (std::mem::take(&mut self.ended), std::mem::take(&mut self.relations));
        self.sql(|file| {
            let insert = "insert into transactions (first, past_last, end_lsn) values (?1, ?2, ?3)";
            let mut insert = file.prepare_cached(insert)?;
            for (first, past_last, end) in &ended {
                insert.execute((first, past_last, end.0.cast_signed()))?;
            }
            let insert = "insert into relation (position, frame) values (?1, ?2)";
            let mut insert = file.prepare_cached(insert)?;
            for (position, frame) in &relations {
                insert.execute((position, &frame[..]))?;
            }
            if let Some((_, _, end)) = ended.last() {
                let update = "update store set stored_lsn = max(stored_lsn, ?1)";
                file.execute(update, [end.0.cast_signed()])?;
            }
            file.execute_batch("commit")
        })?;
        self.unsynced = None;
        self.durable = self.chunk;
        if let Some((_, _, end)) = ended.last() {
            self.stored = self.stored.max(*end);
        }
        Ok(())
    }

    /// Goes on in a new file, which begins with what is known of tables.
    fn rotate(&mut self) -> Result<()> {
        let known = "select frame from relation where position in (select max(position) from \
                     relation group by substr(frame, 1, 5)) order by position";
        let frames: Vec<Vec<u8>> = self.sql(|file| {
            let mut statement = file.prepare(known)?;
            statement.query_map((), |row| row.get(0))?.collect()
        })?;
        let path = self.directory.join(file_name(self.timeline, self.stored));
        let file = file::create(&path, &self.owner, self.stored)?;
        (self.path, self.file) = (path, file);
        (self.chunk, self.durable, self.file_bytes) = (1, 1, 0);
        self.sql(|file| {
            let transaction = file.unchecked_transaction()?;
            for (place, frame) in frames.iter().enumerate() {
                let insert = "insert into relation (position, frame) values (?1, ?2)";
                transaction.execute(insert, (place as i64, frame))?;
            }
            transaction.commit()
        })
    }

    /// Goes back to the last commit in the file.
    fn recover(&mut self) -> Result<()> {
        let (chunk, bytes, last, stored) = self.sql(|file| {
            let covered = "select coalesce(max(past_last), 0) >> 32 from transactions";
            let covered: i64 = file.query_row(covered, (), |row| row.get(0))?;
            file.execute("delete from chunk where id > ?1", [covered])?;
            file.execute("delete from relation where position >= (?1 + 1) << 32", [covered])?;
            file.query_row(
                "select (select coalesce(max(id), 0) + 1 from chunk), \
                        (select coalesce(sum(length(frames)), 0) from chunk), \
                        (select coalesce(max(end_lsn), base_lsn) from transactions), \
                        stored_lsn from store",
                (),
                |row| {
                    let lsn = |place| row.get::<_, i64>(place).map(|lsn| Lsn(lsn.cast_unsigned()));
                    Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned(), lsn(2)?, lsn(3)?))
                },
            )
        })?;
        (self.chunk, self.file_bytes, self.last, self.stored) = (chunk, bytes, last, stored);
        self.durable = self.chunk;
        aside::remove_left(&self.directory, last)
    }

    fn sql<T>(&self, work: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        work(&self.file).map_err(|cause| explain(&self.path, "store", &cause))
    }
}
