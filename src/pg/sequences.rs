//! The values of sequences. They are not transactional: what is read now is at or ahead of what
//! rows in a snapshot hold.

use std::fmt::Write;

use pgcopydb_wire::Connection;

use crate::error::{Error, Result};
use crate::model::Sequence;

/// Sequences read in one statement.
const SEQUENCES_PER_QUERY: usize = 500;

/// The last value of each sequence and whether it was handed out, with the sequence's place.
pub async fn values(
    source: &mut Connection,
    sequences: &[&Sequence],
) -> Result<Vec<(usize, (i64, bool))>> {
    let failed = |error| Error::source("could not read sequences", error);
    let mut values = Vec::with_capacity(sequences.len());
    for (chunk, some) in sequences.chunks(SEQUENCES_PER_QUERY).enumerate() {
        let mut sql = String::new();
        for (number, sequence) in some.iter().enumerate() {
            let union = if number == 0 { "" } else { " union all " };
            let place = chunk * SEQUENCES_PER_QUERY + number;
            let _ =
                write!(sql, "{union}select {place}, last_value, is_called from {}", sequence.name);
        }
        let rows = source.query(&sql, &[]).await.map_err(failed)?;
        for row in rows.iter() {
            let place: usize = row.parsed(0).map_err(failed)?;
            if place < sequences.len() {
                let value = (row.parsed(1).map_err(failed)?, row.flag(2).map_err(failed)?);
                values.push((place, value));
            }
        }
    }
    Ok(values)
}
