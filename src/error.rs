//! One error for the program: what went wrong, why, and what to do.

use std::fmt;

/// The result of everything that can fail above the lowest floors.
pub type Result<T> = std::result::Result<T, Error>;

/// The class of an error; decides the exit code, which is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A wrong option, argument or input file.
    Arguments,
    /// The work directory, or the state of an earlier run, stands in the way.
    State,
    /// A program of PostgreSQL is missing or too old.
    Tools,
    /// The source server.
    Source,
    /// The target server.
    Target,
    /// Objects failed to be copied; each was reported on its own.
    Incomplete,
    /// Source and target are not the same.
    Different,
    /// The user asked us to stop.
    Stopped,
    /// Something else.
    Internal,
}

impl Kind {
    /// The exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Kind::Arguments => 1,
            Kind::State => 3,
            Kind::Tools => 5,
            Kind::Source => 6,
            Kind::Target => 7,
            Kind::Incomplete | Kind::Different | Kind::Stopped | Kind::Internal => 12,
        }
    }
}

/// What went wrong. `Display` is the message with its causes, on one line.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
    sqlstate: Option<String>,
    transient: bool,
    lost_snapshot: bool,
}

impl Error {
    /// An error with its message: lower case, no period, naming the object.
    pub fn new(kind: Kind, message: impl Into<String>) -> Error {
        Error {
            kind,
            message: message.into(),
            detail: None,
            hint: None,
            sqlstate: None,
            transient: false,
            lost_snapshot: false,
        }
    }

    /// An error of the source server: `doing` says what failed, as in "could not list tables".
    pub fn source(doing: impl fmt::Display, cause: pgcopydb_wire::Error) -> Error {
        Error::server(Kind::Source, "source", doing, cause)
    }

    /// An error of the target server.
    pub fn target(doing: impl fmt::Display, cause: pgcopydb_wire::Error) -> Error {
        Error::server(Kind::Target, "target", doing, cause)
    }

    fn server(
        kind: Kind,
        side: &str,
        doing: impl fmt::Display,
        cause: pgcopydb_wire::Error,
    ) -> Error {
        let mut error = Error::new(kind, format!("{doing} on the {side}: {cause}"));
        error.transient = cause.is_transient();
        error.sqlstate = cause.sqlstate().map(str::to_owned);
        if let pgcopydb_wire::Error::Server(server) = cause {
            error.detail = match (server.detail, server.context) {
                (Some(detail), Some(context)) => Some(format!("{detail} {context}")),
                (detail, context) => detail.or(context),
            };
            error.hint = server.hint;
        }
        error
    }

    /// Says more about the reason: a sentence.
    pub fn detail(mut self, detail: impl Into<String>) -> Error {
        self.detail = Some(detail.into());
        self
    }

    /// Says what to do: a sentence.
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hint = Some(hint.into());
        self
    }

    /// Says that the snapshot is gone: nothing more can be read as it was.
    pub fn that_lost_the_snapshot(mut self) -> Error {
        self.lost_snapshot = true;
        self.transient = false;
        self
    }

    /// Says that the same work may succeed a little later.
    pub fn transient(mut self) -> Error {
        self.transient = true;
        self
    }

    /// Puts what was being done in front of the message.
    pub fn during(mut self, doing: impl fmt::Display) -> Error {
        self.message = format!("{doing}: {}", self.message);
        self
    }

    /// The class.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The message without detail and hint.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// More about the reason.
    pub fn detail_text(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// What to do.
    pub fn hint_text(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The server's SQLSTATE.
    pub fn sqlstate(&self) -> Option<&str> {
        self.sqlstate.as_deref()
    }

    /// Whether the snapshot that rows are read in is gone.
    pub fn has_lost_snapshot(&self) -> bool {
        self.lost_snapshot
    }

    /// Whether the same work may succeed on a new connection.
    pub fn is_transient(&self) -> bool {
        self.transient
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Error {
        Error::new(Kind::Internal, error.to_string())
    }
}
