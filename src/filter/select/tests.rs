use super::*;
use crate::filter::ini::parse;
use crate::model::{Extension, QualifiedName, Sequence, Table, View};

/// A little database, objects by small numbers.
#[derive(Default)]
struct World {
    inventory: Inventory,
    bonds: Vec<(Object, Object, Bond)>,
    namespaces: Vec<(Oid, String)>,
    matches: Vec<(&'static str, Object)>,
    target_extensions: HashSet<String>,
}

fn relation(oid: u32) -> Object {
    Object::relation(Oid(oid))
}

fn namespace(oid: u32) -> Object {
    Object::namespace(Oid(oid))
}

fn extension(oid: u32) -> Object {
    Object::extension(Oid(oid))
}

impl World {
    fn namespace(mut self, oid: u32, name: &'static str) -> World {
        self.namespaces.push((Oid(oid), name.to_owned()));
        self.matches.push((name, namespace(oid)));
        self
    }

    fn table(mut self, oid: u32, name: &'static str, in_namespace: u32) -> World {
        self.inventory.tables.push(Table::sample(oid, "s", name));
        self.matches.push((name, relation(oid)));
        self.bond(relation(oid), namespace(in_namespace), Bond::Needs)
    }

    fn extension(mut self, oid: u32, name: &'static str, in_namespace: u32) -> World {
        self.inventory.extensions.push(Extension {
            oid: Oid(oid),
            name: name.to_owned(),
            namespace: String::new(),
            version: String::new(),
            config: Vec::new(),
        });
        self.matches.push((name, extension(oid)));
        self.bond(extension(oid), namespace(in_namespace), Bond::Needs)
    }

    fn bond(mut self, dependent: Object, needed: Object, bond: Bond) -> World {
        self.bonds.push((dependent, needed, bond));
        self
    }

    fn select(&self, file: &str) -> Selection {
        let filters = parse(file.as_bytes()).unwrap();
        let matches: Vec<Vec<Object>> = filters
            .rules
            .iter()
            .map(|rule| {
                let name = rule.name.to_string();
                let found = self.matches.iter().filter(|(known, _)| *known == name);
                found.map(|(_, object)| *object).collect()
            })
            .collect();
        select(Ground {
            filters: &filters,
            matches: &matches,
            namespaces: &self.namespaces,
            inventory: &self.inventory,
            dependencies: &Dependencies::new(self.bonds.iter().copied()),
            target_extensions: &self.target_extensions,
        })
    }

