//! What needs what, and so what cannot stay without an object that is left out. This follows what
//! DROP … CASCADE would drop, but for bonds that a copy can do without: a sequence needs no owner,
//! and a partition is a table without its parent, too.

use std::collections::{HashMap, HashSet};

use crate::model::Object;
use crate::model::object::{CONSTRAINT_CATALOG, DEFAULT_CATALOG};

/// How a dependent object needs another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bond {
    /// It cannot be made without.
    Needs,
    /// It is how the other is made: neither is there without the other.
    Implements,
    /// It is a part of the other that is written down with it: a default, a check.
    PartOf,
    /// It belongs to an extension.
    Member,
    /// It is a sequence that belongs to a column.
    Owned,
    /// It is a partition, or a partition's index or constraint.
    Attached,
}

/// What needs what.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    /// (needed, dependent), sorted.
    dependents: Vec<(Object, Object, Bond)>,
    /// (dependent, needed), sorted.
    needs: Vec<(Object, Object, Bond)>,
}

/// Why an object is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A filter says so.
    Filter,
    /// It cannot be made without this one.
    Needs(Object),
    /// It was there for this one alone.
    OnlyFor(Object),
}

/// Objects that are left out.
#[derive(Clone, Debug, Default)]
pub struct LeftOut {
    causes: HashMap<Object, Cause>,
}

impl LeftOut {
    /// Whether an object is left out.
    pub fn has(&self, object: Object) -> bool {
        self.causes.contains_key(&object)
    }

    /// Why an object is left out.
    pub fn cause(&self, object: Object) -> Option<Cause> {
        self.causes.get(&object).copied()
    }

    /// All of them, in no order.
    pub fn objects(&self) -> impl Iterator<Item = Object> {
        self.causes.keys().copied()
    }

    /// Leaves out one object and nothing that needs it, since the target has it.
    pub fn add_alone(&mut self, object: Object) {
        self.causes.entry(object).or_insert(Cause::Filter);
    }
}

impl Dependencies {
    /// From (dependent, needed) pairs.
    pub fn new(bonds: impl IntoIterator<Item = (Object, Object, Bond)>) -> Dependencies {
        let mut needs: Vec<_> = bonds.into_iter().collect();
        needs.sort_unstable();
        needs.dedup();
        let mut dependents: Vec<_> = needs.iter().map(|&(a, b, bond)| (b, a, bond)).collect();
        dependents.sort_unstable();
        Dependencies { dependents, needs }
    }

    /// What depends on an object directly.
    pub fn dependents(&self, object: Object) -> impl Iterator<Item = (Object, Bond)> {
        of(&self.dependents, object)
    }

    /// What an object depends on directly.
    pub fn needs(&self, object: Object) -> impl Iterator<Item = (Object, Bond)> {
        of(&self.needs, object)
    }

    /// Everything that is attached to an object, directly or not: the partitions of a table, the
    /// partitions' indexes of an index.
    pub fn attached(&self, object: Object) -> Vec<Object> {
        let mut found = Vec::new();
        let mut seen = HashSet::from([object]);
        let mut left = vec![object];
        while let Some(object) = left.pop() {
            for (dependent, bond) in self.dependents(object) {
                let is_same_kind = dependent.catalog == object.catalog;
                if bond == Bond::Attached && is_same_kind && seen.insert(dependent) {
                    found.push(dependent);
                    left.push(dependent);
                }
            }
        }
        found
    }

