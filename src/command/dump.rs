//! `pgcopydb dump schema`: the archive of the schema, and with it what else is found on the source,
//! for the commands that come later in the same directory.

use std::time::Instant;

use super::inventory::inventory;
use super::prepare;
use crate::cli::DumpRequest;
use crate::error::Result;
use crate::pg::{Endpoint, Side};
use crate::plan::select::Selection;
use crate::report::units;
use crate::run::ledger::Remembered;
use crate::run::watch::Watch;
use crate::stop::Stop;

/// Dumps the schema, unless that was done before.
pub async fn schema(request: DumpRequest, stop: &Stop) -> Result<()> {
    let begun = Instant::now();
    let source = Endpoint::parse(Side::Source, &request.source)?;
    let dumping = async {
        let mut base = prepare::begin_dump(source, request.settings).await?;
        let watch = Watch::of_source(base.source.clone());
        let _locks = watch.clone().tell_of_locks();
        let remembered = Remembered::default();
        inventory(&mut base, Selection::PreData, &remembered, &watch, stop).await?;
        base.snapshot.close().await;
        base.catalog.flush().await?;
        let archive = base.workdir.files().archive();
        let elapsed = units::seconds(begun.elapsed());
        tracing::info!("the schema is in \"{}\", {elapsed} elapsed", archive.display());
        Ok(())
    };
    tokio::select! {
        dumped = dumping => dumped,
        () = stop.requested() => Err(crate::tools::child::stopped()),
    }
}
