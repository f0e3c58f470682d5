//! `pg_dump`: the schema, both sections in one archive so that dependencies across them are kept.

use std::path::Path;

use super::Tools;
use super::child::Child;
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::pg::Endpoint;
use crate::stop::Stop;

/// Dumps the schema as the snapshot has it into `archive`, which appears only when it is complete.
pub async fn schema(
    tools: &Tools,
    source: &Endpoint,
    snapshot: Option<&str>,
    archive: &Path,
    stop: &Stop,
) -> Result<()> {
    let partial = archive.with_extension("partial");
    let mut child = Child::new(&tools.program("pg_dump"))
        .arg("--format=custom")
        .arg("--compress=0")
        .arg("--section=pre-data")
        .arg("--section=post-data")
        // Names reach us in one encoding, whatever the database's is.
        .arg("--encoding=UTF8")
        .arg("--file")
        .arg(&partial);
    if let Some(id) = snapshot {
        child = child.arg("--snapshot").arg(id);
    }
    let dumped = child.connect(source.conninfo()).run(stop).await;
    dumped.map_err(|error| error.during("could not dump the schema of the source"))?;
    fault::point("dump", "before_rename")?;
    std::fs::rename(&partial, archive).map_err(|error| {
        Error::new(Kind::State, format!("could not write {}: {error}", archive.display()))
    })?;
    fault::point("dump", "after_rename")
}
