//! `pgcopydb compare schema` and `pgcopydb compare data`.

use std::io::Write;

use tracing::Instrument;

use crate::cli::{CompareDataRequest, CompareSchemaRequest};
use crate::compare::{self, data::Wanted, work::Cutting};
use crate::error::{Error, Kind, Result};
use crate::log;
use crate::model::compare::{DataComparison, SchemaComparison};
use crate::pg::{Endpoint, Side, databases};
use crate::report;
use crate::run::watch::Watch;
use crate::stop::Stop;

/// Compares every object of two databases, or of all databases of two servers.
pub async fn schema(request: CompareSchemaRequest, stop: &Stop) -> Result<()> {
    let source = Endpoint::parse(Side::Source, &request.source)?;
    let target = Endpoint::parse(Side::Target, &request.target)?;
    let (mut compared, missing) = match request.all_databases {
        false => (vec![(String::new(), one_schema(&source, &target, stop).await?)], 0),
        true => {
            let (names, missing) = common_databases(&source, &target).await?;
            let mut compared = Vec::new();
            for name in names {
                let (source, target) = (source.with_database(&name), target.with_database(&name));
                let one = one_schema(&source, &target, stop).instrument(log::database(&name));
                compared.push((name.clone(), one.await?));
            }
            (compared, missing)
        }
    };
    let different = compared.iter().filter(|(_, one)| !one.differences.is_empty()).count();
    show(&match (request.all_databases, request.json) {
        (true, true) => report::compare::all::json(
            &compared.iter().map(|(name, one)| (name, one)).collect::<Vec<_>>(),
            report::compare::schema::json,
        )?,
        (true, false) => {
            let mut text = String::new();
            for (name, one) in compared.iter().filter(|(_, one)| !one.differences.is_empty()) {
                text.push_str(&report::compare::all::heading(name));
                text.push_str(&report::compare::schema::text(one));
                text.push('\n');
            }
            text + &report::compare::all::counts(&compared)
        }
        (false, is_json) => match (compared.pop(), is_json) {
            (Some((_, one)), true) => report::compare::schema::json(&one)? + "\n",
            (Some((_, one)), false) => report::compare::schema::text(&one),
            (None, _) => String::new(),
        },
    })?;
    if different == 0 && missing == 0 {
        tracing::info!("pgcopydb schema inspection is successful");
        return Ok(());
    }
    let message = "Schemas on source and target database differ";
    Err(Error::new(Kind::Different, message))
}

/// Compares the schemas of two databases, and logs what is found.
async fn one_schema(source: &Endpoint, target: &Endpoint, stop: &Stop) -> Result<SchemaComparison> {
    let _locks = Watch::new(source.clone(), target.clone()).tell_of_locks();
    let comparison = compare::schema::compare(source, target, stop).await?;
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
    Ok(comparison)
}

/// Compares the rows of two databases, and what else they hold; or of all databases of two servers.
pub async fn data(request: CompareDataRequest, stop: &Stop) -> Result<()> {
    let source = Endpoint::parse(Side::Source, &request.source)?;
    let target = Endpoint::parse(Side::Target, &request.target)?;
    let (mut compared, missing) = match request.all_databases {
        false => (vec![(String::new(), one_data(&source, &target, &request, stop).await?)], 0),
        true => {
            let (names, missing) = common_databases(&source, &target).await?;
            let mut compared = Vec::new();
            for name in names {
                let (source, target) = (source.with_database(&name), target.with_database(&name));
                let one = one_data(&source, &target, &request, stop);
                compared.push((name.clone(), one.instrument(log::database(&name)).await?));
            }
            (compared, missing)
        }
    };
    let different = compared.iter().map(|(_, one)| one.different().count()).sum::<usize>();
    show(&match (request.all_databases, request.json) {
        (true, true) => report::compare::all::json(
            &compared.iter().map(|(name, one)| (name, one)).collect::<Vec<_>>(),
            report::compare::data::json,
        )?,
        (true, false) => {
            report::compare::data::text(&compared.iter().map(|(_, one)| one).collect::<Vec<_>>())
        }
        (false, is_json) => match (compared.pop(), is_json) {
            (Some((_, one)), true) => report::compare::data::json(&one)? + "\n",
            (Some((_, one)), false) => report::compare::data::text(&[&one]),
            (None, _) => String::new(),
        },
    })?;
    match different + missing {
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

/// Compares the rows of two databases, and logs what is found.
async fn one_data(
    source: &Endpoint,
    target: &Endpoint,
    request: &CompareDataRequest,
    stop: &Stop,
) -> Result<DataComparison> {
    let wanted = Wanted {
        cutting: Cutting {
            jobs: request.table_jobs,
            larger_than: request.split_tables_larger_than,
            parts_max: request.split_max_parts,
            skip_ctid: request.skip_split_by_ctid,
        },
        rows: usize::try_from(request.rows).unwrap_or(usize::MAX),
    };
    let _locks = Watch::new(source.clone(), target.clone()).tell_of_locks();
    let comparison = compare::data::compare(source, target, wanted, stop).await?;
    for content in &comparison.contents {
        let sentence = report::compare::data::sentence(content);
        match content.is_same() {
            true => crate::notice!("{sentence}"),
            false => tracing::error!("{sentence}"),
        }
    }
    Ok(comparison)
}

/// The databases of the source that the target has too, by name, and how many it has not. What only
/// the target has is none of ours.
async fn common_databases(source: &Endpoint, target: &Endpoint) -> Result<(Vec<String>, usize)> {
    let mut source = source.open("databases").await?;
    let mut target = target.open("databases").await?;
    let (mut names, mut missing) = (Vec::new(), 0);
    for database in databases::all(&mut source).await? {
        let name = database.name;
        if !database.allows_connections || !database.is_whole {
            tracing::warn!("database {name:?} is left out: nobody can connect to it");
        } else if databases::exists(&mut target, Side::Target, &name).await? {
            names.push(name);
        } else {
            tracing::error!("Failed to find database {name:?} in target server");
            missing += 1;
        }
    }
    source.close().await;
    target.close().await;
    names.sort();
    Ok((names, missing))
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
