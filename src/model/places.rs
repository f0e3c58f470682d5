//! Where in a list objects are, by what they are called: a map that is made once and takes no more
//! memory than it holds.

use std::fmt::Debug;

/// Places in a list, by key.
#[derive(Clone, Debug, Default)]
pub struct Places<Key>(Box<[(Key, u32)]>);

impl<Key: Copy + Debug + Ord> Places<Key> {
    /// The places of a list of these keys.
    pub fn new(keys: impl Iterator<Item = Key>) -> Places<Key> {
        Places::from_pairs(keys.zip(0..))
    }

    /// Places with their keys; the last one of each key.
    pub fn from_pairs(pairs: impl Iterator<Item = (Key, usize)>) -> Places<Key> {
        let mut places: Vec<(Key, u32)> = pairs.map(|(key, place)| (key, place as u32)).collect();
        places.sort_by_key(|(key, _)| *key);
        places.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                *kept = *next;
            }
            is_same
        });
        Places(places.into_boxed_slice())
    }

    /// Where one is.
    pub fn get(&self, key: Key) -> Option<usize> {
        let found = self.0.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        Some(self.0[found].1 as usize)
    }

    /// Where one is that is there.
    ///
    /// # Panics
    ///
    /// If it is not.
    pub fn at(&self, key: Key) -> usize {
        match self.get(key) {
            Some(place) => place,
            None => panic!("{key:?} is not in the inventory"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_found_and_the_last_of_each_counts() {
        let places = Places::from_pairs([(7, 0), (3, 1), (7, 2), (5, 3)].into_iter());
        let found: Vec<_> = (2..9).map(|key| places.get(key)).collect();
        assert_eq!(found, [None, Some(1), None, Some(3), None, Some(2), None]);
        assert_eq!(Places::new(["b", "a"].into_iter()).at("a"), 1);
    }
}
