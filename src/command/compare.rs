//! `pgcopydb compare schema` and `pgcopydb compare data`.

use std::io::Write;

use crate::cli::{CompareDataRequest, CompareSchemaRequest};
use crate::compare::{self, data::Wanted, work::Cutting};
use crate::error::{Error, Kind, Result};
use crate::pg::{Endpoint, Side};
use crate::report;
use crate::stop::Stop;

/// Compares every object of two databases.
pub async fn schema(request: CompareSchemaRequest, stop: &Stop) -> Result<()> {
    let source = Endpoint::parse(Side::Source, &request.source)?;
    let target = Endpoint::parse(Side::Target, &request.target)?;
    let comparison = compare::schema::compare(&source, &target, stop).await?;
    for line in report::compare::schema::counts(&comparison) {
        tracing::info!("{line}");
    }
    for note in &comparison.notes {
        tracing::info!("{}", report::compare::schema::note(note));
    }
    for difference in &comparison.differences {
        tracing::error!("{}", report::compare::schema::sentence(difference));
    }
    crate::notice!("{} objects are the same", comparison.same);
    show(&match request.json {
        true => report::compare::schema::json(&comparison)? + "\n",
        false => report::compare::schema::text(&comparison),
    })?;
    if comparison.differences.is_empty() {
        tracing::info!("pgcopydb schema inspection is successful");
        return Ok(());
    }
    let message = "Schemas on source and target database differ";
    Err(Error::new(Kind::Different, message))
}

/// Compares the rows of two databases, and what else they hold.
pub async fn data(request: CompareDataRequest, stop: &Stop) -> Result<()> {
    let source = Endpoint::parse(Side::Source, &request.source)?;
    let target = Endpoint::parse(Side::Target, &request.target)?;
    let wanted = Wanted {
        cutting: Cutting {
            jobs: request.table_jobs,
            larger_than: request.split_tables_larger_than,
            parts_max: request.split_max_parts,
            skip_ctid: request.skip_split_by_ctid,
        },
        rows: usize::try_from(request.rows).unwrap_or(usize::MAX),
    };
    let comparison = compare::data::compare(&source, &target, wanted, stop).await?;
    for content in &comparison.contents {
        let sentence = report::compare::data::sentence(content);
        match content.is_same() {
            true => crate::notice!("{sentence}"),
            false => tracing::error!("{sentence}"),
        }
    }
    show(&match request.json {
        true => report::compare::data::json(&comparison)? + "\n",
        false => report::compare::data::text(&comparison),
    })?;
    match comparison.different().count() {
        0 => {
            tracing::info!("pgcopydb data inspection is successful");
            Ok(())
        }
        different => Err(Error::new(
            Kind::Different,
            format!("Data on source and target database differ ({different} differences)"),
        )),
    }
}

/// Prints the result, unless whoever asked for it has gone.
fn show(text: &str) -> Result<()> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::new(Kind::Internal, format!("could not print the result: {error}")))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}