    /// Leaves out objects and all that cannot be made without them.
    pub fn leave_out(&self, out: &mut LeftOut, objects: &[Object], cause: Cause) {
        let mut left = Vec::new();
        let mut add = |left: &mut Vec<Object>, object, cause| {
            let known = out.causes.entry(object).or_insert_with(|| {
                left.push(object);
                cause
            });
            // Whatever else it needs, this is what the user said.
            if cause == Cause::Filter {
                *known = cause;
            }
        };
        for &object in objects {
            add(&mut left, object, cause);
        }
        while let Some(object) = left.pop() {
            for (dependent, bond) in self.dependents(object) {
                match bond {
                    Bond::Owned | Bond::Attached => {}
                    Bond::Needs | Bond::Implements | Bond::PartOf | Bond::Member => {
                        add(&mut left, dependent, Cause::Needs(object));
                    }
                }
            }
            for (implemented, bond) in self.needs(object) {
                if bond == Bond::Implements {
                    add(&mut left, implemented, Cause::Needs(object));
                }
            }
        }
    }

    /// Leaves out the sequences whose owner is left out. One that anything kept uses is kept.
    pub fn leave_out_idle_sequences(&self, out: &mut LeftOut, sequences: &[Object]) {
        for &sequence in sequences {
            let owner = self.needs(sequence).find(|(_, bond)| *bond == Bond::Owned);
            let Some((owner, _)) = owner.filter(|(owner, _)| out.has(*owner)) else { continue };
            let mut users = self.dependents(sequence).filter(|(_, bond)| *bond == Bond::Needs);
            if !users.any(|(user, _)| !out.has(user)) {
                self.leave_out(out, &[sequence], Cause::OnlyFor(owner));
            }
        }
    }

    /// Defaults and checks that cannot stay in what they are a part of, with that.
    pub fn lost_parts(&self, out: &LeftOut) -> Vec<(Object, Object)> {
        let is_part = |object: &Object| {
            object.catalog == DEFAULT_CATALOG || object.catalog == CONSTRAINT_CATALOG
        };
        let mut lost: Vec<(Object, Object)> = Vec::new();
        for part in out.objects().filter(is_part) {
            let owner = self.needs(part).find(|(_, bond)| *bond == Bond::PartOf);
            lost.extend(
                owner.filter(|(owner, _)| !out.has(*owner)).map(|(owner, _)| (part, owner)),
            );
        }
        lost.sort_unstable();
        lost
    }
}

