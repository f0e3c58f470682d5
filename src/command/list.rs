//! The `list` commands: what there is on the source, as it is now or as an earlier command in the
//! work directory found it. Nothing is written but `schema.json`.

mod progress;
mod skipped;

use std::collections::{HashMap, HashSet};

use pgcopydb_wire::Connection;

use super::cut;
use super::filters::Filtering;
use crate::catalog::{Catalog, Setup};
use crate::cli::{ListRequest, Listing};
use crate::error::{Error, Kind, Result};
use crate::model::settings::Sizes;
use crate::model::{Index, Inventory, Oid, SequenceOwner, Settings, Table, TableKind};
use crate::pg::{Endpoint, Side, discover, listing, snapshot};
use crate::report::{list as report, units};
use crate::stop::Stop;
use crate::workdir::{Mode, WorkDir};

/// Prints a list on standard output.
pub async fn list(request: ListRequest, stop: &Stop) -> Result<()> {
    let source = Endpoint::parse(Side::Source, &request.source)?;
    let filtering = skipped::filtering(&request)?;
    let lister = Lister { request: &request, source: &source, filtering, stop };
    let printing = async {
        let text = match request.listing {
            Listing::Progress => progress::progress(&request, &source).await?,
            Listing::Summary => progress::summary(&request, &source).await?,
            _ => of_source(&lister).await?,
        };
        crate::report::print(&text);
        Ok(())
    };
    tokio::select! {
        printed = printing => printed,
        () = stop.requested() => Err(crate::tools::child::stopped()),
    }
}

/// What a list is made from.
struct Lister<'a> {
    request: &'a ListRequest,
    source: &'a Endpoint,
    filtering: Option<Filtering>,
    stop: &'a Stop,
}

async fn of_source(lister: &Lister<'_>) -> Result<String> {
    let Lister { request, source, .. } = *lister;
    let mut session = snapshot::reader(source, request.snapshot.as_deref(), "list").await?;
    let text = match request.listing {
        Listing::Databases | Listing::AvailableExtensions | Listing::Requirements => {
            of_server(request, &mut session).await?
        }
        Listing::TableParts => table_parts(lister, &mut session).await?,
        Listing::Schema => schema(lister, &mut session).await?,
        Listing::Dependents => skipped::dependents(lister, &mut session).await?,
        _ => of_database(lister, &mut session).await?,
    };
    session.close().await;
    Ok(text)
}

async fn of_server(request: &ListRequest, session: &mut Connection) -> Result<String> {
    if request.listing == Listing::Databases {
        let databases = listing::databases(session).await?;
        tracing::info!("Fetched information for {} databases", databases.len());
        return match request.json {
            true => report::databases_json(&databases),
            false => Ok(report::databases(&databases)),
        };
    }
    let extensions = listing::available_extensions(session).await?;
    tracing::info!("Fetched information for {} extension versions", extensions.len());
    match (request.listing, request.json) {
        (Listing::Requirements, true) => report::requirements_json(&extensions),
        (Listing::Requirements, false) => Ok(report::requirements(&extensions)),
        (_, true) => report::available_extensions_json(&extensions),
        (_, false) => Ok(report::available_extensions(&extensions)),
    }
}

async fn of_database(lister: &Lister<'_>, session: &mut Connection) -> Result<String> {
    let request = lister.request;
    if request.listing == Listing::Collations {
        let collations = listing::collations(session).await?;
        tracing::info!("Fetched information for {} collations", collations.len());
        return match request.json {
            true => report::collations_json(&collations),
            false => Ok(report::collations(&collations)),
        };
    }
    let inventory = inventory(lister, session).await?;
    match request.listing {
        Listing::Extensions => match request.json {
            true => report::extensions_json(&inventory.extensions),
            false => Ok(report::extensions(&inventory.extensions)),
        },
        Listing::Sequences => sequences(request, &inventory, session).await,
        Listing::Indexes => indexes(request, &inventory, session).await,
        _ => tables(request, &inventory, session).await,
    }
}

