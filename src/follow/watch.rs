//! Looks after what is at work, and says how it goes: how far things are every now and then, and who
//! waits for what when nothing moves. An answer that will not come is not waited for.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::{Instant, sleep, timeout};

use super::{Follow, Shared, Watermarks};
use crate::error::{Error, Kind, Result};
use crate::model::Lsn;
use crate::pg::activity;

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Without a step for so long, somebody is told.
const STALL: Duration = Duration::from_secs(30);

/// How long a look may take.
const LOOK_PATIENCE: Duration = Duration::from_secs(20);

/// Between two lines about how far things are.
const TELL_INTERVAL: Duration = Duration::from_secs(30);

/// Microseconds from 1970 to 2000.
const EPOCH_OFFSET_US: i64 = 946_684_800_000_000;

/// What whoever applies is doing.
#[derive(Debug, Default)]
pub(super) struct Doing {
    /// The session with the target.
    pub pid: AtomicI32,
    /// Steps made so far.
    pub steps: AtomicU64,
    /// There is nothing to do.
    pub is_idle: AtomicBool,
    /// When the last transaction that is on the target was committed on the source; 0 if unknown.
    pub committed_at: AtomicI64,
}

impl Doing {
    /// Something was done.
    pub fn step(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }
}

/// Watches the session with the target until it has to be given up.
pub(super) async fn target(follow: &Follow, shared: &Shared) -> Error {
    let mut last = shared.doing.steps.load(Ordering::Relaxed);
    let mut since = Instant::now();
    let mut has_been_idle = false;
    loop {
        sleep(LOOK_INTERVAL).await;
        let steps = shared.doing.steps.load(Ordering::Relaxed);
        if steps != last || shared.doing.is_idle.load(Ordering::Relaxed) {
            (last, since, has_been_idle) = (steps, Instant::now(), false);
            continue;
        }
        if since.elapsed() < STALL {
            continue;
        }
        let waited = since.elapsed().as_secs();
        let pid = shared.doing.pid.load(Ordering::Relaxed);
        match timeout(LOOK_PATIENCE, look(follow, pid)).await {
            Ok(Ok(Some(found))) if !found.is_idle => {
                has_been_idle = false;
                tracing::warn!(
                    "no change has been applied for {waited} s: session {pid} of the target {}",
                    found.words
                );
            }
            // It waits for us while we wait for it: twice seen, something is lost on the way.
            Ok(Ok(Some(_))) if !has_been_idle => has_been_idle = true,
            Ok(Ok(_)) => {
                let message = format!("the target has not answered for {waited} s");
                return Error::new(Kind::Target, message).transient();
            }
            Ok(Err(error)) => {
                tracing::warn!("no change has been applied for {waited} s: {error}");
            }
            Err(_) => tracing::warn!(
                "no change has been applied for {waited} s, and the target does not answer"
            ),
        }
        if since.elapsed() > super::RECONNECT_PATIENCE && pid == 0 {
            return Error::new(Kind::Target, "the target does not answer").transient();
        }
    }
}

async fn look(follow: &Follow, pid: i32) -> Result<Option<activity::Activity>> {
    let Some(endpoint) = &follow.target else { return Ok(None) };
    let mut session = endpoint.open("watch").await?;
    let found = activity::of(&mut session, pid).await;
    session.close().await;
    found
}

/// How things go, for a line now and then.
#[derive(Debug)]
pub(super) struct Meter {
    told: Instant,
    marks: Watermarks,
}

impl Meter {
    pub fn new(marks: Watermarks) -> Meter {
        Meter { told: Instant::now(), marks }
    }

    /// Tells how far things are, if it is time.
    pub fn tell(&mut self, marks: Watermarks, doing: &Doing) {
        let elapsed = self.told.elapsed();
        if elapsed < TELL_INTERVAL {
            return;
        }
        let is_behind = marks.applied() < marks.complete();
        if marks != self.marks || is_behind {
            let rate = |now: Lsn, before: Lsn| match before.some() {
                Some(before) => now.0.saturating_sub(before.0) as f64 / elapsed.as_secs_f64(),
                None => 0.0,
            };
            let megabytes = |bytes: f64| bytes / f64::from(1 << 20);
            tracing::info!(
                "received {} ({:.1} MB/s), stored {}, applied {} ({:.1} MB/s); {:.1} MB{} to apply",
                marks.received(),
                megabytes(rate(marks.received(), self.marks.received())),
                marks.complete(),
                marks.applied(),
                megabytes(rate(marks.applied(), self.marks.applied())),
                megabytes(marks.complete().0.saturating_sub(marks.applied().0) as f64),
                lag(doing, is_behind),
            );
        }
        *self = Meter::new(marks);
    }
}

/// How old what was applied last is, while there is more.
fn lag(doing: &Doing, is_behind: bool) -> String {
    let committed_at = doing.committed_at.load(Ordering::Relaxed);
    if !is_behind || committed_at == 0 {
        return String::new();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now = i64::try_from(now.as_micros()).unwrap_or(0) - EPOCH_OFFSET_US;
    format!(", {:.0} s behind,", (now - committed_at).max(0) as f64 / 1e6)
}
