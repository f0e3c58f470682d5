//! The archive's entries that come before the rows: which of them are restored, and how many in one
//! transaction.

use std::collections::{HashMap, HashSet};

use crate::model::{Entry, EntryId, Packed, Settings};

/// Entries in one transaction that take locks of their own. Each table takes a handful of entries
/// in the server's lock table, which has room for `max_locks_per_transaction` × `max_connections`:
/// 6,400 by default.
const RELATIONS_PER_CHUNK: usize = 500;

/// Entries in one transaction of any kind.
const ENTRIES_PER_CHUNK: usize = 4_000;

/// Entries that are about large objects: these are copied with their contents.
pub fn is_large_object(entry: &Entry) -> bool {
    matches!(entry.description.as_str(), "BLOB" | "BLOBS" | "BLOB METADATA")
        || (matches!(entry.description.as_str(), "ACL" | "COMMENT" | "SECURITY LABEL")
            && entry.tag.starts_with("LARGE OBJECT"))
}

/// Whether an entry is wanted at all.
pub fn is_wanted(entry: &Entry, settings: &Settings) -> bool {
    let is_extension_comment =
        entry.description == "COMMENT" && entry.tag.starts_with("EXTENSION ");
    let is_collation = entry.description == "COLLATION"
        || entry.description == "COMMENT" && entry.tag.starts_with("COLLATION ");
    match entry.description.as_str() {
        // What the archive says about itself and about the database as a whole.
        "ENCODING" | "STDSTRINGS" | "SEARCHPATH" | "DATABASE" | "DATABASE PROPERTIES" => false,
        _ if is_collation && settings.skip_collations => false,
        "EXTENSION" => !settings.skip_extensions,
        "COMMENT" if settings.no_comments => false,
        "ACL" | "DEFAULT ACL" if settings.no_acl => false,
        _ if is_large_object(entry) => false,
        _ => {
            !is_extension_comment || !(settings.skip_extensions || settings.skip_extension_comments)
        }
    }
}

/// What one step makes before the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Some entries, in the archive's order.
    Chunk(Vec<EntryId>),
    /// An extension, which may be wanted in a version of its own.
    Extension(EntryId),
}

/// Tables that one transaction makes at the most, where several make tables side by side.
const GROUP_TABLES_MAX: usize = 200;

/// Into how many groups tables are cut at least, so that whoever makes them ends at about the same time.
const GROUPS_MIN: usize = 8;

/// Fewer tables are made one after the other: sessions have their price.
const GROUPED_TABLES_MIN: usize = 400;

/// Into how many transactions the attaching of many partitions is cut: their rows can be copied when
/// the transaction is over. Each looks at all partitions that are there, so more of them gain little.
const ATTACH_CHUNKS: usize = 5;

/// The entries to restore before the rows, a transaction's worth at a time; without the extensions.
pub fn chunks(entries: &Packed<Entry>, settings: &Settings) -> Vec<Vec<EntryId>> {
    let Pieces { before, tables, after, attach } = pieces(entries, settings);
    let chunk = |piece| match piece {
        Piece::Chunk(entries) => Some(entries),
        Piece::Extension(_) => None,
    };
    let (before, after) =
        (before.into_iter().filter_map(chunk), after.into_iter().filter_map(chunk));
    before.chain(tables).chain(after).chain(attach).collect()
}

/// Everything that is made before the rows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pieces {
    /// What comes first, one after the other, in the archive's order.
    pub before: Vec<Piece>,
    /// Tables that need nothing but that, each with its sequences, defaults and comments: side by
    /// side.
    pub tables: Vec<Vec<EntryId>>,
    /// What comes when these are there, in the archive's order. Never empty where there are tables.
    pub after: Vec<Piece>,
    /// What makes tables partitions of others, last of all and one after the other. Empty unless
    /// there are many tables.
    pub attach: Vec<Vec<EntryId>>,
}

/// Everything that is made before the rows, cut into transactions.
pub fn pieces(entries: &Packed<Entry>, settings: &Settings) -> Pieces {
    let wanted = || entries.iter().filter(|entry| entry.is_pre_data && is_wanted(entry, settings));
    let mut families = Families::default();
    wanted().for_each(|entry| families.attach(&entry));
    wanted().for_each(|entry| families.add(&entry));
    let groups = families.groups();
    let grouped: HashMap<EntryId, usize> = groups
        .iter()
        .enumerate()
        .flat_map(|(group, tables)| tables.iter().map(move |table| (*table, group)))
        .collect();
    let mut tables: Vec<Vec<EntryId>> = vec![Vec::new(); groups.len()];
    let (mut before, mut after, mut attach) = (Chain::default(), Chain::default(), Vec::new());
    let attach_last = !tables.is_empty()
        && !wanted()
            .any(|entry| entry.dependencies.iter().any(|id| families.attaches.contains(id)));
    for entry in wanted() {
        let group = families.of.get(&entry.id).and_then(|table| grouped.get(table));
        match group {
            Some(group) => tables[*group].push(entry.id),
            None if tables.is_empty() || families.first.contains(&entry.id) => before.add(&entry),
            None if attach_last && families.attaches.contains(&entry.id) => attach.push(entry.id),
            None => after.add(&entry),
        }
    }
    let size = attach.len().div_ceil(ATTACH_CHUNKS).clamp(1, ENTRIES_PER_CHUNK);
    let attach = attach.chunks(size).map(<[EntryId]>::to_vec).collect();
    Pieces { before: before.end(), tables, after: after.end(), attach }
}

