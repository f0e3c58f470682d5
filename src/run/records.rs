//! A set of names of steps. There may be a million of them, nearly all of them a word and an OID.

use std::collections::HashSet;

/// The words that most names begin with.
const WORDS: [&str; 8] =
    ["copy", "index", "constraint", "foreign-key", "validate", "analyze", "truncate", "extension"];

/// Names of steps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Records {
    /// Names that are a word and a number, by the word's place among all.
    numbered: HashSet<(u8, u32)>,
    others: HashSet<String>,
}

impl Records {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.numbered.len() + self.others.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds one.
    pub fn insert(&mut self, key: &str) {
        match numbered(key) {
            Some(key) => drop(self.numbered.insert(key)),
            None => drop(self.others.insert(key.to_owned())),
        }
    }

    /// Takes one out.
    pub fn remove(&mut self, key: &str) {
        match numbered(key) {
            Some(key) => drop(self.numbered.remove(&key)),
            None => drop(self.others.remove(key)),
        }
    }

    /// Whether one is among them.
    pub fn contains(&self, key: &str) -> bool {
        match numbered(key) {
            Some(key) => self.numbered.contains(&key),
            None => self.others.contains(key),
        }
    }

    /// How many of them are not among others.
    pub fn missing_in(&self, others: &Records) -> usize {
        self.numbered.difference(&others.numbered).count()
            + self.others.difference(&others.others).count()
    }

    /// All of them, in no order.
    pub fn iter(&self) -> impl Iterator<Item = String> + '_ {
        let numbered = self.numbered.iter();
        let numbered =
            numbered.map(|(word, number)| format!("{} {number}", WORDS[usize::from(*word)]));
        numbered.chain(self.others.iter().cloned())
    }
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

/// The parts of a name that is a word and a number, if it can be put together of them again.
fn numbered(key: &str) -> Option<(u8, u32)> {
    let (word, number) = key.split_once(' ')?;
    let place = WORDS.iter().position(|known| *known == word)?;
    let is_plain = number.bytes().all(|byte| byte.is_ascii_digit())
        && (number == "0" || !number.starts_with('0'));
    let number = number.parse().ok().filter(|_| is_plain)?;
    Some((place as u8, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NAMES: [&str; 12] = [
        "copy 16384",
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
        for name in ["copy 16384", "copy 016384", "nothing"] {
            fewer.remove(name);
        }
        assert_eq!((all.missing_in(&fewer), fewer.missing_in(&all)), (2, 0));
    }
}
