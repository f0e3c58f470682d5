//! What of one database is compared with what of another one.
//!
//! A partition is compared with its namesake where both trees are cut the same way; elsewhere all
//! rows of a tree are, as the rows of one partition may lie in several of the other side.

use std::collections::{BTreeMap, HashMap};

use crate::model::compare::ContentKind;
use crate::model::content::{ComparedColumn, Relation, RelationKind};
use crate::model::{Oid, QualifiedName};

/// Relations whose rows are compared with each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matter {
    /// The name of both.
    pub name: QualifiedName,
    /// What it is.
    pub kind: ContentKind,
    /// Whether each side has it.
    pub exists: [bool; 2],
    /// Places of the source's relations that have the rows.
    pub source: Vec<usize>,
    /// Places of the target's.
    pub target: Vec<usize>,
    /// The columns, in the source's order.
    pub columns: Vec<ComparedColumn>,
    /// Columns that the target has beyond these.
    pub left_out: Vec<String>,
    /// Why both cannot be compared.
    pub problem: Option<String>,
}

/// The relations of one side, as trees.
struct Side<'a> {
    relations: &'a [Relation],
    places: HashMap<Oid, usize>,
    /// Members of each tree by the name of its root, which is among them.
    trees: BTreeMap<&'a QualifiedName, Vec<usize>>,
}

impl<'a> Side<'a> {
    fn new(relations: &'a [Relation]) -> Side<'a> {
        let places: HashMap<Oid, usize> =
            relations.iter().enumerate().map(|(place, relation)| (relation.oid, place)).collect();
        let mut side = Side { relations, places, trees: BTreeMap::new() };
        for (place, relation) in relations.iter().enumerate() {
            let mut root = relation;
            while let Some(parent) = side.parent(root) {
                root = parent;
            }
            side.trees.entry(&root.name).or_default().push(place);
        }
        side
    }

    fn parent(&self, relation: &Relation) -> Option<&'a Relation> {
        relation.parent.and_then(|oid| self.places.get(&oid)).map(|&place| &self.relations[place])
    }

    /// How a tree is cut; `None` where that does not say which rows lie where.
    fn cut(&self, tree: &[usize]) -> Option<BTreeMap<&'a QualifiedName, Cut<'a>>> {
        let members = tree.iter().map(|&place| &self.relations[place]);
        let cuts = members.map(|relation| {
            let cut = Cut {
                parent: self.parent(relation).map(|parent| &parent.name),
                kind: relation.kind,
                key: relation.partition_key.as_deref(),
                bound: relation.bound.as_deref(),
            };
            (!relation.is_placed_by_oid).then_some((&relation.name, cut))
        });
        cuts.collect()
    }

    /// Places of the members that have rows.
    fn leaves(&self, tree: &[usize]) -> Vec<usize> {
        let has_rows = |place: &&usize| self.relations[**place].kind != RelationKind::Partitioned;
        tree.iter().filter(has_rows).copied().collect()
    }

    fn named(&self, tree: &[usize], name: &QualifiedName) -> Option<usize> {
        tree.iter().copied().find(|&place| self.relations[place].name == *name)
    }
}

/// What makes a partition hold the rows it holds.
#[derive(PartialEq, Eq)]
struct Cut<'a> {
    parent: Option<&'a QualifiedName>,
    kind: RelationKind,
    key: Option<&'a str>,
    bound: Option<&'a str>,
}

/// Finds what belongs together, the largest first.
pub fn matters(source: &[Relation], target: &[Relation]) -> Vec<Matter> {
    let (source, target) = (Side::new(source), Side::new(target));
    let mut matters = Vec::new();
    for (&name, ours) in &source.trees {
        match target.trees.get(name) {
            None => matters.push(one_sided(&source, name, ours, [true, false])),
            Some(theirs) => both_sided(&source, &target, name, [ours, theirs], &mut matters),
        }
    }
    for (&name, theirs) in &target.trees {
        if !source.trees.contains_key(name) {
            matters.push(one_sided(&target, name, theirs, [false, true]));
        }
    }
    matters.sort_by_key(|matter| {
        let bytes = matter.source.iter().map(|&place| source.relations[place].bytes);
        std::cmp::Reverse(bytes.sum::<u64>())
    });
    matters
}

