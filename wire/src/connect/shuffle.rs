//! A random order, for `load_balance_hosts=random`.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Fisher and Yates; the standard library's hash keys are random enough to spread load.
pub(super) fn shuffle<T>(items: &mut [T]) {
    let random = RandomState::new();
    for end in (1..items.len()).rev() {
        let mut hasher = random.build_hasher();
        hasher.write_usize(end);
        // The remainder is at most `end`, so nothing is lost.
        let pick = (hasher.finish() % (end as u64 + 1)) as usize;
        items.swap(end, pick);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_comes_first_at_some_time() {
        let mut seen = [false; 3];
        for _ in 0..1000 {
            let mut items = [0, 1, 2];
            shuffle(&mut items);
            seen[items[0]] = true;
            items.sort_unstable();
            assert_eq!(items, [0, 1, 2]);
        }
        assert_eq!(seen, [true; 3]);
    }
}
