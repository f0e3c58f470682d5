//! What can go wrong between us and a server, one case per thing a caller does differently.

use std::fmt;
use std::time::Duration;

/// The result of everything that speaks to a server.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong on a connection.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server answered with an ErrorResponse; the session is still usable unless its severity
    /// is FATAL or PANIC.
    #[error("{0}")]
    Server(Box<ServerError>),
    /// The connection string, a service file, a password file or a certificate cannot be used.
    #[error("{0}")]
    Conninfo(String),
    /// No server was reached, or none would have us before a session existed.
    #[error("could not connect to {target}: {reason}")]
    Connect {
        /// Host and port (or socket) as the user would name it.
        target: String,
        /// The reason, in words.
        reason: String,
        /// Whether trying again later may help (refused, timed out), as opposed to a mistake.
        transient: bool,
        /// What the server said, if it spoke.
        server: Option<Box<ServerError>>,
    },
    /// An established connection broke.
    #[error("connection lost: {0}")]
    Lost(#[source] std::io::Error),
    /// The peer did not answer in time.
    #[error("no answer within {} s while {doing}", .after.as_secs())]
    Timeout {
        /// What was waited for.
        doing: &'static str,
        /// How long.
        after: Duration,
    },
    /// Bytes that no PostgreSQL server sends.
    #[error("protocol violation: {0}")]
    Protocol(String),
    /// Something we do not speak (GSSAPI, SSPI).
    #[error("{0}")]
    Unsupported(String),
}

impl Error {
    /// The SQLSTATE, when the server gave one.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Error::Server(error) | Error::Connect { server: Some(error), .. } => Some(&error.code),
            _ => None,
        }
    }

    /// Whether the same work may succeed on a new connection: the only place that decides about
    /// trying again (PostgreSQL documentation, appendix A "Error Codes").
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Lost(_) | Error::Timeout { .. } => true,
            Error::Connect { transient, .. } => *transient,
            Error::Server(error) => {
                let code = error.code.as_str();
                // Connection exceptions, operator intervention (shutdown, crash, cannot connect
                // now), too many connections, serialization failure and deadlock. A cancelled
                // query (57014) is somebody's wish and is not repeated.
                (code.starts_with("08") || code.starts_with("57P"))
                    || matches!(code, "53300" | "40001" | "40P01")
            }
            Error::Conninfo(_) | Error::Protocol(_) | Error::Unsupported(_) => false,
        }
    }

    /// Whether the session is gone with this error.
    pub fn is_closed(&self) -> bool {
        match self {
            Error::Server(error) => matches!(error.severity.as_str(), "FATAL" | "PANIC"),
            _ => true,
        }
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error::Lost(error)
    }
}

/// An ErrorResponse or NoticeResponse (PostgreSQL documentation, "Error and Notice Message
/// Fields").
#[derive(Debug, Clone, Default)]
pub struct ServerError {
    /// ERROR, FATAL, PANIC, WARNING, NOTICE, DEBUG, INFO or LOG, never translated.
    pub severity: String,
    /// The SQLSTATE.
    pub code: String,
    /// The primary message.
    pub message: String,
    /// DETAIL, when given.
    pub detail: Option<String>,
    /// HINT, when given.
    pub hint: Option<String>,
    /// Position in the statement text, 1-based, in characters.
    pub position: Option<usize>,
    /// Context in which the error happened, such as a PL/pgSQL call stack or a COPY line.
    pub context: Option<String>,
    /// Namespace of the object concerned.
    pub schema: Option<String>,
    /// Relation concerned.
    pub table: Option<String>,
    /// Constraint concerned.
    pub constraint: Option<String>,
}

impl ServerError {
    /// Reads the fields of an ErrorResponse or NoticeResponse body.
    pub fn parse(mut body: &[u8]) -> Result<ServerError> {
        let mut error = ServerError::default();
        loop {
            let (&field, rest) = body.split_first().ok_or_else(unterminated)?;
            if field == 0 {
                return Ok(error);
            }
            let end = rest.iter().position(|&byte| byte == 0).ok_or_else(unterminated)?;
            let value = String::from_utf8_lossy(&rest[..end]).into_owned();
            body = &rest[end + 1..];
            match field {
                // 'V' is the untranslated severity (9.6 and later) and comes after 'S'.
                b'S' if error.severity.is_empty() => error.severity = value,
                b'V' => error.severity = value,
                b'C' => error.code = value,
                b'M' => error.message = value,
                b'D' => error.detail = Some(value),
                b'H' => error.hint = Some(value),
                b'P' => error.position = value.parse().ok(),
                b'W' => error.context = Some(value),
                b's' => error.schema = Some(value),
                b't' => error.table = Some(value),
                b'n' => error.constraint = Some(value),
                _ => {}
            }
        }
    }
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} (SQLSTATE {})", self.severity, self.message, self.code)
    }
}

fn unterminated() -> Error {
    Error::Protocol("an error message of the server has no end".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_untranslated_severity_wins() {
        let error = ServerError::parse(b"SFEHLER\0VERROR\0C42P01\0Mno table\0P12\0\0").unwrap();
        assert_eq!(error.severity, "ERROR");
        assert_eq!(error.code, "42P01");
        assert_eq!(error.position, Some(12));
    }

    #[test]
    fn a_body_without_end_is_an_error() {
        for body in [&b""[..], b"S", b"SERROR", b"SERROR\0"] {
            assert!(ServerError::parse(body).is_err(), "{body:?}");
        }
    }
}
