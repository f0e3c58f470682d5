//! What an output plugin wrote, as a [`Message`]. Nothing here is trusted: bytes that no plugin
//! writes are an error, never a panic.

pub mod pgoutput;

use std::fmt;

use crate::model::change::Message;
use crate::model::{Lsn, Plugin};
use bytes::Bytes;

/// Bytes that the plugin does not write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Malformed {}

/// Reads the messages of one plugin, in the order they were written.
#[derive(Debug)]
pub enum Decoder {
    /// Of pgoutput, which describes a table once.
    Pgoutput(pgoutput::Decoder),
}

impl Decoder {
    /// Knows no tables yet.
    pub fn new(plugin: Plugin) -> Decoder {
        match plugin {
            Plugin::Pgoutput => Decoder::Pgoutput(pgoutput::Decoder::default()),
        }
    }

    /// Reads the next message.
    pub fn message(&mut self, payload: &Bytes) -> Result<Message, Malformed> {
        match self {
            Decoder::Pgoutput(decoder) => decoder.message(payload),
        }
    }
}

/// Where the commit's record of a transaction begins, if its first message tells.
pub fn commit_lsn(plugin: Plugin, begin: &[u8]) -> Option<Lsn> {
    match plugin {
        Plugin::Pgoutput => {
            let bytes = begin.get(1..)?.first_chunk::<8>()?;
            Some(Lsn(u64::from_be_bytes(*bytes)))
        }
    }
}

/// What the one who stores messages must know of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A transaction begins.
    Begin,
    /// A transaction ends.
    Commit,
    /// A description that later messages build upon.
    Relation,
    /// Anything else.
    Inside,
}

/// Tells what a message is, without reading it.
pub fn mark(plugin: Plugin, payload: &[u8]) -> Mark {
    match plugin {
        Plugin::Pgoutput => match payload.first() {
            Some(b'B') => Mark::Begin,
            Some(b'C') => Mark::Commit,
            Some(b'R') => Mark::Relation,
            _ => Mark::Inside,
        },
    }
}
