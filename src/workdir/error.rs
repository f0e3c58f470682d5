//! What the operating system says about files, in words that help.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::Path;

use crate::error::{Error, Kind};

/// An error of the operating system about a file or directory.
pub(super) fn failed(doing: impl fmt::Display, path: &Path, cause: io::Error) -> Error {
    let error = Error::new(Kind::State, format!("{doing} \"{}\": {cause}", path.display()));
    match cause.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            error.hint("Make room on that file system, or name a directory on another with --dir.")
        }
        ErrorKind::ReadOnlyFilesystem | ErrorKind::PermissionDenied => {
            error.hint("Name a directory that this user can write to with --dir.")
        }
        _ => error,
    }
}
