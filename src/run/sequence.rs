//! The values of sequences. They are not transactional: what is read now is at or ahead of what
//! the copied rows hold.

use std::fmt::Write;

use pgcopydb_wire::Connection;

use super::context::Context;
use super::worker::Done;
use crate::error::Result;
use crate::model::{Sequence, quote_literal};
use crate::pg::Side;

/// Sequences read in one statement.
const SEQUENCES_PER_QUERY: usize = 500;

/// Sets every sequence that we may read.
pub async fn set_all(
    context: &Context,
    source: &mut Connection,
    target: &mut Connection,
) -> Result<Done> {
    let mut done = Done { command: "setval".into(), ..Done::default() };
    let (readable, hidden): (Vec<&Sequence>, Vec<&Sequence>) =
        context.inventory.sequences.iter().partition(|sequence| sequence.is_readable);
    for sequence in hidden {
        tracing::warn!(
            "sequence {} keeps its start value: the role may not read it on the source (grant \
             SELECT on it)",
            sequence.name
        );
    }
    for some in readable.chunks(SEQUENCES_PER_QUERY) {
        let mut sql = String::new();
        for (number, sequence) in some.iter().enumerate() {
            let union = if number == 0 { "" } else { " union all " };
            let _ =
                write!(sql, "{union}select {number}, last_value, is_called from {}", sequence.name);
        }
        let failed = |error| Side::Source.error("could not read sequences", error);
        let values = source.query(&sql, &[]).await.map_err(failed)?;
        let mut sql = String::new();
        for row in values.iter() {
            let number: usize = row.parsed(0).map_err(failed)?;
            let Some(sequence) = some.get(number) else { continue };
            let (last_value, is_called) =
                (row.parsed::<i64>(1).map_err(failed)?, row.flag(2).map_err(failed)?);
            let name = quote_literal(&sequence.name.to_string());
            let _ = write!(sql, "select pg_catalog.setval({name}, {last_value}, {is_called});");
            done.rows += 1;
        }
        let set = target.execute(&sql).await;
        set.map_err(|error| Side::Target.error("could not set sequences", error))?;
    }
    Ok(done)
}
