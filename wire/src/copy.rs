//! COPY (PostgreSQL documentation, "COPY Operations"): rows out of a server, and the pump that
//! sends them on to another without taking them apart.
//!
//! A server sends one CopyData message per row; in the other direction the boundaries of messages
//! mean nothing, in text and in binary form alike. The pump strips the headers and sends the bytes
//! on in messages of about 64 kB, which costs the receiving server less. It keeps two of these, one
//! that is made and one that is sent: there may be many pumps in a process.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::{Buf, BufMut, Bytes, BytesMut};
use postgres_protocol::message::frontend;

use crate::connection::{Connection, command_tag, rows_of_tag, unexpected};
use crate::error::{Error, Result, ServerError};
use crate::frame::{HEADER_BYTES, header};

/// Payload of the CopyData messages that the pump makes.
const FRAME_PAYLOAD_BYTES: usize = 64 * 1024;

/// What a COPY moved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Copied {
    /// Bytes of COPY data, without the frames around them.
    pub bytes: u64,
    /// Rows, as the target counted them.
    pub rows: u64,
}

/// Which of the two servers an error came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The server that rows come from.
    Source,
    /// The server that rows go to.
    Target,
}

/// A COPY from one server to another failed.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct PumpError {
    /// Where the first error happened.
    pub side: Side,
    /// The first error; what followed from it on the other side is of no interest.
    pub error: Error,
}

/// Streams the rows of `out_sql` (a `COPY … TO STDOUT`) on `source` into `in_sql` (a `COPY … FROM
/// STDIN`) on `target`. `moved` is raised as bytes pass, for whoever shows progress.
///
/// After an error both sessions are ready again, unless the error closed them.
pub async fn pump(
    source: &mut Connection,
    target: &mut Connection,
    out_sql: &str,
    in_sql: &str,
    moved: &AtomicU64,
) -> std::result::Result<Copied, PumpError> {
    // Both are asked before either is heard: one round trip, not two.
    target.begin(|buffer| frontend::query(in_sql, buffer)).await.map_err(on(Side::Target))?;
    let asked = source.begin(|buffer| frontend::query(out_sql, buffer)).await;
    let receiving = wait_for_copy(target, b'G').await;
    let sending = match asked {
        Ok(()) => wait_for_copy(source, b'H').await,
        Err(error) => Err(error),
    };
    let mut reframer = Reframer::default();
    match (receiving, sending) {
        (Ok(()), Ok(())) => {}
        (Err(error), sending) => {
            if sending.is_ok() {
                stop_source(source, &mut reframer).await;
            }
            return Err(PumpError { side: Side::Target, error });
        }
        (Ok(()), Err(error)) => {
            fail_target(target, &error).await;
            return Err(PumpError { side: Side::Source, error });
        }
    }
    if let Err(failure) = flow(source, target, &mut reframer, moved).await {
        match failure.side {
            Side::Source => fail_target(target, &failure.error).await,
            Side::Target => stop_source(source, &mut reframer).await,
        }
        return Err(failure);
    }
    Ok(Copied { bytes: reframer.bytes, rows: finish(source, target).await? })
}

fn on(side: Side) -> impl Fn(Error) -> PumpError {
    move |error| PumpError { side, error }
}

/// Waits for CopyInResponse (`G`) or CopyOutResponse (`H`).
async fn wait_for_copy(connection: &mut Connection, response: u8) -> Result<()> {
    let frame = connection.next_frame().await?;
    match frame.tag {
        tag if tag == response => Ok(()),
        b'E' => {
            let error = Error::Server(Box::new(ServerError::parse(&frame.body)?));
            connection.until_ready(|_| Ok(true)).await.ok();
            Err(error)
        }
        tag => Err(unexpected(tag)),
    }
}

/// Moves bytes until the source says CopyDone; both directions of the target are served at once.
async fn flow(
    source: &mut Connection,
    target: &mut Connection,
    reframer: &mut Reframer,
    moved: &AtomicU64,
) -> std::result::Result<(), PumpError> {
    let mut done = false;
    loop {
        let before = reframer.bytes;
        if !done {
            done = reframer.take(source).map_err(on(Side::Source))?;
        }
        moved.fetch_add(reframer.bytes - before, Ordering::Relaxed);
        reframer.give(&mut target.framed.outgoing, done);
        if done && reframer.frame.is_empty() && !target.framed.outgoing.has_remaining() {
            return Ok(());
        }
        let reads = !done && !reframer.is_full();
        let progress = poll_fn(|cx| poll_once(cx, source, target, reads)).await;
        // A target that has closed may have said why: that is the better error.
        check_target(target).map_err(on(Side::Target))?;
        progress?;
    }
}

