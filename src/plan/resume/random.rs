//! Random things to copy: inventories with something of everything, and plans that no inventory
//! would ever lead to.

use crate::model::{
    Constraint, ConstraintKind, Entry, EntryId, Extension, ExtensionTable, ForeignKey, Index,
    Inventory, LargeObjects, Oid, QualifiedName, Sequence, Settings, Table, TableKind, View,
};
use crate::plan::{Plan, Step, StepId, split};

/// SplitMix64: the same numbers for the same seed.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit.max(1) as u64) as usize
    }

    /// True once in so many times.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of some things.
    pub fn of<T: Copy>(&mut self, things: &[T]) -> T {
        things[self.below(things.len())]
    }
}

const CLASS: Oid = Oid(1259);
const CONSTRAINT: Oid = Oid(2606);

/// An inventory under construction.
struct Maker<'a> {
    random: &'a mut Random,
    inventory: Inventory,
    last_oid: u32,
}

/// A random inventory.
pub fn inventory(random: &mut Random) -> Inventory {
    let mut maker = Maker { random, inventory: Inventory::default(), last_oid: 100 };
    maker.pre_data();
    for _ in 0..maker.random.below(5) {
        let parent = maker.partitioned(None);
        for _ in 0..maker.random.below(4) {
            maker.table(Some(parent));
        }
    }
    for _ in 0..maker.random.below(6) {
        maker.table(None);
    }
    maker.indexes();
    maker.foreign_keys();
    maker.rest();
    maker.inventory
}

/// Random settings, as far as a plan depends on them.
pub fn settings(random: &mut Random) -> Settings {
    Settings {
        skip_vacuum: random.once_in(4),
        skip_large_objects: random.once_in(4),
        skip_extensions: random.once_in(4),
        drop_if_exists: random.once_in(4),
        ..Settings::default()
    }
}

