//! The wish to stop: made by a signal or by a failure that ends the run, heard by every wait.

use tokio_util::sync::CancellationToken;

/// Two levels of wanting to stop. Clones share the wish.
#[derive(Clone, Debug, Default)]
pub struct Stop {
    soon: CancellationToken,
    now: CancellationToken,
}

impl Stop {
    /// Nobody wants to stop yet.
    pub fn new() -> Stop {
        Stop::default()
    }

    /// Asks everybody to stop: no new work, what runs on a server is cancelled.
    pub fn request(&self) {
        self.soon.cancel();
    }

    /// Asks everybody to stop without waiting for anything.
    pub fn request_now(&self) {
        self.soon.cancel();
        self.now.cancel();
    }

    /// Whether somebody wants to stop.
    pub fn is_requested(&self) -> bool {
        self.soon.is_cancelled()
    }

    /// Waits for the wish to stop.
    pub async fn requested(&self) {
        self.soon.cancelled().await
    }

    /// Waits for the wish to stop without waiting for anything.
    pub async fn requested_now(&self) {
        self.now.cancelled().await
    }
}