/// What an earlier command in the work directory found on the same source, or what there is now.
async fn inventory(lister: &Lister<'_>, session: &mut Connection) -> Result<Inventory> {
    let Lister { request, source, .. } = *lister;
    if let Some(filtering) = &lister.filtering {
        let (left, right) = skipped::divided(lister, filtering, session).await?;
        return Ok(if request.filters.skipped { right.inventory } else { left });
    }
    if !request.force
        && request.sizes == Sizes::Exact
        && request.snapshot.is_none()
        && let Some(catalog) = catalog(request).await?
        && let Some(setup) = catalog.setup().await?
        && setup.source == source.conninfo().bare()
        && let Some(inventory) = catalog.load_inventory().await?
    {
        tracing::info!(
            "using what was found on the source before (\"{}\"); --force asks again",
            catalog.path().display()
        );
        return Ok(inventory);
    }
    discover::discover(session, u32::MAX, request.sizes).await
}

/// The catalog of the work directory, if there is one.
async fn catalog(request: &ListRequest) -> Result<Option<Catalog>> {
    let Ok(workdir) = WorkDir::open(request.directory.as_deref(), Mode::Inspect) else {
        return Ok(None);
    };
    let file = workdir.files().source_catalog();
    if !file.exists() {
        return Ok(None);
    }
    match Catalog::read_only(&file).await {
        Ok(catalog) => Ok(Some(catalog)),
        // What another program wrote is of no use here, and does no harm.
        Err(error) => {
            tracing::debug!("{error}");
            Ok(None)
        }
    }
}

fn is_wanted(request: &ListRequest, table: &Table) -> bool {
    let namespace = match (&request.namespace, &request.table) {
        (Some(namespace), _) => Some(namespace.as_str()),
        (None, Some(_)) => Some("public"),
        (None, None) => None,
    };
    namespace.is_none_or(|namespace| table.name.namespace == namespace)
        && request.table.as_ref().is_none_or(|name| table.name.name == *name)
}

async fn tables(
    request: &ListRequest,
    inventory: &Inventory,
    session: &mut Connection,
) -> Result<String> {
    let keyed = inventory.indexes.iter().filter(|index| index.is_primary);
    let keyed: HashSet<Oid> = keyed.map(|index| index.table).collect();
    let wants_keyed = request.listing != Listing::TablesWithoutKey;
    let tables = || {
        inventory
            .tables
            .iter()
            .filter(|table| table.kind == TableKind::Ordinary)
            .filter(|table| wants_keyed || !keyed.contains(&table.oid))
            .filter(|table| is_wanted(request, table))
    };
    let tuples: f64 = tables().map(|table| table.reltuples.max(0.0)).sum();
    tracing::info!(
        "Fetched information for {} tables, with an estimated total of {tuples:.0} tuples and {} \
         on-disk",
        tables().count(),
        units::bytes(tables().map(|table| table.bytes).sum())
    );
    match request.json {
        true => {
            let tables: Vec<Table> = tables().collect();
            let facts = listing::relation_facts(session, inventory).await?;
            report::table_array(&tables.iter().collect::<Vec<_>>(), &facts)
        }
        false => Ok(report::tables(tables())),
    }
}

async fn sequences(
    request: &ListRequest,
    inventory: &Inventory,
    session: &mut Connection,
) -> Result<String> {
    let mut owners: HashMap<Oid, Vec<SequenceOwner>> = HashMap::new();
    for (sequence, owner) in listing::sequence_owners(session).await? {
        owners.entry(sequence).or_default().push(owner);
    }
    let nobody = SequenceOwner { owned_by: Oid(0), table: Oid(0), default: Oid(0) };
    let all = inventory.sequences.unpack();
    let wanted = all.iter().filter(|sequence| {
        request.namespace.as_ref().is_none_or(|namespace| sequence.name.namespace == *namespace)
    });
    let mut rows = Vec::new();
    for sequence in wanted {
        match owners.get(&sequence.oid) {
            Some(owners) => rows.extend(owners.iter().map(|owner| (sequence, *owner))),
            None => rows.push((sequence, nobody)),
        }
    }
    tracing::info!("Fetched information for {} sequences", inventory.sequences.len());
    match request.json {
        true => report::sequences_json(&rows),
        false => Ok(report::sequences(&rows)),
    }
}

