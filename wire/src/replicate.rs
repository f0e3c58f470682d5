//! Logical replication (PostgreSQL documentation, "Streaming Replication Protocol"): slots with an
//! exported snapshot, and the stream of changes, in which both sides speak at any time.

use std::future::poll_fn;
use std::task::Poll;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Buf, BufMut, Bytes};
use postgres_protocol::message::frontend;

use crate::connection::{Answer, Connection, unexpected};
use crate::conninfo::Conninfo;
use crate::error::{Error, Result, ServerError};

/// Microseconds from 1970 to 2000, where PostgreSQL's clock begins.
const EPOCH_OFFSET_US: u64 = 946_684_800_000_000;

/// A session that understands replication commands.
#[derive(Debug)]
pub struct Replication {
    connection: Connection,
}

/// What IDENTIFY_SYSTEM answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct System {
    /// The number that tells clusters apart.
    pub identifier: String,
    /// The timeline the server is on.
    pub timeline: u32,
    /// How far its write-ahead log is flushed, as `X/X`.
    pub flushed: String,
}

/// What CREATE_REPLICATION_SLOT answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CreatedSlot {
    /// Changes of transactions that commit after this position come out of the slot, as `X/X`.
    pub consistent_point: String,
    /// The snapshot that shows everything before it; it lives until the session's next command.
    pub snapshot: Option<String>,
}

/// A message of a stream of changes.
#[derive(Debug, Clone)]
pub enum Received {
    /// Data of the output plugin.
    Data {
        /// The position that the plugin gave it.
        position: u64,
        /// What the plugin wrote.
        payload: Bytes,
    },
    /// The server lives.
    KeepAlive {
        /// All changes up to here have been sent.
        position: u64,
        /// Whether the server wants a status at once.
        wants_reply: bool,
    },
}

/// How far a client has come, for [`ReplicationStream::report`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Status {
    /// Received up to here.
    pub written: u64,
    /// Durable up to here: the server may forget what is before.
    pub flushed: u64,
    /// Applied up to here.
    pub applied: u64,
}

impl Replication {
    /// Opens a session for logical replication from the database that `conninfo` names.
    pub async fn connect(conninfo: &Conninfo) -> Result<Replication> {
        let mut conninfo = conninfo.clone();
        conninfo.set("replication", "database")?;
        Ok(Replication { connection: Connection::connect(&conninfo).await? })
    }

    /// The session underneath: it takes SQL as well, one simple query at a time.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Gives the session away, for somebody who keeps a snapshot alive with it.
    pub fn into_connection(self) -> Connection {
        self.connection
    }

    /// Asks who the server is.
    pub async fn identify_system(&mut self) -> Result<System> {
        let row = self.one_row("IDENTIFY_SYSTEM").await?;
        let field = |name| row.named(name).ok_or_else(|| missing(name));
        Ok(System {
            identifier: field("systemid")?.to_owned(),
            timeline: field("timeline")?.parse().map_err(|_| missing("timeline"))?,
            flushed: field("xlogpos")?.to_owned(),
        })
    }

    /// Makes a logical slot and exports the snapshot that its changes begin after.
    pub async fn create_slot(&mut self, name: &str, plugin: &str) -> Result<CreatedSlot> {
        let sql =
            format!("CREATE_REPLICATION_SLOT {} LOGICAL {}", identifier(name), identifier(plugin));
        let row = self.one_row(&sql).await?;
        let point = row.named("consistent_point").ok_or_else(|| missing("consistent_point"))?;
        Ok(CreatedSlot {
            consistent_point: point.to_owned(),
            snapshot: row.named("snapshot_name").map(str::to_owned),
        })
    }

    /// Starts the stream of a slot's changes at a position, or where the slot is if that is later.
    pub async fn start(
        self,
        slot: &str,
        position: u64,
        options: &[(&str, &str)],
    ) -> Result<ReplicationStream> {
        let options: Vec<String> = options
            .iter()
            .map(|(name, value)| format!("{} {}", identifier(name), literal(value)))
            .collect();
        let mut sql = format!(
            "START_REPLICATION SLOT {} LOGICAL {:X}/{:X}",
            identifier(slot),
            position >> 32,
            position & 0xFFFF_FFFF
        );
        if !options.is_empty() {
            sql.push_str(&format!(" ({})", options.join(", ")));
        }
        let mut connection = self.connection;
        connection.begin(|buffer| frontend::query(&sql, buffer)).await?;
        let frame = connection.next_frame().await?;
        match frame.tag {
            b'W' => Ok(ReplicationStream { connection, is_ended: false }),
            b'E' => Err(Error::Server(Box::new(ServerError::parse(&frame.body)?))),
            tag => Err(unexpected(tag)),
        }
    }

    async fn one_row(&mut self, sql: &str) -> Result<OneRow> {
        let answers = self.connection.execute(sql).await?;
        let answer = answers.into_iter().next().unwrap_or_default();
        if answer.rows.len() != 1 {
            return Err(Error::Protocol(format!("{sql} answered {} rows", answer.rows.len())));
        }
        Ok(OneRow(answer))
    }
}

struct OneRow(Answer);

impl OneRow {
    /// A value by its column's name: newer servers may add columns.
    fn named(&self, name: &str) -> Option<&str> {
        let column = self.0.rows.columns().iter().position(|column| column == name)?;
        self.0.rows.first()?.text(column).ok()?
    }
}

