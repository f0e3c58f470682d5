//! Looks after what is at work, and says who waits for what when nothing moves. An answer that will
//! not come is not waited for.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

use super::{Follow, Shared};
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::pg::activity;

/// Between two looks.
const LOOK_INTERVAL: Duration = Duration::from_secs(5);

/// Without a step for so long, somebody is told.
const STALL: Duration = Duration::from_secs(30);

/// How long a look may take.
const LOOK_PATIENCE: Duration = Duration::from_secs(20);

/// What whoever applies is doing.
#[derive(Debug, Default)]
pub(super) struct Doing {
    /// The session with the target.
    pub pid: AtomicI32,
    /// Steps made so far.
    pub steps: AtomicU64,
    /// There is nothing to do.
    pub is_idle: AtomicBool,
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
            shared.applying.goes_on();
            continue;
        }
        if since.elapsed() < fault::setting("STALL", STALL) {
            continue;
        }
        let waited = since.elapsed().as_secs();
        let pid = shared.doing.pid.load(Ordering::Relaxed);
        match timeout(LOOK_PATIENCE, look(follow, pid)).await {
            Ok(Ok(Some(found))) if !found.is_idle => {
                has_been_idle = false;
                let words = format!("session {pid} of the target {}", found.words);
                tracing::warn!("no change has been applied for {waited} s: {words}");
                shared.applying.waits_for(words.replace(" waits for ", ", which waits for "));
            }
            // It waits for us while we wait for it: twice seen, something is lost on the way.
            Ok(Ok(Some(_))) if !has_been_idle => has_been_idle = true,
            Ok(Ok(_)) => {
                let message = format!("the target has not answered for {waited} s");
                return Error::new(Kind::Target, message).transient();
            }
            Ok(Err(error)) => {
                tracing::warn!("no change has been applied for {waited} s: {error}");
                shared.applying.waits_for("the target, which cannot be asked");
            }
            Err(_) => {
                tracing::warn!(
                    "no change has been applied for {waited} s, and the target does not answer"
                );
                shared.applying.waits_for("the target, which does not answer");
            }
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
