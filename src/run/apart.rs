//! Statistics of a partitioned table without those of its partitions, which have steps of their own:
//! many workers gather these, early, and one worker would gather them again, one after the other and
//! last of all.
//!
//! Before version 18 there is no `ANALYZE ONLY`. But with SKIP_LOCKED the command passes over
//! partitions that somebody else has locked, while it reads their rows for the table above them under a
//! weaker lock (PostgreSQL documentation, "ANALYZE").

use std::time::Duration;

use pgcopydb_wire::Connection;

use super::context::Context;
use super::statements::Command;
use super::worker::Order;
use crate::error::{Error, Result};
use crate::fault;
use crate::model::{QualifiedName, TableKind};
use crate::plan::Step;
use crate::plan::clone::analyze::{ANALYZE_APART_VERSION, ANALYZE_ONLY_VERSION};

/// How long others may keep their locks on a partition before all of them are analysed again.
const LOCK_LIMIT: Duration = Duration::from_secs(5);

/// How long the server may take to answer, and longer than it waits for locks.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The partitions of a table, kept from being analysed until this is dropped.
pub struct Partitions {
    session: Box<Connection>,
}

impl Partitions {
    /// Locks the partitions of a table that some orders are to analyse, where that is of use. That it
    /// cannot be done costs only time.
    pub async fn lock(context: &Context, orders: &[Order]) -> Option<Partitions> {
        let table = orders.iter().find_map(|order| table_apart(context, order.step))?;
        match tokio::time::timeout(ANSWER_LIMIT, lock(context, &table)).await {
            Ok(Ok(session)) => return Some(Partitions { session: Box::new(session) }),
            Ok(Err(error)) => tracing::info!("{error}; analysing them again"),
            Err(_) => {
                tracing::info!("no answer about the partitions of {table}; analysing them again")
            }
        }
        None
    }

    /// Ends the session that has the locks.
    pub async fn release(self) {
        self.session.close().await;
    }
}

/// The name of a partitioned table that a step analyses, if that can be done without its partitions
/// and only in this way.
pub fn table_apart(context: &Context, step: Step) -> Option<QualifiedName> {
    let Step::Analyze { table } = step else { return None };
    // Tables that were there before may have partitions that have no step.
    let is_possible = (ANALYZE_APART_VERSION..ANALYZE_ONLY_VERSION)
        .contains(&context.target_version)
        && context.found.tables.is_empty();
    let table = is_possible.then(|| context.find_table(table)).flatten()?;
    (table.kind == TableKind::Partitioned).then_some(table.name)
}

/// What analyses a table alone, while its partitions are locked. Its own lock is waited for, lest it
/// is passed over as well.
pub fn analyze(table: &QualifiedName) -> Command {
    let text = format!(
        "set local client_min_messages = error; \
         lock table only {table} in share update exclusive mode; analyze (skip_locked) {table}"
    );
    Command { text, is_vacuum: false }
}

async fn lock(context: &Context, table: &QualifiedName) -> Result<Connection> {
    let failed = |error| Error::target(format!("could not lock the partitions of {table}"), error);
    let mut session = context.open_target("partitions").await?;
    let sql = include_str!("../pg/sql/partitions.sql");
    let rows = session.query(sql, &[Some(&table.to_string())]).await.map_err(failed)?;
    let names = rows.first().and_then(|row| row.text(0).transpose()).transpose().map_err(failed)?;
    if let Some(names) = names {
        let limit = fault::setting("PARTITIONS", LOCK_LIMIT).as_millis();
        let sql = format!(
            "begin; set local lock_timeout = {limit}; \
             lock table {names} in share update exclusive mode"
        );
        session.execute(&sql).await.map_err(failed)?;
    }
    Ok(session)
}
