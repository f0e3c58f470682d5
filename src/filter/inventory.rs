//! An inventory without what is left out.

use std::collections::{HashMap, HashSet};

use super::dependency::{Bond, Dependencies, LeftOut};
use super::select::Selection;
use crate::model::object::CONSTRAINT_CATALOG;
use crate::model::{EntryId, ForeignKey, Inventory, Object, Oid, Packed, TableKind};

/// From this version on a partitioned table may have a foreign key that is not checked.
const PARTITIONED_NOT_VALID_VERSION: u32 = 180_000;

/// What became of foreign keys whose tables stay.
#[derive(Clone, Debug, Default)]
pub struct ForeignKeys {
    /// They stay NOT VALID: rows they refer to may be missing.
    pub unchecked: Vec<ForeignKey>,
    /// They are left out: rows may be missing, and the target knows no such key that is not checked.
    pub uncheckable: Vec<ForeignKey>,
    /// They are left out: the index they need on a partitioned table has no index on a partition.
    pub without_index: Vec<ForeignKey>,
    /// They are left out with the partitioned table that they came from.
    pub inherited: Vec<ForeignKey>,
}

/// Takes out of an inventory what is left out, entries of the archive included.
pub fn reduce(
    inventory: &mut Inventory,
    selection: &Selection,
    entries: &HashSet<EntryId>,
    dependencies: &Dependencies,
    target_version: u32,
) -> ForeignKeys {
    let out = &selection.out;
    let short = short_of_rows(inventory, selection);
    let incomplete = incomplete_indexes(inventory, out, dependencies);
    let stays = |oid| !out.has(Object::relation(oid));

    reduce_tables(inventory, selection);
    inventory.views.retain(|view| stays(view.oid));
    inventory.indexes.retain(|index| {
        let constraint = index.constraint.as_ref().map(|c| Object::constraint(c.oid));
        stays(index.oid) && stays(index.table) && !constraint.is_some_and(|c| out.has(c))
    });
    inventory.sequences.retain(|sequence| stays(sequence.oid));
    inventory
        .sequences
        .change(|sequence| sequence.owned_by = sequence.owned_by.filter(|owner| stays(*owner)));
    inventory.extensions.retain(|extension| !out.has(Object::extension(extension.oid)));
    let keys = foreign_keys(inventory, out, dependencies, &short, &incomplete, target_version);
    let lost: HashSet<Oid> =
        keys.uncheckable.iter().chain(&keys.without_index).map(|key| key.oid).collect();
    inventory.entries.retain(|entry| !entries.contains(&entry.id));
    let gone: HashSet<EntryId> = inventory
        .entries
        .iter()
        .filter(|entry| entry.catalog == CONSTRAINT_CATALOG && lost.contains(&entry.oid))
        .map(|entry| entry.id)
        .collect();
    // With a key goes what is said about it.
    inventory.entries.retain(|entry| {
        !gone.contains(&entry.id) && !entry.dependencies.iter().any(|id| gone.contains(id))
    });
    keys
}

/// Takes out the tables that are left out, and notes of the others which rows stay.
pub fn reduce_tables(inventory: &mut Inventory, selection: &Selection) {
    let stays = |oid| !selection.out.has(Object::relation(oid));
    inventory.tables.retain(|table| stays(table.oid));
    let parents: HashMap<Oid, Oid> = inventory
        .tables
        .iter()
        .filter_map(|table| Some((table.oid, table.parent.filter(|parent| stays(*parent))?)))
        .collect();
    inventory.tables.change(|table| {
        table.parent = parents.get(&table.oid).copied();
        if selection.without_rows.contains(&table.oid) {
            table.exclude_data = true;
        }
        if let Some(conditions) = selection.conditions.get(&table.oid) {
            // Each may end in a comment.
            table.condition = Some(conditions.join("\n) and ("));
        }
        if table.load_via.is_some() {
            let mut top = table.oid;
            while let Some(parent) = parents.get(&top) {
                top = *parent;
            }
            table.load_via = Some(top).filter(|top| *top != table.oid);
        }
    });
}

