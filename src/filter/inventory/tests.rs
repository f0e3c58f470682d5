use std::borrow::Borrow;

use super::*;
use crate::filter::dependency::Cause;
use crate::model::{Entry, QualifiedName, Sequence, Table};

fn table(oid: u32, kind: TableKind, parent: Option<u32>) -> Table {
    Table {
        oid: Oid(oid),
        name: QualifiedName::new("s", format!("t{oid}")),
        kind,
        parent: parent.map(Oid),
        bytes: 0,
        pages: 0,
        compressible_bytes: 0,
        reltuples: 0.0,
        access_method: String::new(),
        split_key: None,
        columns: Vec::new(),
        load_via: parent.map(|_| Oid(1)),
        exclude_data: false,
        condition: None,
        parts: Vec::new(),
    }
}

fn key(oid: u32, table: u32, referenced: u32) -> ForeignKey {
    ForeignKey {
        oid: Oid(oid),
        name: format!("k{oid}"),
        table: Oid(table),
        table_name: QualifiedName::new("s", format!("t{table}")),
        referenced: Oid(referenced),
        referenced_index: Oid(1000 + referenced),
        is_validated: true,
        is_partitioned: false,
        may_not_hold: false,
    }
}

fn entry(id: EntryId, constraint: u32, dependencies: &[EntryId]) -> Entry {
    Entry {
        id,
        catalog: if constraint == 0 { Oid(0) } else { CONSTRAINT_CATALOG },
        oid: Oid(constraint),
        description: "FK CONSTRAINT".to_owned(),
        tag: String::new(),
        namespace: None,
        owner: None,
        is_pre_data: false,
        definition: String::new(),
        drop: String::new(),
        tablespace: None,
        rewrite: None,
        dependencies: dependencies.to_vec(),
    }
}

/// 1 is partitioned into 2 and 3; 4 and 5 refer to it, 5 being partitioned into 6; 3 refers to 4.
fn inventory() -> Inventory {
    use TableKind::{Ordinary, Partitioned};
    Inventory {
        tables: vec![
            table(1, Partitioned, None),
            table(2, Ordinary, Some(1)),
            table(3, Ordinary, Some(1)),
            table(4, Ordinary, None),
            table(5, Partitioned, None),
            table(6, Ordinary, Some(5)),
        ]
        .into(),
        foreign_keys: vec![key(101, 4, 1), key(102, 5, 1), key(103, 3, 4), key(104, 6, 1)].into(),
        entries: vec![
            entry(11, 101, &[]),
            entry(12, 102, &[]),
            entry(13, 103, &[]),
            entry(14, 0, &[12]),
        ]
        .into(),
        sequences: vec![Sequence {
            oid: Oid(201),
            name: QualifiedName::new("s", "q"),
            owned_by: Some(Oid(2)),
            is_readable: true,
        }]
        .into(),
        ..Inventory::default()
    }
}

fn reduced(change: impl Fn(&mut Selection), version: u32) -> (Inventory, ForeignKeys) {
    let mut inventory = inventory();
    let mut selection = Selection::default();
    change(&mut selection);
    let dependencies = Dependencies::new([(
        Object::constraint(Oid(104)),
        Object::constraint(Oid(102)),
        Bond::Attached,
    )]);
    let keys = reduce(&mut inventory, &selection, &HashSet::new(), &dependencies, version);
    (inventory, keys)
}

fn oids(keys: impl IntoIterator<Item: Borrow<ForeignKey>>) -> Vec<u32> {
    keys.into_iter().map(|key| key.borrow().oid.0).collect()
}

fn leave_out(selection: &mut Selection, object: Object) {
    Dependencies::default().leave_out(&mut selection.out, &[object], Cause::Filter);
}

#[test]
fn nothing_left_out_is_nothing_changed() {
    let (left, keys) = reduced(|_| {}, 150_000);
    assert_eq!(left.tables.len(), 6);
    assert_eq!(oids(&left.foreign_keys), [101, 102, 103, 104]);
    assert!(left.foreign_keys.iter().all(|key| !key.may_not_hold));
    assert!(keys.unchecked.is_empty() && keys.inherited.is_empty());
    assert_eq!(left.tables.at(1).load_via, Some(Oid(1)));
}

#[test]
fn keys_to_a_table_that_misses_a_partition_are_not_checked() {
    let out = |selection: &mut Selection| leave_out(selection, Object::relation(Oid(2)));
    let (left, keys) = reduced(out, 180_000);
    assert_eq!(oids(&keys.unchecked), [101, 102]);
    assert_eq!(oids(&left.foreign_keys), [101, 102, 103, 104]);
    assert_eq!(left.sequences.at(0).owned_by, None);
    // An older server has nothing of the kind for a partitioned table; the comment goes as well.
    let (left, keys) = reduced(out, 150_000);
    assert_eq!((oids(&keys.unchecked), oids(&keys.uncheckable)), (vec![101], vec![102]));
    let entries: Vec<EntryId> = left.entries.iter().map(|entry| entry.id).collect();
    assert_eq!(entries, [11, 13]);
}

#[test]
fn keys_of_tables_without_rows_hold() {
    let (_, keys) = reduced(|selection| selection.without_rows.extend([2, 3, 4].map(Oid)), 180_000);
    assert_eq!(oids(&keys.unchecked), [102]);
    let (left, keys) = reduced(
        |selection| {
            selection.conditions.insert(Oid(4), vec!["a".to_owned(), "b --".to_owned()]);
        },
        150_000,
    );
    assert_eq!(oids(&keys.unchecked), [103]);
    let four = left.tables.iter().find(|table| table.oid == Oid(4)).unwrap();
    assert_eq!(four.condition.as_deref(), Some("a\n) and (b --"));
}

#[test]
fn a_partition_without_its_parent_is_a_table_and_its_inherited_keys_are_told() {
    let (left, keys) = reduced(
        |selection| {
            for object in [Object::relation(Oid(5)), Object::constraint(Oid(102))] {
                leave_out(selection, object);
            }
            leave_out(selection, Object::relation(Oid(1)));
            leave_out(selection, Object::constraint(Oid(101)));
        },
        150_000,
    );
    assert_eq!(oids(&keys.inherited), [104]);
    assert_eq!(oids(&left.foreign_keys), [103]);
    let alone = |oid| left.tables.iter().find(|table| table.oid == Oid(oid)).unwrap();
    for oid in [2, 3, 6] {
        assert_eq!((alone(oid).parent, alone(oid).load_via), (None, None));
    }
}

#[test]
fn rows_that_may_change_places_need_all_partitions() {
    let torn = |gone: &[u32]| {
        let mut selection = Selection::default();
        for oid in gone {
            leave_out(&mut selection, Object::relation(Oid(*oid)));
        }
        torn_trees(&inventory(), &selection.out)
    };
    assert_eq!(torn(&[2]), [(Oid(2), Oid(1))]);
    // All partitions, or the table above them: nothing that could be misplaced.
    assert_eq!(torn(&[2, 3]), []);
    assert_eq!(torn(&[1, 2]), []);
    assert_eq!(torn(&[4]), []);
}
