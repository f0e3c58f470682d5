//! Making and removing what following needs on both servers: a publication and a slot on the
//! source, an origin on the target.

use crate::catalog::Catalog;
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::model::{
    FollowSettings, Inventory, Lsn, Plugin, QualifiedName, Sentinel, Slot, TableKind,
};
use crate::pg::origin::Origin;
use crate::pg::preflight::listed;
use crate::pg::publication::Wanted;
use crate::pg::snapshot::Snapshot;
use crate::pg::{Endpoint, plugin, publication, replica, slot};

/// Makes all of it and registers it. The snapshot shows the source as it is before the first
/// change that comes out of the slot. What was made is removed when something else fails. Without
/// `wanted`, all tables are followed.
pub async fn create(
    source: &Endpoint,
    target: &Endpoint,
    catalog: &Catalog,
    settings: &FollowSettings,
    wanted: Option<&Wanted>,
) -> Result<(Slot, Snapshot)> {
    let mut session = source.open("setup").await?;
    if let Some(left) = catalog.unfinished_slot().await? {
        remove_unfinished(source, target, catalog, &left).await?;
    }
    slot::check(&mut session, settings.plugin.unwrap_or_default()).await?;
    let name = &settings.slot_name;
    if let Some(state) = slot::find(&mut session, name).await? {
        return Err(Error::new(
            Kind::State,
            format!("the replication slot \"{name}\" exists already on the source"),
        )
        .detail(match state.active_pid {
            None => format!(
                "It belongs to database \"{}\" and plugin {}.",
                state.database, state.plugin
            ),
            Some(pid) => format!(
                "It belongs to database \"{}\" and plugin {}, and session {pid} receives from it.",
                state.database, state.plugin
            ),
        })
        .hint("Remove what an earlier run left with \"pgcopydb stream cleanup\", or name another slot with --slot-name."));
    }
    let mut target_session = target.open("setup").await?;
    if Origin::find(&mut target_session, &settings.origin).await?.is_some() {
        return Err(Error::new(
            Kind::State,
            format!("the replication origin \"{}\" exists already on the target", settings.origin),
        )
        .hint(
            "Remove what an earlier run left with \"pgcopydb stream cleanup\", or name another \
             origin with --origin.",
        ));
    }
    replica::check_role(&mut target_session, &mut session).await?;
    let (plugin, publication, to_publish) = choose(&mut session, settings, wanted).await?;
    plugin::check_encoding(&mut session, plugin).await?;
    let mut made = Slot {
        name: name.clone(),
        consistent_point: Lsn::NONE,
        snapshot: None,
        plugin,
        publication,
        owns_publication: to_publish.is_some(),
        numeric_as_string: false,
        origin: settings.origin.clone(),
    };
    // From here on, what is there under these names is ours: nothing was.
    catalog.note_slot(&made).await?;
    fault::point("slot", "noted")?;
    let making = async {
        if let Some(tables) = &to_publish {
            publication::create(&mut session, name, tables).await?;
        }
        fault::point("slot", "published")?;
        begin(source, &mut target_session, catalog, settings, &mut made).await
    };
    let snapshot = match making.await {
        Ok(snapshot) => snapshot,
        Err(error) => {
            give_up(source, target, catalog, &made, &error).await;
            return Err(error);
        }
    };
    session.close().await;
    target_session.close().await;
    tracing::info!(
        "created replication slot \"{name}\" at {} and exported snapshot {}",
        made.consistent_point,
        snapshot.id.as_deref().unwrap_or_default()
    );
    Ok((made, snapshot))
}