/// One round of whatever can be done now: read from the source if there is room, send to the target,
/// and hear what the target has to say.
fn poll_once(
    cx: &mut Context<'_>,
    source: &mut Connection,
    target: &mut Connection,
    reads: bool,
) -> Poll<std::result::Result<(), PumpError>> {
    let mut progress = false;
    // The target is heard before it is spoken to: if it has closed, the reason is there to be read.
    if target.framed.poll_fill(cx).map_err(on(Side::Target))?.is_ready() {
        progress = true;
    }
    if target.framed.outgoing.has_remaining()
        && target.framed.poll_send(cx).map_err(on(Side::Target))?.is_ready()
    {
        progress = true;
    }
    if reads && source.framed.poll_fill(cx).map_err(on(Side::Source))?.is_ready() {
        progress = true;
    }
    if progress { Poll::Ready(Ok(())) } else { Poll::Pending }
}

/// Reads what the target said in the middle of a COPY: notices, or the error that ends it.
fn check_target(target: &mut Connection) -> Result<()> {
    while let Some(frame) = target.framed.buffered()? {
        if target.is_asynchronous(&frame)? {
            continue;
        }
        return Err(match frame.tag {
            b'E' => Error::Server(Box::new(ServerError::parse(&frame.body)?)),
            tag => unexpected(tag),
        });
    }
    Ok(())
}

/// Both servers have said and heard all rows: the source's last words, then the target's count.
async fn finish(
    source: &mut Connection,
    target: &mut Connection,
) -> std::result::Result<u64, PumpError> {
    if let Err(error) = source.until_ready(|frame| Ok(frame.tag == b'C')).await {
        fail_target(target, &error).await;
        return Err(on(Side::Source)(error));
    }
    frontend::copy_done(&mut target.framed.outgoing);
    target.framed.exchange().await.map_err(on(Side::Target))?;
    let mut rows = 0;
    target
        .until_ready(|frame| {
            if frame.tag == b'C' {
                rows = rows_of_tag(&command_tag(&frame.body)?);
            }
            Ok(frame.tag == b'C')
        })
        .await
        .map_err(on(Side::Target))?;
    Ok(rows)
}

/// Ends the target's COPY without its rows. What it answers is our own doing and not reported.
async fn fail_target(target: &mut Connection, reason: &Error) {
    let reason = format!("the source failed: {reason}").replace('\0', " ");
    if frontend::copy_fail(&reason, &mut target.framed.outgoing).is_ok()
        && target.framed.exchange().await.is_ok()
    {
        target.until_ready(|_| Ok(true)).await.ok();
    }
}

/// Makes the source stop sending and throws away what it had already sent.
async fn stop_source(source: &mut Connection, reframer: &mut Reframer) {
    if source.cancel_key().cancel().await.is_err() {
        return;
    }
    loop {
        match reframer.take(source) {
            Ok(false) if source.framed.fill().await.is_ok() => reframer.frame.clear(),
            Ok(true) | Err(Error::Server(_)) => break,
            Ok(false) | Err(_) => return,
        }
    }
    source.until_ready(|_| Ok(true)).await.ok();
}

impl Connection {
    /// Starts a `COPY … TO STDOUT`.
    pub async fn copy_out(&mut self, sql: &str) -> Result<CopyOut<'_>> {
        self.begin(|buffer| frontend::query(sql, buffer)).await?;
        wait_for_copy(self, b'H').await?;
        Ok(CopyOut { connection: self })
    }
}

/// The rows of a COPY OUT, one message at a time.
#[derive(Debug)]
pub struct CopyOut<'a> {
    connection: &'a mut Connection,
}

impl CopyOut<'_> {
    /// The next CopyData message: a row, or the header or trailer of the binary form. `None` at the
    /// end, when the session is ready again.
    pub async fn next(&mut self) -> Result<Option<Bytes>> {
        let frame = self.connection.next_frame().await?;
        match frame.tag {
            b'd' => Ok(Some(frame.body)),
            b'c' => {
                self.connection.until_ready(|frame| Ok(frame.tag == b'C')).await?;
                Ok(None)
            }
            b'E' => {
                let error = Error::Server(Box::new(ServerError::parse(&frame.body)?));
                self.connection.until_ready(|_| Ok(true)).await.ok();
                Err(error)
            }
            tag => Err(unexpected(tag)),
        }
    }
}

