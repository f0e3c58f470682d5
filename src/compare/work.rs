//! What is compared, cut into pieces of work: a query for each server, whose sums add up.

use pgcopydb_wire::Connection;

use crate::error::Result;
use crate::model::content::Relation;
use crate::model::{Oid, PartRange};
use crate::pg::checksum::{self, Method, Rows};
use crate::pg::{Side, contents, parts};
use crate::plan::compare::Matter;
use crate::plan::split;

/// Smaller tables are not cut unless that is asked for: starting a piece of work takes time, too.
const PIECE_BYTES_MIN: u64 = 64 << 20;

/// Larger tables are cut so that it can be seen how far the comparison is.
const PIECE_BYTES_MAX: u64 = 1 << 30;

/// How tables are cut, and by how many workers they are compared.
#[derive(Clone, Copy, Debug)]
pub struct Cutting {
    /// Workers.
    pub jobs: u16,
    /// Tables of at least this many bytes are cut; 0 for never.
    pub larger_than: Option<u64>,
    /// The most pieces of one table.
    pub parts_max: Option<u32>,
    /// Whether tables are never cut by the place of their rows.
    pub skip_ctid: bool,
}

/// A piece of work.
#[derive(Debug)]
pub struct Piece {
    /// Which entry of the result its sums belong to.
    pub entry: usize,
    /// The query for each side; `None` where that has nothing to add.
    pub queries: [Option<String>; 2],
    /// About how many bytes it reads, by the source's sizes.
    pub bytes: u64,
}

/// One side: its session and what it has.
pub struct Holder<'a> {
    /// Which.
    pub side: Side,
    /// A session that sees the snapshot.
    pub session: &'a mut Connection,
    /// Its relations.
    pub relations: &'a [Relation],
}

/// Cuts everything into pieces, the largest first. Matters come first among the entries.
pub async fn pieces(
    matters: &[Matter],
    mut sides: [Holder<'_>; 2],
    cutting: Cutting,
    method: Method,
) -> Result<Vec<Piece>> {
    let total: u64 = sides[0].relations.iter().map(|relation| relation.bytes).sum();
    let threshold = match cutting.larger_than {
        Some(0) => u64::MAX,
        Some(bytes) => bytes,
        None => (total / u64::from(cutting.jobs)).clamp(PIECE_BYTES_MIN, PIECE_BYTES_MAX),
    };
    let mut pieces = Vec::new();
    for (entry, matter) in matters.iter().enumerate() {
        let mut slices = [Vec::new(), Vec::new()];
        let places = [&matter.source, &matter.target];
        for ((side, places), slices) in sides.iter_mut().zip(places).zip(&mut slices) {
            for &place in places {
                cut(side, place, matter, threshold, cutting, method, slices).await?;
            }
        }
        let [source, target] = slices;
        let (mut source, mut target) = (source.into_iter(), target.into_iter());
        loop {
            let (ours, theirs) = (source.next(), target.next());
            let bytes = ours.as_ref().or(theirs.as_ref()).map(|(_, bytes)| *bytes);
            let Some(bytes) = bytes else { break };
            let queries = [ours, theirs].map(|slice| slice.map(|(query, _)| query));
            pieces.push(Piece { entry, queries, bytes });
        }
    }
    pieces.sort_by_key(|piece| std::cmp::Reverse(piece.bytes));
    Ok(pieces)
}

/// Cuts one relation of one side.
async fn cut(
    holder: &mut Holder<'_>,
    place: usize,
    matter: &Matter,
    threshold: u64,
    cutting: Cutting,
    method: Method,
    slices: &mut Vec<(String, u64)>,
) -> Result<()> {
    let relation = &holder.relations[place];
    let count = match relation.condition.is_empty() {
        true => split::part_count(relation.bytes, threshold, cutting.parts_max),
        false => 1,
    };
    let mut cuts = Vec::new();
    if count > 1 {
        cuts = ranges(holder, relation, count, cutting).await?;
    }
    let mut push = |condition: &str, bytes| {
        let rows = Rows { relation: &relation.name, columns: &matter.columns, condition };
        slices.push((checksum::rows_query(&rows, method), bytes));
    };
    if cuts.len() < 2 {
        push(&relation.condition, relation.bytes);
        return Ok(());
    }
    for (range, bytes) in cuts {
        let condition = split::condition(&range, relation.split_key.as_deref());
        push(&condition.map_or(String::new(), |condition| format!("where {condition}")), bytes);
    }
    Ok(())
}

/// Each side is cut by itself: what lies on a page of one server lies on another page of the other.
async fn ranges(
    holder: &mut Holder<'_>,
    relation: &Relation,
    count: u16,
    cutting: Cutting,
) -> Result<Vec<(PartRange, u64)>> {
    let has_pages = relation.access_method == "heap" && !cutting.skip_ctid;
    let version = holder.session.server_version();
    let by_pages = || split::by_ctid(relation.pages, relation.bytes, count);
    let parts = if has_pages && version >= split::TID_RANGE_SCAN_VERSION {
        by_pages()
    } else {
        let key = relation.split_key.as_deref();
        match parts::key_bounds(holder.session, holder.side, &relation.name, key).await? {
            Some((min, max)) => split::by_key(min, max, relation.bytes, count),
            None if has_pages => by_pages(),
            None => Vec::new(),
        }
    };
    Ok(parts.into_iter().map(|part| (part.range, part.bytes)).collect())
}

/// The pieces of the large objects, cut at the same OIDs on both sides.
pub async fn large_objects(
    sides: [(&mut Connection, Side); 2],
    entry: usize,
    method: Method,
) -> Result<(u64, Vec<Piece>)> {
    let [(source, source_side), (target, target_side)] = sides;
    let (ours, theirs) = tokio::try_join!(
        contents::large_objects(source, source_side),
        contents::large_objects(target, target_side)
    )?;
    let cuts = if ours.0 >= theirs.0 { ours.1 } else { theirs.1 };
    // The first piece has no beginning, the last one no end: nothing lies between the pieces.
    let inner: Vec<Oid> = cuts.into_iter().skip(1).collect();
    let from = std::iter::once(None).chain(inner.iter().copied().map(Some));
    let below = inner.iter().copied().map(Some).chain(std::iter::once(None));
    let pieces = from.zip(below).map(|(from, below)| {
        let query = || Some(checksum::large_objects_query(from, below, method));
        Piece { entry, queries: [query(), query()], bytes: 0 }
    });
    Ok((ours.0.max(theirs.0), pieces.collect()))
}
