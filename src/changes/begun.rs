//! Begins with a transaction before it is whole, and goes on where it was left when it is.

use bytes::Buf;

use super::ahead::{Part, Partial};
use super::aside::Changes;
use super::reader::{Current, Item, READ_BYTES, Reader};
use crate::error::{Error, Kind, Result};
use crate::model::Lsn;

/// A transaction that was begun with.
#[derive(Debug)]
pub(super) struct Begun {
    number: u64,
    rest: Rest,
    /// Its end, when it has one.
    end: Option<Lsn>,
}

/// What is still to be read of it.
#[derive(Debug)]
enum Rest {
    /// Of its changes, which are in a file of their own.
    Aside(Changes),
    /// Of the store, from a position on.
    Stored(i64),
}

impl Reader {
    /// Begins with a transaction that is not whole; everything that is stored before it must have been
    /// read. Gives back the descriptions that it builds upon; `None` if it has ended meanwhile.
    pub fn begin_with(&mut self, partial: &Partial) -> Result<Option<Vec<Item>>> {
        let mut items = Vec::new();
        let rest = match &partial.part {
            // It has all descriptions itself.
            Part::Running { path, .. } => Changes::of_running(path)?.map(Rest::Aside),
            Part::Coming { path, first, .. } => match &self.file {
                Some((file, _)) if file.path == *path => {
                    self.describe(*first, &mut items)?;
                    Some(Rest::Stored(*first))
                }
                _ => None,
            },
        };
        let number = partial.number;
        self.begun = rest.map(|rest| Begun { number, rest, end: None });
        Ok(self.begun.is_some().then_some(items))
    }

    /// The number of the transaction that was begun with, as long as it is not whole.
    pub fn begun(&self) -> Option<u64> {
        self.begun.as_ref().filter(|begun| begun.end.is_none()).map(|begun| begun.number)
    }

    /// Reads on in the transaction that was begun with.
    pub fn read_on(&mut self, partial: &Partial) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        match (self.begun.as_mut().map(|begun| &mut begun.rest), &partial.part) {
            (Some(Rest::Aside(changes)), Part::Running { bytes, .. }) => {
                changes.reach(*bytes);
                changes.read(READ_BYTES, &mut items)?;
            }
            (Some(Rest::Stored(at)), Part::Coming { past_chunk, .. }) => {
                let (mut at, mut bytes) = (*at, 0);
                while bytes < READ_BYTES && at >> 32 < *past_chunk {
                    bytes += self.whole_chunk(at, &mut items)?;
                    at = ((at >> 32) + 1) << 32;
                }
                if let Some(begun) = &mut self.begun {
                    begun.rest = Rest::Stored(at);
                }
            }
            _ => return Err(overtaken(Lsn::NONE)),
        }
        Ok(items)
    }

    /// The transaction that was begun with is whole, and must be the next one.
    pub fn finish(&mut self, end: Lsn) {
        if let Some(begun) = &mut self.begun {
            begun.end = Some(end);
        }
    }

    /// Whether the transaction that was begun with has not been found.
    pub fn misses_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// The messages of a chunk from a position on; their bytes.
    fn whole_chunk(&self, at: i64, items: &mut Vec<Item>) -> Result<usize> {
        let mut frames = self.chunk(at >> 32)?;
        frames.advance(((at & 0xFFFF_FFFF) as usize).min(frames.len()));
        let bytes = frames.len();
        while frames.has_remaining() {
            if frames.len() < 12 {
                return Err(self.damaged());
            }
            let (length, lsn) = (frames.get_u32() as usize, Lsn(frames.get_u64()));
            if frames.len() < length {
                return Err(self.damaged());
            }
            items.push(Item::Message { lsn, payload: frames.split_to(length) });
        }
        Ok(bytes)
    }

    /// The next transaction, from where it was left if it was begun with.
    pub(super) fn left(&mut self, found: Current) -> Result<Current> {
        let Some(begun) = &self.begun else { return Ok(found) };
        if begun.end != Some(found.end) {
            return Err(overtaken(found.end));
        }
        let Rest::Stored(at) = begun.rest else { return Ok(found) };
        if at < found.at || at >= found.past_last {
            return Err(overtaken(found.end));
        }
        self.begun = None;
        Ok(Current { at, ..found })
    }

    /// The changes of the next transaction that are in a file of their own, from where they were left
    /// if it was begun with.
    pub(super) fn left_aside(&mut self, end: Lsn, whole: Changes) -> Result<Changes> {
        match self.begun.take() {
            Some(Begun { rest: Rest::Aside(begun), .. }) => {
                begun.go_on_in(whole).ok_or_else(|| overtaken(end))
            }
            _ => Ok(whole),
        }
    }
}

/// What was begun with is not what comes next: nothing that was applied of it counts.
fn overtaken(end: Lsn) -> Error {
    let message = format!("the transaction that ends at {end} is another than the one begun with");
    Error::new(Kind::Internal, message).transient()
}
