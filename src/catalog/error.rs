//! What SQLite says, in words that help; and the failure that ended the writer.

use std::path::Path;
use std::sync::OnceLock;

use rusqlite::ErrorCode;

use crate::error::{Error, Kind};

/// What to do about a catalog that cannot be used.
pub(super) const START_OVER: &str =
    "Start over with --restart, or name another directory with --dir.";

/// An error of SQLite.
pub(super) fn explain(doing: &str, path: &Path, cause: &rusqlite::Error) -> Error {
    let error = |kind| Error::new(kind, format!("{doing}: {cause}"));
    let of_file =
        || error(Kind::State).detail(format!("The catalog is the file \"{}\".", path.display()));
    let Some(code) = cause.sqlite_error_code() else {
        return match cause {
            rusqlite::Error::FromSqlConversionFailure(..)
            | rusqlite::Error::InvalidColumnType(..)
            | rusqlite::Error::IntegralValueOutOfRange(..) => of_file().hint(START_OVER),
            _ => error(Kind::Internal),
        };
    };
    match code {
        ErrorCode::DiskFull => of_file()
            .hint("Make room on that file system, or name a directory on another with --dir."),
        // A quota that is used up looks like a broken disk to SQLite.
        ErrorCode::SystemIoFailure => of_file().hint(
            "Look at that file system's state and quota, or name a directory on another with --dir.",
        ),
        ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen => {
            of_file().hint("Name a directory that this user can write to with --dir.")
        }
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
            of_file().hint("Another program holds a lock on it: end that program, then try again.")
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => of_file().hint(START_OVER),
        _ => error(Kind::Internal),
    }
}

/// The failure that ended the writer, told to everybody who comes later.
#[derive(Debug, Default)]
pub(super) struct Failure(OnceLock<Told>);

#[derive(Debug)]
struct Told {
    kind: Kind,
    message: String,
    detail: Option<String>,
    hint: Option<String>,
}

impl Failure {
    /// Notes it; the first one counts.
    pub(super) fn set(&self, error: &Error) {
        self.0.get_or_init(|| Told {
            kind: error.kind(),
            message: error.message().to_owned(),
            detail: error.detail_text().map(str::to_owned),
            hint: error.hint_text().map(str::to_owned),
        });
    }

    /// The same error once more.
    pub(super) fn error(&self) -> Option<Error> {
        let told = self.0.get()?;
        let mut error = Error::new(told.kind, &told.message);
        if let Some(detail) = &told.detail {
            error = error.detail(detail);
        }
        if let Some(hint) = &told.hint {
            error = error.hint(hint);
        }
        Some(error)
    }
}
