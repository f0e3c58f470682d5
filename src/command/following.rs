//! `pgcopydb clone --follow`: changes are received while the copy is made, in whose snapshot they
//! begin, and applied when it is whole.

use std::time::Instant;

use super::clone::whole;
use super::follow::{Services, conclude, resumed, set_sequences};
use super::prepare::Begun;
use crate::catalog::Catalog;
use crate::error::{Error, Result};
use crate::follow::{Follow, Mode};
use crate::model::{Beginning, FollowSettings, Settings};
use crate::pg::Endpoint;
use crate::pg::preflight::listed;
use crate::stop::Stop;
use crate::workdir::{Mode as Access, Service, WorkDir};

const SERVICES: [Service; 2] = [Service::Receive, Service::Apply];

/// Copies and follows side by side.
pub async fn clone(
    run: &mut Begun,
    settings: FollowSettings,
    stop: &Stop,
    begun: Instant,
) -> Result<()> {
    let services = Services::lock(Some(run.base.workdir.path()), &SERVICES)?;
    let follow = resumed(
        run.base.source.clone(),
        Some(run.target.clone()),
        run.base.catalog.clone(),
        &services.workdir,
        settings,
        stop,
    );
    let follow = follow.await?;
    let following = follow.run(Mode::Both);
    tokio::pin!(following);
    let copied = {
        let copying = whole(run, stop, begun);
        tokio::pin!(copying);
        tokio::select! {
            copied = &mut copying => copied,
            followed = &mut following => {
                let was_stopped = stop.is_requested();
                stop.request();
                let copied = copying.await;
                match was_stopped {
                    true => copied.and(followed.map(|_| ())),
                    false => followed.map(|_| ()).and(copied),
                }?;
                return Ok(());
            }
        }
    };
    if let Err(error) = copied {
        tracing::warn!(
            "the replication slot \"{}\" makes the source keep its log: go on, or remove it with \
             \"pgcopydb stream cleanup\"",
            follow.slot.name
        );
        return Err(error);
    }
    // Nobody reads in it any more, and it holds back VACUUM on the source.
    run.base.snapshot.close().await;
    let marks = following.await?;
    end(&follow).await?;
    conclude(&marks);
    Ok(())
}

/// Whether an earlier run has made the copy, so that only changes are left.
pub async fn copy_is_done(settings: &Settings) -> Result<bool> {
    if settings.beginning != Beginning::Resume {
        return Ok(false);
    }
    let Ok(workdir) = WorkDir::open(settings.directory.as_deref(), Access::Inspect) else {
        return Ok(false);
    };
    let file = workdir.files().source_catalog();
    if !file.exists() {
        return Ok(false);
    }
    let catalog = Catalog::read_only(&file).await?;
    Ok(catalog.sentinel().await?.is_some_and(|sentinel| sentinel.apply))
}

/// Goes on with the changes alone.
pub async fn resume(
    source: Endpoint,
    target: Endpoint,
    settings: Settings,
    stop: &Stop,
) -> Result<()> {
    tracing::info!("the copy is complete; going on with the changes");
    let services = Services::lock(settings.directory.as_deref(), &SERVICES)?;
    let catalog = Catalog::open(&services.workdir.files().source_catalog()).await?;
    let wanted = settings.follow.unwrap_or_default();
    let follow = resumed(source, Some(target), catalog, &services.workdir, wanted, stop).await?;
    let marks = follow.run(Mode::Both).await?;
    end(&follow).await?;
    conclude(&marks);
    follow.catalog.flush().await
}

/// Everything is applied: sequences are set as they are now.
async fn end(follow: &Follow) -> Result<()> {
    let Some(inventory) = follow.catalog.load_inventory().await? else { return Ok(()) };
    let Some(target) = &follow.target else { return Ok(()) };
    if inventory.large_objects.count > 0 {
        tracing::warn!(
            "large objects are as they were when they were copied: they are not followed"
        );
    }
    let views: Vec<String> = inventory.views.iter().map(|view| view.name.to_string()).collect();
    if !views.is_empty() {
        tracing::warn!(
            "materialized views are as they were when they were copied, refresh them: {}",
            listed(&views)
        );
    }
    let set = set_sequences(&follow.source, target, &inventory.sequences).await;
    set.map_err(|error: Error| {
        error.hint("All changes are applied. Set the sequences with \"pgcopydb copy sequences\".")
    })
}
