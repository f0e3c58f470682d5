//! Relations by their place in a list, and lists of steps for each of them: there may be a hundred
//! thousand relations, and half a dozen lists, most of which hold a step or two.

use super::StepId;
use crate::model::{Inventory, Oid, Places};

/// All relations that an inventory mentions.
pub struct Relations {
    places: Places<Oid>,
    all: Vec<Relation>,
}

/// What must be known of every relation at any time.
#[derive(Clone, Copy, Default)]
pub struct Relation {
    /// Whether it is to be copied.
    pub is_known: bool,
    /// The place of the partitioned table that it is a partition of.
    pub parent: Option<u32>,
    /// The place of the table at the top of its partition tree: its own if it is no partition.
    pub root: u32,
    /// The size of a table.
    pub bytes: u64,
}

impl Relations {
    /// Those of an inventory.
    pub fn of(inventory: &Inventory) -> Relations {
        let tables = inventory.tables.iter();
        let tables = tables.flat_map(|table| [Some(table.oid), table.parent, table.load_via]);
        let views = || inventory.views.iter().map(|view| view.oid);
        let config = inventory.extensions.iter().flat_map(|extension| &extension.config);
        let mut oids: Vec<Oid> = tables
            .flatten()
            .chain(views())
            .chain(config.map(|table| table.oid))
            .chain(inventory.indexes.iter().map(|index| index.table))
            .chain(inventory.foreign_keys.iter().flat_map(|key| [key.table, key.referenced]))
            .collect();
        oids.sort_unstable();
        oids.dedup();
        let mut all = vec![Relation::default(); oids.len()];
        let places = Places::new(oids.into_iter());
        let place = |oid| places.at(oid) as u32;
        for oid in views() {
            all[places.at(oid)].is_known = true;
        }
        for table in &inventory.tables {
            let relation = &mut all[places.at(table.oid)];
            (relation.is_known, relation.bytes) = (true, table.bytes);
            relation.parent = table.parent.map(place);
        }
        for own in 0..all.len() {
            let mut root = own;
            while let Some(parent) = all[root].parent {
                root = parent as usize;
            }
            all[own].root = root as u32;
        }
        Relations { places, all }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.all.len()
    }

    /// Where one is, if the inventory mentions it.
    pub fn find(&self, oid: Oid) -> Option<usize> {
        self.places.get(oid)
    }

    /// Where one is that the inventory mentions.
    pub fn place(&self, oid: Oid) -> usize {
        self.places.at(oid)
    }

    /// What is known of the one at a place.
    pub fn at(&self, place: usize) -> Relation {
        self.all[place]
    }

    /// What is known of one.
    pub fn get(&self, oid: Oid) -> Relation {
        self.at(self.place(oid))
    }

    /// The place of the table at the top of a relation's partition tree.
    pub fn root(&self, oid: Oid) -> usize {
        self.get(oid).root as usize
    }

    /// All of them, in the order of their places.
    pub fn iter(&self) -> impl Iterator<Item = &Relation> {
        self.all.iter()
    }
}

/// A list of steps for every place.
pub struct StepLists {
    /// The first and the last link of each list; [`NONE`] if it is empty.
    ends: Vec<[u32; 2]>,
    /// The steps of all lists, each with the next link of its own.
    links: Vec<(StepId, u32)>,
}

/// No link.
const NONE: u32 = u32::MAX;

impl StepLists {
    /// So many empty lists.
    pub fn new(count: usize) -> StepLists {
        StepLists { ends: vec![[NONE; 2]; count], links: Vec::new() }
    }

    /// Adds steps to the end of a list.
    pub fn extend(&mut self, place: usize, steps: impl IntoIterator<Item = StepId>) {
        for step in steps {
            let link = self.links.len() as u32;
            self.links.push((step, NONE));
            match &mut self.ends[place] {
                [_, NONE] => self.ends[place] = [link; 2],
                [_, last] => self.links[std::mem::replace(last, link) as usize].1 = link,
            }
        }
    }

    /// Puts steps in place of those that are in a list.
    pub fn replace(&mut self, place: usize, steps: &[StepId]) {
        self.ends[place] = [NONE; 2];
        self.extend(place, steps.iter().copied());
    }

    /// The steps of a list.
    pub fn of(&self, place: usize) -> impl Iterator<Item = StepId> + '_ {
        let first = self.ends[place][0];
        let links = std::iter::successors(self.link(first), |(_, next)| self.link(*next));
        links.map(|(step, _)| step)
    }

    /// The steps of all lists.
    pub fn all(&self) -> impl Iterator<Item = StepId> + '_ {
        (0..self.ends.len()).flat_map(|place| self.of(place))
    }

    fn link(&self, link: u32) -> Option<(StepId, u32)> {
        self.links.get(link as usize).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_list_has_its_own_steps_in_order() {
        let step = StepId::at;
        let mut lists = StepLists::new(3);
        lists.extend(0, [step(1)]);
        lists.extend(2, [step(2), step(3)]);
        lists.extend(0, [step(4)]);
        let of = |lists: &StepLists, place| lists.of(place).collect::<Vec<_>>();
        assert_eq!(of(&lists, 0), [step(1), step(4)]);
        assert_eq!(of(&lists, 1), []);
        lists.replace(2, &[step(5)]);
        lists.extend(2, [step(6)]);
        assert_eq!(lists.all().collect::<Vec<_>>(), [1, 4, 5, 6].map(step));
    }
}
