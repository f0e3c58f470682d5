//! `pg_dump`: the schema, both sections in one archive so that dependencies across them are kept.

use std::path::Path;

use super::Tools;
use super::child::{Child, Worked};
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::model::QualifiedName;
use crate::pg::Endpoint;
use crate::stop::Stop;

/// What its session is for, in its application name.
pub const ROLE: &str = "pg_dump";

/// Dumps the schema as the snapshot has it into `archive`, which appears only when it is complete.
/// The values of `hidden` sequences, which `pg_dump` reads for nothing, are left alone. `worked`
/// shows how much it does meanwhile.
pub async fn schema(
    tools: &Tools,
    source: &Endpoint,
    snapshot: Option<&str>,
    hidden: &[QualifiedName],
    archive: &Path,
    worked: &Worked,
    stop: &Stop,
) -> Result<()> {
    let partial = archive.with_extension("partial");
    let mut child = Child::new(&tools.program("pg_dump"))
        .seen_by(worked)
        .arg("--format=custom")
        .arg("--compress=0")
        .arg("--section=pre-data")
        .arg("--section=post-data")
        // They are copied with all that belongs to them, and an entry each would be read for nothing.
        .arg("--no-blobs")
        // Names reach us in one encoding, whatever the database's is.
        .arg("--encoding=UTF8")
        .arg("--file")
        .arg(&partial);
    if let Some(id) = snapshot {
        child = child.arg("--snapshot").arg(id);
    }
    for sequence in hidden {
        child = child.arg("--exclude-table-data").arg(pattern(sequence));
    }
    let conninfo = source.conninfo().with_application_name(&source.application_name(ROLE));
    let dumped = child.connect(&conninfo).run(stop).await;
    dumped.map_err(|error| {
        let is_full = error.detail_text().is_some_and(|detail| detail.contains("No space left"));
        let place = archive.display();
        let error = error.during(format!("could not dump the schema of the source to {place}"));
        match is_full {
            true => error.hint("Make room there, or name another directory with --dir."),
            false => error,
        }
    })?;
    fault::point("dump", "before_rename")?;
    std::fs::rename(&partial, archive).map_err(|error| {
        Error::new(Kind::State, format!("could not write {}: {error}", archive.display()))
    })?;
    fault::point("dump", "after_rename")
}

/// Dumps what is said of a database from outside, and nothing within it.
pub async fn database(tools: &Tools, source: &Endpoint, file: &Path, stop: &Stop) -> Result<()> {
    let child = Child::new(&tools.program("pg_dump"))
        .arg("--format=custom")
        .arg("--compress=0")
        .arg("--create")
        .arg("--schema-only")
        .arg("--exclude-schema=*")
        .arg("--no-tablespaces")
        .arg("--encoding=UTF8")
        .arg("--file")
        .arg(file);
    let dumped = child.connect(source.conninfo()).run(stop).await;
    dumped.map_err(|error| error.during("could not dump the definition of the database"))?;
    Ok(())
}

/// A pattern that only this name matches: within quotes nothing else has a meaning.
fn pattern(name: &QualifiedName) -> String {
    let quoted = |part: &str| format!("\"{}\"", part.replace('"', "\"\""));
    format!("{}.{}", quoted(&name.namespace), quoted(&name.name))
}
