//! The tables of the target that changes go to, looked up when the first change of each comes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use pgcopydb_wire::Connection;

use super::Follow;
use crate::error::{Error, Kind, Result};
use crate::model::QualifiedName;
use crate::model::change::Relation;
use crate::model::replica::ReplicaTable;
use crate::pg::replica;

/// Where the changes of a table go.
#[derive(Clone, Debug)]
pub(super) enum Destination {
    /// To a table of the target.
    Table {
        /// The table of the same name, or the one that it is a partition of.
        table: Arc<ReplicaTable>,
        /// Not all rows were copied: changes of the others fit nothing.
        is_partial: bool,
    },
    /// Nowhere: it is left out by the filters.
    Nowhere,
}

/// What is known of the target's tables.
pub(super) struct Tables<'a> {
    follow: &'a Follow,
    /// Partitions whose rows may belong into others on the target, and the tables that know.
    routes: HashMap<QualifiedName, QualifiedName>,
    /// A session for questions, while the other one is busy with changes.
    session: Connection,
    known: HashMap<QualifiedName, Destination>,
    /// The tables that were copied, if filters leave some out.
    copied: Option<HashSet<QualifiedName>>,
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
        let (mut copied, mut partial) = (HashSet::new(), HashSet::new());
        for table in inventory.into_iter().flat_map(|inventory| inventory.tables) {
            if table.exclude_data {
                partial.insert(table.name.clone());
            }
            copied.insert(table.name);
        }
        Ok(Tables {
            follow,
            routes,
            session,
            known: HashMap::new(),
            copied: Some(copied).filter(|_| is_filtered),
            partial,
            described: HashMap::new(),
        })
    }

    /// Takes in how the source describes a table from now on.
    pub(super) fn describe(&mut self, relation: &Arc<Relation>) {
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
    }

    /// Where the changes of a table go.
    pub(super) async fn table(&mut self, name: &QualifiedName) -> Result<Destination> {
        if let Some(known) = self.known.get(name) {
            return Ok(known.clone());
        }
        let found = self.look_up(name).await?;
        self.known.insert(name.clone(), found.clone());
        Ok(found)
    }

    async fn look_up(&mut self, name: &QualifiedName) -> Result<Destination> {
        let is_copied = self.copied.as_ref().is_none_or(|copied| copied.contains(name));
        let wanted = self.routes.get(name).unwrap_or(name);
        let mut found = match is_copied {
            true => replica::table(&mut self.session, wanted).await?,
            false => None,
        };
        if found.is_none() {
            // A partition that was made since, or that the target has in another form.
            let mut source = self.follow.source.open("partition").await?;
            let root = replica::root(&mut source, name).await?;
            source.close().await;
            let is_wanted =
                |root: &QualifiedName| self.copied.as_ref().is_none_or(|all| all.contains(root));
            if let Some(root) = root.filter(is_wanted) {
                tracing::info!("changes of {name} go to {root}: the target has no such partition");
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
        Ok(Destination::Table { table, is_partial: self.partial.contains(name) })
    }

    /// Ends the session.
    pub(super) async fn close(self) {
        self.session.close().await;
    }
}
