//! The steps of a whole clone and the order they keep. The edges follow PostgreSQL's locks: with
//! them no two running steps wait for each other's lock ("Explicit Locking" in the documentation).

pub mod analyze;

use std::collections::{BTreeMap, HashMap};
use std::ops::RangeFrom;

use super::attach::Attaching;
use super::objects::{foreign_key_object, index_object, post_data_by_object, tables_by_entry};
use super::pre_data::{Piece, Pieces};
use super::relations::{Relations, StepLists};
use super::statement::{Moves, index_moves, split};
use super::{Plan, Step, StepId, drop, pre_data};
use crate::model::{Entry, EntryId, Index, Inventory, Oid, Packed, Places, Settings, Table};

/// A byte of an index takes about as long to make as so many bytes of rows take to copy: two to four
/// were measured.
const INDEX_BYTE_WEIGHT: u64 = 4;

/// Less than that does not decide which table is copied first, in bytes of rows.
const INDEX_WORK_MIN: u64 = 1 << 20;

/// What a plan must know of the target.
#[derive(Clone, Copy, Debug)]
pub struct Target {
    /// The server's version.
    pub version: u32,
    /// Where the tables come from.
    pub tables: Tables,
}

/// Where the target's tables come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tables {
    /// This copy makes them: they are empty until it fills them.
    Made,
    /// Somebody else has made them: they are emptied before they are filled.
    Found,
}

/// Plans a clone.
pub fn clone(inventory: &Inventory, settings: &Settings, target: Target) -> Plan {
    let mut planner = Planner::new(inventory, settings, target);
    planner.drop_objects();
    planner.pre_data();
    planner.side_steps();
    planner.tables();
    planner.indexes();
    planner.analyze_tables();
    planner.attach_indexes();
    planner.analyze_partitioned_tables();
    planner.foreign_keys();
    planner.post_data();
    planner.plan
}

struct Planner<'a> {
    inventory: &'a Inventory,
    settings: &'a Settings,
    target: Target,
    plan: Plan,
    relations: Relations,
    /// Places of the archive's entries of post-data objects, by catalog OID and OID.
    objects: Places<(Oid, Oid)>,
    /// How these objects are made.
    makings: Vec<Making>,
    /// The end of the pre-data section.
    schema: Vec<StepId>,
    /// When rows can be copied.
    attaching: Attaching,
    /// The step that empties a table that several steps fill.
    truncates: HashMap<Oid, StepId>,
    /// Steps that fill a table with rows.
    fills: StepLists,
    /// Steps that work on a table and hold locks on it, by the root of its partition tree.
    work: StepLists,
    /// Index builds of a table.
    builds: StepLists,
    /// Steps that complete indexes of a partition.
    finishes: StepLists,
    /// The step that completes an index.
    index_steps: HashMap<Oid, StepId>,
    /// The step that completes an entry of the post-data section.
    entry_steps: HashMap<EntryId, StepId>,
    /// Everything that the rest of the post-data section waits for.
    all: Vec<StepId>,
}

/// How an object of the post-data section is made.
#[derive(Clone, Copy)]
struct Making {
    entry: EntryId,
    /// How many statements the archive has for it.
    statements: u32,
}