fn kind(relation: &Relation) -> ContentKind {
    match relation.kind {
        RelationKind::Table | RelationKind::Partitioned => ContentKind::Table,
        RelationKind::MaterializedView => ContentKind::MaterializedView,
    }
}

fn one_sided(side: &Side<'_>, name: &QualifiedName, tree: &[usize], exists: [bool; 2]) -> Matter {
    let kind = tree.first().map_or(ContentKind::Table, |&place| kind(&side.relations[place]));
    let there = if exists[0] { "target" } else { "source" };
    Matter {
        name: name.clone(),
        kind,
        exists,
        source: Vec::new(),
        target: Vec::new(),
        columns: Vec::new(),
        left_out: Vec::new(),
        problem: Some(format!("Failed to find {} {name} in {there} database", kind.word())),
    }
}

fn both_sided(
    source: &Side<'_>,
    target: &Side<'_>,
    name: &QualifiedName,
    trees: [&[usize]; 2],
    matters: &mut Vec<Matter>,
) {
    let [ours, theirs] = trees;
    let cut = source.cut(ours);
    if cut.is_some() && cut == target.cut(theirs) {
        for place in source.leaves(ours) {
            let name = &source.relations[place].name;
            if let Some(other) = target.named(theirs, name) {
                matters.push(matter(source, target, [place, other], [vec![place], vec![other]]));
            }
        }
        return;
    }
    if let (Some(ours_at), Some(theirs_at)) = (source.named(ours, name), target.named(theirs, name))
    {
        let leaves = [source.leaves(ours), target.leaves(theirs)];
        matters.push(matter(source, target, [ours_at, theirs_at], leaves));
    }
}

