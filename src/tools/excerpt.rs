//! Archives of a few entries, cut out of a large one. `pg_restore` reads the whole table of contents
//! of what it is given, which takes it a second and 200 MB for a hundred thousand tables: whoever has
//! it print a few entries at a time gives it no more than these.

use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Error, ErrorKind, Read, Result, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::contents::{Contents, Item};
use crate::model::EntryId;

/// What an archive says of itself and not of objects; it belongs into every excerpt.
const GENERAL: [&str; 3] = ["ENCODING", "STDSTRINGS", "SEARCHPATH"];

/// Most entries are of these kinds, and are hardly ever printed: their statements are run by us.
const RARE: [&str; 4] = ["INDEX", "CONSTRAINT", "FK CONSTRAINT", "INDEX ATTACH"];

/// Where in an archive its entries are.
#[derive(Debug)]
pub(super) struct Excerpts {
    archive: PathBuf,
    /// Everything before the number of entries.
    head: Vec<u8>,
    general: Vec<Place>,
    /// By the entry's number; without the rare ones.
    entries: Box<[Place]>,
}

/// Where the bytes of an entry are.
#[derive(Clone, Copy, Debug)]
struct Place {
    entry: EntryId,
    length: u32,
    start: u64,
}

impl Excerpts {
    /// Looks through an archive.
    pub(super) fn of(archive: &Path) -> Result<Excerpts> {
        let mut head = Vec::new();
        let count_at = Contents::open(archive)?.count_at();
        File::open(archive)?.take(count_at).read_to_end(&mut head)?;
        let (mut general, mut entries) = (Vec::new(), Vec::new());
        for found in places(archive)? {
            let (item, place) = found?;
            match item.description.as_str() {
                kind if GENERAL.contains(&kind) => general.push(place),
                kind if RARE.contains(&kind) => {}
                _ => entries.push(place),
            }
        }
        entries.sort_unstable_by_key(|place| place.entry);
        let entries = entries.into_boxed_slice();
        Ok(Excerpts { archive: archive.to_owned(), head, general, entries })
    }

    /// Writes an archive of some entries, in this order.
    pub(super) fn write(&self, entries: &[EntryId], to: &mut impl Write) -> Result<()> {
        let archive = File::open(&self.archive)?;
        let known = |entry: &EntryId| self.entries.binary_search_by_key(entry, |place| place.entry);
        let rare = entries.iter().filter(|entry| known(entry).is_err()).copied().collect();
        let rare = self.look_for(&rare)?;
        let mut places = self.general.clone();
        for entry in entries {
            let place = known(entry).ok().map(|found| self.entries[found]);
            let unknown = || Error::new(ErrorKind::NotFound, format!("it has no entry {entry}"));
            places.push(place.or_else(|| rare.get(entry).copied()).ok_or_else(unknown)?);
        }
        to.write_all(&self.head)?;
        // A sign and the bytes of the number.
        to.write_all(&[0])?;
        to.write_all(&u32::try_from(places.len()).map_err(Error::other)?.to_le_bytes())?;
        let mut bytes = Vec::new();
        for Place { length, start, .. } in places {
            bytes.resize(length as usize, 0);
            archive.read_exact_at(&mut bytes, start)?;
            to.write_all(&bytes)?;
        }
        Ok(())
    }

    /// Looks through the archive for entries that are rarely asked for.
    fn look_for(&self, entries: &HashSet<EntryId>) -> Result<HashMap<EntryId, Place>> {
        let mut found = HashMap::new();
        if entries.is_empty() {
            return Ok(found);
        }
        for each in places(&self.archive)? {
            let (_, place) = each?;
            if entries.contains(&place.entry) {
                found.insert(place.entry, place);
            }
        }
        Ok(found)
    }
}

/// The entries of an archive, each with its place.
fn places(archive: &Path) -> Result<impl Iterator<Item = Result<(Item, Place)>>> {
    let mut contents = Contents::open(archive)?;
    let mut start = contents.position()?;
    Ok(std::iter::from_fn(move || {
        let found = contents.next()?.and_then(|item| {
            let end = contents.position()?;
            let length = u32::try_from(end - start).map_err(Error::other)?;
            let place = Place { entry: item.dump_id, length, start };
            start = end;
            Ok((item, place))
        });
        Some(found)
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_has_what_is_wanted_as_it_was() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let archive = root.join("tests/corpus/archive/small");
        let items = |archive: &Path| -> Vec<Item> {
            places(archive).unwrap().map(|found| found.unwrap().0).collect()
        };
        let is_general = |item: &&Item| GENERAL.contains(&item.description.as_str());
        let all = items(&archive);
        let (general, others): (Vec<&Item>, Vec<&Item>) = all.iter().partition(is_general);
        let wanted: Vec<&Item> = others.into_iter().rev().step_by(2).collect();
        let rare = |item: &&&Item| RARE.contains(&item.description.as_str());
        assert!(wanted.iter().any(|item| rare(&item)) && !wanted.iter().all(|item| rare(&item)));
        let excerpts = Excerpts::of(&archive).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let ids: Vec<EntryId> = wanted.iter().map(|item| item.dump_id).collect();
        excerpts.write(&ids, &mut file).unwrap();
        let expected: Vec<&Item> = general.into_iter().chain(wanted).collect();
        assert_eq!(format!("{:?}", items(file.path())), format!("{expected:?}"));
        let error = excerpts.write(&[EntryId::MAX], &mut file).unwrap_err();
        assert_eq!(error.to_string(), format!("it has no entry {}", EntryId::MAX));
    }
}