/// Which entries are about which table, of tables that can be made in any order.
#[derive(Default)]
struct Families {
    /// What comes before the first table.
    first: HashSet<EntryId>,
    /// Tables that need only what comes first.
    tables: Vec<EntryId>,
    /// The table that an entry is about, which needs nothing else but what comes first.
    of: HashMap<EntryId, EntryId>,
    /// Tables of which another entry makes one a partition of the other: both are made without that.
    attached: HashSet<(EntryId, EntryId)>,
    /// These entries.
    attaches: HashSet<EntryId>,
}

impl Families {
    fn attach(&mut self, entry: &Entry) {
        if let ("TABLE ATTACH", [one, other]) = (entry.description.as_str(), &*entry.dependencies) {
            self.attached.extend([(*one, *other), (*other, *one)]);
            self.attaches.insert(entry.id);
        }
    }

    fn add(&mut self, entry: &Entry) {
        let is_table = entry.description == "TABLE";
        if !is_table && self.tables.is_empty() {
            self.first.insert(entry.id);
            return;
        }
        let is_there = |id: EntryId| {
            self.first.contains(&id) || is_table && self.attached.contains(&(entry.id, id))
        };
        let mut others = entry.dependencies.iter().filter(|id| !is_there(**id));
        let family = match entry.description.as_str() {
            "TABLE" => others.next().is_none().then_some(entry.id),
            "SEQUENCE" | "SEQUENCE OWNED BY" | "DEFAULT" | "COMMENT" | "SECURITY LABEL" => {
                let family = others.next().and_then(|id| self.of.get(id)).copied();
                family.filter(|family| others.all(|id| self.of.get(id) == Some(family)))
            }
            _ => None,
        };
        if let Some(family) = family {
            self.of.insert(entry.id, family);
        }
        if is_table {
            // The first one ends what comes first, whatever becomes of it.
            self.tables.push(entry.id);
        }
    }

    /// The tables that go together, if there are so many that this is worth it. The last table of all
    /// is left for the section's last transaction: that one stands for the whole of it in the record.
    fn groups(&self) -> Vec<Vec<EntryId>> {
        let mut tables: Vec<EntryId> =
            self.tables.iter().copied().filter(|id| self.of.contains_key(id)).collect();
        if tables.len() < GROUPED_TABLES_MIN {
            return Vec::new();
        }
        tables.pop();
        let size = tables.len().div_ceil(GROUPS_MIN).min(GROUP_TABLES_MAX);
        tables.chunks(size).map(<[EntryId]>::to_vec).collect()
    }
}

/// Entries one after the other, cut into transactions.
#[derive(Default)]
struct Chain {
    pieces: Vec<Piece>,
    chunk: Vec<EntryId>,
    relations: usize,
}

impl Chain {
    fn add(&mut self, entry: &Entry) {
        if entry.description == "EXTENSION" {
            self.cut();
            self.pieces.push(Piece::Extension(entry.id));
            return;
        }
        self.relations += usize::from(takes_locks(&entry.description));
        self.chunk.push(entry.id);
        if self.relations >= RELATIONS_PER_CHUNK || self.chunk.len() >= ENTRIES_PER_CHUNK {
            self.cut();
        }
    }

    fn cut(&mut self) {
        self.relations = 0;
        if !self.chunk.is_empty() {
            self.pieces.push(Piece::Chunk(std::mem::take(&mut self.chunk)));
        }
    }

    fn end(mut self) -> Vec<Piece> {
        self.cut();
        self.pieces
    }
}

