//! Locks of runs and services. A lock belongs to the open file, so it dies with its owner however
//! that dies; the process id in the file is there for people to read.

use std::fs::{File, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::error::{Error, Kind, Result};

use super::error::failed;
use super::private;

/// How much of a lock file is read: a process id and a version are shorter.
const CONTENT_BYTES_MAX: u64 = 256;

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock and leaves the process id and our version in the file.
    pub(super) fn acquire(path: &Path) -> Result<Lock> {
        loop {
            let mut file = private::open_file(path)?;
            match file.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(held(path, &mut file)),
                Err(TryLockError::Error(cause)) => {
                    return Err(failed("could not lock", path, cause));
                }
            }
            if !is_still_named(&file, path) {
                // Somebody removed it between our opening and locking it: what we hold protects
                // nothing.
                continue;
            }
            write_owner(&mut file).map_err(|cause| failed("could not write", path, cause))?;
            return Ok(Lock { _file: file });
        }
    }

    /// Whether somebody holds that lock.
    pub(super) fn is_held(path: &Path) -> Result<bool> {
        let file = match File::open(path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(false),
            Err(cause) => return Err(failed("could not open", path, cause)),
        };
        match file.try_lock_shared() {
            Ok(()) => Ok(false),
            Err(TryLockError::WouldBlock) => Ok(true),
            Err(TryLockError::Error(cause)) => Err(failed("could not lock", path, cause)),
        }
    }
}

fn is_still_named(file: &File, path: &Path) -> bool {
    match (file.metadata(), path.symlink_metadata()) {
        (Ok(opened), Ok(named)) => opened.dev() == named.dev() && opened.ino() == named.ino(),
        _ => false,
    }
}

fn write_owner(file: &mut File) -> std::io::Result<()> {
    file.set_len(0)?;
    file.rewind()?;
    write!(file, "{}\n{}\n", std::process::id(), env!("CARGO_PKG_VERSION"))
}

fn held(path: &Path, file: &mut File) -> Error {
    let mut content = String::new();
    // What cannot be read is not shown; the lock is held all the same.
    let _ = file.take(CONTENT_BYTES_MAX).read_to_string(&mut content);
    let pid = content.lines().next().and_then(|line| line.trim().parse::<u32>().ok());
    let (who, wait) = match pid {
        Some(pid) => {
            (format!("process {pid}"), format!("Wait for process {pid} to end, or end it"))
        }
        None => ("another process".to_owned(), "Wait for it to end".to_owned()),
    };
    let directory = path.parent().unwrap_or(path);
    Error::new(
        Kind::State,
        format!("the work directory \"{}\" is in use by {who}", directory.display()),
    )
    .detail(format!("The lock on \"{}\" is held.", path.display()))
    .hint(format!("{wait}, or name another directory with --dir."))
}
