//! Reads transactions in the order of their commits, a piece at a time: a transaction may be larger
//! than memory.

use std::path::PathBuf;

use bytes::{Buf, Bytes};
use rusqlite::{Connection, OptionalExtension};

use super::aside::{self, Changes, Extent};
use super::begun::Begun;
use super::file::{self, Owner, explain};
use super::{StoreFile, files};
use crate::error::{Error, Kind, Result};
use crate::model::Lsn;

/// What one [`Reader::read`] gives at most, but for the chunk it ends in.
pub(super) const READ_BYTES: usize = 1 << 20;

/// A piece of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A description of a table that the next transactions build upon.
    Relation(Bytes),
    /// A message of the transaction in hand.
    Message {
        /// Its position.
        lsn: Lsn,
        /// What the plugin wrote.
        payload: Bytes,
    },
    /// The transaction is whole: the messages since the last end are all of it.
    End(Lsn),
}

/// Reads the store of a directory.
#[derive(Debug)]
pub struct Reader {
    directory: PathBuf,
    owner: Owner,
    pub(super) file: Option<(StoreFile, Connection)>,
    /// The end of the last transaction that was begun.
    cursor: Lsn,
    current: Option<Current>,
    /// The chunk that was read last: it may have the next transaction, too.
    chunk: Option<(i64, Bytes)>,
    /// Changes of the transaction in hand that are in a file of their own.
    aside: Option<Changes>,
    /// The transaction that was begun with before it was whole.
    pub(super) begun: Option<Begun>,
    /// Descriptions before this position are known.
    described: i64,
}

/// The transaction in hand.
#[derive(Debug)]
pub(super) struct Current {
    pub at: i64,
    pub past_last: i64,
    pub end: Lsn,
}

impl Reader {
    /// Reads what was committed after `cursor`.
    pub fn new(directory: PathBuf, owner: Owner, cursor: Lsn) -> Reader {
        Reader {
            directory,
            owner,
            file: None,
            cursor,
            current: None,
            chunk: None,
            aside: None,
            begun: None,
            described: -1,
        }
    }

