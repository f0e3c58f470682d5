//! What there is to copy: found on the source together with the archive of its schema, or
//! remembered from an earlier command in the same directory.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use pgcopydb_wire::Connection;

use super::cut;
use super::filters::Surroundings;
use super::prepare::Base;
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::model::settings::Sizes;
use crate::model::{Entry, Inventory, Object, Oid, Packed, QualifiedName, Section, TablePart};
use crate::pg::{Side, discover, preflight};
use crate::plan::select::Selection;
use crate::run::ledger::Remembered;
use crate::run::watch::Watch;
use crate::stop::Stop;
use crate::tools::child::Worked;
use crate::tools::{archive, dump};

/// Takes the inventory. `remembered` is what earlier runs left on the target.
pub async fn inventory(
    base: &mut Base,
    selection: Selection,
    remembered: &Remembered,
    watch: &Watch,
    stop: &Stop,
) -> Result<Inventory> {
    if base.workdir.files().archive().exists()
        && let Some(mut inventory) = base.catalog.load_inventory().await?
    {
        tracing::info!("using what was found on the source before");
        let settings = &base.settings;
        if settings.no_owner || settings.no_acl {
            // Whoever found the roles may not have known that some of them do not matter.
            let mut session = base.snapshot.reader(&base.source, "catalog").await?;
            let roles = preflight::roles(&mut session, settings, &[]).await?;
            inventory.roles.retain(|role| roles.contains(role));
            session.close().await;
        }
        if selection.fills_tables() && !remembered.has_rows() {
            cut_anew(base, &mut inventory).await?;
        }
        base.register().await?;
        return Ok(as_decided(inventory, remembered));
    }
    Ok(as_decided(discovered(base, selection, watch, stop).await?, remembered))
}

/// Takes over what was decided when rows began to be copied.
fn as_decided(mut inventory: Inventory, remembered: &Remembered) -> Inventory {
    if let Some(decided) = remembered.decided.as_ref().filter(|_| remembered.is_bound()) {
        decided.apply(&mut inventory);
    }
    inventory
}

/// Decides again how tables are cut into parts, which commands that copy no rows cannot know.
async fn cut_anew(base: &mut Base, inventory: &mut Inventory) -> Result<()> {
    let mut session = base.snapshot.reader(&base.source, "catalog").await?;
    let before = parts(inventory);
    if !before.is_empty() {
        inventory.tables.change(|table| table.parts.clear());
    }
    cut::split_tables(&mut session, inventory, &base.settings).await?;
    preflight::check_row_security(&mut session, Side::Source, is_copied(inventory)).await?;
    session.close().await;
    if parts(inventory) != before {
        base.catalog.save_inventory(inventory).await?;
    }
    Ok(())
}

/// The tables that are copied in parts.
fn parts(inventory: &Inventory) -> HashMap<Oid, Vec<TablePart>> {
    let split = inventory.tables.iter().filter(|table| !table.parts.is_empty());
    split.map(|table| (table.oid, table.parts)).collect()
}

