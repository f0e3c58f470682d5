//! The tables of the target that changes go to, looked up when the first change of each comes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pgcopydb_wire::Connection;

use super::Follow;
use crate::error::{Error, Kind, Result};
use crate::model::QualifiedName;
use crate::model::change::Relation;
use crate::model::replica::ReplicaTable;
use crate::pg::plugin::{self, SourceTable};
use crate::pg::{Side, replica};
use crate::transform::Layout;

/// Where the changes of a table go.
#[derive(Debug)]
pub(super) enum Destination {
    /// To a table of the target.
    Table {
        /// The table of the same name, or the one that it is a partition of.
        table: Arc<ReplicaTable>,
        /// How they can go there together.
        layout: Arc<Layout>,
        /// The number of the table: changes of several may go to one.
        number: usize,
        /// Not all rows were copied: changes of the others fit nothing.
        is_partial: bool,
    },
    /// Nowhere: it is left out by the filters.
    Nowhere,
}

/// A table of the source as it was described, and where its changes go.
#[derive(Clone, Debug)]
struct Known {
    relation: Arc<Relation>,
    destination: Arc<Destination>,
}

/// What is known of the target's tables.
pub(super) struct Tables<'a> {
    follow: &'a Follow,
    /// Partitions whose rows may belong into others on the target, and the tables that know.
    routes: HashMap<QualifiedName, QualifiedName>,
    /// A session for questions, while the other one is busy with changes.
    session: Connection,
    known: HashMap<QualifiedName, Known>,
    /// The same, by the place of a description in memory, where it is kept.
    by_place: HashMap<usize, Known>,
    numbers: HashMap<QualifiedName, usize>,
    /// The tables that were copied, if the run has copied any.
    copied: Option<HashSet<QualifiedName>>,
    /// Whether filters leave some out.
    is_filtered: bool,
    /// Tables whose rows were not copied.
    partial: HashSet<QualifiedName>,
    /// How the source described them last.
    described: HashMap<QualifiedName, Arc<Relation>>,
}

