//! What an output plugin wrote, as a [`Message`]. Nothing here is trusted: bytes that no plugin
//! writes are an error, never a panic.

mod described;
#[cfg(test)]
mod mutations;
pub mod pgoutput;
pub mod streamed;
mod test_decoding;
mod wal2json;

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::model::change::{Message, Relation};
use crate::model::{Lsn, Plugin, QualifiedName, binary};

use described::Described;
pub use wal2json::Numbers;

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
pub struct Decoder {
    format: Format,
    /// Tables of plugins that do not describe them.
    described: Described,
}

#[derive(Debug)]
enum Format {
    /// pgoutput describes a table once.
    Pgoutput(pgoutput::Decoder),
    TestDecoding,
    Wal2json(Numbers),
}

impl Decoder {
    /// Knows no tables yet.
    pub fn new(plugin: Plugin, numbers: Numbers) -> Decoder {
        let format = match plugin {
            Plugin::Pgoutput => Format::Pgoutput(pgoutput::Decoder::default()),
            Plugin::TestDecoding => Format::TestDecoding,
            Plugin::Wal2json => Format::Wal2json(numbers),
        };
        Decoder { format, described: Described::default() }
    }

    /// Reads the next message. [`Message::Undescribed`] is an answer to [`Decoder::describe`] and
    /// then to be read once more.
    pub fn message(&mut self, payload: &Bytes) -> Result<Message, Malformed> {
        match &mut self.format {
            Format::Pgoutput(decoder) => decoder.message(payload),
            Format::TestDecoding => test_decoding::message(&mut self.described, payload),
            Format::Wal2json(numbers) => wal2json::message(&mut self.described, *numbers, payload),
        }
    }

    /// Takes in what a table looks like on the source; `None` if its changes are not wanted.
    pub fn describe(&mut self, name: QualifiedName, relation: Option<Arc<Relation>>) {
        self.described.describe(name, relation);
    }
}

/// Where the commit's record of a transaction begins, if its first message tells.
pub fn commit_lsn(plugin: Plugin, begin: &[u8]) -> Option<Lsn> {
    match plugin {
        Plugin::Pgoutput => {
            let bytes = begin.get(1..)?.first_chunk::<8>()?;
            Some(Lsn(u64::from_be_bytes(*bytes)))
        }
        Plugin::TestDecoding | Plugin::Wal2json => None,
    }
}

/// Whether the values of the table that pgoutput describes must not come in binary form: one of its
/// types is not known to be the same on both sides. In a block of changes a description has the
/// number of its transaction.
pub fn forbids_binary(description: &Bytes, is_in_block: bool) -> bool {
    let payload = match is_in_block {
        true => streamed::change(description).ok().flatten().map(|change| change.payload),
        false => Some(description.clone()),
    };
    let message = payload.map(|payload| pgoutput::Decoder::default().message(&payload));
    match message {
        Some(Ok(Message::Relation { relation, .. })) => {
            relation.types.iter().any(|number| binary::type_name(*number).is_none())
        }
        _ => true,
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
    /// Changes of a transaction that still runs follow.
    StreamStart(u32),
    /// They do not any more.
    StreamStop,
    /// A transaction whose changes were sent while it ran has committed.
    StreamCommit(u32),
    /// Such a transaction was rolled back, or a part of it.
    StreamAbort {
        /// The whole transaction.
        xid: u32,
        /// What was rolled back.
        of: u32,
    },
    /// Anything else.
    Inside,
}

/// Tells what a message is, without reading it.
pub fn mark(plugin: Plugin, payload: &[u8]) -> Mark {
    let (begin, commit): (&[u8], &[u8]) = match plugin {
        Plugin::Pgoutput if payload.first() == Some(&b'R') => return Mark::Relation,
        Plugin::Pgoutput => (b"B", b"C"),
        Plugin::TestDecoding => (b"BEGIN", b"COMMIT"),
        Plugin::Wal2json => (b"{\"action\":\"B\"", b"{\"action\":\"C\""),
    };
    match payload {
        payload if payload.starts_with(begin) => Mark::Begin,
        payload if payload.starts_with(commit) => Mark::Commit,
        payload if plugin == Plugin::Pgoutput => streamed::mark(payload).unwrap_or(Mark::Inside),
        _ => Mark::Inside,
    }
}