/// The plugin, and the publication that changes go through: the one that was named, or a new one with
/// its tables. Tables whose rows have no identity are refused whatever the plugin.
async fn choose(
    session: &mut pgcopydb_wire::Connection,
    settings: &FollowSettings,
    wanted: Option<&Wanted>,
) -> Result<(Plugin, Option<String>, Option<Vec<publication::Member>>)> {
    let plugin = settings.plugin.unwrap_or_default();
    if plugin != Plugin::Pgoutput {
        publication::tables(session, wanted).await?;
        return Ok((plugin, None, None));
    }
    if let Some(name) = &settings.publication {
        if !publication::exists(session, name).await? {
            let message = format!("the publication \"{name}\" does not exist on the source");
            return Err(Error::new(Kind::Source, message)
                .hint("Create it, or leave --publication out to have one made."));
        }
        return Ok((plugin, Some(name.clone()), None));
    }
    let name = &settings.slot_name;
    if publication::exists(session, name).await? {
        let message = format!("the publication \"{name}\" exists already on the source");
        return Err(Error::new(Kind::State, message).hint(
            "Remove what an earlier run left with \"pgcopydb stream cleanup\", or use it with \
             --publication.",
        ));
    }
    let tables = publication::tables(session, wanted).await?;
    let obstacles = publication::obstacles(session, &tables).await?;
    if settings.plugin.is_none() && !obstacles.is_empty() {
        tracing::warn!(
            "the role may make no publication, and changes are received through test_decoding \
             instead: it lacks {}",
            listed(&obstacles)
        );
        return Ok((Plugin::TestDecoding, None, None));
    }
    Ok((plugin, Some(name.clone()), Some(tables)))
}

/// Makes slot and origin and registers them.
async fn begin(
    source: &Endpoint,
    target: &mut pgcopydb_wire::Connection,
    catalog: &Catalog,
    settings: &FollowSettings,
    made: &mut Slot,
) -> Result<Snapshot> {
    let mut replication = source.open_replication("snapshot").await?;
    let failed = |error: pgcopydb_wire::Error| {
        let sqlstate = error.sqlstate().map(str::to_owned);
        let doing = format!("could not create the replication slot \"{}\"", made.name);
        plugin::explain(made.plugin, Error::source(doing, error), sqlstate.as_deref())
    };
    let created = replication.create_slot(&made.name, made.plugin.name()).await;
    let created = created.map_err(failed)?;
    let point = created.consistent_point.parse();
    made.consistent_point =
        point.map_err(|error| Error::new(Kind::Source, format!("a new slot is at {error}")))?;
    let exported = created.snapshot.as_deref().unwrap_or_default();
    fault::point("slot", "created")?;
    let snapshot = Snapshot::take_over(source, exported).await?;
    replication.into_connection().close().await;
    made.snapshot = snapshot.id.clone();
    if made.plugin == Plugin::Wal2json {
        let mut session = source.open("setup").await?;
        let (point, is_wanted) = (made.consistent_point, settings.numeric_as_string);
        made.numeric_as_string =
            plugin::numeric_as_string(&mut session, &made.name, point, is_wanted).await?;
        session.close().await;
    }
    Origin::create(target, &made.origin, made.consistent_point).await?;
    fault::point("slot", "origin")?;
    let sentinel = Sentinel {
        startpos: made.consistent_point,
        endpos: settings.endpos.unwrap_or_default(),
        ..Sentinel::default()
    };
    catalog.register_slot(made, &sentinel).await?;
    fault::point("slot", "registered")?;
    Ok(snapshot)
}

/// Removes what was made until something failed. What cannot be removed now stays noted.
async fn give_up(
    source: &Endpoint,
    target: &Endpoint,
    catalog: &Catalog,
    made: &Slot,
    error: &Error,
) {
    let removed = match made.consistent_point {
        // Who answered an error has made no slot; of who did not answer nobody knows.
        Lsn::NONE if !error.is_transient() => {
            let publication = made.publication.as_ref().filter(|_| made.owns_publication);
            match publication {
                Some(name) => drop_publication(source, name).await,
                None => Ok(()),
            }
        }
        _ => end_and_remove(source, target, made).await,
    };
    let forgotten = match removed {
        Ok(()) => catalog.forget_slot().await,
        Err(error) => Err(error),
    };
    if let Err(left) = forgotten {
        tracing::warn!("could not remove what was made: {left}");
    }
}

async fn drop_publication(source: &Endpoint, name: &str) -> Result<()> {
    let mut session = source.open("cleanup").await?;
    publication::drop(&mut session, name).await?;
    session.close().await;
    Ok(())
}

/// Removes what a run of this directory has left that died while it made a slot.
pub async fn remove_unfinished(
    source: &Endpoint,
    target: &Endpoint,
    catalog: &Catalog,
    left: &Slot,
) -> Result<()> {
    tracing::info!(
        "an earlier run ended while it made replication slot \"{}\": removing what it left",
        left.name
    );
    end_and_remove(source, target, left).await?;
    catalog.forget_slot().await
}

