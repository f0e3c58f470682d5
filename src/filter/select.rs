//! From the lines of the filter file, and what they match, to the objects that are left out.

use std::collections::{HashMap, HashSet};

use super::dependency::{Bond, Cause, Dependencies, LeftOut};
use super::{Filters, Section};
use crate::model::object::{CLASS_CATALOG, EXTENSION_CATALOG};
use crate::model::{Inventory, Object, Oid};

/// What a decision rests on.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The filter file.
    pub filters: &'a Filters,
    /// What each of its lines matches.
    pub matches: &'a [Vec<Object>],
    /// The namespaces of users.
    pub namespaces: &'a [(Oid, String)],
    /// Everything on the source.
    pub inventory: &'a Inventory,
    /// What needs what.
    pub dependencies: &'a Dependencies,
    /// Extensions that the target has: what needs one can be made there, whoever made it.
    pub target_extensions: &'a HashSet<String>,
}

/// What the filters mean for the objects of one database.
#[derive(Clone, Debug, Default)]
pub struct Selection {
    /// What is left out.
    pub out: LeftOut,
    /// Tables and materialized views that stay empty.
    pub without_rows: HashSet<Oid>,
    /// Of which tables only some rows are copied, and which: all conditions must hold.
    pub conditions: HashMap<Oid, Vec<String>>,
    /// Tables and materialized views that an inclusion names, with their partitions.
    pub included: HashSet<Oid>,
    /// Tables that stay, without rows, for what is made of them: the parents of included ones.
    pub shells: Vec<Oid>,
}

/// Decides what is left out.
pub fn select(ground: Ground<'_>) -> Selection {
    let mut selection = Selection::default();
    extensions(ground, &mut selection);
    schemas(ground, &mut selection);
    included_tables(ground, &mut selection);
    for section in [Section::ExcludeTable, Section::ExcludeIndex] {
        selection.leave_out(ground, &ground.matched(section), Cause::Filter);
    }
    for object in ground.matched(Section::ExcludeTableData) {
        selection.without_rows.insert(object.oid);
    }
    for (number, rule) in ground.filters.of(Section::TableWhere) {
        for object in ground.with_attached(&ground.matches[number]) {
            let conditions = selection.conditions.entry(object.oid).or_default();
            conditions.extend(rule.condition.clone());
        }
    }
    selection.settle_sequences(ground);
    selection
}

impl Selection {
    /// Leaves out more objects with all that needs them.
    pub fn leave_out(&mut self, ground: Ground<'_>, objects: &[Object], cause: Cause) {
        ground.dependencies.leave_out(&mut self.out, objects, cause);
    }

    /// Leaves out the sequences of tables that are left out, unless something else uses them.
    pub fn settle_sequences(&mut self, ground: Ground<'_>) {
        let sequences = ground.inventory.sequences.iter();
        let sequences: Vec<Object> = sequences.map(|s| Object::relation(s.oid)).collect();
        ground.dependencies.leave_out_idle_sequences(&mut self.out, &sequences);
    }

    /// Tables that an inclusion names and that cannot be made, with what each is missing.
    pub fn lost_inclusions(&self) -> Vec<(Oid, Object)> {
        let mut lost = Vec::new();
        for &oid in &self.included {
            if let Some(Cause::Needs(other)) = self.out.cause(Object::relation(oid)) {
                lost.push((oid, other));
            }
        }
        lost.sort_unstable();
        lost
    }
}

