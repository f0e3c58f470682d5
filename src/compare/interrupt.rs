//! Work on both servers that ends when somebody asks us to stop.

use std::future::Future;
use std::time::Duration;

use pgcopydb_wire::CancelKey;

use crate::error::Result;
use crate::stop::Stop;
use crate::tools::child::stopped;

/// How long stopped statements may take to answer their cancel requests.
const CANCEL_ANSWER_MS: u64 = 1_000;

/// Does some work; on the wish to stop cancels what both sessions are doing, and fails.
pub async fn unless_stopped<T>(
    stop: &Stop,
    keys: [CancelKey; 2],
    work: impl Future<Output = Result<T>>,
) -> Result<T> {
    if stop.is_requested() {
        return Err(stopped());
    }
    tokio::pin!(work);
    tokio::select! {
        result = &mut work => result,
        () = stop.requested() => {
            // Failing to cancel is no trouble of its own: the sessions are closed next.
            let [source, target] = &keys;
            let _ = tokio::join!(source.cancel(), target.cancel());
            let _ = tokio::time::timeout(Duration::from_millis(CANCEL_ANSWER_MS), work).await;
            Err(stopped())
        }
    }
}
