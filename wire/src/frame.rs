//! Frames: a tag, a length, a body (PostgreSQL documentation, "Message Formats"). Reads them from
//! the stream, gathers outgoing ones in a buffer, and knows no meaning beyond their limits.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio_util::io::{poll_read_buf, poll_write_buf};

use crate::error::{Error, Result};
use crate::stream::Stream;

/// What we ask of the kernel in one read at the most. Larger reads were measured and did not help.
const READ_BYTES_MAX: usize = 64 * 1024;

/// What we ask for at first: there may be hundreds of sessions, most of which hear only a few words.
const READ_BYTES_MIN: usize = 4 * 1024;

/// Frames other than rows, COPY data and messages to the user are short; libpq draws the same line.
/// A longer one means that we lost our place in the stream.
const SHORT_FRAME_BYTES_MAX: usize = 30_000;

/// The largest frame a server can make: a row is at most 1 GB.
const FRAME_BYTES_MAX: usize = 0x4000_0000;

/// The bytes before a frame's body: tag and length.
pub const HEADER_BYTES: usize = 5;

/// One message of the server, not yet understood.
#[derive(Debug, Clone)]
pub struct Frame {
    /// The kind of message.
    pub tag: u8,
    /// Its body, without tag and length.
    pub body: Bytes,
}

/// A stream with its two buffers.
#[derive(Debug)]
pub struct Framed {
    stream: Stream,
    incoming: BytesMut,
    /// What the next read asks for: twice as much whenever all of that came.
    read_bytes: usize,
    /// Frames to be sent by the next [`Framed::flush`]; written to by `postgres_protocol`.
    pub outgoing: BytesMut,
}

impl Framed {
    /// Takes over a connected stream.
    pub fn new(stream: Stream) -> Framed {
        Framed {
            stream,
            incoming: BytesMut::new(),
            read_bytes: READ_BYTES_MIN,
            outgoing: BytesMut::new(),
        }
    }

    /// The stream under the frames.
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Waits for one whole frame.
    ///
    /// Cancel safe: what was read so far stays in the buffer.
    pub async fn read(&mut self) -> Result<Frame> {
        loop {
            if let Some(frame) = self.buffered()? {
                return Ok(frame);
            }
            self.fill().await?;
        }
    }

    /// A frame that has already arrived whole, if there is one.
    pub fn buffered(&mut self) -> Result<Option<Frame>> {
        let Some((tag, body_bytes)) = self.header()? else { return Ok(None) };
        if self.incoming.len() < HEADER_BYTES + body_bytes {
            return Ok(None);
        }
        self.incoming.advance(HEADER_BYTES);
        Ok(Some(Frame { tag, body: self.incoming.split_to(body_bytes).freeze() }))
    }

    /// Tag and body length of the frame at the front, once its header is here.
    pub fn header(&self) -> Result<Option<(u8, usize)>> {
        header(&self.incoming)
    }

    /// The bytes that have arrived and were not consumed.
    pub fn incoming(&mut self) -> &mut BytesMut {
        &mut self.incoming
    }

    /// Waits until more bytes have arrived. The end of the stream is an error: a server says
    /// goodbye first.
    ///
    /// Cancel safe.
    pub async fn fill(&mut self) -> Result<usize> {
        poll_fn(|cx| self.poll_fill(cx)).await
    }

    /// Sends all outgoing bytes.
    pub async fn flush(&mut self) -> Result<()> {
        while self.outgoing.has_remaining() {
            poll_fn(|cx| self.poll_send(cx)).await?;
        }
        self.stream.flush().await?;
        Ok(())
    }

    /// Receives what has arrived, if anything has. The end of the stream is an error.
    pub fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize>> {
        self.incoming.reserve(self.read_bytes);
        match ready!(poll_read_buf(Pin::new(&mut self.stream), cx, &mut self.incoming))? {
            0 => Poll::Ready(Err(Error::Lost(std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                "the server closed the connection unexpectedly",
            )))),
            read => {
                if read >= self.read_bytes {
                    self.read_bytes = (2 * self.read_bytes).min(READ_BYTES_MAX);
                }
                Poll::Ready(Ok(read))
            }
        }
    }

    /// Sends as much of the outgoing bytes as the kernel takes. Must not be called without any.
    pub fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        let sent = ready!(poll_write_buf(Pin::new(&mut self.stream), cx, &mut self.outgoing))?;
        if sent == 0 {
            return Poll::Ready(Err(Error::Lost(std::io::ErrorKind::WriteZero.into())));
        }
        // TLS holds records back until it is told to let go of them.
        if !self.outgoing.has_remaining() {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
        }
        Poll::Ready(Ok(()))
    }

    /// Sends what is outgoing and receives into the buffer at the same time, until everything is
    /// sent: neither side can block the other.
    pub async fn exchange(&mut self) -> Result<()> {
        self.exchange_down_to(0).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// The same until no more than so many bytes are left.
    pub async fn exchange_down_to(&mut self, left: usize) -> Result<()> {
        while self.outgoing.remaining() > left {
            poll_fn(|cx| {
                let progress = self.poll_exchange(cx)?;
                if progress { Poll::Ready(Ok::<(), Error>(())) } else { Poll::Pending }
            })
            .await?;
        }
        Ok(())
    }

    /// Sends and receives what goes at once.
    pub async fn exchange_some(&mut self) -> Result<()> {
        poll_fn(|cx| {
            while self.outgoing.has_remaining() && self.poll_exchange(cx)? {}
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Whether anything was sent or received.
    fn poll_exchange(&mut self, cx: &mut Context<'_>) -> Result<bool> {
        // What a closing server had to say was received before the failure to send.
        let received = poll_now(self.poll_fill(cx))?;
        let sent = poll_now(self.poll_send(cx))?;
        Ok(sent || received)
    }
}

/// Tag and body length of the frame that begins with these bytes, if its header is among them.
pub fn header(bytes: &[u8]) -> Result<Option<(u8, usize)>> {
    let Some(header) = bytes.first_chunk::<HEADER_BYTES>() else { return Ok(None) };
    let [tag, length @ ..] = *header;
    let length = u32::from_be_bytes(length) as usize;
    let long = matches!(tag, b'T' | b'D' | b'd' | b'V' | b'E' | b'N' | b'A' | b't');
    let limit = if long { FRAME_BYTES_MAX } else { SHORT_FRAME_BYTES_MAX };
    if length < 4 || length > limit {
        return Err(Error::Protocol(format!(
            "a message of kind {:?} claims a length of {length} bytes",
            char::from(tag)
        )));
    }
    Ok(Some((tag, length - 4)))
}

fn poll_now<T>(poll: Poll<Result<T>>) -> Result<bool> {
    match poll {
        Poll::Ready(done) => done.map(|_| true),
        Poll::Pending => Ok(false),
    }
}