/// Takes CopyData messages of any size apart and makes messages of one size.
#[derive(Debug, Default)]
struct Reframer {
    /// Payload of the message in hand that has not arrived yet.
    missing: usize,
    /// A message being made: its header's place, then payload.
    frame: BytesMut,
    /// Payload so far.
    bytes: u64,
}

impl Reframer {
    /// Moves the payload that has arrived; true when the source has sent CopyDone.
    fn take(&mut self, source: &mut Connection) -> Result<bool> {
        loop {
            let incoming = source.framed.incoming();
            let taken = self.take_rows(incoming)?;
            incoming.advance(taken);
            if self.missing > 0 {
                return Ok(false);
            }
            let Some(frame) = source.framed.buffered()? else { return Ok(false) };
            if source.is_asynchronous(&frame)? {
                continue;
            }
            return match frame.tag {
                b'c' => Ok(true),
                b'E' => Err(Error::Server(Box::new(ServerError::parse(&frame.body)?))),
                tag => Err(unexpected(tag)),
            };
        }
    }

    /// Moves payload up to the first message that is not CopyData, or the first header that is not
    /// here whole. Returns how many bytes are done with.
    fn take_rows(&mut self, incoming: &[u8]) -> Result<usize> {
        let mut rest = incoming;
        loop {
            let (payload, after) = rest.split_at(self.missing.min(rest.len()));
            if !payload.is_empty() {
                append(&mut self.frame, payload);
                self.bytes += payload.len() as u64;
                self.missing -= payload.len();
                rest = after;
            }
            match header(rest)? {
                Some((b'd', length)) if self.missing == 0 => {
                    self.missing = length;
                    rest = &rest[HEADER_BYTES..];
                }
                _ => return Ok(incoming.len() - rest.len()),
            }
        }
    }

    /// Whether the message in hand is large enough.
    fn is_full(&self) -> bool {
        self.frame.len() >= HEADER_BYTES + FRAME_PAYLOAD_BYTES
    }

    /// Hands the message in hand over when it is large enough, or when it is the last one, and the
    /// one before it is sent.
    fn give(&mut self, outgoing: &mut BytesMut, last: bool) {
        if !outgoing.is_empty() || self.frame.is_empty() || !(self.is_full() || last) {
            return;
        }
        // The length counts itself but not the tag.
        let length = (self.frame.len() - 1) as u32;
        self.frame[1..HEADER_BYTES].copy_from_slice(&length.to_be_bytes());
        std::mem::swap(outgoing, &mut self.frame);
    }
}

fn append(frame: &mut BytesMut, payload: &[u8]) {
    if frame.is_empty() {
        frame.put_slice(b"d\0\0\0\0");
    }
    frame.put_slice(payload);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes what arrives in pieces of `size` bytes; returns the payload and what was left.
    fn taken(stream: &[u8], size: usize) -> (Vec<u8>, Vec<u8>) {
        let (mut reframer, mut incoming) = (Reframer::default(), BytesMut::new());
        for piece in stream.chunks(size) {
            incoming.put_slice(piece);
            let taken = reframer.take_rows(&incoming).unwrap();
            incoming.advance(taken);
        }
        assert_eq!(reframer.missing, 0);
        let payload = reframer.frame.get(HEADER_BYTES..).unwrap_or_default().to_vec();
        assert_eq!(reframer.bytes, payload.len() as u64);
        (payload, incoming.to_vec())
    }

    #[test]
    fn rows_are_joined_however_they_are_cut() {
        let rows = b"d\0\0\0\x07abcd\0\0\0\x04d\0\0\0\x05Xd\0\0\0\x06yz";
        let end = b"c\0\0\0\x04C\0\0\0\x0bCOPY 3\0";
        for size in 1..rows.len() {
            let (payload, left) = taken(&[rows.as_slice(), end].concat(), size);
            assert_eq!((payload.as_slice(), left.as_slice()), (&b"abcXyz"[..], &end[..]), "{size}");
        }
        // Nothing but the end: no message is begun.
        assert_eq!(taken(end, 3), (Vec::new(), end.to_vec()));
    }

    #[test]
    fn a_message_that_cannot_be_is_an_error() {
        let mut reframer = Reframer::default();
        assert!(reframer.take_rows(b"d\0\0\0\x05Xd\0\0\0\x03").is_err());
        assert!(Reframer::default().take_rows(b"d\xff\xff\xff\xff").is_err());
    }
}
