//! Cancelling what a session is doing, on a connection of its own (PostgreSQL documentation,
//! "Canceling Requests in Progress").

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::connect::socket::{self, Address};
use crate::connect::{Failure, FailureKind};
use crate::conninfo::Keepalive;
use crate::error::{Error, Result};
use crate::tls::{self, Tls};

/// Where a protocol version stands in other messages, a cancel request has this.
const CANCEL_REQUEST_CODE: i32 = 80_877_102;

/// A cancel request is made while somebody waits for us to stop.
const CANCEL_SECONDS_MAX: u64 = 5;

/// What is needed to cancel a statement of a session, from anywhere and at any time. A cancel
/// request that comes too late does nothing.
#[derive(Clone)]
pub struct CancelKey {
    address: Address,
    keepalive: Keepalive,
    /// The session's own, when it is encrypted: the key must not travel in the clear then.
    tls: Option<Tls>,
    backend_pid: i32,
    key: Bytes,
}

impl CancelKey {
    pub(crate) fn new(
        address: Address,
        keepalive: Keepalive,
        tls: Option<Tls>,
        backend_pid: i32,
        key: Bytes,
    ) -> CancelKey {
        CancelKey { address, keepalive, tls, backend_pid, key }
    }

    /// Asks the server to cancel the session's statement and waits until the server has taken
    /// note. Whether there was a statement to cancel is not known here: it ends with SQLSTATE
    /// 57014 on its own connection, or it was already done.
    ///
    /// # Errors
    ///
    /// The server could not be reached as the session did, or did not answer within seconds.
    pub async fn cancel(&self) -> Result<()> {
        let limit = Duration::from_secs(CANCEL_SECONDS_MAX);
        match timeout(limit, self.request()).await {
            Ok(done) => done.map_err(|failure| failure.into_error(self.address.to_string())),
            Err(_) => Err(Error::Timeout { doing: "sending a cancel request", after: limit }),
        }
    }

    async fn request(&self) -> Result<(), Failure> {
        let stream = socket::open(&self.address, self.keepalive).await?;
        let mut stream = match &self.tls {
            None => stream,
            Some(tls) => match tls::negotiate(stream, tls).await? {
                tls::Negotiated::Encrypted(stream) => stream,
                tls::Negotiated::Plain(_) => {
                    let reason = "server does not support SSL any more, which this session uses";
                    return Err(Failure::new(FailureKind::Tls, reason));
                }
            },
        };
        stream.write_all(&self.message()).await?;
        stream.flush().await?;
        // The server closes the connection when it has signalled the backend. However it does
        // that, and whatever it may say, the request is through.
        let mut ignored = [0; 64];
        while stream.read(&mut ignored).await.is_ok_and(|read| read > 0) {}
        Ok(())
    }

    fn message(&self) -> Vec<u8> {
        // Length, code, process id, key. The key has at most 256 bytes.
        let length = i32::try_from(12 + self.key.len()).unwrap_or(i32::MAX);
        let mut message = Vec::new();
        message.extend(length.to_be_bytes());
        message.extend(CANCEL_REQUEST_CODE.to_be_bytes());
        message.extend(self.backend_pid.to_be_bytes());
        message.extend(&*self.key);
        message
    }
}

/// The key is a secret: whoever has it can cancel.
impl fmt::Debug for CancelKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelKey")
            .field("address", &self.address)
            .field("backend_pid", &self.backend_pid)
            .finish_non_exhaustive()
    }
}