fn missing(name: &str) -> Error {
    Error::Protocol(format!("the answer to a replication command lacks {name}"))
}

/// The stream of a slot's changes.
#[derive(Debug)]
pub struct ReplicationStream {
    connection: Connection,
    /// The server has said that nothing comes any more.
    is_ended: bool,
}

impl ReplicationStream {
    /// Waits for the next message, and sends what [`ReplicationStream::report`] left meanwhile.
    /// `None` when the server ends the stream.
    ///
    /// Cancel safe: what has arrived in part stays in the buffer.
    pub async fn next(&mut self) -> Result<Option<Received>> {
        loop {
            match self.buffered()? {
                Some(Got::Message(message)) => return Ok(Some(message)),
                Some(Got::End) => return Ok(None),
                None => {}
            }
            let framed = &mut self.connection.framed;
            poll_fn(|cx| {
                let mut progress = false;
                if framed.outgoing.has_remaining() {
                    progress |= framed.poll_send(cx)?.is_ready();
                }
                progress |= framed.poll_fill(cx)?.is_ready();
                if progress { Poll::Ready(Ok::<(), Error>(())) } else { Poll::Pending }
            })
            .await?;
        }
    }

    /// A message that is here already, without waiting.
    pub fn ready(&mut self) -> Result<Option<Received>> {
        match self.buffered()? {
            Some(Got::Message(message)) => Ok(Some(message)),
            Some(Got::End) | None => Ok(None),
        }
    }

    /// Sends what [`ReplicationStream::report`] left, for somebody who does not want to receive now.
    pub async fn send(&mut self) -> Result<()> {
        self.connection.framed.flush().await
    }

    fn buffered(&mut self) -> Result<Option<Got>> {
        if self.is_ended {
            return Ok(Some(Got::End));
        }
        while let Some(frame) = self.connection.framed.buffered()? {
            if self.connection.is_asynchronous(&frame)? {
                continue;
            }
            return match frame.tag {
                b'd' => Ok(Some(Got::Message(received(frame.body)?))),
                b'c' => {
                    self.is_ended = true;
                    Ok(Some(Got::End))
                }
                b'E' => Err(Error::Server(Box::new(ServerError::parse(&frame.body)?))),
                tag => Err(unexpected(tag)),
            };
        }
        Ok(None)
    }

    /// Tells the server how far we have come, with the next [`ReplicationStream::next`]. With
    /// `wants_reply` it answers with a keepalive at once.
    pub fn report(&mut self, status: Status, wants_reply: bool) {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let now = u64::try_from(now.as_micros()).unwrap_or(0).saturating_sub(EPOCH_OFFSET_US);
        let out = &mut self.connection.framed.outgoing;
        // CopyData of 34 bytes; the length counts itself.
        out.put_u8(b'd');
        out.put_u32(4 + 34);
        out.put_u8(b'r');
        out.put_u64(status.written);
        out.put_u64(status.flushed);
        out.put_u64(status.applied);
        out.put_u64(now);
        out.put_u8(u8::from(wants_reply));
    }

    /// Leaves the stream in order: both sides say that they are done.
    pub async fn finish(mut self) -> Result<()> {
        frontend::copy_done(&mut self.connection.framed.outgoing);
        self.connection.framed.exchange().await?;
        // What was under way when we said it is thrown away: it was not confirmed.
        self.connection.until_ready(|frame| Ok(matches!(frame.tag, b'd' | b'c' | b'C'))).await?;
        self.connection.close().await;
        Ok(())
    }
}

enum Got {
    Message(Received),
    End,
}

/// XLogData or a keepalive.
fn received(mut body: Bytes) -> Result<Received> {
    let malformed = || Error::Protocol("a malformed message in a stream of changes".into());
    match body.first() {
        Some(b'w') if body.len() >= 25 => {
            body.advance(1);
            let position = body.get_u64();
            // The server's end of log and clock, which nobody needs.
            body.advance(16);
            Ok(Received::Data { position, payload: body })
        }
        Some(b'k') if body.len() == 18 => {
            body.advance(1);
            let position = body.get_u64();
            body.advance(8);
            Ok(Received::KeepAlive { position, wants_reply: body.get_u8() != 0 })
        }
        _ => Err(malformed()),
    }
}

/// A name in a replication command: always quoted, which its grammar allows everywhere.
fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string in a replication command, whose grammar knows no escapes but the doubled quote.
fn literal(value: &str) -> String {
    format!("'{}'", value.replace('\'', "''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_a_stream() {
        let mut body = vec![b'w'];
        body.extend_from_slice(&7u64.to_be_bytes());
        body.extend_from_slice(&[0; 16]);
        body.extend_from_slice(b"payload");
        let Received::Data { position, payload } = received(body.into()).unwrap() else {
            panic!("not data")
        };
        assert_eq!((position, &payload[..]), (7, &b"payload"[..]));

        let mut body = vec![b'k'];
        body.extend_from_slice(&9u64.to_be_bytes());
        body.extend_from_slice(&[0; 8]);
        body.push(1);
        let kept = received(body.clone().into()).unwrap();
        assert!(matches!(kept, Received::KeepAlive { position: 9, wants_reply: true }));
        for end in 0..body.len() {
            assert!(received(Bytes::copy_from_slice(&body[..end])).is_err(), "{end}");
        }
    }

    #[test]
    fn names_and_values_are_quoted() {
        assert_eq!(identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(literal("it's \"x\""), "'it''s \"x\"'");
    }
}