    /// The next pieces; nothing when all is read that is there. Of the transactions that end after
    /// `endpos`, only one that is here and had begun before it is given.
    pub fn read(&mut self, endpos: Option<Lsn>) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        let mut bytes = 0;
        while bytes < READ_BYTES {
            if self.current.is_none() && !self.begin(endpos, &mut items)? {
                break;
            }
            if let Some(changes) = &mut self.aside {
                if changes.read(READ_BYTES, &mut items)? {
                    break;
                }
                self.aside = None;
            }
            bytes += self.messages(&mut items)?;
        }
        Ok(items)
    }

    /// Finds the next transaction; false when there is none yet.
    fn begin(&mut self, endpos: Option<Lsn>, items: &mut Vec<Item>) -> Result<bool> {
        loop {
            if self.file.is_none() && !self.open_file()? {
                return Ok(false);
            }
            let mut found = self.next_transaction()?;
            let mut next = None;
            if found.is_none() {
                next = self.next_file()?;
                // A file that has a follower is complete, but may have grown until then.
                found = self.next_transaction()?;
            }
            match (found, next) {
                (Some(found), _) if !self.is_wanted(&found, endpos)? => return Ok(false),
                (Some(found), _) => {
                    self.describe(found.at, items)?;
                    let found = self.left(found)?;
                    self.cursor = found.end;
                    self.current = Some(found);
                    return Ok(true);
                }
                (None, Some(next)) => {
                    self.file = None;
                    self.chunk = None;
                    self.cursor = self.cursor.max(next.base);
                }
                (None, None) => return Ok(false),
            }
        }
    }

    /// The first transaction of this file after the cursor.
    fn next_transaction(&self) -> Result<Option<Current>> {
        let Some((file, connection)) = &self.file else { return Ok(None) };
        let sql = "select first, past_last, end_lsn from transactions where end_lsn > ?1 \
                   order by end_lsn limit 1";
        let found = connection.prepare_cached(sql).and_then(|mut statement| {
            let read = |row: &rusqlite::Row<'_>| {
                let end = Lsn(row.get::<_, i64>(2)?.cast_unsigned());
                Ok(Current { at: row.get(0)?, past_last: row.get(1)?, end })
            };
            statement.query_row([self.cursor.0.cast_signed()], read).optional()
        });
        found.map_err(|cause| explain(&file.path, "read", &cause))
    }

    /// Whether a transaction had made a change at the end position, if it had not ended by then.
    fn is_wanted(&self, found: &Current, endpos: Option<Lsn>) -> Result<bool> {
        let Some(endpos) = endpos.filter(|endpos| found.end > *endpos) else { return Ok(true) };
        if self.cursor >= endpos {
            return Ok(false);
        }
        let mut frames = self.chunk(found.at >> 32)?;
        frames.advance(((found.at & 0xFFFF_FFFF) as usize).min(frames.len()));
        while frames.len() >= 12 {
            let (length, lsn) = (frames.get_u32(), Lsn(frames.get_u64()));
            if length & aside::MARK > 0 {
                return Ok(self
                    .first_aside(found, length, frames)?
                    .is_some_and(|lsn| lsn < endpos));
            }
            let length = length as usize;
            if lsn > Lsn::NONE && lsn < endpos {
                return Ok(true);
            }
            // The first message may have the position of the commit, descriptions have none.
            if lsn > endpos && lsn < found.end || frames.len() < length {
                return Ok(false);
            }
            frames.advance(length);
        }
        Ok(false)
    }

    /// Where the first change is that is in a file of its own.
    fn first_aside(&self, found: &Current, length: u32, frames: Bytes) -> Result<Option<Lsn>> {
        let mut frames = frames;
        let mut changes = self.open_aside(found.end, length, &mut frames)?;
        let first = changes.first_change().map_err(|_| self.damaged())?;
        Ok(first)
    }

    /// Opens a file of changes for what the store says of it.
    fn open_aside(&self, end: Lsn, length: u32, frames: &mut Bytes) -> Result<Changes> {
        let length = (length & !aside::MARK) as usize;
        if frames.len() < length {
            return Err(self.damaged());
        }
        let extent = Extent::read(frames.split_to(length)).ok_or_else(|| self.damaged())?;
        Changes::open(&self.directory, end, extent)
    }

    pub(super) fn damaged(&self) -> Error {
        let path = self.file.as_ref().map(|(file, _)| file.path.display().to_string());
        let path = path.unwrap_or_default();
        Error::new(Kind::State, format!("the changes in \"{path}\" are damaged"))
    }

    /// The messages of a chunk.
    pub(super) fn chunk(&self, number: i64) -> Result<Bytes> {
        match (&self.chunk, &self.file) {
            (Some((known, frames)), _) if *known == number => Ok(frames.clone()),
            (_, Some((file, connection))) => {
                let sql = "select frames from chunk where id = ?1";
                let read = connection
                    .prepare_cached(sql)
                    .and_then(|mut s| s.query_row([number], |row| row.get::<_, Vec<u8>>(0)));
                Ok(Bytes::from(read.map_err(|cause| explain(&file.path, "read", &cause))?))
            }
            (_, None) => Ok(Bytes::new()),
        }
    }

    fn next_file(&self) -> Result<Option<StoreFile>> {
        let Some((file, _)) = &self.file else { return Ok(None) };
        Ok(files(&self.directory)?.into_iter().find(|other| other.base > file.base))
    }

    /// Opens the file that goes on where the cursor is; false when there is none yet.
    fn open_file(&mut self) -> Result<bool> {
        let files = files(&self.directory)?;
        let Some(file) = files.iter().rev().find(|file| file.base <= self.cursor) else {
            return match files.first() {
                None => Ok(false),
                Some(first) => Err(gap(self.cursor, first.base)),
            };
        };
        match file::open_read_only(&file.path, &self.owner)? {
            Some(connection) => {
                self.file = Some((file.clone(), connection));
                self.described = -1;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// Gives the descriptions before a position that were not given yet.
    pub(super) fn describe(&mut self, position: i64, items: &mut Vec<Item>) -> Result<()> {
        let Some((file, connection)) = &self.file else { return Ok(()) };
        let sql = "select frame from relation where position > ?1 and position < ?2 \
                   order by position";
        let read = connection.prepare_cached(sql).and_then(|mut statement| {
            let rows = statement.query_map([self.described, position], |row| row.get(0))?;
            rows.collect::<rusqlite::Result<Vec<Vec<u8>>>>()
        });
        let frames = read.map_err(|cause| explain(&file.path, "read", &cause))?;
        items.extend(frames.into_iter().map(|frame| Item::Relation(frame.into())));
        self.described = self.described.max(position - 1);
        Ok(())
    }

    /// Reads the rest of a chunk, as far as the transaction goes.
    fn messages(&mut self, items: &mut Vec<Item>) -> Result<usize> {
        let Some(at) = self.current.as_ref().map(|current| current.at) else { return Ok(0) };
        let (chunk, offset) = (at >> 32, (at & 0xFFFF_FFFF) as usize);
        let mut frames = self.chunk(chunk)?;
        self.chunk = Some((chunk, frames.clone()));
        let Some(Current { past_last, end, .. }) = self.current else { return Ok(0) };
        let past = match past_last >> 32 {
            last if last == chunk => Some((past_last & 0xFFFF_FFFF) as usize),
            _ => None,
        };
        frames.truncate(past.unwrap_or(frames.len()));
        if offset > frames.len() {
            return Err(self.damaged());
        }
        frames.advance(offset);
        let bytes = frames.len();
        while frames.has_remaining() {
            if frames.len() < 12 {
                return Err(self.damaged());
            }
            let (length, lsn) = (frames.get_u32(), Lsn(frames.get_u64()));
            if length & aside::MARK > 0 {
                let whole = self.open_aside(end, length, &mut frames)?;
                self.aside = Some(self.left_aside(end, whole)?);
                self.go_on_at(chunk << 32 | (offset + bytes - frames.len()) as i64);
                return Ok(bytes);
            }
            let length = length as usize;
            if frames.len() < length {
                return Err(self.damaged());
            }
            items.push(Item::Message { lsn, payload: frames.split_to(length) });
        }
        if past.is_some() {
            items.push(Item::End(end));
            // Its own descriptions came with it.
            self.described = self.described.max(past_last - 1);
            self.current = None;
        } else {
            self.go_on_at((chunk + 1) << 32);
        }
        Ok(bytes.max(1))
    }

    /// Where the transaction in hand goes on.
    fn go_on_at(&mut self, position: i64) {
        if let Some(current) = &mut self.current {
            current.at = position;
        }
    }
}

fn gap(cursor: Lsn, base: Lsn) -> Error {
    Error::new(Kind::State, "changes are missing in the work directory")
        .detail(format!(
            "The target has those up to {cursor}, the directory those after {base}: what was \
             committed between is neither here nor there."
        ))
        .hint("Use the directory that these changes were received in, or start over.")
}