impl<'a> Tables<'a> {
    pub(super) async fn new(follow: &'a Follow, session: Connection) -> Result<Tables<'a>> {
        let inventory = follow.catalog.load_inventory().await?;
        let routes = inventory.as_ref().map(super::routes).unwrap_or_default();
        let setup = follow.catalog.setup().await?;
        let is_filtered = setup.is_some_and(|setup| setup.filters.is_some());
        let mut partial = HashSet::new();
        let copied = inventory.map(|inventory| {
            let excluded = inventory.tables.iter().filter(|table| table.exclude_data);
            partial.extend(excluded.map(|table| table.name.clone()));
            inventory.tables.into_iter().map(|table| table.name).collect()
        });
        Ok(Tables {
            follow,
            routes,
            session,
            known: HashMap::new(),
            copied,
            is_filtered,
            by_place: HashMap::new(),
            numbers: HashMap::new(),
            partial,
            described: HashMap::new(),
        })
    }

    /// Takes in how the source describes a table from now on.
    pub(super) fn describe(&mut self, relation: &Arc<Relation>) {
        if self.described.get(&relation.name).is_some_and(|known| Arc::ptr_eq(known, relation)) {
            return;
        }
        let before = self.described.insert(relation.name.clone(), relation.clone());
        if let Some(before) = before
            && before != *relation
        {
            tracing::warn!(
                "table {} was altered on the source: make the same change on the target",
                relation.name
            );
            self.known.remove(&relation.name);
        }
        self.by_place.retain(|_, known| known.relation.name != relation.name);
    }

    /// Where the changes of a table go, if that was looked up before.
    pub(super) fn known(&self, relation: &Arc<Relation>) -> Option<Arc<Destination>> {
        let known = self.by_place.get(&Arc::as_ptr(relation).addr())?;
        Some(known.destination.clone())
    }

    /// Where the changes of a table go.
    pub(super) async fn table(&mut self, relation: &Arc<Relation>) -> Result<Arc<Destination>> {
        if let Some(known) = self.known(relation) {
            return Ok(known);
        }
        let place = Arc::as_ptr(relation).addr();
        self.describe(relation);
        let name = &relation.name;
        let found = match self.known.get(name).filter(|known| known.relation == *relation) {
            Some(known) => known.destination.clone(),
            None => {
                let destination = Arc::new(self.look_up(relation).await?);
                let known = Known { relation: relation.clone(), destination };
                self.known.entry(name.clone()).insert_entry(known).get().destination.clone()
            }
        };
        let known = Known { relation: relation.clone(), destination: found.clone() };
        self.by_place.insert(place, known);
        Ok(found)
    }

    async fn look_up(&mut self, relation: &Arc<Relation>) -> Result<Destination> {
        let name = &relation.name;
        let is_copied = !self.is_filtered || self.is_part(name);
        let wanted = self.routes.get(name).unwrap_or(name);
        let mut found = match is_copied {
            true => replica::table(&mut self.session, wanted).await?,
            false => None,
        };
        if found.is_some() && wanted == name && self.is_cut_elsewhere(name).await? {
            found = None;
        }
        if found.is_none() {
            // A partition that was made since, or that the target has in another form.
            let mut source = self.follow.source.open("partition").await?;
            let root = replica::root(&mut source, name).await?;
            source.close().await;
            let is_wanted = |root: &QualifiedName| !self.is_filtered || self.is_part(root);
            if let Some(root) = root.filter(is_wanted) {
                tracing::info!(
                    "changes of {name} go to {root}: the target has no partition like it"
                );
                found = replica::table(&mut self.session, &root).await?;
            } else if !is_copied {
                tracing::info!("changes of {name} are left out: it is not among what was copied");
                return Ok(Destination::Nowhere);
            }
        }
        let Some(table) = found.map(Arc::new) else {
            return Err(Error::new(Kind::Target, format!("the target has no table {name}"))
                .hint("Make it as it is on the source, then continue with --resume."));
        };
        let count = self.numbers.len();
        Ok(Destination::Table {
            layout: Arc::new(Layout::new(relation.clone(), table.clone())),
            number: *self.numbers.entry(table.name.clone()).or_insert(count),
            is_partial: self.partial.contains(name),
            table,
        })
    }

    /// Whether a partition has other rows on the target than the partition of this name on the source.
    async fn is_cut_elsewhere(&mut self, name: &QualifiedName) -> Result<bool> {
        let Some(on_target) =
            replica::partition_rows(&mut self.session, Side::Target, name).await?
        else {
            return Ok(false);
        };
        let mut source = self.follow.source.open("partition").await?;
        let on_source = replica::partition_rows(&mut source, Side::Source, name).await?;
        source.close().await;
        Ok(on_source.is_some_and(|on_source| on_source != on_target))
    }

    /// What a table looks like on the source, for plugins that do not say it; `None` if it is no
    /// part of the run, which is told.
    pub(super) async fn on_source(
        &mut self,
        name: &QualifiedName,
    ) -> Result<Option<Arc<Relation>>> {
        if name.namespace == "pgcopydb" {
            return Ok(None);
        }
        let mut source = self.follow.source.open("tables").await?;
        let found = plugin::table(&mut source, name).await?;
        let root = replica::root(&mut source, name).await?;
        source.close().await;
        if !self.is_part(name) && !root.as_ref().is_some_and(|root| self.is_part(root)) {
            if !matches!(found, Some(SourceTable::Ignored)) {
                tracing::warn!(
                    "changes of table {name} are not applied: it was no part of the copy"
                );
            }
            return Ok(None);
        }
        let found = match found {
            Some(found) => Some(found),
            // It was dropped since. The target has it as it was.
            None => plugin::table(&mut self.session, name).await?,
        };
        match found {
            Some(SourceTable::Followed(relation)) => Ok(Some(relation)),
            Some(SourceTable::Ignored) => Ok(None),
            None => Err(Error::new(
                Kind::Source,
                format!("neither the source nor the target has table {name} any more"),
            )
            .detail("Nobody knows what identifies its rows.")
            .hint("Make it on the target as it was on the source, then continue with --resume.")),
        }
    }

    /// Whether all partitions of a table whose rows go through it are among some tables.
    pub(super) async fn is_whole(
        &self,
        root: &QualifiedName,
        tables: &[Arc<Relation>],
    ) -> Result<bool> {
        let routed = self.routes.iter().filter(|(_, to)| *to == root);
        let mut leaves: Vec<QualifiedName> = routed.map(|(name, _)| name.clone()).collect();
        if leaves.is_empty() {
            let mut source = self.follow.source.open("partition").await?;
            leaves = replica::leaves(&mut source, root).await?;
            source.close().await;
        }
        let is_there = |name: &QualifiedName| tables.iter().any(|table| table.name == *name);
        Ok(!leaves.is_empty() && leaves.iter().all(is_there))
    }

    /// Whether a table belongs to what was copied; where nothing was, all do.
    fn is_part(&self, name: &QualifiedName) -> bool {
        self.copied.as_ref().is_none_or(|copied| copied.contains(name))
    }

    /// Ends the session.
    pub(super) async fn close(self) {
        self.session.close().await;
    }
}