impl<'a> Planner<'a> {
    fn new(inventory: &'a Inventory, settings: &'a Settings, target: Target) -> Planner<'a> {
        let relations = Relations::of(inventory);
        let lists = || StepLists::new(relations.len());
        let mut makings = Vec::new();
        let objects = post_data_by_object(&inventory.entries).map(|(object, entry)| {
            let statements = split(&entry.definition).len() as u32;
            makings.push(Making { entry: entry.id, statements });
            (object, makings.len() - 1)
        });
        Planner {
            inventory,
            settings,
            target,
            plan: Plan::with_capacity(steps_at_most(inventory)),
            objects: Places::from_pairs(objects),
            makings,
            schema: Vec::new(),
            attaching: Attaching::default(),
            truncates: HashMap::new(),
            fills: lists(),
            work: lists(),
            builds: lists(),
            finishes: lists(),
            index_steps: HashMap::new(),
            entry_steps: HashMap::new(),
            all: Vec::new(),
            relations,
        }
    }

    /// What is in the way goes before anything is made.
    fn drop_objects(&mut self) {
        for batch in 0..drop::batches(&self.inventory.entries, self.settings).len() {
            let step = Step::DropObjects { batch: batch as u32 };
            let id = self.plan.add(step, u64::MAX, &self.schema);
            self.schema = vec![id];
        }
    }

    /// One transaction after the other, in the archive's order, but for tables that can be made
    /// side by side, and attached when they are there.
    fn pre_data(&mut self) {
        let mut chunks = 0..;
        let Pieces { before, tables, after, attach } =
            pre_data::pieces(&self.inventory.entries, self.settings);
        self.chain(before, &mut chunks);
        if !tables.is_empty() {
            let made: Vec<StepId> = tables
                .iter()
                .zip(&mut chunks)
                .map(|(_, chunk)| self.restore(Step::RestorePreData { chunk }))
                .collect();
            self.schema = vec![self.plan.success(&made)];
        }
        self.chain(after, &mut chunks);
        let made = self.schema.clone();
        let mut steps = Vec::new();
        for (entries, chunk) in attach.into_iter().zip(chunks) {
            let step = self.restore(Step::RestorePreData { chunk });
            self.schema = vec![step];
            steps.push((step, entries));
        }
        let version = self.target.version;
        self.attaching = Attaching::new(self.inventory, &self.relations, version, made, &steps);
    }

    fn chain(&mut self, pieces: Vec<Piece>, chunks: &mut RangeFrom<u32>) {
        for piece in pieces {
            let step = match piece {
                Piece::Extension(entry) => Some(Step::CreateExtension { entry }),
                Piece::Chunk(_) => chunks.next().map(|chunk| Step::RestorePreData { chunk }),
            };
            if let Some(step) = step {
                self.schema = vec![self.restore(step)];
            }
        }
    }

    fn restore(&mut self, step: Step) -> StepId {
        self.plan.add(step, u64::MAX, &self.schema)
    }

    /// What needs nothing but the schema, or not even that.
    fn side_steps(&mut self) {
        if !self.settings.skip_large_objects {
            for batch in 0..self.inventory.large_objects.batches.len() {
                let step = Step::CopyLargeObjects { batch: batch as u32 };
                let id = self.plan.add(step, 0, &[]);
                self.all.push(id);
            }
        }
        if !self.inventory.sequences.is_empty() {
            let id = self.plan.add(Step::SetSequences, 0, &self.schema);
            self.all.push(id);
        }
        if !self.settings.skip_extensions {
            let mut last = None;
            for extension in self.inventory.extensions.iter().filter(|e| !e.config.is_empty()) {
                let step = Step::CopyExtensionData { extension: extension.oid };
                // An extension references those that it requires, which are the older ones.
                let id = self.plan.add_following(step, 0, &self.schema, last.as_slice());
                last = Some(id);
                for table in &extension.config {
                    self.fills.replace(self.relations.place(table.oid), &[id]);
                }
                self.all.push(id);
            }
        }
    }

    fn tables(&mut self) {
        let index_work = self.index_work();
        for table in self.inventory.tables.iter().filter(|table| table.has_data()) {
            let needs = self.emptied(&table);
            let steps = fill_table(&mut self.plan, &table, &needs);
            if let Some(bytes) = index_work.get(&table.oid) {
                steps.iter().for_each(|step| self.plan.precedes(*step, *bytes));
            }
            self.note_work(table.oid, &steps);
            self.fills.replace(self.relations.place(table.oid), &steps);
        }
        // A partitioned table is filled when its partitions are.
        let mut of_partitions: BTreeMap<usize, Vec<StepId>> = BTreeMap::new();
        for (place, relation) in self.relations.iter().enumerate() {
            let mut ancestor = relation.parent;
            while let Some(parent) = ancestor {
                let parent = parent as usize;
                of_partitions.entry(parent).or_default().extend(self.fills.of(place));
                ancestor = self.relations.at(parent).parent;
            }
        }
        for (parent, steps) in of_partitions {
            // Where no partition has rows to copy, it is full as soon as it is there.
            let needs = [&self.schema[..], &steps].concat();
            let filled = self.plan.success(&needs);
            self.fills.replace(parent, &[filled]);
        }
        // Rows of such a partition may come with any other.
        for table in self.inventory.tables.iter().filter(|table| table.load_via.is_some()) {
            let via = table.load_via.map(|root| self.relations.place(root));
            let filled: Vec<StepId> = via.into_iter().flat_map(|via| self.fills.of(via)).collect();
            if !filled.is_empty() && table.has_data() {
                self.fills.replace(self.relations.place(table.oid), &filled);
            }
        }
    }

    /// How much work the indexes of a table will be, where that is worth knowing, in bytes of rows.
    fn index_work(&self) -> HashMap<Oid, u64> {
        let mut work: HashMap<Oid, u64> = HashMap::new();
        for index in &self.inventory.indexes {
            let bytes = index.weight().saturating_mul(INDEX_BYTE_WEIGHT);
            if bytes >= INDEX_WORK_MIN {
                *work.entry(index.table).or_default() += bytes;
            }
        }
        work
    }

    /// What must be done before a table is filled. A table that is filled by one step is emptied by
    /// that step; where several steps put rows into it, it is emptied once before them.
    fn emptied(&mut self, table: &Table) -> Vec<StepId> {
        let shared = table.load_via.or_else(|| (!table.parts.is_empty()).then_some(table.oid));
        let shared = match (self.target.tables, shared) {
            (Tables::Found, Some(shared)) => shared,
            _ if table.load_via.is_some() => return self.schema.clone(),
            _ => {
                let place = self.relations.place(table.oid);
                return self.attaching.before_rows(&self.relations, place);
            }
        };
        if let Some(&id) = self.truncates.get(&shared) {
            return vec![id];
        }
        let id = self.plan.add(Step::Truncate { table: shared }, table.bytes, &self.schema);
        self.note_work(shared, &[id]);
        self.truncates.insert(shared, id);
        vec![id]
    }

    fn indexes(&mut self) {
        let inventory = self.inventory;
        for index in &inventory.indexes {
            let Some((entry, moves)) = self.moves(&index) else { continue };
            if !moves.builds {
                continue;
            }
            let step = Step::CreateIndex { index: index.oid };
            let id = self.add_on_table(step, index.table, index.weight(), &[], &[]);
            self.builds.extend(self.relations.place(index.table), [id]);
            self.index_steps.insert(index.oid, id);
            self.entry_steps.insert(entry, id);
        }
        // Each needs the table alone: after all builds, one after the other.
        let mut last: HashMap<Oid, StepId> = HashMap::new();
        for index in &inventory.indexes {
            let Some((entry, moves)) = self.moves(&index) else { continue };
            if !moves.finishes {
                continue;
            }
            let place = self.relations.place(index.table);
            let follows: Vec<StepId> =
                self.builds.of(place).chain(last.get(&index.table).copied()).collect();
            let needs: Vec<StepId> =
                self.index_steps.get(&index.oid).copied().into_iter().collect();
            let step = Step::FinishIndex { index: index.oid };
            // An exclusion constraint builds its index here, hence the weight.
            let weight = if moves.builds { u64::MAX / 2 } else { index.bytes };
            let id = self.add_on_table(step, index.table, weight, &needs, &follows);
            last.insert(index.table, id);
            if self.relations.at(place).parent.is_some() {
                self.finishes.extend(place, [id]);
            }
            self.index_steps.insert(index.oid, id);
            self.entry_steps.insert(entry, id);
        }
    }

    /// How an index is made, if it is, and by which entry.
    fn moves(&self, index: &Index) -> Option<(EntryId, Moves)> {
        let making = self.making(index_object(index))?;
        let is_known = self.relations.get(index.table).is_known;
        is_known.then(|| (making.entry, index_moves(index, making.statements as usize)))
    }

    /// How an object of the post-data section is made, if it is.
    fn making(&self, object: (Oid, Oid)) -> Option<Making> {
        self.objects.get(object).map(|place| self.makings[place])
    }

    /// The steps after which a table is filled.
    fn filled(&self, table: Oid) -> Vec<StepId> {
        let steps: Vec<StepId> = self.fills.of(self.relations.place(table)).collect();
        if steps.is_empty() { self.schema.clone() } else { steps }
    }

    /// Adds a step on a filled table. For a partitioned table it also waits until nobody copies
    /// into the partitions: a COPY looks at the parents' bounds and keeps a lock on them.
    fn add_on_table(
        &mut self,
        step: Step,
        table: Oid,
        weight: u64,
        needs: &[StepId],
        follows: &[StepId],
    ) -> StepId {
        let mut needs = needs.to_vec();
        needs.extend(self.filled(table));
        let id = self.plan.add_following(step, weight, &needs, follows);
        self.note_work(table, &[id]);
        id
    }

    fn attach_indexes(&mut self) {
        let inventory = self.inventory;
        let attachments = inventory.entries.iter().filter(|e| e.description == "INDEX ATTACH");
        let attachments: Vec<(EntryId, Vec<EntryId>)> =
            attachments.map(|entry| (entry.id, entry.dependencies)).collect();
        if attachments.is_empty() {
            return;
        }
        // Whose partition tree an attachment belongs to follows from any index it touches.
        let mut tables: HashMap<EntryId, Oid> = HashMap::new();
        for index in &inventory.indexes {
            if let Some(making) = self.making(index_object(&index)) {
                tables.insert(making.entry, index.table);
            }
        }
        let mut indexed = BTreeMap::new();
        for (entry, dependencies) in attachments {
            let steps = dependencies.iter().filter_map(|id| self.entry_steps.get(id));
            let needs: Vec<StepId> = steps.copied().collect();
            let table = dependencies.iter().find_map(|id| tables.get(id)).copied();
            // It locks tables all over the tree, as adding a constraint does.
            let follows = table.map(|table| self.settled(&mut indexed, table));
            let step = Step::AttachIndex { entry };
            let id = self.plan.add_following(step, 0, &needs, follows.as_slice());
            self.entry_steps.insert(entry, id);
            self.all.push(id);
            if let Some(table) = table {
                self.note_work(table, &[id]);
            }
        }
    }

    fn foreign_keys(&mut self) {
        let inventory = self.inventory;
        let mut settled = BTreeMap::new();
        let mut touching = StepLists::new(self.relations.len());
        let mut to_validate = Vec::new();
        for key in &inventory.foreign_keys {
            let Some(making) = self.making(foreign_key_object(&key)) else { continue };
            let entry = making.entry;
            let follows =
                [key.table, key.referenced].map(|table| self.settled(&mut settled, table));
            let mut needs: Vec<StepId> = Vec::new();
            for table in [key.table, key.referenced] {
                needs.extend(self.filled(table));
            }
            needs.extend(self.index_steps.get(&key.referenced_index));
            if key.is_partitioned && key.is_validated && !key.may_not_hold {
                to_validate.push((key.oid, key.table, entry, needs, follows.to_vec()));
                continue;
            }
            let step = Step::AddForeignKey { constraint: key.oid };
            let id = self.plan.add_following(step, 0, &needs, &follows);
            for table in [key.table, key.referenced] {
                touching.extend(self.relations.root(table), [id]);
            }
            self.entry_steps.insert(entry, id);
            self.all.push(id);
            if key.is_validated && !key.may_not_hold {
                to_validate.push((key.oid, key.table, entry, vec![id], Vec::new()));
            }
        }
        let mut last: HashMap<usize, StepId> = HashMap::new();
        for (constraint, table, entry, needs, mut follows) in to_validate {
            let root = self.relations.root(table);
            // Its lock excludes itself, and that of a key being added.
            follows.extend(touching.of(root));
            follows.extend(last.get(&root));
            let weight = self.relations.get(table).bytes;
            let step = Step::ValidateForeignKey { constraint };
            let id = self.plan.add_following(step, weight, &needs, &follows);
            last.insert(root, id);
            self.entry_steps.insert(entry, id);
            self.all.push(id);
        }
    }

    /// The point where all work on a table and the rest of its partition tree has ended.
    fn settled(&mut self, settled: &mut BTreeMap<usize, StepId>, table: Oid) -> StepId {
        let root = self.relations.root(table);
        *settled.entry(root).or_insert_with(|| {
            let work: Vec<StepId> = self.work.of(root).collect();
            self.plan.milestone(&work)
        })
    }

    /// Everything else that belongs after the rows, in the order `pg_restore` keeps: objects,
    /// privileges, materialized views, event triggers.
    fn post_data(&mut self) {
        let (settings, inventory) = (self.settings, self.inventory);
        let post_data = inventory.entries.iter().filter(|entry| !entry.is_pre_data);
        let rest: Packed<Entry> = post_data
            .filter(|entry| !self.entry_steps.contains_key(&entry.id))
            .filter(|entry| pre_data::is_wanted(entry, settings))
            .collect();
        if rest.is_empty() {
            return;
        }
        let mut passes: HashMap<EntryId, usize> = HashMap::new();
        for entry in &rest {
            let own = match entry.description.as_str() {
                "ACL" | "DEFAULT ACL" => 1,
                "MATERIALIZED VIEW DATA" => 2,
                "EVENT TRIGGER" | "SUBSCRIPTION" => 3,
                _ => 0,
            };
            // A comment comes with what it is about.
            let needed = entry.dependencies.iter().filter_map(|id| passes.get(id)).copied();
            passes.insert(entry.id, needed.fold(own, usize::max));
        }
        let tables = tables_by_entry(&inventory.entries);
        let fills: Vec<StepId> = self.fills.all().collect();
        let filled = self.plan.success(&fills);
        let mut all = std::mem::take(&mut self.all);
        all.extend(self.work.all());
        let mut everything = Vec::new();
        for pass in 0..4 {
            let before = self.plan.milestone(&all);
            everything.append(&mut all);
            let mut complete = None;
            all.push(before);
            for entry in rest.iter().filter(|entry| passes[&entry.id] == pass) {
                let mut needs = self.schema.clone();
                needs.extend(entry.dependencies.iter().filter_map(|id| self.entry_steps.get(id)));
                // What a later run copies must not meet triggers, or a lack of privileges.
                let on_tables = entry.dependencies.iter().filter_map(|id| tables.get(id));
                let on_tables = on_tables.filter_map(|table| self.relations.find(*table));
                needs.extend(on_tables.flat_map(|place| self.fills.of(place)));
                let step = match entry.description.as_str() {
                    "MATERIALIZED VIEW DATA" => {
                        // Which tables a view reads cannot be known: functions may read more.
                        needs.push(filled);
                        Step::RefreshView { entry: entry.id }
                    }
                    "EVENT TRIGGER" => {
                        // It would fire for what a later run makes.
                        needs.push(*complete.get_or_insert_with(|| self.plan.success(&everything)));
                        Step::RestorePostData { entry: entry.id }
                    }
                    _ => Step::RestorePostData { entry: entry.id },
                };
                let id = self.plan.add_following(step, 0, &needs, &[before]);
                self.entry_steps.insert(entry.id, id);
                all.push(id);
                if matches!(step, Step::RefreshView { .. }) && !settings.skip_vacuum {
                    all.push(self.plan.add(Step::Analyze { table: entry.oid }, 0, &[id]));
                }
            }
        }
    }

    fn note_work(&mut self, table: Oid, steps: &[StepId]) {
        self.work.extend(self.relations.root(table), steps.iter().copied());
    }
}

/// Room for so many steps is enough for most inventories; what is not used costs nothing.
fn steps_at_most(inventory: &Inventory) -> usize {
    let tables = 3 * inventory.tables.len() + 2 * inventory.indexes.len();
    tables + 3 * inventory.foreign_keys.len()
}

/// Plans how rows get in: whole, in one transaction, or in parts.
fn fill_table(plan: &mut Plan, table: &Table, needs: &[StepId]) -> Vec<StepId> {
    if table.parts.is_empty() {
        return vec![plan.add(Step::CopyTable { table: table.oid }, table.weight(), needs)];
    }
    let step = |number| Step::CopyPart { table: table.oid, part: number };
    let weight = table.weight() / table.parts.len() as u64;
    table.parts.iter().map(|part| plan.add(step(part.number), weight, needs)).collect()
}
