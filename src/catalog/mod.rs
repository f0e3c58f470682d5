//! The catalog: a run's own memory, an SQLite file. What the directory is for, what was found on
//! the source, what was done and how long it took. It decides nothing: what the target has is the
//! ledger's to say.
//!
//! One thread owns the file (see `writer`). Records are sent to it and not waited for; questions
//! are answered after every record that was sent before them. Whoever ends the program calls
//! `flush` first.

mod completion;
mod error;
mod file;
mod follow_task;
mod history;
mod inventory;
mod json;
mod progress;
mod record;
mod rows;
mod sentinel;
mod setup;
mod summary;
mod timing;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::{mpsc, oneshot};

use crate::error::{Error, Kind, Result};

use error::{Failure, explain};
pub use progress::RunningStep;
pub use record::{StepOutcome, StepStart};
pub use sentinel::{SentinelChange, no_sentinel};
pub use setup::{Bound, Consistency, Setup};
use writer::{Job, Note};

/// A handle to the catalog; clones share the file, which is closed when the last one is dropped.
#[derive(Clone, Debug)]
pub struct Catalog {
    path: Arc<PathBuf>,
    jobs: mpsc::Sender<Job>,
    failure: Arc<Failure>,
}

impl Catalog {
    /// Opens the catalog for a run; it is made if it is missing.
    pub async fn open(path: &Path) -> Result<Catalog> {
        Catalog::start(path, file::open).await
    }

    /// Opens a catalog that exists, to read it, possibly while a run writes to it.
    pub async fn read_only(path: &Path) -> Result<Catalog> {
        Catalog::start(path, file::open_read_only).await
    }

    async fn start(path: &Path, open: fn(&Path) -> Result<Connection>) -> Result<Catalog> {
        let failure = Arc::new(Failure::default());
        let (jobs, inbox) = mpsc::channel(writer::JOBS_MAX);
        let (opened, outcome) = oneshot::channel();
        let catalog = Catalog { path: Arc::new(path.to_owned()), jobs, failure: failure.clone() };
        let path = catalog.path.clone();
        let thread = std::thread::Builder::new().name("catalog".to_owned());
        thread.spawn(move || match open(&path) {
            Ok(connection) => {
                // Nobody listens any more when the one who opened it gave up.
                let _ = opened.send(Ok(()));
                writer::serve(connection, inbox, &failure, &path);
            }
            Err(error) => {
                let _ = opened.send(Err(error));
            }
        })?;
        match outcome.await {
            Ok(opened) => opened.map(|()| catalog),
            Err(_) => Err(catalog.ended()),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Waits until everything sent before is durable.
    pub async fn flush(&self) -> Result<()> {
        self.ask("could not write the catalog", |_| Ok(())).await
    }

    /// Sends a record; waits only when the thread is far behind.
    async fn note(&self, note: Note) -> Result<()> {
        self.jobs.send(Job::Note(note)).await.map_err(|_| self.ended())
    }

    /// Reads something, all of it as it is at one moment.
    async fn read<T: Send + 'static>(
        &self,
        doing: &'static str,
        question: impl FnOnce(&Transaction) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ask(doing, |connection| question(&connection.transaction()?)).await
    }

    /// Writes something, all of it or nothing; it is durable afterwards.
    async fn write<T: Send + 'static>(
        &self,
        doing: &'static str,
        change: impl FnOnce(&Transaction) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        self.ask(doing, |connection| {
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let answer = change(&transaction)?;
            transaction.commit()?;
            Ok(answer)
        })
        .await
    }

    async fn ask<T: Send + 'static>(
        &self,
        doing: &'static str,
        question: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T> {
        let (reply, answer) = oneshot::channel();
        let job = Job::Ask(Box::new(move |connection| {
            // Nobody listens any more when the one who asked was stopped.
            let _ = reply.send(question(connection));
        }));
        self.jobs.send(job).await.map_err(|_| self.ended())?;
        match answer.await {
            Ok(answer) => answer.map_err(|cause| explain(doing, &self.path, &cause)),
            Err(_) => Err(self.ended()),
        }
    }

    /// Why the thread no longer takes jobs.
    fn ended(&self) -> Error {
        self.failure.error().unwrap_or_else(|| {
            Error::new(
                Kind::Internal,
                format!("the writer of the catalog \"{}\" has ended", self.path.display()),
            )
        })
    }
}

#[cfg(test)]
mod tests;
