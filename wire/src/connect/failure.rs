//! Why one attempt to reach a server failed, and what that means for further attempts.

use std::time::Duration;

use crate::error::{Error, ServerError};
use crate::tls::tls_reason;

/// A failed attempt.
#[derive(Debug)]
pub(crate) struct Failure {
    pub kind: FailureKind,
    /// In words, without the name of the server.
    pub reason: String,
    /// What the server said, if it did.
    pub server: Option<Box<ServerError>>,
}

/// How far the attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FailureKind {
    /// No connection, or it broke, or it took too long.
    Unreachable,
    /// No TLS although we wanted it.
    Tls,
    /// The connection broke while TLS was being set up.
    TlsLost,
    /// The server would not have us, before it let us in.
    Rejected,
    /// The server let us in and then gave up.
    Ended,
    /// We would not have the server; trying again does not help.
    Refused,
    /// Not the kind of server that `target_session_attrs` asks for.
    Unfit,
}

impl Failure {
    pub(crate) fn new(kind: FailureKind, reason: impl Into<String>) -> Failure {
        Failure { kind, reason: reason.into(), server: None }
    }

    pub(crate) fn refused(reason: impl Into<String>) -> Failure {
        Failure::new(FailureKind::Refused, reason)
    }

    pub(crate) fn timeout(after: Duration) -> Failure {
        let reason = format!("no answer within {} s (see connect_timeout)", after.as_secs());
        Failure::new(FailureKind::Unreachable, reason)
    }

    pub(crate) fn server(kind: FailureKind, error: ServerError) -> Failure {
        let mut reason = error.to_string();
        for (label, text) in [("DETAIL", &error.detail), ("HINT", &error.hint)] {
            if let Some(text) = text {
                reason.push_str(&format!("; {label}: {text}"));
            }
        }
        Failure { kind, reason, server: Some(Box::new(error)) }
    }

    /// Whether it is worth asking the next host of the list. As in libpq: yes if this one cannot
    /// be reached, is starting or is of the wrong kind; a wrong password is wrong everywhere.
    pub(crate) fn asks_next_host(&self) -> bool {
        match self.kind {
            FailureKind::Unreachable | FailureKind::TlsLost | FailureKind::Unfit => true,
            FailureKind::Rejected | FailureKind::Ended => self.code() == Some("57P03"),
            FailureKind::Tls | FailureKind::Refused => false,
        }
    }

    /// Whether the server's answer may depend on TLS being used.
    pub(crate) fn may_hang_on_tls(&self) -> bool {
        match self.kind {
            FailureKind::Tls | FailureKind::TlsLost => true,
            // Class 57 and 53: nobody is let in now, whether with TLS or without.
            FailureKind::Rejected => {
                !self.code().is_some_and(|code| code.starts_with("57") || code.starts_with("53"))
            }
            FailureKind::Unreachable
            | FailureKind::Ended
            | FailureKind::Refused
            | FailureKind::Unfit => false,
        }
    }

    /// Whether trying again later may help.
    pub(crate) fn is_transient(&self) -> bool {
        match self.kind {
            FailureKind::Unreachable | FailureKind::TlsLost | FailureKind::Unfit => true,
            FailureKind::Rejected | FailureKind::Ended => match &self.server {
                Some(error) => Error::Server(error.clone()).is_transient(),
                None => true,
            },
            FailureKind::Tls | FailureKind::Refused => false,
        }
    }

    fn code(&self) -> Option<&str> {
        self.server.as_ref().map(|error| error.code.as_str())
    }

    /// The error for a single server.
    pub(crate) fn into_error(self, target: String) -> Error {
        let transient = self.is_transient();
        Error::Connect { target, reason: self.reason, transient, server: self.server }
    }
}

/// An error of the layers below, before a session exists.
impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        match error {
            Error::Lost(error) => Failure::from(error),
            Error::Server(error) => Failure::server(FailureKind::Rejected, *error),
            Error::Protocol(_) => {
                Failure::refused(format!("{error}; is this a PostgreSQL server?"))
            }
            Error::Timeout { .. } => Failure::new(FailureKind::Unreachable, error.to_string()),
            Error::Connect { .. } | Error::Conninfo(_) | Error::Unsupported(_) => {
                Failure::refused(error.to_string())
            }
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Failure {
        match tls_reason(&error) {
            // Under TLS 1.3 the server refuses our certificate when we think that all is done.
            Some(reason) => Failure::new(FailureKind::Tls, reason),
            None => Failure::new(FailureKind::Unreachable, error.to_string()),
        }
    }
}
