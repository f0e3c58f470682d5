//! `copy tablespaces`.

use std::collections::HashSet;

use crate::cli::TablespacesRequest;
use crate::error::{Error, Kind, Result};
use crate::model::quote_identifier;
use crate::pg::preflight::listed;
use crate::pg::tablespaces::{self, Tablespace};
use crate::pg::{Endpoint, Side};
use crate::stop::Stop;

/// Makes the tablespaces that the target lacks.
pub async fn copy(request: TablespacesRequest, stop: &Stop) -> Result<()> {
    tokio::select! {
        done = work(request) => done,
        () = stop.requested() => Err(crate::tools::child::stopped()),
    }
}

async fn work(request: TablespacesRequest) -> Result<()> {
    let source = Endpoint::parse(Side::Source, &request.source)?;
    let target = Endpoint::parse(Side::Target, &request.target)?;
    let mut session = source.open("tablespaces").await?;
    let found = tablespaces::tablespaces(&mut session).await?;
    session.close().await;
    tracing::info!("the source has {} tablespaces of its own", found.len());

    let mut session = target.open("tablespaces").await?;
    let [there, roles] = tablespaces::known(&mut session).await?;
    let (existing, wanted) = sorted_out(found, &request, &there);
    if !existing.is_empty() {
        tracing::info!("tablespaces that are on the target already: {}", listed(&existing));
    }
    let (mut made, mut failed) = (0, 0);
    for tablespace in &wanted {
        match tablespaces::make(&mut session, tablespace, &roles).await {
            Ok(missing) => {
                made += 1;
                if !missing.is_empty() {
                    tracing::warn!(
                        "tablespace {}: the target lacks roles that own it or may use it: {}",
                        quote_identifier(&tablespace.name),
                        listed(&missing)
                    );
                }
            }
            Err(error) if session.is_ready() => {
                failed += 1;
                tracing::error!("{error}");
            }
            Err(error) => return Err(error),
        }
    }
    session.close().await;
    tracing::info!("made {made} tablespaces");
    if failed == 0 {
        return Ok(());
    }
    Err(Error::new(Kind::Target, format!("{failed} tablespaces could not be made")).hint(
        "The directories must be there on the target server, empty and owned by the user that it \
         runs as, and only a superuser may make tablespaces. --tablespace-map FROM=TO uses one \
         that is there instead.",
    ))
}

/// The names of those that are there, and those to be made.
fn sorted_out(
    found: Vec<Tablespace>,
    request: &TablespacesRequest,
    there: &HashSet<String>,
) -> (Vec<String>, Vec<Tablespace>) {
    let mut existing = Vec::new();
    let mut wanted = Vec::new();
    for mut tablespace in found {
        if let Some(other) = request.other_names.get(&tablespace.name) {
            tablespace.name.clone_from(other);
        }
        match there.contains(&tablespace.name) {
            true => existing.push(quote_identifier(&tablespace.name)),
            false => wanted.push(tablespace),
        }
    }
    (existing, wanted)
}