    fn left_out(&self, file: &str) -> Vec<Object> {
        let mut out: Vec<Object> = self.select(file).out.objects().collect();
        out.sort();
        out
    }
}

/// Tables 11 to 13 in namespace 1: 12 is a partition of 11, 13 a partition of 12; 14 in namespace 2
/// is an inheritance child of 11.
fn family() -> World {
    World::default()
        .namespace(1, "app")
        .namespace(2, "audit")
        .table(11, "parent", 1)
        .table(12, "middle", 1)
        .table(13, "leaf", 1)
        .table(14, "child", 2)
        .table(15, "other", 2)
        .bond(relation(12), relation(11), Bond::Attached)
        .bond(relation(13), relation(12), Bond::Attached)
        .bond(relation(14), relation(15), Bond::Needs)
}

#[test]
fn a_partitioned_table_takes_its_partitions_with_it() {
    assert_eq!(family().left_out("[exclude-table]\ns.parent"), [11, 12, 13].map(relation));
    assert_eq!(family().left_out("[exclude-table]\ns.leaf"), [relation(13)]);
    assert_eq!(family().left_out("[include-only-table]\ns.parent"), [14, 15].map(relation));
    let selection = family().select("[exclude-table-data]\ns.middle\ns.other");
    assert_eq!(selection.without_rows, HashSet::from([Oid(12), Oid(13), Oid(15)]));
    assert_eq!(selection.out.objects().count(), 0);
}

#[test]
fn what_an_included_table_is_made_of_stays_without_rows() {
    let selection = family().select("[include-only-table]\ns.leaf\ns.child");
    assert!(selection.out.objects().next().is_none());
    assert_eq!(selection.shells, [Oid(11), Oid(12), Oid(15)]);
    assert_eq!(selection.without_rows, HashSet::from([Oid(11), Oid(12), Oid(15)]));
    assert_eq!(selection.included, HashSet::from([Oid(13), Oid(14)]));
}

#[test]
fn the_child_of_an_excluded_parent_cannot_stay() {
    assert_eq!(family().left_out("[exclude-table]\ns.other"), [14, 15].map(relation));
}

#[test]
fn a_partition_stays_where_the_schema_of_its_parent_goes() {
    let world = family().bond(relation(13), namespace(2), Bond::Needs);
    let mut world = world;
    world.bonds.retain(|bond| *bond != (relation(13), namespace(1), Bond::Needs));
    assert_eq!(world.left_out("[exclude-schema]\napp"), [relation(11), relation(12), namespace(1)]);
}

#[test]
fn schemas_exclude_and_include() {
    let audit = [relation(14), relation(15), namespace(2)];
    assert_eq!(family().left_out("[exclude-schema]\naudit"), audit);
    assert_eq!(family().left_out("[include-only-schema]\napp"), audit);
    // Together with tables, both must agree.
    let out =
        family().left_out("[include-only-schema]\naudit\n[include-only-table]\ns.other\ns.leaf");
    assert_eq!(out, [relation(11), relation(12), relation(13), relation(14), namespace(1)]);
}

/// Extension 21 in namespace 1 has a type 31 that table 11 of namespace 2 uses; extension 22 in
/// namespace 2 requires 21.
fn extended() -> World {
    let type_31 = Object { catalog: crate::model::object::TYPE_CATALOG, oid: Oid(31) };
    World::default()
        .namespace(1, "extensions")
        .namespace(2, "app")
        .table(11, "places", 2)
        .table(12, "plain", 2)
        .extension(21, "cube", 1)
        .extension(22, "earthdistance", 2)
        .extension(23, "plpgsql", 3)
        .bond(type_31, extension(21), Bond::Member)
        .bond(type_31, namespace(1), Bond::Needs)
        .bond(relation(11), type_31, Bond::Needs)
        .bond(extension(22), extension(21), Bond::Needs)
}

#[test]
fn an_extension_takes_with_it_what_uses_it() {
    let type_31 = Object { catalog: crate::model::object::TYPE_CATALOG, oid: Oid(31) };
    assert_eq!(
        extended().left_out("[exclude-extension]\ncube"),
        [type_31, relation(11), extension(21), extension(22)]
    );
}

#[test]
fn an_extension_that_the_target_has_takes_nothing_with_it() {
    let mut world = extended();
    world.target_extensions = HashSet::from(["cube".to_owned(), "plpgsql".to_owned()]);
    assert_eq!(world.left_out("[exclude-extension]\ncube"), [extension(21)]);
    // What an included extension requires is included.
    let out = world.left_out("[include-only-extension]\nearthdistance");
    assert_eq!(out, [extension(23)]);
}

#[test]
fn the_schema_of_an_extension_stays_as_long_as_the_extension() {
    assert!(extended().left_out("[exclude-schema]\nextensions").is_empty());
    let out = extended().left_out("[exclude-schema]\nextensions\n[exclude-extension]\ncube");
    assert!(out.contains(&namespace(1)) && out.contains(&extension(22)));
    assert!(!extended().left_out("[include-only-schema]\napp").contains(&relation(11)));
}

#[test]
fn conditions_of_a_table_and_of_those_above_it_must_both_hold() {
    let selection = family().select("[table-where]\ns.parent = a\ns.leaf = b");
    assert_eq!(selection.conditions[&Oid(12)], ["a"]);
    assert_eq!(selection.conditions[&Oid(13)], ["a", "b"]);
    assert_eq!(selection.conditions.len(), 3);
}

#[test]
fn an_index_takes_those_of_the_partitions_its_constraint_and_what_needs_that() {
    let key = Object::constraint(Oid(51));
    let foreign = Object::constraint(Oid(52));
    let mut world = family()
        .bond(relation(41), relation(11), Bond::Needs)
        .bond(relation(42), relation(12), Bond::Needs)
        .bond(relation(42), relation(41), Bond::Attached)
        .bond(relation(41), key, Bond::Implements)
        .bond(key, relation(11), Bond::PartOf)
        .bond(foreign, relation(41), Bond::Needs);
    world.matches.push(("key", relation(41)));
    assert_eq!(
        world.left_out("[exclude-index]\ns.key"),
        [relation(41), relation(42), key, foreign]
    );
}

#[test]
fn an_included_table_that_needs_what_is_left_out_is_reported() {
    let world = family().bond(relation(12), extension(9), Bond::Member);
    let world = World { ..world }.extension(9, "gone", 1);
    let file = "[exclude-extension]\ngone\n[include-only-table]\ns.parent";
    assert_eq!(world.select(file).lost_inclusions(), [(Oid(12), extension(9))]);
    assert_eq!(family().select("[include-only-table]\ns.parent").lost_inclusions(), []);
    // Left out by another line is what the user wants.
    let file = "[include-only-schema]\napp\n[include-only-table]\ns.child";
    assert_eq!(family().select(file).lost_inclusions(), []);
}

#[test]
fn idle_sequences_go_and_views_count_as_tables() {
    let mut world = family().bond(relation(61), relation(15), Bond::Owned);
    world.inventory.sequences.push(Sequence {
        oid: Oid(61),
        name: QualifiedName::new("s", "q"),
        owned_by: Some(Oid(15)),
        is_readable: true,
    });
    world.inventory.views.push(View {
        oid: Oid(71),
        name: QualifiedName::new("s", "m"),
        bytes: 0,
        is_populated: true,
    });
    let out = world.left_out("[include-only-table]\ns.parent");
    assert_eq!(out, [14, 15, 61, 71].map(relation));
    assert!(!world.left_out("[exclude-table]\ns.child").contains(&relation(61)));
}
