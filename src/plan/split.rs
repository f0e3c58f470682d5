//! One table into parts, so that several workers copy it side by side.

use crate::model::{PartRange, TablePart, quote_identifier};

/// The oldest server that parts of pages can be read from without reading the whole table: TID
/// range scans came with 14.
pub const TID_RANGE_SCAN_VERSION: u32 = 140_000;

/// More parts than this are no table's: a table of 32 TB is cut into no smaller ones than 512 MB.
const PARTS_MAX: u16 = u16::MAX;

/// Cuts a heap of `pages` pages, and `bytes` bytes with what hangs on it, into `parts` ranges of
/// pages. The last range is open: pages may have been added since.
pub fn by_ctid(pages: u64, bytes: u64, parts: u16) -> Vec<TablePart> {
    let parts = u64::from(parts).clamp(1, pages.max(1));
    (0..parts)
        .map(|n| {
            let from = share(pages, parts, n);
            let below = (n + 1 < parts).then(|| share(pages, parts, n + 1));
            TablePart {
                number: n as u16 + 1,
                bytes: bytes / parts,
                range: PartRange::Ctid { from, below },
            }
        })
        .collect()
}

/// Cuts a table with integer keys from `min` to `max` into `parts` ranges of keys. The first and
/// the last range are open, and rows without a key travel with the first: every row is in exactly
/// one part whatever the bounds are.
pub fn by_key(min: i64, max: i64, bytes: u64, parts: u16) -> Vec<TablePart> {
    let keys = (i128::from(max) - i128::from(min) + 1).max(1) as u128;
    let parts = u128::from(parts).clamp(1, keys);
    let bound = |n: u128| (i128::from(min) + (keys * n / parts) as i128) as i64;
    (0..parts)
        .map(|n| TablePart {
            number: n as u16 + 1,
            bytes: bytes / parts as u64,
            range: PartRange::Key {
                from: (n > 0).then(|| bound(n)),
                below: (n + 1 < parts).then(|| bound(n + 1)),
                with_null: n == 0,
            },
        })
        .collect()
}

/// How many parts a table is cut into when parts should not be larger than `threshold` bytes.
pub fn part_count(bytes: u64, threshold: u64, parts_max: Option<u32>) -> u16 {
    let wanted = bytes.div_ceil(threshold.max(1));
    wanted.clamp(1, u64::from(parts_max.unwrap_or(u32::MAX).max(1))).min(PARTS_MAX.into()) as u16
}

/// What a row must satisfy to be in a part, as in WHERE; `None` if every row does. `key` is the
/// column that key ranges are of.
pub fn condition(range: &PartRange, key: Option<&str>) -> Option<String> {
    let mut conditions = Vec::new();
    let mut or_null = String::new();
    match range {
        PartRange::Key { from, below, with_null } => {
            let key = quote_identifier(key.unwrap_or_default());
            conditions.extend(from.map(|from| format!("{key} >= '{from}'::bigint")));
            conditions.extend(below.map(|below| format!("{key} < '{below}'::bigint")));
            if *with_null {
                or_null = format!(" or {key} is null");
            }
        }
        PartRange::Ctid { from, below } => {
            conditions.push(format!("ctid >= '({from},0)'::pg_catalog.tid"));
            conditions.extend(below.map(|below| format!("ctid < '({below},0)'::pg_catalog.tid")));
        }
    }
    (!conditions.is_empty()).then(|| format!("({}){or_null}", conditions.join(" and ")))
}

/// Where part `n` of `parts` begins among `total`.
fn share(total: u64, parts: u64, n: u64) -> u64 {
    (u128::from(total) * u128::from(n) / u128::from(parts)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(range: &PartRange, key: Option<i64>) -> bool {
        match (range, key) {
            (PartRange::Key { with_null, .. }, None) => *with_null,
            (PartRange::Key { from, below, .. }, Some(key)) => {
                from.is_none_or(|from| key >= from) && below.is_none_or(|below| key < below)
            }
            (PartRange::Ctid { from, below }, Some(page)) => {
                page as u64 >= *from && below.is_none_or(|below| (page as u64) < below)
            }
            (PartRange::Ctid { .. }, None) => false,
        }
    }

    fn in_exactly_one(parts: &[TablePart], key: Option<i64>) {
        let count = parts.iter().filter(|part| holds(&part.range, key)).count();
        assert_eq!(count, 1, "{key:?} in {parts:?}");
    }

    #[test]
    fn every_key_is_in_exactly_one_part() {
        let bounds = [i64::MIN, i64::MIN + 1, -770, -1, 0, 1, 5, 3334, i64::MAX - 1, i64::MAX];
        for &min in &bounds {
            for &max in bounds.iter().filter(|max| **max >= min) {
                for count in [1, 2, 3, 13, 128] {
                    let parts = by_key(min, max, 1 << 30, count);
                    assert!(parts.len() <= count as usize);
                    for &key in &bounds {
                        in_exactly_one(&parts, Some(key));
                    }
                    for edge in parts.iter().filter_map(|part| match part.range {
                        PartRange::Key { below, .. } => below,
                        PartRange::Ctid { .. } => None,
                    }) {
                        in_exactly_one(&parts, Some(edge));
                        in_exactly_one(&parts, Some(edge - 1));
                    }
                    in_exactly_one(&parts, None);
                }
            }
        }
    }

    #[test]
    fn every_page_is_in_exactly_one_part() {
        for pages in [0, 1, 2, 25, 1000] {
            for count in [1, 2, 7, 64] {
                let parts = by_ctid(pages, pages * 8192, count);
                for page in 0..pages + 100 {
                    in_exactly_one(&parts, Some(page as i64));
                }
            }
        }
    }

    #[test]
    fn conditions_hold_every_row_once() {
        let key = |from, below, with_null| {
            condition(&PartRange::Key { from, below, with_null }, Some("Id")).unwrap_or_default()
        };
        assert_eq!(key(None, None, true), "");
        assert_eq!(key(None, Some(-1), true), "(\"Id\" < '-1'::bigint) or \"Id\" is null");
        assert_eq!(
            key(Some(-1), Some(5), false),
            "(\"Id\" >= '-1'::bigint and \"Id\" < '5'::bigint)"
        );
        assert_eq!(
            condition(&PartRange::Ctid { from: 3, below: None }, None).unwrap(),
            "(ctid >= '(3,0)'::pg_catalog.tid)"
        );
    }

    #[test]
    fn as_many_parts_as_asked_for() {
        assert_eq!(part_count(100, 10, None), 10);
        assert_eq!(part_count(101, 10, None), 11);
        assert_eq!(part_count(101, 10, Some(4)), 4);
        assert_eq!(part_count(1, 10, None), 1);
    }
}
