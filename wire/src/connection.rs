//! A session with a server: statements and their results. One owner, no background task: whoever
//! holds the connection drives it.

use std::collections::HashMap;

use postgres_protocol::message::frontend;

use crate::cancel::CancelKey;
use crate::connect::{Connected, connect};
use crate::conninfo::Conninfo;
use crate::error::{Error, Result, ServerError};
use crate::frame::{Frame, Framed};
use crate::row::{Row, Rows};

/// Notices kept until somebody takes them; a statement that raises one per row must not fill memory.
const NOTICES_KEPT_MAX: usize = 100;

/// A session with a server.
#[derive(Debug)]
pub struct Connection {
    pub(crate) framed: Framed,
    parameters: HashMap<String, String>,
    backend_pid: i32,
    cancel: CancelKey,
    notices: Vec<ServerError>,
    /// The last ReadyForQuery's transaction status: `I`, `T` or `E`.
    transaction: u8,
    /// Whether the server waits for our next statement. If not, an earlier call was given up midway.
    pub(crate) ready: bool,
    completed: usize,
}

/// What one statement of [`Connection::execute`] answered.
#[derive(Debug, Default)]
pub struct Answer {
    /// Rows, in text form.
    pub rows: Rows,
    /// The command tag, such as `INSERT 0 1`.
    pub tag: String,
}

impl Connection {
    /// Opens a session.
    pub async fn connect(conninfo: &Conninfo) -> Result<Connection> {
        Ok(Connection::new(connect(conninfo).await?))
    }

    fn new(connected: Connected) -> Connection {
        Connection {
            framed: connected.framed,
            parameters: connected.parameters,
            backend_pid: connected.backend_pid,
            cancel: connected.cancel,
            notices: connected.notices,
            transaction: b'I',
            ready: true,
            completed: 0,
        }
    }

    /// How many statements of the last [`Connection::execute`] succeeded: the place of the one that
    /// failed.
    pub fn completed(&self) -> usize {
        self.completed
    }

