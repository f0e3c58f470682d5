//! How often something is tried again that has lost its connection, and after which pauses. Steps are
//! tried again this way, and what comes before the first of them.

use std::time::{Duration, Instant};

use backon::BackoffBuilder;

use super::control::OUTAGE_S;
use crate::error::{Error, Result};
use crate::stop::Stop;
use crate::tools::child::stopped;

/// Tries of something that loses its connection again and again, the first one included. Time when a
/// server cannot be reached at all is limited by [`OUTAGE_S`] instead.
const ATTEMPTS_MAX: usize = 10;

/// The longest pause between two tries.
const PAUSE_MAX_S: u64 = 10;

/// What is left of the patience with something that is tried again and again.
#[derive(Debug)]
pub struct Patience {
    pauses: backon::ExponentialBackoff,
    attempts: usize,
    unreachable_since: Option<Instant>,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { pauses: pauses(), attempts: 0, unreachable_since: None }
    }
}

impl Patience {
    /// How long to wait before another try; `None` where there were enough. `reached` says whether
    /// the one that has just failed had all its sessions.
    pub fn pause(&mut self, reached: bool) -> Option<Duration> {
        if reached {
            self.attempts += 1;
            self.unreachable_since = None;
            if self.attempts == 1 {
                self.pauses = pauses();
            }
        }
        let since = *self.unreachable_since.get_or_insert_with(Instant::now);
        let goes_on =
            self.attempts < ATTEMPTS_MAX && since.elapsed() < Duration::from_secs(OUTAGE_S);
        goes_on.then(|| self.pauses.next().unwrap_or(Duration::from_secs(PAUSE_MAX_S)))
    }

    /// Waits before another try to do something, or gives back why there is none: the error, where it
    /// is not the loss of a connection or there were enough tries, or that we were asked to stop.
    pub async fn wait(
        &mut self,
        reached: bool,
        error: Error,
        doing: &str,
        stop: &Stop,
    ) -> Result<()> {
        let pause = match self.pause(reached) {
            Some(pause) if error.is_transient() => pause,
            _ => return Err(error),
        };
        tracing::warn!("trying to {doing} again in {} ms: {error}", pause.as_millis());
        if let Some(detail) = error.detail_text() {
            tracing::warn!("the reason was: {detail}");
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => Ok(()),
            () = stop.requested() => Err(stopped()),
        }
    }

    /// Whether any try had all its sessions.
    pub fn has_reached(&self) -> bool {
        self.attempts > 0
    }
}

/// Pauses between tries: longer each time, and not the same for all workers.
fn pauses() -> backon::ExponentialBackoff {
    backon::ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(200))
        .with_max_delay(Duration::from_secs(PAUSE_MAX_S))
        .without_max_times()
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_counted_when_the_servers_were_reached() {
        let mut patience = Patience::default();
        for _ in 0..100 {
            assert!(patience.pause(false).is_some());
        }
        assert!(!patience.has_reached());
        for _ in 1..ATTEMPTS_MAX {
            assert!(patience.pause(true).is_some_and(|pause| pause >= Duration::from_millis(200)));
        }
        assert!(patience.has_reached());
        assert_eq!(patience.pause(true), None);
        assert_eq!(patience.pause(false), None);
    }
}