fn takes_locks(description: &str) -> bool {
    matches!(
        description,
        "TABLE" | "FOREIGN TABLE" | "VIEW" | "MATERIALIZED VIEW" | "SEQUENCE" | "TYPE"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(pieces: &[Piece]) -> Vec<EntryId> {
        let ids = pieces.iter().flat_map(|piece| match piece {
            Piece::Chunk(entries) => entries.clone(),
            Piece::Extension(entry) => vec![*entry],
        });
        ids.collect()
    }

    /// A schema, tables 10, 20, … with a sequence and a default each, and these entries.
    fn archive(tables: i32, more: Vec<Entry>) -> Packed<Entry> {
        let mut all = vec![Entry::sample(1, "SCHEMA", &[]), Entry::sample(2, "EXTENSION", &[])];
        all.extend((1..=tables).flat_map(|n| {
            let table = n * 10;
            [
                Entry::sample(table, "TABLE", &[1]),
                Entry::sample(table + 1, "SEQUENCE", &[1, table]),
                Entry::sample(table + 2, "SEQUENCE OWNED BY", &[table + 1, table]),
            ]
        }));
        all.extend(more);
        all.extend(
            (1..=tables).map(|n| Entry::sample(n * 10 + 3, "DEFAULT", &[n * 10, n * 10 + 1])),
        );
        all.into_iter().collect()
    }

    #[test]
    fn few_tables_are_made_one_after_the_other() {
        let entries = archive(100, vec![Entry::sample(5, "VIEW", &[10])]);
        let Pieces { before, tables, after, attach } = pieces(&entries, &Settings::default());
        assert!(tables.is_empty() && after.is_empty() && attach.is_empty());
        assert_eq!(ids(&before), entries.iter().map(|entry| entry.id).collect::<Vec<_>>());
    }

    #[test]
    fn many_tables_are_made_side_by_side() {
        let more = vec![
            Entry::sample(5, "VIEW", &[10]),
            Entry::sample(6, "FUNCTION", &[20]),
            // Needs what needs a table, and so does what is about it.
            Entry::sample(7, "TABLE", &[1, 6]),
            Entry::sample(8, "COMMENT", &[7]),
            Entry::sample(9, "COMMENT", &[30]),
            Entry::sample(15, "TABLE ATTACH", &[10, 20]),
            Entry::sample(16, "DEFAULT", &[40, 6]),
            Entry::sample(17, "DEFAULT", &[40, 50]),
        ];
        let entries = archive(1_000, more);
        let Pieces { before, tables, after, attach } = pieces(&entries, &Settings::default());
        assert_eq!(ids(&before), [1, 2]);
        assert_eq!(attach, [[15]]);
        assert_eq!(tables.len(), 8);
        assert_eq!(tables[0][..7], [10, 11, 12, 20, 21, 22, 30]);
        assert!(tables[0].contains(&9) && tables[0].contains(&13));
        for alone in [5, 6, 7, 8, 16, 17] {
            assert!(ids(&after).contains(&alone), "{alone}");
        }
        // Every entry once, after all it needs.
        let mut made = HashSet::new();
        let all = ids(&before).into_iter().chain(tables.concat()).chain(ids(&after)).chain([15]);
        let needs: HashMap<EntryId, Vec<EntryId>> =
            entries.iter().map(|entry| (entry.id, entry.dependencies.to_vec())).collect();
        for id in all {
            assert!(needs[&id].iter().all(|needed| made.contains(needed)), "{id}");
            assert!(made.insert(id), "{id} twice");
        }
        assert_eq!(made.len(), needs.len());
        // No group needs another.
        for group in &tables {
            let known = |id: &EntryId| ids(&before).contains(id) || group.contains(id);
            assert!(group.iter().all(|id| needs[id].iter().all(known)));
        }
    }

    #[test]
    fn partitions_that_are_attached_later_are_made_side_by_side() {
        let entries = |attached: bool, more: Option<Entry>| -> Packed<Entry> {
            let mut all = vec![Entry::sample(1, "SCHEMA", &[]), Entry::sample(2, "TABLE", &[1])];
            all.extend((3..1_000).map(|n| Entry::sample(n, "TABLE", &[1, 2])));
            // What inherits in another way is made with its parent's name.
            all.push(Entry::sample(1_000, "TABLE", &[1, 3]));
            let attach = |n| Entry::sample(n + 1_000, "TABLE ATTACH", &[n, 2]);
            all.extend((3..1_000).filter(|_| attached).map(attach));
            all.extend(more);
            all.into_iter().collect()
        };
        let pieces = |attached, more| pieces(&entries(attached, more), &Settings::default());
        let Pieces { before, tables, after, attach } = pieces(true, None);
        assert_eq!(ids(&before), [1]);
        assert_eq!(tables.concat(), (2..999).collect::<Vec<EntryId>>());
        assert_eq!(ids(&after), [999, 1_000]);
        assert_eq!(attach.len(), ATTACH_CHUNKS);
        assert_eq!(attach.concat(), (1_003..2_000).collect::<Vec<EntryId>>());
        // Something needs a partition that is attached: it comes after that.
        let Pieces { after, attach, .. } =
            pieces(true, Some(Entry::sample(3_000, "VIEW", &[1_003])));
        assert!(attach.is_empty());
        assert_eq!(ids(&after).last(), Some(&3_000));
        // Where the partition's own entry attaches it, its parent comes first.
        assert!(pieces(false, None).tables.is_empty());
    }

    #[test]
    fn the_last_transaction_comes_when_all_tables_are_there() {
        let entries = archive(4_001, Vec::new());
        let Pieces { tables, after, .. } = pieces(&entries, &Settings::default());
        assert_eq!((tables.len(), ids(&after).len()), (20, 4));
    }
}
