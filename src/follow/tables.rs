//! The tables of the target that changes go to, looked up when the first change of each comes.

use std::collections::HashMap;
use std::sync::Arc;

use pgcopydb_wire::Connection;

use super::Follow;
use crate::error::{Error, Kind, Result};
use crate::model::QualifiedName;
use crate::model::change::Relation;
use crate::model::replica::ReplicaTable;
use crate::pg::replica;

/// What is known of the target's tables.
pub(super) struct Tables<'a> {
    follow: &'a Follow,
    /// Partitions whose rows may belong into others on the target, and the tables that know.
    routes: HashMap<QualifiedName, QualifiedName>,
    /// A session for questions, while the other one is busy with changes.
    session: Connection,
    known: HashMap<QualifiedName, Arc<ReplicaTable>>,
    /// How the source described them last.
    described: HashMap<QualifiedName, Arc<Relation>>,
}

impl<'a> Tables<'a> {
    pub(super) async fn new(follow: &'a Follow, session: Connection) -> Result<Tables<'a>> {
        let inventory = follow.catalog.load_inventory().await?;
        let routes = inventory.as_ref().map(super::routes).unwrap_or_default();
        let (known, described) = (HashMap::new(), HashMap::new());
        Ok(Tables { follow, routes, session, known, described })
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

    /// The table that changes of a table go to: the one of the same name, or the one that it is a
    /// partition of.
    pub(super) async fn table(&mut self, name: &QualifiedName) -> Result<Arc<ReplicaTable>> {
        if let Some(table) = self.known.get(name) {
            return Ok(table.clone());
        }
        let wanted = self.routes.get(name).unwrap_or(name);
        let mut found = replica::table(&mut self.session, wanted).await?;
        if found.is_none() {
            // A partition that was made since, or that the target has in another form.
            let mut source = self.follow.source.open("partition").await?;
            let root = replica::root(&mut source, name).await?;
            source.close().await;
            if let Some(root) = root {
                tracing::info!("changes of {name} go to {root}: the target has no such partition");
                found = replica::table(&mut self.session, &root).await?;
            }
        }
        let Some(table) = found.map(Arc::new) else {
            return Err(Error::new(Kind::Target, format!("the target has no table {name}"))
                .hint("Make it as it is on the source, then continue with --resume."));
        };
        self.known.insert(name.clone(), table.clone());
        Ok(table)
    }

    /// Ends the session.
    pub(super) async fn close(self) {
        self.session.close().await;
    }
}