async fn discovered(
    base: &mut Base,
    selection: Selection,
    watch: &Watch,
    stop: &Stop,
) -> Result<Inventory> {
    let archive_file = base.workdir.files().archive();
    let id = base.snapshot.id.as_deref();
    // Whatever the target will be, it can take what is made for the newest.
    let target_version = base.target_version.unwrap_or(u32::MAX);
    if base.settings.sizes == Sizes::EstimatedAfterAnalyze {
        let mut session = base.source.open("analyze").await?;
        let backend = session.backend_pid();
        watch.over(Side::Source, backend, discover::analyze_unknown(&mut session)).await?;
        session.close().await;
    }
    let mut session = base.snapshot.reader(&base.source, "catalog").await?;
    let tools = base.tools(session.server_version())?;
    tracing::info!("using {} from {}", tools.version, tools.program("pg_dump").display());
    let hidden = discover::hidden_sequences(&mut session).await?;
    // Both read the catalogs; neither needs the other.
    let application = base.source.application_name(dump::ROLE);
    let worked = Worked::default();
    let dumping = async {
        let clock = Instant::now();
        tokio::select! {
            dumped =
                dump::schema(&tools, &base.source, id, &hidden, &archive_file, &worked, stop) => dumped?,
            error = watch.program(&application, || worked.ticks()) => {
                return Err(error.during("could not dump the schema of the source"));
            }
        }
        base.catalog.section_ended(Section::DumpSchema, clock.elapsed()).await
    };
    let discovering = async {
        let clock = Instant::now();
        let backend = session.backend_pid();
        let sizes = base.settings.sizes;
        let discovering = discover::discover(&mut session, target_version, sizes);
        let mut inventory = watch.over(Side::Source, backend, discovering).await?;
        let asked = match &base.filtering {
            Some(filtering) => Some(filtering.ask(&mut session, &inventory).await?),
            None => {
                look_closer(base, selection, &mut session, &mut inventory, &[]).await?;
                None
            }
        };
        Ok::<_, Error>((inventory, asked, clock.elapsed()))
    };
    let ((mut inventory, asked, mut elapsed), ()) = tokio::try_join!(discovering, dumping)?;
    let file = archive_file.clone();
    let entries = tokio::task::spawn_blocking(move || archive::entries(&file)).await;
    inventory.entries =
        entries.map_err(|error| Error::new(Kind::Internal, error.to_string()))??;
    if let (Some(filtering), Some(asked)) = (&base.filtering, asked) {
        let clock = Instant::now();
        let surroundings = Surroundings {
            source: &mut session,
            archive: &archive_file,
            target_extensions: base.target_extensions.clone(),
            target_version,
        };
        let (left, _) = filtering.apply(&asked, &mut inventory, surroundings).await?;
        let left_out: Vec<Object> = left.out.objects().collect();
        look_closer(base, selection, &mut session, &mut inventory, &left_out).await?;
        elapsed += clock.elapsed();
    }
    base.catalog.section_ended(Section::CatalogQueries, elapsed).await?;
    session.close().await;
    if let Some(slot) = base.catalog.slot().await? {
        // Our own publication is nobody's object.
        if let Some(name) = slot.publication.filter(|_| slot.owns_publication) {
            leave_out_publication(&mut inventory.entries, &name);
        }
    }
    base.register().await?;
    base.catalog.save_inventory(&inventory).await?;
    fault::point("inventory", "saved")?;
    Ok(inventory)
}

/// Leaves out a publication and what is said of it.
fn leave_out_publication(entries: &mut Packed<Entry>, name: &str) {
    let is_it = |entry: &Entry| entry.description == "PUBLICATION" && entry.tag == name;
    let Some(id) = entries.iter().find(is_it).map(|entry| entry.id) else { return };
    entries.retain(|entry| {
        let belongs = entry.description.starts_with("PUBLICATION")
            || matches!(entry.description.as_str(), "COMMENT" | "SECURITY LABEL");
        entry.id != id && !(belongs && entry.dependencies.contains(&id))
    });
}

/// What is asked about the objects that are copied, once it is known which these are.
async fn look_closer(
    base: &Base,
    selection: Selection,
    session: &mut Connection,
    inventory: &mut Inventory,
    left_out: &[Object],
) -> Result<()> {
    inventory.roles = preflight::roles(session, &base.settings, left_out).await?;
    if selection.fills_tables() {
        cut::split_tables(session, inventory, &base.settings).await?;
        preflight::check_row_security(session, Side::Source, is_copied(inventory)).await?;
    }
    Ok(())
}

/// Whether rows of a table are copied.
fn is_copied(inventory: &Inventory) -> impl Fn(&QualifiedName) -> bool {
    let tables = inventory.tables.iter().filter(|table| table.has_data());
    let config = inventory.extensions.iter().flat_map(|extension| &extension.config);
    let names = tables.map(|table| table.name).chain(config.map(|table| table.name.clone()));
    let copied: HashSet<QualifiedName> = names.collect();
    move |name| copied.contains(name)
}
