//! `pgcopydb snapshot`: exports a snapshot and keeps it for others until it is stopped.

use crate::cli::SnapshotRequest;
use crate::error::Result;
use crate::pg::snapshot::Snapshot;
use crate::pg::{Endpoint, Side};
use crate::stop::Stop;
use crate::workdir::{Mode, Service, WorkDir};

/// Prints the snapshot's identifier alone on standard output, then waits.
pub async fn snapshot(request: SnapshotRequest, stop: &Stop) -> Result<()> {
    let source = Endpoint::parse(Side::Source, &request.source)?;
    let workdir = WorkDir::open(request.directory.as_deref(), Mode::Serve(Service::Snapshot))?;
    let mut snapshot = tokio::select! {
        snapshot = Snapshot::export(&source) => snapshot?,
        () = stop.requested() => return Ok(()),
    };
    let id = snapshot.id.clone().unwrap_or_default();
    let files = workdir.files();
    files.write(&files.snapshot(), format!("{id}\n").as_bytes())?;
    crate::report::print(&format!("{id}\n"));
    let ended = tokio::select! {
        () = stop.requested() => {
            tracing::info!("Asked to terminate, the snapshot is no longer kept");
            Ok(())
        }
        error = snapshot.lost() => Err(error),
    };
    // Without its holder the snapshot is gone: nobody must find its name.
    let removed = std::fs::remove_file(files.snapshot());
    ended.and(removed.map_err(Into::into))
}
