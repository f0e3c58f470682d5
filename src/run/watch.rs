//! Looks out for sessions of ours that wait for somebody else's lock, and says for whom.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use pgcopydb_wire::Connection;

use super::context::Context;
use super::worker::SILENCE_S;
use crate::pg::Endpoint;

/// How often the servers are asked.
const INTERVAL_S: u64 = 10;

/// Watches both servers until it is dropped.
pub async fn watch(context: Arc<Context>) {
    let mut sides = [(&context.source, None), (&context.target, None)];
    let mut waiting: HashMap<(bool, i32), Instant> = HashMap::new();
    loop {
        tokio::time::sleep(Duration::from_secs(INTERVAL_S)).await;
        for (endpoint, session) in &mut sides {
            // A server that cannot be asked now is asked again later: the workers will say.
            if look(endpoint, session, &mut waiting).await.is_err() {
                *session = None;
            }
        }
    }
}

async fn look(
    endpoint: &Endpoint,
    session: &mut Option<Connection>,
    waiting: &mut HashMap<(bool, i32), Instant>,
) -> crate::error::Result<()> {
    let side = endpoint.side;
    if session.is_none() {
        *session = Some(endpoint.open("watch").await?);
    }
    let Some(session) = session else { return Ok(()) };
    let pattern = format!("pgcopydb[{}] %", std::process::id());
    let failed = |error| side.error("could not look for locks", error);
    let rows = session.query(include_str!("../pg/sql/blocked.sql"), &[Some(&pattern)]).await;
    let mut still = HashMap::new();
    for row in rows.map_err(failed)?.iter() {
        let pid: i32 = row.parsed(0).map_err(failed)?;
        let key = (side == crate::pg::Side::Source, pid);
        let since = waiting.get(&key).copied().unwrap_or_else(Instant::now);
        still.insert(key, since);
        if since.elapsed() >= Duration::from_secs(SILENCE_S) {
            let (query, blocker) =
                (row.required(1).map_err(failed)?, row.required(2).map_err(failed)?);
            tracing::warn!(
                "session {pid} on the {} has waited {} s for a lock to run \"{query}\"; it is \
                 held by {blocker}",
                side.word(),
                since.elapsed().as_secs()
            );
        }
    }
    waiting
        .retain(|key, _| (key.0 == (side == crate::pg::Side::Source)) && still.contains_key(key));
    waiting.extend(still);
    Ok(())
}
