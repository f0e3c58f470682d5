//! Are the schemas of two databases the same? Both are asked at the same time.

use pgcopydb_wire::Connection;

use super::diff::{Facts, diff};
use super::interrupt;
use crate::error::Result;
use crate::model::compare::SchemaComparison;
use crate::pg::facts::{self, Versions};
use crate::pg::{Endpoint, Side, snapshot};
use crate::stop::Stop;

/// Compares every object of two databases.
pub async fn compare(
    source: &Endpoint,
    target: &Endpoint,
    stop: &Stop,
) -> Result<SchemaComparison> {
    let opened = tokio::try_join!(open(source), open(target));
    let (mut source, mut target) = opened?;
    let keys = [source.cancel_key(), target.cancel_key()];
    let work = both(&mut source, &mut target);
    let (facts, versions) = interrupt::unless_stopped(stop, keys, work).await?;
    source.close().await;
    target.close().await;
    Ok(diff(&facts[0], &facts[1], versions))
}

async fn open(endpoint: &Endpoint) -> Result<Connection> {
    let mut session = snapshot::reader(endpoint, None, "compare schema").await?;
    crate::pg::session::fix_output(&mut session, endpoint.side).await?;
    Ok(session)
}

async fn both(source: &mut Connection, target: &mut Connection) -> Result<([Facts; 2], Versions)> {
    let (ours, theirs) = (source.server_version(), target.server_version());
    let versions = Versions { older: ours.min(theirs), newer: ours.max(theirs) };
    let (reads_source, reads_target) = tokio::try_join!(
        facts::reads_subscriptions(source, Side::Source),
        facts::reads_subscriptions(target, Side::Target)
    )?;
    let details = reads_source && reads_target;
    let mut found = [Facts::default(), Facts::default()];
    let [of_source, of_target] = &mut found;
    tokio::try_join!(
        facts::facts(source, Side::Source, versions, details, |fact| of_source.add(fact)),
        facts::facts(target, Side::Target, versions, details, |fact| of_target.add(fact))
    )?;
    Ok((found, versions))
}