async fn indexes(
    request: &ListRequest,
    inventory: &Inventory,
    session: &mut Connection,
) -> Result<String> {
    let tables = inventory.tables_by_oid();
    let names = inventory.relation_names();
    let views_are_wanted = request.table.is_none();
    let is_wanted = |index: &&Index| match tables.get(&index.table) {
        Some(table) => is_wanted(request, table),
        // A materialized view's.
        None => {
            views_are_wanted
                && request.namespace.as_ref().is_none_or(|namespace| {
                    names.get(&index.table).is_some_and(|name| name.namespace == *namespace)
                })
        }
    };
    let all = inventory.indexes.unpack();
    let indexes = all.iter().filter(|index| !index.is_partitioned);
    let indexes: Vec<&Index> = indexes.filter(is_wanted).collect();
    tracing::info!("Fetched information for {} indexes", indexes.len());
    match request.json {
        true => {
            let facts = listing::relation_facts(session, inventory).await?;
            report::index_array(&indexes, inventory, &facts)
        }
        false => Ok(report::indexes(&indexes)),
    }
}

/// The settings that decide how tables are cut.
fn split_settings(request: &ListRequest) -> Settings {
    Settings {
        split_tables_larger_than: Some(request.split.larger_than.unwrap_or(0)),
        split_max_parts: request.split.max_parts,
        skip_split_by_ctid: request.split.skip_by_ctid,
        ..Settings::default()
    }
}

async fn table_parts(lister: &Lister<'_>, session: &mut Connection) -> Result<String> {
    let request = lister.request;
    if request.split.larger_than.unwrap_or(0) == 0 {
        tracing::warn!("Option --split-tables-larger-than is set to zero bytes, skipping");
        return Ok(String::new());
    }
    let mut inventory = inventory(lister, session).await?;
    inventory.tables.retain(|table| is_wanted(request, table));
    let namespace = request.namespace.as_deref().unwrap_or("public");
    let name = request.table.as_deref().unwrap_or_default();
    inventory.tables.change(|table| table.parts.clear());
    cut::split_tables(session, &mut inventory, &split_settings(request)).await?;
    let Some(table) = inventory.tables.get(0) else {
        return Err(Error::new(
            Kind::Internal,
            format!("there is no table {name:?} in the namespace {namespace:?} of the source"),
        )
        .hint("Names are taken as they are, without quotes. List them with list tables."));
    };
    if table.parts.is_empty() {
        let size = units::size(table.bytes);
        tracing::info!("Table {} ({size}) will not be split", table.name);
        return Ok(String::new());
    }
    tracing::info!("Table {} COPY will be split {}-ways", table.name, table.parts.len());
    Ok(report::table_parts(&table))
}

async fn schema(lister: &Lister<'_>, session: &mut Connection) -> Result<String> {
    let Lister { request, source, .. } = *lister;
    let mut inventory = inventory(lister, session).await?;
    if request.split.larger_than.is_some() {
        inventory.tables.change(|table| table.parts.clear());
        cut::split_tables(session, &mut inventory, &split_settings(request)).await?;
    }
    let facts = listing::relation_facts(session, &inventory).await?;
    let registered = match catalog(request).await? {
        Some(catalog) => catalog.setup().await?,
        None => None,
    };
    let registered = registered.filter(|setup| setup.source == source.conninfo().bare());
    let setup = setup(request, source, registered.as_ref());
    let filters = registered.and_then(|setup| setup.filters);
    let filters = filters.and_then(|filters| serde_json::from_str(&filters).ok());
    let none = serde_json::json!({ "type": "SOURCE_FILTER_TYPE_NONE" });
    let text = report::schema(setup, filters.unwrap_or(none), &inventory, &facts)?;
    let workdir = match WorkDir::open(request.directory.as_deref(), Mode::Inspect) {
        Ok(workdir) => workdir,
        Err(_) => WorkDir::open(request.directory.as_deref(), Mode::Run)?,
    };
    let file = workdir.files().schema_json();
    workdir.files().write(&file, text.as_bytes())?;
    tracing::info!("the schema is in \"{}\"", file.display());
    Ok(if request.json { text } else { String::new() })
}

fn setup(request: &ListRequest, source: &Endpoint, registered: Option<&Setup>) -> report::Setup {
    report::Setup {
        snapshot: request
            .snapshot
            .clone()
            .or_else(|| registered.and_then(|setup| setup.snapshot.clone())),
        source: source.conninfo().to_string(),
        target: registered.and_then(|setup| setup.target.clone()),
        table_jobs: 0,
        index_jobs: 0,
        split_tables_larger_than: request.split.larger_than.unwrap_or(0),
    }
}