impl Maker<'_> {
    fn oid(&mut self) -> Oid {
        self.last_oid += 1;
        Oid(self.last_oid)
    }

    fn entry(&mut self, description: &str, about: (Oid, Oid), needs: Vec<EntryId>) -> EntryId {
        let entry = self.new_entry(description, about, needs);
        self.add(entry)
    }

    fn add(&mut self, entry: Entry) -> EntryId {
        let id = entry.id;
        self.inventory.entries.push(entry);
        id
    }

    fn new_entry(&self, description: &str, about: (Oid, Oid), needs: Vec<EntryId>) -> Entry {
        let id = self.inventory.entries.len() as EntryId + 1;
        Entry {
            id,
            catalog: about.0,
            oid: about.1,
            description: description.to_owned(),
            tag: format!("{description} {id}"),
            namespace: Some("public".to_owned()),
            owner: None,
            is_pre_data: false,
            definition: "SELECT 1; SELECT 2;".to_owned(),
            drop: String::new(),
            tablespace: None,
            rewrite: None,
            dependencies: needs,
        }
    }

    fn pre_data(&mut self) {
        // More than fit into one transaction, now and then.
        let count = if self.random.once_in(100) { 600 } else { self.random.below(4) };
        for _ in 0..count {
            let entry = self.new_entry("TABLE", (CLASS, Oid(0)), Vec::new());
            self.add(Entry { is_pre_data: true, ..entry });
        }
    }

    fn partitioned(&mut self, parent: Option<Oid>) -> Oid {
        let oid = self.table(parent);
        self.inventory.tables.change(|table| {
            if table.oid == oid {
                (table.kind, table.bytes, table.exclude_data) = (TableKind::Partitioned, 0, false);
                table.parts.clear();
                table.load_via = None;
            }
        });
        if parent.is_none() && self.random.once_in(4) {
            return self.partitioned(Some(oid));
        }
        oid
    }

    fn table(&mut self, parent: Option<Oid>) -> Oid {
        let oid = self.oid();
        let bytes = self.random.of(&[0, 100, 1 << 20, 1 << 30]);
        let mut parts = Vec::new();
        if bytes > 1000 && self.random.once_in(2) {
            parts = split::by_ctid(bytes / 8192, bytes, self.random.of(&[2, 3, 5]));
        }
        self.inventory.tables.push(Table {
            oid,
            name: QualifiedName::new("public", format!("t{oid}")),
            kind: TableKind::Ordinary,
            parent,
            bytes,
            pages: bytes / 8192,
            compressible_bytes: 0,
            reltuples: 0.0,
            access_method: "heap".to_owned(),
            split_key: None,
            columns: Vec::new(),
            load_via: parent.filter(|_| parts.is_empty() && self.random.once_in(6)),
            condition: None,
            exclude_data: self.random.once_in(8),
            parts,
        });
        oid
    }

    fn indexes(&mut self) {
        let tables: Vec<(Oid, TableKind, Option<Oid>)> =
            self.inventory.tables.iter().map(|t| (t.oid, t.kind, t.parent)).collect();
        let mut made: Vec<(Oid, EntryId)> = Vec::new();
        for (table, kind, parent) in tables {
            for _ in 0..self.random.below(4) {
                let entry = self.index(table, kind == TableKind::Partitioned);
                let above = made.iter().find(|(other, _)| Some(*other) == parent);
                if let Some((_, above)) = above.copied() {
                    self.entry("INDEX ATTACH", (CLASS, Oid(0)), vec![above, entry]);
                }
                made.push((table, entry));
            }
        }
    }

    fn index(&mut self, table: Oid, is_partitioned: bool) -> EntryId {
        use ConstraintKind::{Exclusion, PrimaryKey, Unique};
        let oid = self.oid();
        let constraint = self.random.once_in(2).then(|| Constraint {
            oid: self.oid(),
            name: format!("i{oid}"),
            kind: self.random.of(&[PrimaryKey, Unique, Exclusion]),
            definition: String::new(),
            deferrable: false,
            deferred: false,
        });
        let about = constraint.as_ref().map_or((CLASS, oid), |c| (CONSTRAINT, c.oid));
        self.inventory.indexes.push(Index {
            oid,
            name: QualifiedName::new("public", format!("i{oid}")),
            table,
            definition: String::new(),
            columns: String::new(),
            is_primary: false,
            is_unique: true,
            is_partitioned,
            tablespace: None,
            bytes: self.random.below(1 << 21) as u64,
            has_collated_text: self.random.once_in(2),
            constraint,
        });
        let entry = self.new_entry("INDEX", about, Vec::new());
        let definition = self.random.of(&["SELECT 1;", "SELECT 1; SELECT 2;"]).to_owned();
        self.add(Entry { definition, ..entry })
    }

    fn foreign_keys(&mut self) {
        if self.inventory.tables.is_empty() || self.inventory.indexes.is_empty() {
            return;
        }
        for _ in 0..self.random.below(5) {
            let place = self.random.below(self.inventory.tables.len());
            let table = self.inventory.tables.at(place);
            let place = self.random.below(self.inventory.indexes.len());
            let index = self.inventory.indexes.at(place);
            let oid = self.oid();
            self.inventory.foreign_keys.push(ForeignKey {
                oid,
                name: format!("f{oid}"),
                table: table.oid,
                table_name: table.name,
                referenced: index.table,
                referenced_index: index.oid,
                is_validated: !self.random.once_in(4),
                is_partitioned: table.kind == TableKind::Partitioned,
                may_not_hold: self.random.once_in(5),
            });
            self.entry("FK CONSTRAINT", (CONSTRAINT, oid), Vec::new());
        }
    }

    fn rest(&mut self) {
        let batches = (0..self.random.below(4)).map(|n| Oid(n as u32 * 1000 + 1)).collect();
        self.inventory.large_objects = LargeObjects { count: 1, batches };
        for _ in 0..self.random.below(2) {
            let oid = self.oid();
            let name = QualifiedName::new("public", format!("s{oid}"));
            self.inventory.sequences.push(Sequence {
                oid,
                name: name.clone(),
                owned_by: None,
                is_readable: true,
            });
            let extension = self.oid();
            self.inventory.extensions.push(Extension {
                oid: extension,
                name: format!("e{extension}"),
                namespace: "public".to_owned(),
                version: "1".to_owned(),
                config: vec![ExtensionTable {
                    oid,
                    name,
                    is_sequence: false,
                    columns: Vec::new(),
                    condition: String::new(),
                }],
            });
        }
        for _ in 0..self.random.below(3) {
            let oid = self.oid();
            let name = QualifiedName::new("public", format!("v{oid}"));
            self.inventory.views.push(View { oid, name, bytes: 0, is_populated: true });
            self.entry("MATERIALIZED VIEW DATA", (CLASS, oid), Vec::new());
        }
        for _ in 0..self.random.below(8) {
            let last = self.inventory.entries.len();
            let needs = match last {
                0 => Vec::new(),
                _ => vec![self.random.below(last) as EntryId + 1],
            };
            let kinds = ["TRIGGER", "RULE", "ACL", "COMMENT", "EVENT TRIGGER"];
            let description = self.random.of(&kinds);
            let oid = self.oid();
            self.entry(description, (Oid(2620), oid), needs);
        }
    }
}

/// A plan of steps of all pools that wait for each other in any way that can be written down.
pub fn graph(random: &mut Random) -> Plan {
    let mut plan = Plan::new();
    let size = 1 + random.below(40);
    let mut ids: Vec<StepId> = Vec::new();
    for number in 0..size as u32 {
        let some = |random: &mut Random| -> Vec<StepId> {
            let count = random.below(4).min(ids.len());
            (0..count).map(|_| ids[random.below(ids.len())]).collect()
        };
        let (needs, follows) = (some(random), some(random));
        let oid = Oid(number + 1);
        let step = match random.below(7) {
            0 | 1 => Step::CopyTable { table: oid },
            2 => Step::CreateIndex { index: oid },
            3 => Step::Analyze { table: oid },
            4 => Step::AddForeignKey { constraint: oid },
            5 => Step::CopyLargeObjects { batch: number },
            _ => Step::Milestone,
        };
        let weight = random.below(5) as u64;
        ids.push(match (step, random.once_in(2)) {
            (Step::Milestone, true) => plan.milestone(&follows),
            (Step::Milestone, false) => plan.add(step, 0, &needs),
            _ => plan.add_following(step, weight, &needs, &follows),
        });
    }
    plan
}
