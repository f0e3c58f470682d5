//! `pgcopydb snapshot`: exports a snapshot and keeps it for others until it is stopped.

use crate::catalog::Catalog;
use crate::cli::SnapshotRequest;
use crate::error::Result;
use crate::follow::setup;
use crate::model::FollowSettings;
use crate::pg::snapshot::Snapshot;
use crate::pg::{Endpoint, Side};
use crate::run::watch::Watch;
use crate::stop::Stop;
use crate::workdir::{Mode, Service, WorkDir};

/// Prints the snapshot's identifier alone on standard output, then waits.
pub async fn snapshot(request: SnapshotRequest, stop: &Stop) -> Result<()> {
    let source = Endpoint::parse(Side::Source, &request.source)?;
    let workdir = WorkDir::open(request.directory.as_deref(), Mode::Serve(Service::Snapshot))?;
    let mut snapshot = tokio::select! {
        snapshot = export(&source, request.follow, &workdir) => snapshot?,
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

/// The snapshot; with a replication slot where changes are to be followed.
async fn export(
    source: &Endpoint,
    follow: Option<(String, FollowSettings)>,
    workdir: &WorkDir,
) -> Result<Snapshot> {
    let Some((target, settings)) = follow else { return Snapshot::export(source).await };
    let target = Endpoint::parse(Side::Target, &target)?;
    let catalog = Catalog::open(&workdir.files().source_catalog()).await?;
    let _locks = Watch::of_source(source.clone()).tell_of_locks();
    let (_, snapshot) = setup::create(source, &target, &catalog, &settings, None).await?;
    catalog.flush().await?;
    Ok(snapshot)
}
