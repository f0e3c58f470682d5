//! What the runs of one command share: how many workers may be at work at the same time, whatever
//! the database they work for, and the place where progress is shown.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::capacity;
use crate::model::Jobs;
use crate::plan::Pool;
use crate::report::progress::{Progress, Totals};

/// The workers of a command, and what they show.
#[derive(Debug)]
pub struct Crew {
    pools: HashMap<Pool, Arc<Semaphore>>,
    /// Counts the places that have become free.
    freed: watch::Sender<u64>,
    show: Mutex<Show>,
    is_shared: bool,
    /// Held by the one that wakes the WAL writer: a server has one.
    waking: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Show {
    progress: Option<Progress>,
    runs: usize,
}

/// A place in a pool, taken for as long as the value lives.
#[derive(Debug)]
pub struct Place {
    crew: Arc<Crew>,
    permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.permit.take();
        self.crew.freed.send_modify(|count| *count += 1);
    }
}

impl Crew {
    /// The workers of a command that copies one database, or `databases` of them side by side.
    pub fn new(jobs: Jobs, databases: usize) -> Arc<Crew> {
        let pools = capacity::seats(jobs).map(|(pool, count, _)| {
            let places = match pool {
                // What these do is short, and about locks within one database.
                Pool::Schema => databases.max(1),
                _ => usize::from(count),
            };
            (pool, Arc::new(Semaphore::new(places)))
        });
        let (freed, _) = watch::channel(0);
        let is_shared = databases > 1;
        Arc::new(Crew {
            pools: pools.into(),
            freed,
            show: Mutex::default(),
            is_shared,
            waking: tokio::sync::Mutex::default(),
        })
    }

    /// Whether several databases are copied.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// Waits for its turn to wake the WAL writer.
    pub async fn waking(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.waking.lock().await
    }

    /// Takes a place, if one is free.
    pub fn take(self: &Arc<Crew>, pool: Pool) -> Option<Place> {
        let permit = self.pools[&pool].clone().try_acquire_owned().ok()?;
        Some(Place { crew: self.clone(), permit: Some(permit) })
    }

    /// How many places of a pool are free.
    pub fn free(&self, pool: Pool) -> usize {
        self.pools[&pool].available_permits()
    }

    /// Tells when places become free.
    pub fn freed(&self) -> watch::Receiver<u64> {
        self.freed.subscribe()
    }

    /// A run begins to show how far it is.
    pub fn begin(&self, totals: Totals) {
        let mut show = self.show.lock().unwrap_or_else(PoisonError::into_inner);
        show.runs += 1;
        match &mut show.progress {
            Some(progress) => progress.add(totals),
            None => show.progress = Some(Progress::start(totals)),
        }
    }

    /// Shows something.
    pub fn show(&self, what: impl FnOnce(&mut Progress)) {
        let mut show = self.show.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(progress) = &mut show.progress {
            what(progress);
        }
    }

    /// A run has nothing more to show.
    pub fn end(&self) {
        let mut show = self.show.lock().unwrap_or_else(PoisonError::into_inner);
        show.runs = show.runs.saturating_sub(1);
        if show.runs == 0 {
            show.progress = None;
        }
    }
}