    /// A parameter the server reports, such as `server_encoding`.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.get(name).map(String::as_str)
    }

    /// The server's version as a number, such as 150018 for 15.18 (0 when it gave none).
    pub fn server_version(&self) -> u32 {
        self.parameter("server_version").map_or(0, version_number)
    }

    /// The process id of the server's backend.
    pub fn backend_pid(&self) -> i32 {
        self.backend_pid
    }

    /// Corrects the process id by what the server's own views say.
    pub fn set_backend_pid(&mut self, pid: i32) {
        self.backend_pid = pid;
    }

    /// What is needed to cancel whatever this session is doing.
    pub fn cancel_key(&self) -> CancelKey {
        self.cancel.clone()
    }

    /// Whether the server is waiting for a statement of ours. False after an error that closed the
    /// session, and after a call that was dropped midway.
    pub fn is_ready(&self) -> bool {
        self.ready
    }

    /// Whether a transaction block is open (in whatever state).
    pub fn in_transaction(&self) -> bool {
        self.transaction != b'I'
    }

    /// Whether the open transaction block has failed and can only be rolled back.
    pub fn has_failed_transaction(&self) -> bool {
        self.transaction == b'E'
    }

    /// Notices and warnings since the last call.
    pub fn take_notices(&mut self) -> Vec<ServerError> {
        std::mem::take(&mut self.notices)
    }

    /// Runs one or more statements separated by semicolons and returns an answer for each (simple
    /// query protocol). The first error ends them.
    pub async fn execute(&mut self, sql: &str) -> Result<Vec<Answer>> {
        self.completed = 0;
        self.begin(|buffer| frontend::query(sql, buffer)).await?;
        let mut answers = Vec::new();
        let mut answer = Answer::default();
        let answered = self
            .until_ready(|frame| {
                match frame.tag {
                    b'T' => answer.rows.describe(&frame.body)?,
                    b'D' => answer.rows.push(Row::parse(frame.body)?),
                    b'C' => {
                        answer.tag = command_tag(&frame.body)?;
                        answers.push(std::mem::take(&mut answer));
                    }
                    b'I' => answers.push(std::mem::take(&mut answer)),
                    _ => return Ok(false),
                }
                Ok(true)
            })
            .await;
        self.completed = answers.len();
        answered.map(|()| answers)
    }

    /// Runs one statement with parameters, all in text form (extended query protocol).
    pub async fn query(&mut self, sql: &str, parameters: &[Option<&str>]) -> Result<Rows> {
        let mut rows = Rows::default();
        self.query_each(sql, parameters, |row| {
            rows.push(row);
            Ok(())
        })
        .await?;
        Ok(rows)
    }

    /// Runs one statement with parameters and hands every row to `each` as it arrives.
    pub async fn query_each(
        &mut self,
        sql: &str,
        parameters: &[Option<&str>],
        mut each: impl FnMut(Row) -> Result<()>,
    ) -> Result<()> {
        self.begin(|buffer| {
            frontend::parse("", sql, [], buffer)?;
            bind_text("", parameters, buffer)?;
            frontend::execute("", 0, buffer)?;
            frontend::sync(buffer);
            Ok(())
        })
        .await?;
        self.until_ready(|frame| {
            match frame.tag {
                b'1' | b'2' | b'C' | b'I' | b'n' | b'T' => {}
                b'D' => each(Row::parse(frame.body)?)?,
                _ => return Ok(false),
            }
            Ok(true)
        })
        .await
    }

    /// Refuses a session whose last request has no end: the connection broke, or the caller gave
    /// up waiting. Whatever was to be done may succeed on a new one.
    pub(crate) fn check_ready(&self) -> Result<()> {
        if self.ready {
            return Ok(());
        }
        let reason = "the session has not come to the end of an earlier statement";
        Err(Error::Lost(std::io::Error::new(std::io::ErrorKind::NotConnected, reason)))
    }

    /// Writes a request into the outgoing buffer and sends it, while receiving.
    pub(crate) async fn begin(
        &mut self,
        write: impl FnOnce(&mut bytes::BytesMut) -> std::io::Result<()>,
    ) -> Result<()> {
        self.check_ready()?;
        // Text that the protocol cannot carry (a zero byte) fails here, before anything is sent.
        if let Err(error) = write(&mut self.framed.outgoing) {
            self.framed.outgoing.clear();
            return Err(Error::Protocol(error.to_string()));
        }
        self.ready = false;
        match self.framed.exchange().await {
            Ok(()) => {
                // A script may be long, and the session used for a long time after it.
                self.framed.outgoing = bytes::BytesMut::new();
                Ok(())
            }
            Err(error) => Err(self.last_words().unwrap_or(error)),
        }
    }

    /// What a server that has closed the session said before: the better error.
    pub(crate) fn last_words(&mut self) -> Option<Error> {
        while let Ok(Some(frame)) = self.framed.buffered() {
            if frame.tag == b'E' {
                return ServerError::parse(&frame.body).ok().map(|e| Error::Server(Box::new(e)));
            }
        }
        None
    }

    /// Hands frames to `each` until the server is ready again, then returns the first error among
    /// them. `each` says whether it knew the frame.
    pub(crate) async fn until_ready(
        &mut self,
        mut each: impl FnMut(Frame) -> Result<bool>,
    ) -> Result<()> {
        let mut first_error = None;
        loop {
            let frame = match self.next_frame().await {
                Ok(frame) => frame,
                // The reason the server gave before it went is worth more than that it went.
                Err(error) => return Err(first_error.unwrap_or(error)),
            };
            match frame.tag {
                b'E' => {
                    let error = Error::Server(Box::new(ServerError::parse(&frame.body)?));
                    first_error.get_or_insert(error);
                }
                b'Z' => {
                    self.set_ready(&frame)?;
                    return first_error.map_or(Ok(()), Err);
                }
                _ if first_error.is_some() => {}
                tag => match each(frame) {
                    Ok(true) => {}
                    Ok(false) => return Err(unexpected(tag)),
                    Err(error) => {
                        first_error.get_or_insert(error);
                    }
                },
            }
        }
    }

    /// The next frame that is not for us: parameter changes and notices are taken in here, as they
    /// may come at any time ("Asynchronous Operations").
    pub(crate) async fn next_frame(&mut self) -> Result<Frame> {
        loop {
            let frame = self.framed.read().await?;
            if !self.is_asynchronous(&frame)? {
                return Ok(frame);
            }
        }
    }

    /// Takes in a frame that the server may send at any time.
    pub(crate) fn is_asynchronous(&mut self, frame: &Frame) -> Result<bool> {
        match frame.tag {
            b'S' => {
                let mut parts = frame.body.split(|&byte| byte == 0);
                if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                    self.parameters.insert(text(name), text(value));
                }
            }
            b'N' => {
                if self.notices.len() < NOTICES_KEPT_MAX {
                    self.notices.push(ServerError::parse(&frame.body)?);
                }
            }
            b'A' => {}
            _ => return Ok(false),
        }
        Ok(true)
    }

    pub(crate) fn set_ready(&mut self, frame: &Frame) -> Result<()> {
        match frame.body[..] {
            [status @ (b'I' | b'T' | b'E')] => {
                self.transaction = status;
                self.ready = true;
                Ok(())
            }
            _ => Err(Error::Protocol("a ReadyForQuery without a transaction status".into())),
        }
    }

    /// Waits until the server ends this idle session or the connection breaks, and says why.
    pub async fn closed(&mut self) -> Error {
        loop {
            match self.next_frame().await {
                Ok(frame) if frame.tag == b'E' => {
                    return match ServerError::parse(&frame.body) {
                        Ok(error) => Error::Server(Box::new(error)),
                        Err(error) => error,
                    };
                }
                Ok(_) => {}
                Err(error) => return error,
            }
        }
    }

    /// Says goodbye. Errors are of no interest: the session is over either way.
    pub async fn close(mut self) {
        frontend::terminate(&mut self.framed.outgoing);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(1), self.framed.flush()).await;
    }
}

