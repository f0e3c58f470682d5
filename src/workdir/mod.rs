//! The work directory: where it is, who may use it, what a run leaves in it. Everything inside is
//! named relative to the directory, so it may be moved between runs. It is private: other users
//! cannot read it, and a directory that others could have prepared for us is refused.

mod clear;
mod error;
mod files;
mod lock;
mod private;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};

use error::failed;
pub use files::Files;
use lock::Lock;

/// What a command wants of the work directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// To own it for a run: it is made if it is missing, and nobody else may run in it.
    Run,
    /// To run a service in it, beside a run or alone.
    Serve(Service),
    /// To look at what is there: it must exist, and a run may be using it.
    Inspect,
}

/// A service that may run beside the main run, one of each kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Keeps a snapshot alive.
    Snapshot,
    /// Receives changes.
    Receive,
    /// Applies changes.
    Apply,
}

impl Service {
    const ALL: [Service; 3] = [Service::Snapshot, Service::Receive, Service::Apply];

    fn lock_file(self) -> &'static str {
        match self {
            Service::Snapshot => "pgcopydb.snapshot.pid",
            Service::Receive => "pgcopydb.receive.pid",
            Service::Apply => "pgcopydb.apply.pid",
        }
    }
}

/// The lock file of the main run.
const MAIN_LOCK_FILE: &str = "pgcopydb.pid";

/// An open work directory; as long as it lives, so does the lock.
#[derive(Debug)]
pub struct WorkDir {
    files: Files,
    was_used: bool,
    _lock: Option<Lock>,
}

impl WorkDir {
    /// Opens the directory that was named, or the default one: `${TMPDIR:-/tmp}/pgcopydb`.
    pub fn open(directory: Option<&Path>, mode: Mode) -> Result<WorkDir> {
        let root = match directory {
            Some(directory) => directory.to_owned(),
            None => default_directory(std::env::var_os("TMPDIR")),
        };
        let root = std::path::absolute(&root)
            .map_err(|cause| failed("could not find the work directory", &root, cause))?;
        let files = Files::new(root);
        let lock_file = match mode {
            Mode::Run => MAIN_LOCK_FILE,
            Mode::Serve(service) => service.lock_file(),
            Mode::Inspect => {
                if !private::exists(files.root())? {
                    return Err(missing(files.root()));
                }
                private::check(files.root())?;
                return Ok(WorkDir { files, was_used: true, _lock: None });
            }
        };
        private::create(files.root())?;
        private::check(files.root())?;
        let was_used = was_used(&files);
        let lock = Lock::acquire(&files.root().join(lock_file))?;
        files.make_directory("schema")?;
        Ok(WorkDir { files, was_used, _lock: Some(lock) })
    }

    /// The files in it.
    pub fn files(&self) -> &Files {
        &self.files
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.files.root()
    }

    /// Whether a run or a service has been here before.
    pub fn was_used(&self) -> bool {
        self.was_used
    }

    /// Removes what an earlier run left, and nothing else: the snapshot of a living service stays,
    /// and so do files this program does not know.
    pub fn clear(&self) -> Result<()> {
        let root = self.files.root();
        if !self.was_used && clear::has_leftovers(root) {
            // Without our lock file the next try finds the directory as we found it.
            let _ = std::fs::remove_file(root.join(MAIN_LOCK_FILE));
            let message =
                format!("cannot clear \"{}\": it is not a work directory", root.display());
            return Err(Error::new(Kind::State, message)
                .detail("It has files, but neither a lock file nor a catalog.")
                .hint("Name another directory with --dir, or remove what is in this one."));
        }
        for service in [Service::Receive, Service::Apply] {
            if self.is_alive(service)? {
                let message = format!("cannot clear \"{}\": it is in use", root.display());
                return Err(Error::new(Kind::State, message)
                    .detail(format!("The lock on \"{}\" is held.", service.lock_file()))
                    .hint("End that command, then try again."));
            }
        }
        clear::clear(root)?;
        if !self.is_alive(Service::Snapshot)? {
            clear::clear_snapshot(root)?;
        }
        self.files.make_directory("schema")
    }

    fn is_alive(&self, service: Service) -> Result<bool> {
        Lock::is_held(&self.files.root().join(service.lock_file()))
    }
}

/// The directory of those who name none.
fn default_directory(temporary: Option<OsString>) -> PathBuf {
    let temporary = temporary.filter(|directory| !directory.is_empty());
    temporary.map_or_else(|| PathBuf::from("/tmp"), PathBuf::from).join("pgcopydb")
}

/// Whether a run has been here before: asked before this one leaves its own traces.
fn was_used(files: &Files) -> bool {
    let locks = Service::ALL.map(Service::lock_file);
    let traces = locks.into_iter().chain([MAIN_LOCK_FILE]).map(|name| files.root().join(name));
    traces.chain([files.source_catalog()]).any(|path| path.is_file())
}

fn missing(root: &Path) -> Error {
    // The published exit code is another than that of a directory in the wrong state.
    Error::new(Kind::Internal, format!("work directory \"{}\" does not exist", root.display()))
        .hint("Name the directory of a run with --dir.")
}

#[cfg(test)]
mod tests;