/// Ends whoever still makes the slot, and removes everything.
async fn end_and_remove(source: &Endpoint, target: &Endpoint, made: &Slot) -> Result<()> {
    let mut session = source.open("cleanup").await?;
    slot::end_maker(&mut session, &made.name).await?;
    session.close().await;
    remove(source, target, made).await
}

/// Removes slot, publication and origin, as far as they exist. Goes on after a failure and gives
/// back the first.
pub async fn remove(source: &Endpoint, target: &Endpoint, made: &Slot) -> Result<()> {
    let on_source = async {
        let mut session = source.open("cleanup").await?;
        if slot::drop(&mut session, &made.name).await? {
            tracing::info!("dropped replication slot \"{}\"", made.name);
        }
        if let Some(name) = made.publication.as_ref().filter(|_| made.owns_publication)
            && publication::drop(&mut session, name).await?
        {
            tracing::info!("dropped publication \"{name}\"");
        }
        session.close().await;
        Ok(())
    };
    let on_target = async {
        let mut session = target.open("cleanup").await?;
        if let Some(origin) = Origin::find(&mut session, &made.origin).await? {
            origin.drop(&mut session).await?;
            tracing::info!("dropped replication origin \"{}\"", made.origin);
        }
        session.close().await;
        Ok(())
    };
    let (on_source, on_target): (Result<()>, Result<()>) = tokio::join!(on_source, on_target);
    on_source.and(on_target)
}

/// Says which tables of a copy are not followed. For our own publication that is an error: a table
/// was made between its creation and the snapshot.
pub async fn check_coverage(source: &Endpoint, made: &Slot, inventory: &Inventory) -> Result<()> {
    let mut session = source.open("setup").await?;
    let unlogged = publication::unlogged(&mut session).await?;
    let tables = inventory.tables.iter().filter(|table| table.kind == TableKind::Ordinary);
    let mut filtered = Vec::new();
    let (name, missing): (_, Vec<_>) = match &made.publication {
        Some(name) => {
            let members = publication::members(&mut session, name).await?;
            filtered = publication::filtered(&mut session, name).await?;
            (name.as_str(), tables.filter(|table| !members.contains(&table.name)).collect())
        }
        None => ("", tables.filter(|table| unlogged.contains(&table.name)).collect()),
    };
    session.close().await;
    if let Some(table) = publication::conditioned(inventory).find(|name| !filtered.contains(name)) {
        return Err(all_rows(made, &table));
    }
    let names = |is_unlogged: bool| -> Vec<String> {
        let some = missing.iter().filter(|table| unlogged.contains(&table.name) == is_unlogged);
        some.map(|table| table.name.to_string()).collect()
    };
    let (left, lost) = (names(true), names(false));
    if !left.is_empty() {
        tracing::warn!(
            "changes of unlogged tables are not in the log, and so not copied: {}",
            listed(&left)
        );
    }
    match (lost.is_empty(), made.owns_publication) {
        (true, _) => Ok(()),
        (false, false) => {
            tracing::warn!(
                "tables that publication \"{name}\" lacks are not followed: {}",
                listed(&lost)
            );
            Ok(())
        }
        (false, true) => Err(Error::new(
            Kind::Source,
            format!("tables were created while the copy began: {}", listed(&lost)),
        )
        .detail("Their changes would not be copied.")
        .hint("Start over with --restart.")),
    }
}

/// Some rows of a table are copied, and the changes of all of them would come.
fn all_rows(made: &Slot, table: &QualifiedName) -> Error {
    let cannot = format!("cannot follow some rows of {table} only");
    match &made.publication {
        Some(name) => {
            Error::new(Kind::Arguments, format!("{cannot}: publication \"{name}\" has all")).hint(
                "Give its table the same condition, or let \"pgcopydb clone --follow\" make one.",
            )
        }
        None => Error::new(Kind::Arguments, format!("{cannot} with plugin {}", made.plugin.name()))
            .hint("Take its line out of [table-where], or follow with pgoutput."),
    }
}
