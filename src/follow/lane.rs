//! A thread of its own for the task that receives. The source sends every row by itself, and each
//! wakes a thread of the runtime that waits for any connection at all, whoever reads that one: this
//! costs both sides more than the rows do. A thread that has nobody else to serve can sleep while
//! they gather.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use super::receive::{self, AtEndpos};
use super::{Follow, Shared};
use crate::error::{Error, Kind, Result};

/// How long an end may take: a file is being written.
const END_PATIENCE: Duration = Duration::from_secs(5);

/// Receives until the end position, or until stopped. Whoever does not wait for it any more ends it.
pub(super) async fn receive(follow: &Follow, shared: &Arc<Shared>, at_end: AtEndpos) -> Result<()> {
    let failed = |cause: std::io::Error| {
        Error::new(Kind::Internal, format!("could not begin to receive: {cause}"))
    };
    let (follow, shared) = (follow.clone(), shared.clone());
    let dropped = CancellationToken::new();
    let _guard = dropped.clone().drop_guard();
    let (tell, told) = oneshot::channel();
    let span = tracing::Span::current();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(failed)?;
    let work = move || {
        let receiving = receive::receive(&follow, &shared, at_end).instrument(span);
        let ended = runtime.block_on(async {
            tokio::select! {
                ended = receiving => ended,
                () = dropped.cancelled() => Ok(()),
            }
        });
        // Whoever has gone needs no answer.
        let _ = tell.send(ended);
        runtime.shutdown_timeout(END_PATIENCE);
    };
    std::thread::Builder::new().name("receive".to_owned()).spawn(work).map_err(failed)?;
    let ended = told.await;
    ended.unwrap_or_else(|_| Err(Error::new(Kind::Internal, "the thread that receives has died")))
}