impl Ground<'_> {
    /// What the lines of a section match, with what is attached to that.
    fn matched(&self, section: Section) -> Vec<Object> {
        let rules = self.filters.of(section).map(|(number, _)| &self.matches[number]);
        self.with_attached(&rules.flatten().copied().collect::<Vec<_>>())
    }

    fn with_attached(&self, objects: &[Object]) -> Vec<Object> {
        let mut found: Vec<Object> = objects.to_vec();
        for &object in objects {
            found.extend(self.dependencies.attached(object));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn extensions(ground: Ground<'_>, selection: &mut Selection) {
    let Ground { filters, inventory, dependencies, .. } = ground;
    let mut named = ground.matched(Section::IncludeOnlyExtension);
    let includes = filters.has(Section::IncludeOnlyExtension);
    // What an included one requires comes with it.
    let mut next = 0;
    while let Some(&object) = named.get(next) {
        let required = dependencies.needs(object).map(|(needed, _)| needed);
        let required = required.filter(|needed| needed.catalog == EXTENSION_CATALOG);
        let more: Vec<Object> = required.filter(|needed| !named.contains(needed)).collect();
        named.extend(more);
        next += 1;
    }
    let excluded = ground.matched(Section::ExcludeExtension);
    for extension in &inventory.extensions {
        let object = Object::extension(extension.oid);
        if !excluded.contains(&object) && (!includes || named.contains(&object)) {
            continue;
        }
        match ground.target_extensions.contains(&extension.name) {
            true => selection.out.add_alone(object),
            false => selection.leave_out(ground, &[object], Cause::Filter),
        }
    }
}

/// What is in a namespace that is left out goes, but for extensions, which have sections of their
/// own; the namespace goes unless an extension that is kept is made in it.
fn schemas(ground: Ground<'_>, selection: &mut Selection) {
    let included = ground.matched(Section::IncludeOnlySchema);
    let excluded = ground.matched(Section::ExcludeSchema);
    let includes = ground.filters.has(Section::IncludeOnlySchema);
    for &(oid, _) in ground.namespaces {
        let namespace = Object::namespace(oid);
        if !excluded.contains(&namespace) && (!includes || included.contains(&namespace)) {
            continue;
        }
        let mut is_needed = extension_of(ground, namespace).is_some();
        let mut content = Vec::new();
        for (object, _) in ground.dependencies.dependents(namespace) {
            let extension = match object.catalog {
                EXTENSION_CATALOG => Some(object),
                _ => extension_of(ground, object),
            };
            match extension {
                Some(extension) => is_needed |= !selection.out.has(extension),
                None => content.push(object),
            }
        }
        if !is_needed {
            content.push(namespace);
        }
        selection.leave_out(ground, &content, Cause::Filter);
    }
}

fn extension_of(ground: Ground<'_>, object: Object) -> Option<Object> {
    let member = ground.dependencies.needs(object).find(|(_, bond)| *bond == Bond::Member);
    member.map(|(extension, _)| extension)
}

fn included_tables(ground: Ground<'_>, selection: &mut Selection) {
    if !ground.filters.has(Section::IncludeOnlyTable) {
        return;
    }
    let Ground { inventory, dependencies, .. } = ground;
    let relations: Vec<Oid> = inventory
        .tables
        .iter()
        .map(|table| table.oid)
        .chain(inventory.views.iter().map(|view| view.oid))
        .collect();
    let known: HashSet<Oid> = relations.iter().copied().collect();
    let matched = ground.matched(Section::IncludeOnlyTable);
    selection.included = matched.iter().map(|o| o.oid).filter(|oid| known.contains(oid)).collect();
    // A partition or inheritance child is made of its parents.
    let mut left: Vec<Oid> = selection.included.iter().copied().collect();
    let mut shells = HashSet::new();
    while let Some(oid) = left.pop() {
        for (parent, _) in dependencies.needs(Object::relation(oid)) {
            let is_table = parent.catalog == CLASS_CATALOG && known.contains(&parent.oid);
            if is_table && !selection.included.contains(&parent.oid) && shells.insert(parent.oid) {
                left.push(parent.oid);
            }
        }
    }
    let stays = |oid: &Oid| selection.included.contains(oid) || shells.contains(oid);
    let others: Vec<Object> =
        relations.into_iter().filter(|oid| !stays(oid)).map(Object::relation).collect();
    selection.leave_out(ground, &others, Cause::Filter);
    selection.without_rows.extend(&shells);
    selection.shells = shells.into_iter().collect();
    selection.shells.sort_unstable();
}

#[cfg(test)]
#[path = "select/tests.rs"]
mod tests;
