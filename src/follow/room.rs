//! Room on our disk: applied files are removed, and where a limit is set the source waits.

use std::path::PathBuf;
use std::time::Duration;

use super::blocking;
use super::receive::Session;
use crate::changes::{self, Removal, Writer};
use crate::error::{Error, Result};
use crate::model::Lsn;

/// Bytes that come in before the size of the store is looked at again.
const LOOK_BYTES: u64 = 16 << 20;

/// Between two looks for room.
const PAUSE: Duration = Duration::from_millis(500);

/// Removes what is applied.
pub(super) async fn prune(directory: PathBuf, applied: Lsn) -> Result<()> {
    let (files, bytes) =
        blocking(move || changes::prune(&directory, applied, Removal::Done)).await?;
    if files > 0 {
        let megabytes = bytes >> 20;
        tracing::info!(
            "removed {files} files of applied changes, {megabytes} MB (up to {applied})"
        );
    }
    Ok(())
}

impl Session<'_> {
    /// Waits while the store is full. A transaction is never cut, and where nothing waits to be
    /// applied there is nothing to wait for.
    pub(super) async fn wait_for_room(&mut self) -> Result<()> {
        let Some(limit) = self.follow.settings.max_store_size else { return Ok(()) };
        if self.appended < LOOK_BYTES.min(limit / 8) {
            return Ok(());
        }
        self.appended = 0;
        let mut has_told = false;
        loop {
            let look = |writer: &mut Writer| Ok((writer.bytes()?, writer.last()));
            let (bytes, last) = self.store.run(look).await?;
            if bytes < limit {
                break;
            }
            prune(self.follow.directory.clone(), self.shared.marks().applied()).await?;
            let is_over = self.follow.stop.is_requested() || self.shared.finished.is_cancelled();
            // What is stored may reach further than the last transaction, what is applied does not.
            if self.shared.marks().applied() >= last || is_over {
                break;
            }
            if !has_told {
                has_told = true;
                let room = "room: the store is full until changes are applied (--max-store-size)";
                self.shared.receiving.waits_for(room);
                tracing::warn!(
                    "{} MB of changes wait to be applied, no more are received until then \
                     (--max-store-size); the source keeps them",
                    bytes >> 20
                );
            }
            self.report(false);
            let sent = self.stream.send().await;
            sent.map_err(|error| Error::source("could not report to the source", error))?;
            tokio::time::sleep(PAUSE).await;
        }
        self.shared.receiving.goes_on();
        Ok(())
    }
}