fn of(pairs: &[(Object, Object, Bond)], object: Object) -> impl Iterator<Item = (Object, Bond)> {
    let start = pairs.partition_point(|(first, ..)| *first < object);
    let some = pairs[start..].iter().take_while(move |(first, ..)| *first == object);
    some.map(|&(_, other, bond)| (other, bond))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Oid;

    fn object(catalog: u32, oid: u32) -> Object {
        Object { catalog: Oid(catalog), oid: Oid(oid) }
    }

    fn table(oid: u32) -> Object {
        Object::relation(Oid(oid))
    }

    fn left_out(dependencies: &Dependencies, named: Object) -> LeftOut {
        let mut out = LeftOut::default();
        dependencies.leave_out(&mut out, &[named], Cause::Filter);
        out
    }

    const RULE: u32 = 2618;

    #[test]
    fn views_on_views_go_with_their_table() {
        // A view needs nothing itself; the rule that implements it does.
        let (rule_1, rule_2) = (object(RULE, 21), object(RULE, 31));
        let dependencies = Dependencies::new([
            (rule_1, table(1), Bond::Needs),
            (rule_1, table(2), Bond::Implements),
            (rule_2, table(2), Bond::Needs),
            (rule_2, table(3), Bond::Implements),
            (table(4), table(5), Bond::Needs),
        ]);
        let out = left_out(&dependencies, table(1));
        let mut relations: Vec<Object> = out.objects().collect();
        relations.sort();
        assert_eq!(relations, [table(1), table(2), table(3), rule_1, rule_2]);
        assert_eq!(out.cause(table(1)), Some(Cause::Filter));
        assert_eq!(out.cause(table(2)), Some(Cause::Needs(rule_1)));
        assert_eq!(out.cause(rule_1), Some(Cause::Needs(table(1))));
        // Not the other way round.
        assert!(!left_out(&dependencies, table(3)).has(table(2)));
    }

    #[test]
    fn circles_end() {
        let dependencies = Dependencies::new([
            (table(1), table(2), Bond::Needs),
            (table(2), table(1), Bond::Implements),
            (table(1), table(1), Bond::Needs),
            (table(3), table(2), Bond::Attached),
            (table(2), table(3), Bond::Attached),
        ]);
        assert_eq!(left_out(&dependencies, table(1)).objects().count(), 2);
        assert_eq!(dependencies.attached(table(2)), [table(3)]);
    }

    #[test]
    fn partitions_are_followed_only_where_that_is_asked_for() {
        let dependencies = Dependencies::new([
            (table(2), table(1), Bond::Attached),
            (table(3), table(2), Bond::Attached),
            (object(CONSTRAINT_CATALOG.0, 9), table(1), Bond::Attached),
        ]);
        assert_eq!(left_out(&dependencies, table(1)).objects().count(), 1);
        let mut attached = dependencies.attached(table(1));
        attached.sort();
        assert_eq!(attached, [table(2), table(3)]);
    }

    #[test]
    fn a_sequence_stays_as_long_as_somebody_uses_it() {
        let default = |oid| object(DEFAULT_CATALOG.0, oid);
        let (owner, other, sequence) = (table(1), table(2), table(3));
        let own = [
            (sequence, owner, Bond::Owned),
            (default(11), owner, Bond::PartOf),
            (default(11), sequence, Bond::Needs),
        ];
        let others = [(default(12), other, Bond::PartOf), (default(12), sequence, Bond::Needs)];
        let is_out = |bonds: &[(Object, Object, Bond)], named: &[Object]| {
            let dependencies = Dependencies::new(bonds.iter().copied());
            let mut out = LeftOut::default();
            dependencies.leave_out(&mut out, named, Cause::Filter);
            dependencies.leave_out_idle_sequences(&mut out, &[sequence]);
            out.cause(sequence)
        };
        assert_eq!(is_out(&own, &[owner]), Some(Cause::OnlyFor(owner)));
        assert_eq!(is_out(&own, &[other]), None);
        let both = [own, [others[0], others[1], others[0]]].concat();
        assert_eq!(is_out(&both, &[owner]), None);
        assert_eq!(is_out(&both, &[other]), None);
        assert_eq!(is_out(&both, &[owner, other]), Some(Cause::OnlyFor(owner)));
        // One that nobody owns is not there for a table alone.
        assert_eq!(is_out(&others, &[other]), None);
    }

    #[test]
    fn what_is_named_is_named_whatever_else_it_needs() {
        let dependencies = Dependencies::new([(table(2), table(1), Bond::Needs)]);
        let mut out = left_out(&dependencies, table(1));
        assert_eq!(out.cause(table(2)), Some(Cause::Needs(table(1))));
        dependencies.leave_out(&mut out, &[table(2)], Cause::Filter);
        assert_eq!(out.cause(table(2)), Some(Cause::Filter));
    }

    #[test]
    fn a_default_without_its_function_is_lost_and_its_table_is_not() {
        let (function, default) = (object(1255, 5), object(DEFAULT_CATALOG.0, 6));
        let dependencies = Dependencies::new([
            (default, table(1), Bond::PartOf),
            (default, function, Bond::Needs),
        ]);
        let out = left_out(&dependencies, function);
        assert!(!out.has(table(1)));
        assert_eq!(dependencies.lost_parts(&out), [(default, table(1))]);
        let out = left_out(&dependencies, table(1));
        assert_eq!(dependencies.lost_parts(&out), []);
    }

    #[test]
    fn what_the_target_has_takes_nothing_with_it() {
        let extension = Object::extension(Oid(7));
        let dependencies = Dependencies::new([(table(1), extension, Bond::Member)]);
        let mut out = LeftOut::default();
        out.add_alone(extension);
        assert!(out.has(extension) && !out.has(table(1)));
        assert!(left_out(&dependencies, extension).has(table(1)));
    }
}
