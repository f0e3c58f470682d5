//! The statistics of tables come from the source where the target takes them: ANALYZE would read
//! every table once more, and its sorting is among the dearest work of a copy.

use std::collections::HashMap;
use std::time::Duration;

use pgcopydb_wire::Connection;
use tokio::sync::Mutex;

use super::context::Context;
use super::copy;
use super::statements::{Command, is_vacuumed};
use super::worker::Order;
use crate::error::Result;
use crate::model::{Oid, Table, TableKind, quote_literal};
use crate::pg::statistics::{self, Statistics, TAKEN_FROM_VERSION};
use crate::plan::Step;

/// How long the source may take to tell them. Gathering them anew is always possible.
const READ_LIMIT_S: u64 = 30;

/// Reads statistics for all workers. They are estimates: they need not be those of the snapshot.
#[derive(Debug, Default)]
pub struct Reader {
    session: Mutex<Option<Connection>>,
}

impl Reader {
    /// The statistics that the target can take over for tables that are to be analysed; none where
    /// the source cannot be asked.
    pub async fn read(&self, context: &Context, orders: &[Order]) -> HashMap<Oid, Statistics> {
        let tables = orders.iter().filter_map(|order| match order.step {
            Step::Analyze { table } => context.find_table(table),
            _ => None,
        });
        let oids: Vec<Oid> =
            tables.filter(|table| is_same(context, table)).map(|table| table.oid).collect();
        if oids.is_empty() {
            return HashMap::new();
        }
        let mut session = self.session.lock().await;
        let limit = Duration::from_secs(READ_LIMIT_S);
        match tokio::time::timeout(limit, read(context, &mut session, &oids)).await {
            Ok(Ok(statistics)) => statistics,
            Ok(Err(error)) => {
                *session = None;
                tracing::debug!("{error}; gathering them anew");
                HashMap::new()
            }
            Err(_) => {
                *session = None;
                tracing::debug!("the source told no statistics in {READ_LIMIT_S} s");
                HashMap::new()
            }
        }
    }

    /// Says goodbye to the source.
    pub async fn close(&self) {
        if let Some(session) = self.session.lock().await.take() {
            session.close().await;
        }
    }
}

async fn read(
    context: &Context,
    session: &mut Option<Connection>,
    tables: &[Oid],
) -> Result<HashMap<Oid, Statistics>> {
    // A worker that was stopped may have left in the middle of an answer.
    let session = match session {
        Some(session) if session.is_ready() => session,
        _ => session.insert(context.source.open("statistics").await?),
    };
    statistics::of(session, tables).await
}

/// Whether the target takes statistics, and has the very rows of the source in this table.
fn is_same(context: &Context, table: &Table) -> bool {
    let holds_more = || context.found.tables.get(&table.oid).is_some_and(|table| !table.is_emptied);
    context.target_version >= TAKEN_FROM_VERSION
        && table.condition.is_none()
        && table.load_via.is_none()
        && !table.exclude_data
        // A filter may leave out some of its partitions.
        && !(table.kind == TableKind::Partitioned && context.settings.filters.is_some())
        && !holds_more()
}

/// Tells the target what is known. True for each table of which all was understood.
pub async fn tell(target: &mut Connection, known: &HashMap<Oid, Statistics>) -> Vec<Oid> {
    let tables: Vec<(&Oid, &Statistics)> = known.iter().collect();
    let queries: Vec<&str> = tables.iter().map(|(_, known)| known.columns.as_str()).collect();
    let answers = match target.execute(&queries.join("; ")).await {
        Ok(answers) => answers,
        Err(error) => {
            tracing::debug!("the target did not take statistics, gathering them anew: {error}");
            return Vec::new();
        }
    };
    let told = tables.into_iter().zip(&answers).filter(|(_, answer)| {
        answer.rows.first().is_some_and(|row| row.flag(0).unwrap_or_default())
    });
    told.map(|((oid, _), _)| *oid).collect()
}

/// What is left to do for a table whose columns the target knows: what it is told about the table
/// itself is what ANALYZE would have found.
pub fn of_table(context: &Context, table: &Table, known: &Statistics) -> Command {
    if is_vacuumed(context, table.oid) {
        return Command { text: format!("vacuum {}", table.name), is_vacuum: true };
    }
    let name = quote_literal(&table.name.to_string());
    let pages = match table.kind {
        TableKind::Partitioned => known.relpages.to_string(),
        TableKind::Ordinary => format!(
            "(pg_catalog.pg_relation_size({name}::pg_catalog.regclass) \
             / pg_catalog.current_setting('block_size')::int8)::int4"
        ),
    };
    let visible = if copy::is_frozen(context, table) { pages.as_str() } else { "0" };
    let text = format!(
        "select pg_catalog.pg_restore_relation_stats('schemaname', {}, 'relname', {}, \
         'relpages', {pages}, 'reltuples', {}::float4, 'relallvisible', {visible}, \
         'relallfrozen', {visible})",
        quote_literal(&table.name.namespace),
        quote_literal(&table.name.name),
        quote_literal(&known.reltuples),
    );
    Command { text, is_vacuum: false }
}
