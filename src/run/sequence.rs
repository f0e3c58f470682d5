//! Sets sequences to their values on the source.

use std::fmt::Write;

use pgcopydb_wire::Connection;

use super::context::Context;
use super::worker::Done;
use crate::error::Result;
use crate::model::{Packed, Sequence, quote_literal};
use crate::pg::{Side, sequences};

/// Sequences set in one message.
const SEQUENCES_PER_MESSAGE: usize = 500;

/// Sets every sequence that we may read.
pub async fn set_all(
    context: &Context,
    source: &mut Connection,
    target: &mut Connection,
) -> Result<Done> {
    set(&context.inventory.sequences, source, target).await
}

/// Sets some sequences.
pub async fn set(
    sequences: &Packed<Sequence>,
    source: &mut Connection,
    target: &mut Connection,
) -> Result<Done> {
    let mut done = Done { command: "setval".into(), ..Done::default() };
    let (readable, hidden): (Vec<Sequence>, Vec<Sequence>) =
        sequences.iter().partition(|sequence| sequence.is_readable);
    for sequence in hidden {
        tracing::warn!(
            "sequence {} keeps its start value: the role may not read it on the source (grant \
             SELECT on it)",
            sequence.name
        );
    }
    let values = sequences::values(source, &readable.iter().collect::<Vec<_>>()).await?;
    for some in values.chunks(SEQUENCES_PER_MESSAGE) {
        let mut sql = String::new();
        for (place, (last_value, is_called)) in some {
            let name = quote_literal(&readable[*place].name.to_string());
            let _ = write!(sql, "select pg_catalog.setval({name}, {last_value}, {is_called});");
            done.rows += 1;
        }
        let set = target.execute(&sql).await;
        set.map_err(|error| Side::Target.error("could not set sequences", error))?;
    }
    Ok(done)
}