/// Pairs two relations, and the leaves that have their rows.
fn matter(
    source: &Side<'_>,
    target: &Side<'_>,
    places: [usize; 2],
    [ours, theirs]: [Vec<usize>; 2],
) -> Matter {
    let (relation, other) = (&source.relations[places[0]], &target.relations[places[1]]);
    let types: HashMap<&str, Oid> =
        other.columns.iter().map(|column| (column.name.as_str(), column.type_oid)).collect();
    let mut columns = Vec::new();
    let mut missing = Vec::new();
    for column in &relation.columns {
        match types.get(column.name.as_str()) {
            Some(&type_oid) => columns.push(ComparedColumn {
                name: column.name.clone(),
                types: [column.type_oid, type_oid],
            }),
            None => missing.push(column.name.clone()),
        }
    }
    let is_known = |name: &String| relation.columns.iter().any(|column| column.name == *name);
    let names = other.columns.iter().map(|column| column.name.clone());
    let left_out = names.filter(|name| !is_known(name)).collect();
    let word = kind(relation).word();
    let name = &relation.name;
    let problem = match (relation.is_populated, other.is_populated) {
        (true, false) => Some(format!("The {word} {name} is not populated on target")),
        (false, true) => Some(format!("The {word} {name} is not populated on source")),
        (true, true) | (false, false) if missing.is_empty() => None,
        (true, true) | (false, false) => Some(format!(
            "Failed to find column {} of {word} {name} in target database",
            missing.join(", ")
        )),
    };
    // What is not populated on either side has nothing to be compared.
    let is_read = problem.is_none() && relation.is_populated;
    Matter {
        name: name.clone(),
        kind: kind(relation),
        exists: [true, true],
        source: if is_read { ours } else { Vec::new() },
        target: if is_read { theirs } else { Vec::new() },
        columns,
        left_out,
        problem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::content::RelationColumn;

    fn table(oid: u32, name: &str) -> Relation {
        Relation {
            oid: Oid(oid),
            name: QualifiedName::new("public", name),
            kind: RelationKind::Table,
            parent: None,
            bytes: u64::from(oid),
            pages: 1,
            access_method: "heap".into(),
            split_key: None,
            partition_key: None,
            bound: None,
            is_placed_by_oid: false,
            is_populated: true,
            condition: String::new(),
            columns: vec![RelationColumn { name: "a".into(), type_oid: Oid(23) }],
        }
    }

    fn partitioned(oid: u32, name: &str) -> Relation {
        let kind = RelationKind::Partitioned;
        Relation { kind, partition_key: Some("LIST (a)".into()), ..table(oid, name) }
    }

    fn partition(oid: u32, name: &str, parent: u32, bound: &str) -> Relation {
        Relation { parent: Some(Oid(parent)), bound: Some(bound.into()), ..table(oid, name) }
    }

    /// Name, and how many relations each side reads.
    fn shapes(source: &[Relation], target: &[Relation]) -> Vec<(String, usize, usize)> {
        let matters = matters(source, target);
        let shape = |m: &Matter| (m.name.name.clone(), m.source.len(), m.target.len());
        matters.iter().map(shape).collect()
    }

    #[test]
    fn the_same_partitions_are_compared_one_by_one() {
        let source = [partitioned(1, "p"), partition(2, "p1", 1, "1"), partition(3, "p2", 1, "2")];
        let target = [partition(7, "p2", 9, "2"), partition(8, "p1", 9, "1"), partitioned(9, "p")];
        assert_eq!(shapes(&source, &target), [("p2".into(), 1, 1), ("p1".into(), 1, 1)]);
        let matters = matters(&source, &target);
        assert_eq!((&matters[0].source[..], &matters[0].target[..]), (&[2][..], &[0][..]));
    }

    #[test]
    fn other_partitions_are_compared_as_a_whole() {
        let source = [partitioned(1, "p"), partition(2, "p1", 1, "1"), partition(3, "p2", 1, "2")];
        let bounds = [partition(7, "p2", 9, "1"), partition(8, "p1", 9, "2"), partitioned(9, "p")];
        assert_eq!(shapes(&source, &bounds), [("p".into(), 2, 2)]);
        let plain = [table(9, "p")];
        assert_eq!(shapes(&source, &plain), [("p".into(), 2, 1)]);
        assert_eq!(shapes(&plain, &source), [("p".into(), 1, 2)]);
        let mut by_oid = source.clone();
        by_oid[0].is_placed_by_oid = true;
        assert_eq!(shapes(&by_oid, &by_oid), [("p".into(), 2, 2)]);
    }

    #[test]
    fn what_one_side_lacks_is_a_problem() {
        let problem = |source: &[Relation], target: &[Relation]| {
            let matters = matters(source, target);
            assert_eq!((matters.len(), matters[0].source.len()), (1, 0));
            matters[0].problem.clone().unwrap()
        };
        assert_eq!(
            problem(&[table(1, "t")], &[]),
            "Failed to find table public.t in target database"
        );
        assert_eq!(
            problem(&[], &[partitioned(1, "p"), partition(2, "q", 1, "1")]),
            "Failed to find table public.p in source database"
        );
        let mut other = table(1, "t");
        other.columns[0].name = "b".into();
        assert_eq!(
            problem(&[table(1, "t")], &[other]),
            "Failed to find column a of table public.t in target database"
        );
        let mut empty = table(1, "t");
        empty.is_populated = false;
        assert_eq!(
            problem(&[table(1, "t")], std::slice::from_ref(&empty)),
            "The table public.t is not populated on target"
        );
        assert_eq!(shapes(&[empty.clone()], &[empty]), [("t".into(), 0, 0)]);
    }

    #[test]
    fn columns_stand_in_the_order_of_the_source() {
        let column = |name: &str, oid| RelationColumn { name: name.into(), type_oid: Oid(oid) };
        let mut source = table(1, "t");
        source.columns = vec![column("b", 25), column("a", 23)];
        let mut target = table(1, "t");
        target.columns = vec![column("a", 20), column("more", 25), column("b", 25)];
        let matters = matters(&[source], &[target]);
        assert_eq!(
            matters[0].columns,
            [
                ComparedColumn { name: "b".into(), types: [Oid(25), Oid(25)] },
                ComparedColumn { name: "a".into(), types: [Oid(23), Oid(20)] },
            ]
        );
        assert_eq!(matters[0].left_out, ["more"]);
    }
}
