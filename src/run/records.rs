//! A set of names of steps. There may be a million of them, nearly all of them a word and an OID, and
//! the OIDs of a schema are close together: a bit for each.

use std::collections::{HashMap, HashSet};

/// The words that most names begin with.
const WORDS: [&str; 8] =
    ["copy", "index", "constraint", "foreign-key", "validate", "analyze", "truncate", "extension"];

/// Names of steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Names that are a word and a number. None of these sets of bits is empty.
    numbered: HashMap<Group, u64>,
    others: HashSet<String>,
}

/// Names that have the word at this place among all, and a number of which this is the quotient by
/// [`GROUP_LENGTH`].
type Group = (u8, u32);

/// Numbers to a group: one for each bit.
const GROUP_LENGTH: u32 = u64::BITS;

impl Records {
    /// How many there are.
    pub fn len(&self) -> usize {
        count(self.numbered.values().copied()) + self.others.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.numbered.is_empty() && self.others.is_empty()
    }

    /// Adds one.
    pub fn insert(&mut self, key: &str) {
        match numbered(key) {
            Some((group, bit)) => *self.numbered.entry(group).or_default() |= bit,
            None => drop(self.others.insert(key.to_owned())),
        }
    }

    /// Takes one out.
    pub fn remove(&mut self, key: &str) {
        let Some((group, bit)) = numbered(key) else {
            self.others.remove(key);
            return;
        };
        if let Some(bits) = self.numbered.get_mut(&group) {
            *bits &= !bit;
            if *bits == 0 {
                self.numbered.remove(&group);
            }
        }
    }

    /// Whether one is among them.
    pub fn contains(&self, key: &str) -> bool {
        match numbered(key) {
            Some((group, bit)) => self.bits(&group) & bit != 0,
            None => self.others.contains(key),
        }
    }

    /// How many of them are not among others.
    pub fn missing_in(&self, others: &Records) -> usize {
        let missing = self.numbered.iter().map(|(group, bits)| bits & !others.bits(group));
        count(missing) + self.others.difference(&others.others).count()
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = String> + '_ {
        let numbered = self.numbered.iter().flat_map(|((word, quotient), bits)| {
            let places = (0..GROUP_LENGTH).filter(move |place| bits >> place & 1 == 1);
            places.map(move |place| {
                format!("{} {}", WORDS[usize::from(*word)], quotient * GROUP_LENGTH + place)
            })
        });
        numbered.chain(self.others.iter().cloned())
    }

    fn bits(&self, group: &Group) -> u64 {
        self.numbered.get(group).copied().unwrap_or(0)
    }
}

fn count(sets: impl Iterator<Item = u64>) -> usize {
    sets.map(|bits| bits.count_ones() as usize).sum()
}

impl<'a> FromIterator<&'a str> for Records {
    fn from_iter<I: IntoIterator<Item = &'a str>>(keys: I) -> Records {
        let mut all = Records::default();
        for key in keys {
            all.insert(key);
        }
        all
    }
}

/// Where a name is that is a word and a number, if it can be put together of them again.
fn numbered(key: &str) -> Option<(Group, u64)> {
    let (word, number) = key.split_once(' ')?;
    let place = WORDS.iter().position(|known| *known == word)?;
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit())
        && (number == "0" || !number.starts_with('0'));
    let number: u32 = number.parse().ok().filter(|_| is_plain)?;
    Some(((place as u8, number / GROUP_LENGTH), 1 << (number % GROUP_LENGTH)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 14] = [
        "copy 16384",
        "copy 16385",
        "copy 16447",
        "copy 016384",
        "copy +16384",
        "copy 4294967295",
        "copy 4294967296",
        "copy 16384 1/2 {}",
        "copy",
        "copy ",
        "index 16384",
        "sequences",
        "pre-data",
        "constraint 0",
    ];

    #[test]
    fn every_name_is_itself_and_no_other() {
        for name in NAMES {
            let one: Records = [name].into_iter().collect();
            assert_eq!(one.iter().collect::<Vec<_>>(), [name]);
            let found: Vec<&str> = NAMES.into_iter().filter(|other| one.contains(other)).collect();
            assert_eq!(found, [name]);
        }
    }

    #[test]
    fn what_is_missing_elsewhere_is_counted() {
        let all: Records = NAMES.into_iter().collect();
        assert_eq!(all.len(), NAMES.len());
        let mut fewer = all.clone();
        for name in ["copy 16384", "constraint 0", "copy 016384", "copy 1", "nothing"] {
            fewer.remove(name);
        }
        assert_eq!((all.missing_in(&fewer), fewer.missing_in(&all)), (3, 0));
        let mut none = all.clone();
        NAMES.iter().for_each(|name| none.remove(name));
        assert!(none.is_empty() && none == Records::default());
    }
}
