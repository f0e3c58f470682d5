//! The change store: what was received from the source, on our disk until it is applied. SQLite
//! files in one directory, each from one position of the log to the next one's; a file that is
//! applied can be removed. The plugin's messages are kept as they came; those of a large transaction
//! that came while it ran are in a file beside them.
//!
//! Everything here blocks: callers keep it off the runtime's threads.

mod ahead;
mod aside;
mod begun;
mod file;
mod reader;
mod spool;
#[cfg(test)]
mod tests;
mod writer;

use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::model::Lsn;

pub use ahead::{Ahead, Fate, Partial};
pub use file::Owner;
pub use reader::{Item, Reader};
pub use writer::{Incoming, Writer};

/// The end of every file's name.
const SUFFIX: &str = "-output.db";

/// One file of the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFile {
    /// Where it is.
    pub path: PathBuf,
    /// It holds what was committed after this position.
    pub base: Lsn,
}

impl StoreFile {
    /// Bytes on disk, with what SQLite keeps beside it.
    pub fn bytes(&self) -> u64 {
        beside(&self.path).iter().filter_map(|path| path.metadata().ok()).map(|m| m.len()).sum()
    }
}

/// The files of a directory, in the order of the log.
pub fn files(directory: &Path) -> Result<Vec<StoreFile>> {
    named(directory, base_of)
}

/// The files of a directory whose names say a position.
fn named(directory: &Path, position: impl Fn(&str) -> Option<Lsn>) -> Result<Vec<StoreFile>> {
    let failed = |cause: std::io::Error| {
        let directory = directory.display();
        Error::new(Kind::State, format!("could not read directory \"{directory}\": {cause}"))
    };
    let entries = match std::fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(cause) => return Err(failed(cause)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.map_err(failed)?.path();
        let name = path.file_name().and_then(|name| name.to_str());
        if let Some(base) = name.and_then(&position) {
            files.push(StoreFile { path, base });
        }
    }
    files.sort_by_key(|file| file.base);
    Ok(files)
}

/// Removes the files whose content is applied, but never the last one. Gives back how many they
/// were and their bytes; with `Removal::Pretended` they stay.
pub fn prune(directory: &Path, applied: Lsn, removal: Removal) -> Result<(usize, u64)> {
    let files = files(directory)?;
    let asides = aside::files(directory)?;
    let is_applied = |pair: &&[StoreFile]| pair.last().is_some_and(|next| next.base <= applied);
    let count = files.windows(2).take_while(is_applied).count();
    let (old, kept) = files.split_at(count);
    // What is in a file of its own goes with the file that names it.
    let first = kept.first().map_or(Lsn::NONE, |file| file.base);
    let asides = asides.iter().filter(|aside| aside.base <= first);
    let bytes = old.iter().chain(asides.clone()).map(StoreFile::bytes).sum();
    if removal == Removal::Done {
        for file in old {
            beside(&file.path).iter().try_for_each(|path| remove(path))?;
        }
        asides.clone().try_for_each(|aside| remove(&aside.path))?;
    }
    Ok((count + asides.count(), bytes))
}

/// Removes a file that may be gone already.
fn remove(path: &Path) -> Result<()> {
    match std::fs::remove_file(path) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            let message = format!("could not remove \"{}\": {cause}", path.display());
            Err(Error::new(Kind::State, message))
        }
        _ => Ok(()),
    }
}

/// Whether files are removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Removal {
    /// They are.
    Done,
    /// They are only counted.
    Pretended,
}

/// A file and what SQLite keeps beside it; the file itself last, so that no remains are left when
/// this is interrupted.
fn beside(path: &Path) -> [PathBuf; 3] {
    ["-wal", "-shm", ""].map(|ending| {
        let mut path = path.as_os_str().to_owned();
        path.push(ending);
        PathBuf::from(path)
    })
}

fn file_name(timeline: u32, base: Lsn) -> String {
    format!("{timeline:08}-{:08X}-{:08X}{SUFFIX}", base.0 >> 32, base.0 & 0xFFFF_FFFF)
}

fn base_of(name: &str) -> Option<Lsn> {
    let mut parts = name.strip_suffix(SUFFIX)?.split('-');
    let (timeline, high, low) = (parts.next()?, parts.next()?, parts.next()?);
    timeline.parse::<u32>().ok()?;
    if parts.next().is_some() {
        return None;
    }
    format!("{high}/{low}").parse().ok()
}
