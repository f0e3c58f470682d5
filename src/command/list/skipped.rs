//! What filters leave in and out, for lists: found as a clone finds it, with a dump of the schema that
//! is thrown away.

use std::collections::{HashMap, HashSet};

use pgcopydb_wire::Connection;

use super::Lister;
use crate::cli::ListRequest;
use crate::command::filters::{Filtering, Surroundings, read};
use crate::error::{Error, Kind, Result};
use crate::filter::dependency::Cause;
use crate::filter::select::Selection;
use crate::filter::told::Skipped;
use crate::model::{Identity, Inventory, Object, Oid, Settings};
use crate::pg::{discover, listing};
use crate::report::list as report;
use crate::tools::child::Worked;
use crate::tools::{Tools, archive, dump};

/// What is left out.
pub struct LeftOut {
    /// What was found of it on the source.
    pub inventory: Inventory,
    selection: Selection,
    skipped: Vec<Skipped>,
}

/// Reads the filter file, if one is named.
pub fn filtering(request: &ListRequest) -> Result<Option<Filtering>> {
    read(&Settings {
        filters: request.filters.file.clone(),
        allow_unmatched_filters: request.filters.allow_unmatched,
        ..Settings::default()
    })
}

/// What is left in, and what is left out.
pub async fn divided(
    lister: &Lister<'_>,
    filtering: &Filtering,
    session: &mut Connection,
) -> Result<(Inventory, LeftOut)> {
    let mut left = discover::discover(session, u32::MAX, lister.request.sizes).await?;
    let asked = filtering.ask(session, &left).await?;
    let all = left.clone();
    let directory = tempfile::tempdir().map_err(|error| {
        let message = format!("could not make a directory for a dump of the schema: {error}");
        Error::new(Kind::State, message).hint("Name another place in TMPDIR.")
    })?;
    let file = directory.path().join("schema.dump");
    dump_schema(lister, session, &file).await?;
    let archive_file = file.clone();
    let entries = tokio::task::spawn_blocking(move || archive::entries(&archive_file)).await;
    left.entries = entries.map_err(|error| Error::new(Kind::Internal, error.to_string()))??;
    let around = Surroundings {
        source: session,
        archive: &file,
        target_extensions: HashSet::new(),
        target_version: u32::MAX,
    };
    let (selection, skipped) = filtering.apply(&asked, &mut left, around).await?;
    let inventory = difference(all, &left);
    Ok((left, LeftOut { inventory, selection, skipped }))
}

async fn dump_schema(
    lister: &Lister<'_>,
    session: &mut Connection,
    file: &std::path::Path,
) -> Result<()> {
    let id = match &lister.request.snapshot {
        Some(id) => id.clone(),
        None => listing::export_snapshot(session).await?,
    };
    let version = session.server_version();
    let tools = Tools::locate(version, version)?;
    let hidden = discover::hidden_sequences(session).await?;
    let worked = Worked::default();
    dump::schema(&tools, lister.source, Some(&id), &hidden, file, &worked, lister.stop).await
}

/// What is in `all` and not in `left`.
fn difference(mut all: Inventory, left: &Inventory) -> Inventory {
    let tables: HashSet<Oid> = left.tables.iter().map(|table| table.oid).collect();
    let indexes: HashSet<Oid> = left.indexes.iter().map(|index| index.oid).collect();
    let sequences: HashSet<Oid> = left.sequences.iter().map(|sequence| sequence.oid).collect();
    let extensions: HashSet<Oid> = left.extensions.iter().map(|extension| extension.oid).collect();
    all.tables.retain(|table| !tables.contains(&table.oid));
    all.indexes.retain(|index| !indexes.contains(&index.oid));
    all.sequences.retain(|sequence| !sequences.contains(&sequence.oid));
    all.extensions.retain(|extension| !extensions.contains(&extension.oid));
    all
}

/// `list depends`: what is left out although no filter names it, and what it is left out for.
pub async fn dependents(lister: &Lister<'_>, session: &mut Connection) -> Result<String> {
    // The parser has seen to it that there are filters.
    let Some(filtering) = &lister.filtering else { return Ok(String::new()) };
    let (_, out) = divided(lister, filtering, session).await?;
    let told = out.skipped.iter().filter(|skipped| skipped.because.is_some());
    let pairs: Vec<(Object, Object)> = told
        .filter_map(|skipped| skipped.object)
        .map(|object| (root(object, &out.selection), object))
        .collect();
    let wanted: Vec<Object> = pairs.iter().flat_map(|(root, object)| [*root, *object]).collect();
    let identities = listing::identities(session, &wanted).await?;
    let identities: HashMap<Object, Identity> = identities.into_iter().collect();
    let unknown = Identity::default();
    let rows: Vec<_> = pairs
        .iter()
        .map(|(root, object)| {
            let of = |object| identities.get(object).unwrap_or(&unknown);
            (of(root), *object, of(object))
        })
        .collect();
    tracing::info!("{} objects are left out because of others", rows.len());
    match lister.request.json {
        true => report::depends_json(&rows),
        false => Ok(report::depends(&rows)),
    }
}

/// What the filters leave out, and so this object.
fn root(object: Object, selection: &Selection) -> Object {
    let mut object = object;
    while let Some(Cause::Needs(other) | Cause::OnlyFor(other)) = selection.out.cause(object) {
        object = other;
    }
    object
}