/// A frame that has no place where it arrived.
pub(crate) fn unexpected(tag: u8) -> Error {
    Error::Protocol(format!("unexpected message of kind {:?}", char::from(tag)))
}

/// The text of a CommandComplete.
pub(crate) fn command_tag(body: &[u8]) -> Result<String> {
    match body.strip_suffix(&[0]) {
        Some(tag) => Ok(String::from_utf8_lossy(tag).into_owned()),
        None => Err(Error::Protocol("a command tag without end".into())),
    }
}

/// The number of rows in a command tag such as `COPY 12`.
pub(crate) fn rows_of_tag(tag: &str) -> u64 {
    tag.rsplit(' ').next().and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn bind_text(
    statement: &str,
    parameters: &[Option<&str>],
    buffer: &mut bytes::BytesMut,
) -> std::io::Result<()> {
    frontend::bind(
        "",
        statement,
        [],
        parameters,
        |parameter, buffer| match parameter {
            Some(text) => {
                buffer.extend_from_slice(text.as_bytes());
                Ok(postgres_protocol::IsNull::No)
            }
            None => Ok(postgres_protocol::IsNull::Yes),
        },
        [],
        buffer,
    )
    .map_err(|error| match error {
        frontend::BindError::Conversion(error) => std::io::Error::other(error),
        frontend::BindError::Serialization(error) => error,
    })
}

/// `15.18 (Debian …)` is 150018, `9.6.24` is 90624, `18beta1` is 180000.
fn version_number(text: &str) -> u32 {
    let digits = |part: &str| -> u32 {
        let end = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        part[..end].parse().unwrap_or(0)
    };
    let mut parts = text.split(' ').next().unwrap_or("").split('.').map(digits);
    let (major, minor, patch) =
        (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if major >= 10 { major * 10_000 + minor } else { major * 10_000 + minor * 100 + patch }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_numbers() {
        assert_eq!(version_number("15.18 (Debian 15.18-0+deb12u1)"), 150_018);
        assert_eq!(version_number("18beta1"), 180_000);
        assert_eq!(version_number("9.6.24"), 90_624);
        assert_eq!(version_number("devel"), 0);
    }

    #[test]
    fn rows_are_counted_by_the_tag() {
        assert_eq!(rows_of_tag("COPY 12"), 12);
        assert_eq!(rows_of_tag("INSERT 0 3"), 3);
        assert_eq!(rows_of_tag("BEGIN"), 0);
    }
}
