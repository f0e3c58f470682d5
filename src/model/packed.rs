//! Many objects of a kind in little memory: a schema may have a hundred thousand tables, and what is
//! known of them repeats itself.

use std::fmt;
use std::marker::PhantomData;
use std::sync::{Mutex, PoisonError};

use lz4_flex::block::{compress_prepend_size_with_dict, decompress_size_prepended_with_dict};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Objects that are compressed together. More take less memory, and longer to get one of them.
const BLOCK_LENGTH: usize = 32;

/// How far back a repetition can be found by this compression.
const EXAMPLE_BYTES_MAX: usize = 64 << 10;

/// A list of objects that are compressed; whoever asks for one gets a copy. Made for reading in
/// order, and quick enough for single ones.
pub struct Packed<T> {
    blocks: Vec<Box<[u8]>>,
    /// The end of the first block as it was before: all others are compressed as if they came after
    /// it.
    example: Vec<u8>,
    /// The last objects, fewer than a block.
    rest: Vec<T>,
    /// The block that was asked for last.
    opened: Mutex<Opened>,
    objects: PhantomData<T>,
}

/// A block as it was before it was compressed.
#[derive(Default)]
struct Opened {
    /// Which one; `None` before any was asked for.
    block: Option<usize>,
    bytes: Vec<u8>,
}

impl<T> Default for Packed<T> {
    fn default() -> Packed<T> {
        Packed {
            blocks: Vec::new(),
            example: Vec::new(),
            rest: Vec::new(),
            opened: Mutex::default(),
            objects: PhantomData,
        }
    }
}

impl<T> Packed<T> {
    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.blocks.len() * BLOCK_LENGTH + self.rest.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T: Clone + Serialize + DeserializeOwned> Packed<T> {
    /// Adds one at the end.
    pub fn push(&mut self, object: T) {
        self.rest.push(object);
        if self.rest.len() == BLOCK_LENGTH {
            let bytes = written(&self.rest);
            self.blocks.push(compress_prepend_size_with_dict(&bytes, &self.example).into());
            if self.example.is_empty() {
                self.example = bytes[bytes.len().saturating_sub(EXAMPLE_BYTES_MAX)..].to_vec();
            }
            self.rest.clear();
        }
    }

    /// The object at a place.
    pub fn get(&self, place: usize) -> Option<T> {
        let number = place / BLOCK_LENGTH;
        let Some(block) = self.blocks.get(number) else {
            return self.rest.get(place.checked_sub(self.blocks.len() * BLOCK_LENGTH)?).cloned();
        };
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        if opened.block != Some(number) {
            *opened = Opened { block: Some(number), bytes: self.decompress(number, block) };
        }
        objects(&opened.bytes).nth(place % BLOCK_LENGTH).map(read)
    }

    /// The object at a place where there is one.
    ///
    /// # Panics
    ///
    /// If there is none.
    pub fn at(&self, place: usize) -> T {
        match self.get(place) {
            Some(object) => object,
            None => panic!("place {place} of {}", self.len()),
        }
    }

    /// All of them, in order; whoever looks at each only once keeps no more than a block.
    pub fn iter(&self) -> Iter<'_, T> {
        Iter { packed: self, block: 0, unpacked: Vec::new().into_iter() }
    }

    /// All of them, in order and in as much memory as they take.
    pub fn unpack(&self) -> Vec<T> {
        self.iter().collect()
    }

    /// Changes every object.
    pub fn change(&mut self, mut change: impl FnMut(&mut T)) {
        self.rebuild(|mut object| {
            change(&mut object);
            Some(object)
        });
    }

    /// Keeps the objects that are wanted.
    pub fn retain(&mut self, mut is_wanted: impl FnMut(&T) -> bool) {
        self.rebuild(|object| is_wanted(&object).then_some(object));
    }

    fn rebuild(&mut self, mut becomes: impl FnMut(T) -> Option<T>) {
        let mut before = std::mem::take(self);
        let blocks = std::mem::take(&mut before.blocks);
        for (number, block) in blocks.into_iter().enumerate() {
            let objects = before.unpack_block(number, &block);
            // Each block is given back as soon as its objects are in another one.
            drop(block);
            for object in objects {
                if let Some(object) = becomes(object) {
                    self.push(object);
                }
            }
        }
        for object in before.rest {
            if let Some(object) = becomes(object) {
                self.push(object);
            }
        }
    }
}

impl<T: DeserializeOwned> Packed<T> {
    fn unpack_block(&self, number: usize, block: &[u8]) -> Vec<T> {
        objects(&self.decompress(number, block)).map(read).collect()
    }
}

