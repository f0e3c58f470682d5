//! Many statements, one wait: prepared statements executed back to back, answers read together
//! (PostgreSQL documentation, "Pipelining").

use bytes::Buf;
use postgres_protocol::IsNull;
use postgres_protocol::message::frontend;

use crate::connection::{Connection, command_tag, rows_of_tag};
use crate::error::{Error, Result};
use crate::frame::Frame;

/// Outgoing bytes that are gathered before they are sent. Sending always receives as well, so
/// neither side can block the other whatever is in flight.
const GATHERED_BYTES_MAX: usize = 64 * 1024;

/// Outgoing bytes that wait for a server that is at work; with more the caller waits.
const PILED_BYTES_MAX: usize = 4 << 20;

/// A value of a pipelined statement.
#[derive(Debug, Clone, Copy)]
pub enum Value<'a> {
    /// NULL.
    Null,
    /// The text form of the parameter's type.
    Text(&'a str),
    /// The text form of the parameter's type, in an encoding that may not be UTF-8.
    TextBytes(&'a [u8]),
    /// The binary form of the parameter's type.
    Binary(&'a [u8]),
}

/// Statements that have been sent and not yet answered.
///
/// The first error skips everything up to the next [`Pipeline::sync`], which returns it.
#[derive(Debug)]
pub struct Pipeline<'a> {
    connection: &'a mut Connection,
    /// The rows that every statement executed since the last sync has touched.
    counts: Vec<u64>,
}

impl Connection {
    /// Starts a pipeline. It must end with [`Pipeline::sync`], or the session is of no more use.
    pub fn pipeline(&mut self) -> Result<Pipeline<'_>> {
        self.check_ready()?;
        self.ready = false;
        Ok(Pipeline { connection: self, counts: Vec::new() })
    }
}

impl Pipeline<'_> {
    /// Prepares a statement under a name, for [`Pipeline::execute`].
    pub async fn prepare(&mut self, name: &str, sql: &str) -> Result<()> {
        let buffer = &mut self.connection.framed.outgoing;
        frontend::parse(name, sql, [], buffer).map_err(unsendable)?;
        self.gathered().await
    }

    /// Executes a prepared statement. Rows it may return are thrown away.
    pub async fn execute(&mut self, name: &str, values: &[Value<'_>]) -> Result<()> {
        let formats = values.iter().map(|value| i16::from(matches!(value, Value::Binary(_))));
        let buffer = &mut self.connection.framed.outgoing;
        frontend::bind(
            "",
            name,
            formats,
            values,
            |value, buffer| {
                match value {
                    Value::Null => return Ok(IsNull::Yes),
                    Value::Text(text) => buffer.extend_from_slice(text.as_bytes()),
                    Value::TextBytes(bytes) | Value::Binary(bytes) => {
                        buffer.extend_from_slice(bytes)
                    }
                }
                Ok(IsNull::No)
            },
            [],
            buffer,
        )
        .map_err(|error| match error {
            frontend::BindError::Conversion(error) => Error::Protocol(error.to_string()),
            frontend::BindError::Serialization(error) => unsendable(error),
        })?;
        frontend::execute("", 0, buffer).map_err(unsendable)?;
        self.gathered().await
    }

    /// Executes a prepared COPY FROM STDIN with its data. The server reads the data where the
    /// statement is, as one more message of the pipeline, and throws it away after an error.
    pub async fn copy(&mut self, name: &str, data: &[u8]) -> Result<()> {
        self.execute(name, &[]).await?;
        for piece in data.chunks(GATHERED_BYTES_MAX) {
            let message = frontend::CopyData::new(piece).map_err(unsendable)?;
            message.write(&mut self.connection.framed.outgoing);
            self.gathered().await?;
        }
        frontend::copy_done(&mut self.connection.framed.outgoing);
        self.gathered().await
    }

    /// Prepares and executes a statement without parameters.
    pub async fn run(&mut self, sql: &str) -> Result<()> {
        self.prepare("", sql).await?;
        self.execute("", &[]).await
    }

    /// Sends the rest and waits for all answers; returns the first error. The pipeline may go on.
    pub async fn sync(&mut self) -> Result<()> {
        frontend::sync(&mut self.connection.framed.outgoing);
        let sent = self.connection.framed.exchange().await;
        if let Err(error) = sent {
            return Err(self.connection.last_words().unwrap_or(error));
        }
        let counts = &mut self.counts;
        let answered = self.connection.until_ready(|frame| note_answer(&frame, counts)).await;
        self.connection.ready = false;
        answered
    }

    /// The rows that the statements executed since the last call have touched, in their order, up
    /// to the one that failed. Complete after [`Pipeline::sync`].
    pub fn take_counts(&mut self) -> Vec<u64> {
        std::mem::take(&mut self.counts)
    }

    /// Ends the pipeline: everything sent is answered and the session takes statements again.
    pub async fn finish(mut self) -> Result<()> {
        let answered = self.sync().await;
        let lost = answered.as_ref().is_err_and(Error::is_closed);
        self.connection.ready = !lost;
        answered
    }

    /// Sends of what was gathered what the server takes now. While it is at work this lets the caller
    /// go on, and somebody who calls it now and then keeps the server at work.
    pub async fn nudge(&mut self) -> Result<()> {
        if !self.connection.framed.outgoing.has_remaining() {
            return Ok(());
        }
        let sent = self.connection.framed.exchange_some().await;
        self.exchanged(sent)
    }

    /// Sends what was gathered once it is enough; waits only when too much has piled up.
    async fn gathered(&mut self) -> Result<()> {
        let gathered = self.connection.framed.outgoing.remaining();
        if gathered < GATHERED_BYTES_MAX {
            return Ok(());
        }
        let sent = match gathered < PILED_BYTES_MAX {
            true => self.connection.framed.exchange_some().await,
            false => self.connection.framed.exchange_down_to(PILED_BYTES_MAX / 2).await,
        };
        self.exchanged(sent)
    }

    /// Drops the answers that came meanwhile, so that they do not pile up.
    fn exchanged(&mut self, sent: Result<()>) -> Result<()> {
        if let Err(error) = sent {
            return Err(self.connection.last_words().unwrap_or(error));
        }
        while let Some((b'1' | b'2' | b'C' | b'D' | b'n' | b'I' | b'G', _)) =
            self.connection.framed.header()?
        {
            let Some(frame) = self.connection.framed.buffered()? else { break };
            note_answer(&frame, &mut self.counts)?;
        }
        Ok(())
    }
}

/// ParseComplete, BindComplete, CommandComplete, DataRow, NoData, EmptyQueryResponse,
/// CopyInResponse: whether it is one of these, and for the end of a statement, how many rows it touched.
fn note_answer(frame: &Frame, counts: &mut Vec<u64>) -> Result<bool> {
    match frame.tag {
        b'1' | b'2' | b'D' | b'n' | b'G' => {}
        b'C' => counts.push(rows_of_tag(&command_tag(&frame.body)?)),
        b'I' => counts.push(0),
        _ => return Ok(false),
    }
    Ok(true)
}

fn unsendable(error: std::io::Error) -> Error {
    Error::Protocol(error.to_string())
}
