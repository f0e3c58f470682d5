//! Which rows differ? Keys are put into buckets by their hash; only buckets whose sums differ are
//! read, and of these no more than fit into memory.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use pgcopydb_wire::Connection;

use super::crew::Context;
use super::interrupt;
use crate::error::Result;
use crate::model::compare::{ContentComparison, RowDifference};
use crate::model::content::Relation;
use crate::pg::checksum::{self, Keyed, Method, Rows, Sum};
use crate::pg::{Side, contents};
use crate::plan::compare::Matter;

/// Rows in a bucket, as far as the number of buckets allows.
const BUCKET_ROWS: u64 = 1_000;

/// The most buckets: their sums are held in memory.
const BUCKETS_MAX: u64 = 65_536;

/// Rows that are read to be looked at one by one.
const ROWS_READ_MAX: u64 = 100_000;

/// Finds the first `limit` rows of two relations that differ, by their keys.
pub async fn find(
    context: &Context,
    matter: &Matter,
    relations: [&[Relation]; 2],
    content: &ContentComparison,
    limit: usize,
) -> Result<Vec<(RowDifference, String)>> {
    tracing::info!("looking for the rows of {} that differ", matter.name);
    let [mut source, mut target] = context.open("compare rows").await?;
    let keys = [source.cancel_key(), target.cancel_key()];
    let work = async {
        let key = key(&mut source, matter, relations[0]).await?;
        let counts = [&content.source, &content.target];
        let rows = counts.iter().filter_map(|side| side.as_ref().map(|side| side.rows)).max();
        let search = Search {
            method: context.method,
            sides: [
                keyed(matter, &matter.source, relations[0], &key, rows),
                keyed(matter, &matter.target, relations[1], &key, rows),
            ],
            rows: rows.unwrap_or(0),
        };
        search.differences([&mut source, &mut target], limit).await
    };
    interrupt::unless_stopped(&context.stop, keys, work).await
}

/// The columns of the source's primary key, as far as the rows of a whole tree have one.
async fn key(
    session: &mut Connection,
    matter: &Matter,
    relations: &[Relation],
) -> Result<Vec<String>> {
    let Some(relation) = relations.iter().find(|relation| relation.name == matter.name) else {
        return Ok(Vec::new());
    };
    let key = contents::primary_key(session, Side::Source, relation.oid).await?;
    let is_compared = |name: &String| matter.columns.iter().any(|column| column.name == *name);
    Ok(if key.iter().all(is_compared) { key } else { Vec::new() })
}

fn keyed<'a>(
    matter: &'a Matter,
    places: &[usize],
    relations: &'a [Relation],
    key: &'a [String],
    rows: Option<u64>,
) -> Keyed<'a> {
    let of = |&place: &usize| Rows {
        relation: &relations[place].name,
        columns: &matter.columns,
        condition: &relations[place].condition,
    };
    let buckets = (rows.unwrap_or(0) / BUCKET_ROWS).clamp(1, BUCKETS_MAX).next_power_of_two();
    Keyed { rows: places.iter().map(of).collect(), key, buckets: buckets as u32 }
}

struct Search<'a> {
    method: Method,
    sides: [Keyed<'a>; 2],
    rows: u64,
}

/// How often each side has a row, by what is shown of it and by its hashes.
type Counts = BTreeMap<String, HashMap<(i64, i64), [u64; 2]>>;

impl Search<'_> {
    async fn differences(
        &self,
        [source, target]: [&mut Connection; 2],
        limit: usize,
    ) -> Result<Vec<(RowDifference, String)>> {
        let (ours, theirs) = tokio::try_join!(
            self.buckets(source, Side::Source),
            self.buckets(target, Side::Target)
        )?;
        let numbers: BTreeSet<u32> = ours.keys().chain(theirs.keys()).copied().collect();
        let different = numbers.into_iter().filter(|number| ours.get(number) != theirs.get(number));
        let mut found = Vec::new();
        let mut different = different.peekable();
        let per_bucket = (self.rows / u64::from(self.sides[0].buckets)).max(1);
        let at_once = usize::try_from(ROWS_READ_MAX / per_bucket).unwrap_or(1).max(1);
        while different.peek().is_some() && found.len() < limit {
            let some: Vec<String> =
                different.by_ref().take(at_once).map(|number| number.to_string()).collect();
            let some = format!("{{{}}}", some.join(","));
            let (ours, theirs) = tokio::try_join!(
                self.read(source, Side::Source, &some),
                self.read(target, Side::Target, &some)
            )?;
            found.extend(compared(ours, theirs));
        }
        found.truncate(limit);
        Ok(found)
    }

    fn of(&self, side: Side) -> &Keyed<'_> {
        match side {
            Side::Source => &self.sides[0],
            Side::Target => &self.sides[1],
        }
    }

    async fn buckets(&self, session: &mut Connection, side: Side) -> Result<HashMap<u32, Sum>> {
        let sql = self.of(side).buckets_query(self.method);
        let sums = checksum::bucket_sums(session, &sql).await;
        let sums = sums.map_err(|error| side.error("could not compute checksums", error))?;
        Ok(sums.into_iter().collect())
    }

    async fn read(&self, session: &mut Connection, side: Side, buckets: &str) -> Result<Vec<Seen>> {
        let sql = self.of(side).rows_query(self.method);
        let mut rows = Vec::new();
        let parameters = [Some(buckets)];
        let queried = session.query_each(&sql, &parameters, |row| {
            rows.push(Seen {
                shown: row.required(0)?.to_owned(),
                hashes: (row.parsed(1)?, row.parsed(2)?),
                times: row.parsed(3)?,
            });
            Ok(())
        });
        queried.await.map_err(|error| side.error("could not read keys", error))?;
        Ok(rows)
    }
}

/// Rows that are the same.
struct Seen {
    shown: String,
    hashes: (i64, i64),
    times: u64,
}

fn compared(source: Vec<Seen>, target: Vec<Seen>) -> Vec<(RowDifference, String)> {
    let mut counts = Counts::new();
    for (side, rows) in [source, target].into_iter().enumerate() {
        for row in rows {
            counts.entry(row.shown).or_default().entry(row.hashes).or_default()[side] += row.times;
        }
    }
    let mut found = Vec::new();
    for (shown, rows) in counts {
        let more = |side: usize| rows.values().any(|times| times[side] > times[1 - side]);
        let difference = match (more(0), more(1)) {
            (true, true) => RowDifference::Differs,
            (true, false) => RowDifference::SourceOnly,
            (false, true) => RowDifference::TargetOnly,
            (false, false) => continue,
        };
        found.push((difference, shown));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_told_apart_by_key_and_content() {
        let rows = |rows: &[(&str, i64, u64)]| {
            let seen = |&(shown, hash, times): &(&str, i64, u64)| Seen {
                shown: shown.to_owned(),
                hashes: (hash, 0),
                times,
            };
            rows.iter().map(seen).collect::<Vec<_>>()
        };
        let source = rows(&[("(1)", 1, 1), ("(2)", 2, 1), ("(3)", 3, 1), ("(5)", 5, 2)]);
        let target = rows(&[("(1)", 1, 1), ("(2)", 9, 1), ("(4)", 4, 1), ("(5)", 5, 1)]);
        assert_eq!(
            compared(source, target),
            [
                (RowDifference::Differs, "(2)".to_owned()),
                (RowDifference::SourceOnly, "(3)".to_owned()),
                (RowDifference::TargetOnly, "(4)".to_owned()),
                (RowDifference::SourceOnly, "(5)".to_owned()),
            ]
        );
    }
}