/// Partitions that are left out while rows of others may belong to them on the target: where each
/// row goes is known only there. With each, the partitioned table that stays.
pub fn torn_trees(inventory: &Inventory, out: &LeftOut) -> Vec<(Oid, Oid)> {
    let tables = inventory.tables_by_oid();
    let is_out = |oid: Oid| out.has(Object::relation(oid));
    let above = |oid: Oid| {
        std::iter::successors(Some(oid), |oid| tables.get(oid).and_then(|table| table.parent))
    };
    let routed = inventory.tables.iter().filter(|table| table.load_via.is_some());
    let (gone, kept): (Vec<Oid>, Vec<Oid>) =
        routed.map(|table| table.oid).partition(|oid| is_out(*oid));
    let with_rows: HashSet<Oid> = kept
        .into_iter()
        .filter(|oid| tables[oid].kind == TableKind::Ordinary)
        .flat_map(|oid| above(oid).skip(1).take_while(|oid| !is_out(*oid)))
        .collect();
    let torn = gone.into_iter().filter_map(|oid| {
        let parent = above(oid).skip(1).find(|parent| with_rows.contains(parent))?;
        Some((oid, parent))
    });
    torn.collect()
}

/// Tables of which the target will not have all rows: their own or, where a partition's are missing,
/// those of the tables above it.
fn short_of_rows(inventory: &Inventory, selection: &Selection) -> HashSet<Oid> {
    let tables = inventory.tables_by_oid();
    let mut short = HashSet::new();
    for table in &inventory.tables {
        let is_short = selection.out.has(Object::relation(table.oid))
            || selection.without_rows.contains(&table.oid)
            || selection.conditions.contains_key(&table.oid);
        if !is_short || table.kind == TableKind::Partitioned {
            continue;
        }
        let mut oid = Some(table.oid);
        while let Some(next) = oid {
            short.insert(next);
            oid = tables.get(&next).and_then(|table| table.parent);
        }
    }
    short
}

/// Indexes of partitioned tables that miss the index of a partition which is kept: they stay
/// invalid.
fn incomplete_indexes(
    inventory: &Inventory,
    out: &LeftOut,
    dependencies: &Dependencies,
) -> HashSet<Oid> {
    let mut incomplete = HashSet::new();
    for index in &inventory.indexes {
        let object = Object::relation(index.oid);
        if !out.has(object) || out.has(Object::relation(index.table)) {
            continue;
        }
        let mut left = vec![object];
        while let Some(object) = left.pop() {
            let above = dependencies.needs(object).filter(|(_, bond)| *bond == Bond::Attached);
            for (parent, _) in above {
                if incomplete.insert(parent.oid) {
                    left.push(parent);
                }
            }
        }
    }
    incomplete
}

fn foreign_keys(
    inventory: &mut Inventory,
    out: &LeftOut,
    dependencies: &Dependencies,
    short: &HashSet<Oid>,
    incomplete: &HashSet<Oid>,
    target_version: u32,
) -> ForeignKeys {
    let mut found = ForeignKeys::default();
    let with_rows = with_rows(inventory);
    let tables = inventory.tables_by_oid();
    let kinds: HashMap<Oid, TableKind> = tables.iter().map(|(oid, t)| (*oid, t.kind)).collect();
    let makers: HashSet<Oid> = inventory
        .entries
        .iter()
        .filter(|entry| entry.catalog == CONSTRAINT_CATALOG)
        .map(|entry| entry.oid)
        .collect();
    let mut kept = Packed::default();
    for mut key in &inventory.foreign_keys {
        let constraint = Object::constraint(key.oid);
        if out.has(constraint) || !kinds.contains_key(&key.table) {
            continue;
        }
        if !makers.contains(&key.oid) {
            // The target makes it with the one it came from, if that is there.
            let mut origin = dependencies.needs(constraint);
            let gone = |(parent, bond): (Object, Bond)| bond == Bond::Attached && out.has(parent);
            match origin.any(gone) {
                true => found.inherited.push(key),
                false => kept.push(key),
            }
            continue;
        }
        if incomplete.contains(&key.referenced_index) {
            found.without_index.push(key);
            continue;
        }
        if key.is_validated && short.contains(&key.referenced) && with_rows.contains(&key.table) {
            let is_partitioned = kinds.get(&key.table) == Some(&TableKind::Partitioned);
            if is_partitioned && target_version < PARTITIONED_NOT_VALID_VERSION {
                found.uncheckable.push(key);
                continue;
            }
            key.may_not_hold = true;
            found.unchecked.push(key.clone());
        }
        kept.push(key);
    }
    inventory.foreign_keys = kept;
    found
}

/// Tables that will have rows, of their own or in a partition.
fn with_rows(inventory: &Inventory) -> HashSet<Oid> {
    let tables = inventory.tables_by_oid();
    let mut found = HashSet::new();
    for table in inventory.tables.iter().filter(|table| table.has_data()) {
        let mut oid = Some(table.oid);
        while let Some(next) = oid {
            found.insert(next);
            oid = tables.get(&next).and_then(|table| table.parent);
        }
    }
    found
}

#[cfg(test)]
#[path = "inventory/tests.rs"]
mod tests;
