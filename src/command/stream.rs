//! `pgcopydb stream …`: the parts of following, one at a time.

use super::follow::{Services, conclude, forget, resumed};
use crate::catalog::{Catalog, SentinelChange, no_sentinel};
use crate::changes::{self, Removal};
use crate::cli::{PruneRequest, SentinelAction, SentinelRequest, StreamAction, StreamRequest};
use crate::error::{Error, Kind, Result};
use crate::follow::remote::{self, Pruned};
use crate::follow::{Mode, setup};
use crate::model::{Beginning, FollowStatus, Remote, Sentinel};
use crate::pg::{Endpoint, Side, slot};
use crate::report;
use crate::run::watch::Watch;
use crate::stop::Stop;
use crate::workdir::{Mode as Access, Service, WorkDir};

/// Does something with the stream of changes.
pub async fn stream(request: StreamRequest, stop: &Stop) -> Result<()> {
    let source = Endpoint::parse(Side::Source, &request.source)?;
    let target = request.target.as_deref();
    let target = target.map(|text| Endpoint::parse(Side::Target, text)).transpose()?;
    let (services, mode): (&[Service], Option<Mode>) = match request.action {
        StreamAction::Setup | StreamAction::Cleanup => (&[Service::Receive, Service::Apply], None),
        StreamAction::Replay => (&[Service::Receive, Service::Apply], Some(Mode::Both)),
        StreamAction::Receive => (&[Service::Receive], Some(Mode::Receive)),
        StreamAction::Apply => (&[Service::Apply], Some(Mode::Apply)),
    };
    let services = Services::lock(request.directory.as_deref(), services)?;
    let catalog = Catalog::open(&services.workdir.files().source_catalog()).await?;
    let settings = request.follow;
    let Some(mode) = mode else {
        let Some(target) = target else { return Ok(()) };
        if request.action == StreamAction::Cleanup || request.beginning == Beginning::Restart {
            forget(&source, &target, &catalog, &services.workdir, &settings).await?;
        }
        if request.action == StreamAction::Setup {
            if catalog.slot().await?.is_some() && request.beginning == Beginning::Resume {
                tracing::info!("the replication slot of this directory exists already");
                return Ok(());
            }
            let _locks = Watch::of_source(source.clone()).tell_of_locks();
            let (_, mut snapshot) =
                setup::create(&source, &target, &catalog, &settings, None).await?;
            snapshot.close().await;
        }
        return catalog.flush().await;
    };
    let follow = resumed(source, target, catalog, &services.workdir, settings, stop).await?;
    let marks = follow.run(mode).await?;
    follow.catalog.flush().await?;
    match mode {
        Mode::Both | Mode::Apply => conclude(&marks),
        Mode::Receive => tracing::info!("changes are received up to {}", marks.complete()),
    }
    Ok(())
}

/// Removes what is applied.
pub async fn prune(request: PruneRequest) -> Result<()> {
    let Pruned { files, bytes, applied } = match &request.remote {
        Some(remote) => remote::ask_to_prune(remote, request.dry_run).await?,
        None => pruned(&request).await?,
    };
    let done = if request.dry_run { "would remove" } else { "removed" };
    let bytes = report::units::bytes(bytes);
    tracing::info!("{done} {files} files of applied changes, {bytes} (up to {applied})");
    Ok(())
}

async fn pruned(request: &PruneRequest) -> Result<Pruned> {
    let workdir = WorkDir::open(request.directory.as_deref(), Access::Inspect)?;
    let catalog = Catalog::read_only(&workdir.files().source_catalog()).await?;
    let applied = catalog.sentinel().await?.ok_or_else(no_sentinel)?.replay_lsn;
    let directory = workdir.files().changes();
    let removal = if request.dry_run { Removal::Pretended } else { Removal::Done };
    let pruned = tokio::task::spawn_blocking(move || changes::prune(&directory, applied, removal));
    let pruned = pruned.await.map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
    let (files, bytes) = pruned?;
    Ok(Pruned { files, bytes, applied })
}

/// Prints or changes the operator's row.
pub async fn sentinel(request: SentinelRequest) -> Result<()> {
    if let Some(remote) = &request.remote {
        return ask(remote, request.action).await;
    }
    let workdir = WorkDir::open(request.directory.as_deref(), Access::Inspect)?;
    let file = workdir.files().source_catalog();
    let catalog = match request.action {
        SentinelAction::Get { .. } => Catalog::read_only(&file).await?,
        _ => Catalog::open(&file).await?,
    };
    let change = match request.action {
        SentinelAction::Get { only, json } => {
            let sentinel = catalog.sentinel().await?.ok_or_else(no_sentinel)?;
            let status = catalog.follow_status().await?;
            return print((&sentinel, &status), only, json);
        }
        SentinelAction::Setup { startpos, endpos } => {
            return catalog
                .set_sentinel(Sentinel { startpos, endpos, ..Sentinel::default() })
                .await;
        }
        SentinelAction::SetStartpos(lsn) => SentinelChange::Startpos(lsn),
        SentinelAction::SetEndpos(Some(lsn)) => SentinelChange::Endpos(lsn),
        SentinelAction::SetEndpos(None) => {
            let Some(source) = request.source else {
                return Err(Error::new(Kind::Arguments, "Option --source is mandatory")
                    .hint("Give --source, or set PGCOPYDB_SOURCE_PGURI."));
            };
            let source = Endpoint::parse(Side::Source, &source)?;
            let mut session = source.open("sentinel").await?;
            let current = slot::end_of_commits(&mut session).await?;
            session.close().await;
            SentinelChange::Endpos(current)
        }
        SentinelAction::SetApply(apply) => SentinelChange::Apply(apply),
    };
    catalog.change_sentinel(change).await?;
    catalog.flush().await?;
    if let (SentinelAction::SetEndpos(None), SentinelChange::Endpos(current)) =
        (request.action, change)
    {
        tracing::info!("the end position is {current} now");
        println!("{current}");
    }
    Ok(())
}

/// Asks a running command for the same.
async fn ask(remote: &Remote, action: SentinelAction) -> Result<()> {
    let request = match action {
        SentinelAction::Get { .. } => remote::Request::Get,
        SentinelAction::SetStartpos(lsn) => remote::Request::Startpos(lsn.to_string()),
        SentinelAction::SetEndpos(lsn) => remote::Request::Endpos(lsn.map(|lsn| lsn.to_string())),
        SentinelAction::SetApply(apply) => remote::Request::Apply(apply),
        SentinelAction::Setup { .. } => {
            return Err(Error::new(Kind::Arguments, "a running command has its sentinel already")
                .hint("Leave --host and --port out."));
        }
    };
    let (sentinel, status) = remote::ask(remote, &request).await?;
    match action {
        SentinelAction::Get { only, json } => print((&sentinel, &status), only, json)?,
        SentinelAction::SetEndpos(None) => println!("{}", sentinel.endpos),
        _ => {}
    }
    Ok(())
}

fn print(
    (sentinel, status): (&Sentinel, &FollowStatus),
    only: Option<&str>,
    json: bool,
) -> Result<()> {
    let now = jiff::Timestamp::now().as_millisecond();
    match json {
        true => report::print(&report::follow::json(sentinel, status, only, now)?),
        false => report::print(&report::follow::text(sentinel, status, only, now)),
    }
    Ok(())
}
