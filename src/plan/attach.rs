//! When the rows of a partition can be copied: as soon as it is one, while others are still being
//! attached.
//!
//! Attaching takes a lock on the partition and one on its parent that COPY does not mind ("ALTER
//! TABLE" in the documentation, `ATTACH PARTITION`), and changes what the parent's default partition
//! may hold: that one waits for all.

use std::collections::{HashMap, HashSet};

use super::StepId;
use super::objects::tables_by_entry;
use super::relations::Relations;
use crate::model::distributed::CITUS;
use crate::model::{Entry, EntryId, Inventory};

/// Before this version attaching locked out everybody who looked at the parent.
const LIGHT_LOCK_VERSION: u32 = 120_000;

/// What the rows of each table wait for.
#[derive(Default)]
pub struct Attaching {
    /// The end of everything but attaching.
    made: Vec<StepId>,
    /// The end of everything.
    all: Vec<StepId>,
    /// The step that makes a table a partition, by the table's place.
    steps: HashMap<usize, StepId>,
    /// Places of partitions that wait for all, as does what is below them.
    last: HashSet<usize>,
}

impl Attaching {
    /// Partitions are attached by the entries of some steps, which come one after the other when all
    /// else is made. Without such steps, or where it would not be safe, everything waits for all.
    pub fn new(
        inventory: &Inventory,
        relations: &Relations,
        target_version: u32,
        made: Vec<StepId>,
        steps: &[(StepId, Vec<EntryId>)],
    ) -> Attaching {
        let Some((end, _)) = steps.last() else {
            return Attaching { all: made.clone(), made, ..Attaching::default() };
        };
        let all = vec![*end];
        // Citus turns tables into others of its own when they are there.
        if target_version < LIGHT_LOCK_VERSION || inventory.has_extension(CITUS) {
            return Attaching { made: all.clone(), all, ..Attaching::default() };
        }
        let mut attaching = Attaching { made, all, ..Attaching::default() };
        let step_of: HashMap<EntryId, StepId> =
            steps.iter().flat_map(|(step, ids)| ids.iter().map(|id| (*id, *step))).collect();
        let tables = tables_by_entry(&inventory.entries);
        for entry in &inventory.entries {
            let Some(step) = step_of.get(&entry.id) else { continue };
            let ends = entry.dependencies.iter().filter_map(|id| tables.get(id));
            let ends: Vec<usize> = ends.filter_map(|oid| relations.find(*oid)).collect();
            let parent = |place: usize| relations.at(place).parent.map(|parent| parent as usize);
            let partition = ends
                .iter()
                .find(|place| parent(**place).is_some_and(|above| ends.contains(&above)));
            let Some(partition) = partition else { continue };
            attaching.steps.insert(*partition, *step);
            if !has_bounds(&entry) {
                attaching.last.insert(*partition);
            }
        }
        attaching
    }

    /// What the rows of a table wait for, given its place.
    pub fn before_rows(&self, relations: &Relations, table: usize) -> Vec<StepId> {
        let mut step = None;
        let mut place = Some(table);
        while let Some(own) = place {
            let relation = relations.at(own);
            if self.last.contains(&own) {
                return self.all.clone();
            }
            step = step.max(self.steps.get(&own).copied());
            place = relation.parent.map(|parent| parent as usize);
        }
        match step {
            Some(step) => vec![step],
            None => self.made.clone(),
        }
    }
}

/// Whether a partition has bounds of its own: the default one takes what no other does.
fn has_bounds(entry: &Entry) -> bool {
    entry.definition.trim_end().ends_with(");")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Extension, Oid, Packed, Table};
    use crate::plan::{Plan, Step};

    const ROOT: u32 = 1;
    const BRANCH: u32 = 2;
    const LEAF: u32 = 3;
    const OTHER: u32 = 4;
    const DEFAULT: u32 = 5;
    const BELOW_DEFAULT: u32 = 6;
    const ALONE: u32 = 7;

    /// Tables 1 to 7, made by entries 11 to 17; entries 22 to 26 attach them.
    fn inventory() -> Inventory {
        let made = |oid| Entry { oid: Oid(oid), ..Entry::sample(oid as i32 + 10, "TABLE", &[]) };
        let table = |oid, parent: Option<u32>| Table {
            parent: parent.map(Oid),
            ..Table::sample(oid, "public", &format!("t{oid}"))
        };
        let parents = [
            (ROOT, None),
            (BRANCH, Some(ROOT)),
            (LEAF, Some(BRANCH)),
            (OTHER, Some(ROOT)),
            (DEFAULT, Some(ROOT)),
            (BELOW_DEFAULT, Some(DEFAULT)),
            (ALONE, None),
        ];
        let mut entries: Vec<Entry> = parents.iter().map(|(oid, _)| made(*oid)).collect();
        for (oid, parent) in parents {
            let Some(parent) = parent else { continue };
            let bounds = if oid == DEFAULT { "DEFAULT" } else { "FOR VALUES FROM (1) TO (2)" };
            let definition =
                format!("ALTER TABLE ONLY t{parent} ATTACH PARTITION t{oid} {bounds};\n");
            let ends = [parent as i32 + 10, oid as i32 + 10];
            let attach = Entry::sample(oid as i32 + 20, "TABLE ATTACH", &ends);
            entries.push(Entry { definition, ..attach });
        }
        Inventory {
            tables: parents.iter().map(|(oid, parent)| table(*oid, *parent)).collect(),
            entries: entries.into_iter().collect::<Packed<Entry>>(),
            ..Inventory::default()
        }
    }

    /// How many of the chunks must be restored before the rows of each table: the leaf is attached
    /// by the first, its parent by the second, the others by the third; a fourth one comes last.
    fn chunks_before_rows(inventory: &Inventory, version: u32) -> [usize; 7] {
        let mut plan = Plan::new();
        let made = plan.success(&[]);
        let mut before = vec![made];
        let chunks = [vec![23], vec![22], vec![24, 25, 26], vec![99]];
        let steps = (0..).zip(chunks).map(|(chunk, entries)| {
            let step = plan.add(Step::RestorePreData { chunk }, 0, &before);
            before = vec![step];
            (step, entries)
        });
        let steps: Vec<(StepId, Vec<EntryId>)> = steps.collect();
        let relations = Relations::of(inventory);
        let attaching = Attaching::new(inventory, &relations, version, vec![made], &steps);
        [ROOT, BRANCH, LEAF, OTHER, DEFAULT, BELOW_DEFAULT, ALONE].map(|oid| {
            match &*attaching.before_rows(&relations, relations.place(Oid(oid))) {
                [step] => step.place(),
                several => panic!("{several:?}"),
            }
        })
    }

    #[test]
    fn rows_wait_until_the_table_and_those_above_it_are_attached() {
        assert_eq!(chunks_before_rows(&inventory(), 120_000), [0, 2, 2, 3, 4, 4, 0]);
    }

    #[test]
    fn where_attaching_is_in_the_way_of_copying_everything_waits() {
        assert_eq!(chunks_before_rows(&inventory(), 110_000), [4; 7]);
        let mut inventory = inventory();
        inventory.extensions.push(Extension {
            oid: Oid(90),
            name: CITUS.to_owned(),
            namespace: "public".to_owned(),
            version: "1".to_owned(),
            config: Vec::new(),
        });
        assert_eq!(chunks_before_rows(&inventory, 120_000), [4; 7]);
    }
}