impl<T> Packed<T> {
    #[expect(clippy::expect_used, reason = "nobody else writes these bytes")]
    fn decompress(&self, number: usize, block: &[u8]) -> Vec<u8> {
        let example = if number == 0 { &[][..] } else { &self.example };
        decompress_size_prepended_with_dict(block, example).expect(OWN_BYTES)
    }
}

/// The bytes that say how many bytes an object takes.
const LENGTH_BYTES: usize = size_of::<u32>();

/// What an object packs into is what it is made of again.
const OWN_BYTES: &str = "a block holds what was packed into it";

#[expect(clippy::expect_used, reason = "plain data can always be written to memory")]
fn written<T: Serialize>(objects: &[T]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for object in objects {
        let start = bytes.len() + LENGTH_BYTES;
        bytes.resize(start, 0);
        bytes = postcard::to_extend(object, bytes).expect("an object can be packed");
        let length = u32::try_from(bytes.len() - start).expect("an object is no larger than 4 GB");
        bytes[start - LENGTH_BYTES..start].copy_from_slice(&length.to_le_bytes());
    }
    bytes
}

/// The objects of a block, each as its bytes.
fn objects(mut bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    std::iter::from_fn(move || {
        let (length, rest) = bytes.split_first_chunk()?;
        let (object, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        bytes = rest;
        Some(object)
    })
}

#[expect(clippy::expect_used, reason = "nobody else writes these bytes")]
fn read<T: DeserializeOwned>(object: &[u8]) -> T {
    postcard::from_bytes(object).expect(OWN_BYTES)
}

/// The objects of a [`Packed`], in order.
#[derive(Clone)]
pub struct Iter<'a, T> {
    packed: &'a Packed<T>,
    /// The next block.
    block: usize,
    unpacked: std::vec::IntoIter<T>,
}

impl<T: Clone + Serialize + DeserializeOwned> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        if let Some(object) = self.unpacked.next() {
            return Some(object);
        }
        let objects = match self.packed.blocks.get(self.block) {
            Some(block) => self.packed.unpack_block(self.block, block),
            None if self.block == self.packed.blocks.len() => self.packed.rest.clone(),
            None => return None,
        };
        self.block += 1;
        self.unpacked = objects.into_iter();
        self.unpacked.next()
    }
}

impl<'a, T: Clone + Serialize + DeserializeOwned> IntoIterator for &'a Packed<T> {
    type Item = T;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<T: Clone + Serialize + DeserializeOwned> Extend<T> for Packed<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, objects: I) {
        for object in objects {
            self.push(object);
        }
    }
}

impl<T: Clone + Serialize + DeserializeOwned> FromIterator<T> for Packed<T> {
    fn from_iter<I: IntoIterator<Item = T>>(objects: I) -> Packed<T> {
        let mut packed = Packed::default();
        packed.extend(objects);
        packed
    }
}

impl<T: Clone + Serialize + DeserializeOwned> From<Vec<T>> for Packed<T> {
    fn from(objects: Vec<T>) -> Packed<T> {
        objects.into_iter().collect()
    }
}

impl<T: Clone> Clone for Packed<T> {
    fn clone(&self) -> Packed<T> {
        let (blocks, example) = (self.blocks.clone(), self.example.clone());
        Packed { blocks, example, rest: self.rest.clone(), ..Packed::default() }
    }
}

impl<T: Clone + Serialize + DeserializeOwned + fmt::Debug> fmt::Debug for Packed<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packed(count: usize) -> Packed<(usize, String)> {
        (0..count).map(|number| (number, format!("object {number}"))).collect()
    }

    #[test]
    fn what_goes_in_comes_out() {
        for count in [0, 1, BLOCK_LENGTH - 1, BLOCK_LENGTH, BLOCK_LENGTH + 1, 3 * BLOCK_LENGTH + 5]
        {
            let list = packed(count);
            assert_eq!((list.len(), list.is_empty()), (count, count == 0));
            let all: Vec<usize> = list.iter().map(|(number, _)| number).collect();
            assert_eq!(all, (0..count).collect::<Vec<_>>());
            for number in (0..count).rev() {
                assert_eq!(list.get(number), Some((number, format!("object {number}"))));
            }
            assert_eq!(list.get(count), None);
            assert_eq!(list.get(count + BLOCK_LENGTH), None);
        }
    }

    #[test]
    fn what_was_changed_is_read_as_it_is_now() {
        let mut list = packed(100);
        assert_eq!(list.get(40), Some((40, "object 40".into())));
        list.change(|(number, _)| *number += 1);
        assert_eq!(list.get(40), Some((41, "object 40".into())));
        list.retain(|(number, _)| number % 2 == 0);
        assert_eq!((list.len(), list.get(20)), (50, Some((42, "object 41".into()))));
        list.push((1, "new".into()));
        assert_eq!(list.unpack().last(), Some(&(1, "new".into())));
        assert_eq!(list.clone().unpack(), list.unpack());
    }
}
