//! When tables are analysed: a partition when it is complete, what is above it when all are.

use std::collections::BTreeMap;

use super::Planner;
use crate::model::TableKind;
use crate::plan::{Step, StepId};

/// From this version on ANALYZE of a partitioned table can leave its partitions alone.
pub const ANALYZE_ONLY_VERSION: u32 = 180_000;

/// From this version on it passes over those that somebody has locked, if it is asked to.
pub const ANALYZE_APART_VERSION: u32 = 120_000;

impl Planner<'_> {
    /// Before indexes are attached: that locks them all over a partition tree, and ANALYZE looks at
    /// all indexes of a table.
    pub(super) fn analyze_tables(&mut self) {
        if self.settings.skip_vacuum {
            return;
        }
        let inventory = self.inventory;
        let mut added = Vec::new();
        for table in inventory.tables.iter().filter(|table| table.kind == TableKind::Ordinary) {
            let place = self.relations.place(table.oid);
            let root = self.relations.root(table.oid);
            let follows = match root == place {
                true => self.work.of(root).collect(),
                false if self.analyzes_partitions() => continue,
                false => self.own_work(place),
            };
            let needs = self.filled(table.oid);
            let step = Step::Analyze { table: table.oid };
            added.push((root, self.plan.add_following(step, table.bytes, &needs, &follows)));
        }
        added.into_iter().for_each(|(root, id)| self.note_analyzed(root, id));
    }

    /// One after the other within a partition tree, and when nobody else is at its tables: where
    /// partitions are left alone, that is because they are locked.
    pub(super) fn analyze_partitioned_tables(&mut self) {
        if self.settings.skip_vacuum {
            return;
        }
        let inventory = self.inventory;
        let trees = self.trees();
        let mut before: BTreeMap<usize, [StepId; 2]> = BTreeMap::new();
        for table in inventory.tables.iter().filter(|table| table.kind == TableKind::Partitioned) {
            let root = self.relations.root(table.oid);
            let is_root = root == self.relations.place(table.oid);
            if self.analyzes_partitions() && !is_root {
                continue;
            }
            let tree = trees.get(&root);
            let [filled, last] = *before.entry(root).or_insert_with(|| {
                // Rows that come later would have no statistics.
                let mut needs = self.schema.clone();
                needs.extend(tree.into_iter().flat_map(|tree| &tree.fills));
                let work: Vec<StepId> = self.work.of(root).collect();
                [self.plan.success(&needs), self.plan.milestone(&work)]
            });
            let bytes = tree.filter(|_| is_root).map_or(0, |tree| tree.bytes);
            let step = Step::Analyze { table: table.oid };
            let id = self.plan.add_following(step, bytes, &[filled], &[last]);
            before.insert(root, [filled, id]);
            self.note_analyzed(root, id);
        }
    }

    /// Whether ANALYZE of a partitioned table is that of its partitions as well.
    fn analyzes_partitions(&self) -> bool {
        self.target.version < ANALYZE_APART_VERSION
    }

    fn note_analyzed(&mut self, root: usize, id: StepId) {
        self.work.extend(root, [id]);
        self.all.push(id);
    }

    /// Every partition tree, by the place of its root.
    fn trees(&self) -> BTreeMap<usize, Tree> {
        let with_partitions = self.analyzes_partitions();
        let mut trees: BTreeMap<usize, Tree> = BTreeMap::new();
        for (place, relation) in self.relations.iter().enumerate() {
            if relation.parent.is_some() {
                let tree = trees.entry(relation.root as usize).or_default();
                tree.fills.extend(self.fills.of(place));
                tree.bytes += if with_partitions { relation.bytes } else { 0 };
            }
        }
        for (root, tree) in &mut trees {
            tree.fills.extend(self.fills.of(*root));
            let own = self.relations.at(*root).bytes;
            tree.bytes += if with_partitions { own } else { 0 };
        }
        trees
    }

    /// The builds of one partition: its ANALYZE need not wait for the other partitions'.
    fn own_work(&self, place: usize) -> Vec<StepId> {
        self.builds.of(place).chain(self.finishes.of(place)).collect()
    }
}

/// A partition tree.
#[derive(Default)]
struct Tree {
    /// The steps that fill it.
    fills: Vec<StepId>,
    /// How much ANALYZE of its root looks at.
    bytes: u64,
}
