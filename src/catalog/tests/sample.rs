//! An inventory with something of everything, and the records of a run.

use std::path::Path;

use super::*;
use crate::model::{
    Column, Constraint, ConstraintKind, Database, Entry, Extension, ExtensionTable, ForeignKey,
    Index, LargeObjects, PartRange, QualifiedName, Sequence, Table, TableKind, TablePart, Type,
    TypeKind, View,
};

pub(super) fn inventory() -> Inventory {
    Inventory {
        database: Database {
            name: "pagila".to_owned(),
            encoding: "UTF8".to_owned(),
            server_version: 180_001,
            is_standby: true,
        },
        tables: vec![
            Table {
                split_key: Some("id".to_owned()),
                parts: vec![part(1, None, Some(100), true), part(2, Some(100), None, false)],
                ..table(16384, "Odd Items", 30 << 20)
            },
            Table {
                compressible_bytes: 0,
                reltuples: -1.0,
                parent: Some(Oid(16401)),
                load_via: Some(Oid(16401)),
                ..table(16400, "small", 8192)
            },
            Table {
                kind: TableKind::Partitioned,
                access_method: String::new(),
                ..table(16401, "\u{e9}t\u{e9} '\"\\", 0)
            },
        ]
        .into(),
        indexes: vec![index(16390, "items_pkey", true), index(16392, "items_name", false)].into(),
        foreign_keys: vec![ForeignKey {
            oid: Oid(16395),
            name: "items_fk".to_owned(),
            table: Oid(16384),
            table_name: QualifiedName::new("public", "Odd Items"),
            referenced: Oid(16400),
            referenced_index: Oid(16390),
            is_validated: true,
            is_partitioned: false,
            may_not_hold: true,
        }]
        .into(),
        sequences: vec![Sequence {
            oid: Oid(16410),
            name: QualifiedName::new("s2", "items_id_seq"),
            owned_by: Some(Oid(16384)),
            is_readable: true,
        }]
        .into(),
        views: vec![View {
            oid: Oid(16420),
            name: QualifiedName::new("public", "view"),
            bytes: u64::MAX >> 1,
            is_populated: false,
        }],
        large_objects: LargeObjects { count: 3, batches: vec![Oid(1), Oid(u32::MAX)] },
        extensions: vec![Extension {
            oid: Oid(16430),
            name: "postgis".to_owned(),
            namespace: "public".to_owned(),
            version: "3.5".to_owned(),
            config: vec![ExtensionTable {
                oid: Oid(16431),
                name: QualifiedName::new("public", "spatial_ref_sys"),
                is_sequence: false,
                columns: vec!["srid".to_owned()],
                condition: "WHERE srid > 0".to_owned(),
            }],
        }],
        types: vec![Type {
            oid: Oid(23),
            name: "int4".to_owned(),
            extension: None,
            kind: TypeKind::Composite(vec![Oid(25)]),
            has_binary: true,
        }],
        roles: vec!["postgres".to_owned(), "a role".to_owned()],
        entries: vec![entry(7), entry(7)].into(),
    }
}

/// Many tables of twenty columns with an index each.
pub(super) fn large_inventory(tables: u32) -> Inventory {
    let mut inventory = Inventory::default();
    for number in 0..tables {
        inventory.tables.push(table(number * 2, &format!("table_{number}"), 8192));
        inventory.indexes.push(index(number * 2 + 1, &format!("index_{number}"), false));
        inventory.entries.push(entry(number.cast_signed()));
    }
    inventory
}

fn table(oid: u32, name: &str, bytes: u64) -> Table {
    Table {
        oid: Oid(oid),
        name: QualifiedName::new("public", name),
        kind: TableKind::Ordinary,
        parent: None,
        bytes,
        pages: bytes / 8192,
        compressible_bytes: 0,
        reltuples: 12345.0,
        access_method: "heap".to_owned(),
        split_key: None,
        columns: (1..=20)
            .map(|number| Column {
                number,
                name: format!("column_{number}"),
                type_oid: Oid(23),
                generated: number == 20,
            })
            .collect(),
        load_via: None,
        exclude_data: false,
        condition: Some("column_1 > 0".to_owned()),
        parts: Vec::new(),
    }
}

fn part(number: u16, from: Option<i64>, below: Option<i64>, with_null: bool) -> TablePart {
    TablePart { number, bytes: 15 << 20, range: PartRange::Key { from, below, with_null } }
}

fn index(oid: u32, name: &str, is_primary: bool) -> Index {
    Index {
        oid: Oid(oid),
        name: QualifiedName::new("public", name),
        table: Oid(16384),
        definition: format!("CREATE INDEX {name} ON public.items USING btree (id)"),
        columns: "id".to_owned(),
        is_primary,
        is_unique: is_primary,
        is_partitioned: false,
        tablespace: Some("fast".to_owned()),
        bytes: 16384,
        has_collated_text: true,
        constraint: is_primary.then(|| Constraint {
            oid: Oid(oid + 1),
            name: name.to_owned(),
            kind: ConstraintKind::PrimaryKey,
            definition: "PRIMARY KEY (id)".to_owned(),
            deferrable: false,
            deferred: false,
        }),
    }
}

fn entry(id: i32) -> Entry {
    Entry {
        id,
        catalog: Oid(1259),
        oid: Oid(16384),
        description: "TABLE".to_owned(),
        tag: "items".to_owned(),
        namespace: Some("public".to_owned()),
        owner: None,
        is_pre_data: true,
        definition: "CREATE TABLE items (id integer);".to_owned(),
        drop: String::new(),
        tablespace: None,
        rewrite: None,
        dependencies: vec![1, 2, 3],
    }
}

/// A catalog after a run, with something of everything.
pub(super) async fn finished_run(path: &Path) -> Catalog {
    let catalog = Catalog::open(path).await.unwrap();
    catalog.register_setup(&setup::sample()).await.unwrap();
    catalog.save_inventory(&inventory()).await.unwrap();
    for _ in 0..2 {
        catalog.section_started(Section::Total).await.unwrap();
    }
    let foreign_key = StepOutcome {
        command: Some("ALTER TABLE a ADD CONSTRAINT items_fk".to_owned()),
        ..outcome(0, 5)
    };
    for (step, outcome) in [
        (copy("part 1", 16384, Some((1, 2))), outcome(24 << 20, 1100)),
        (copy("part 2", 16384, Some((2, 2))), outcome(1 << 20, 1019)),
        (copy("small", 16400, None), outcome(492, 19)),
        (about("build", StepKind::CreateIndex, 16390, 16384), outcome(0, 24)),
        (about("finish", StepKind::FinishIndex, 16390, 16384), outcome(0, 3)),
        (about("replica identity", StepKind::FinishIndex, 16392, 16384), outcome(0, 0)),
        (about("add", StepKind::AddForeignKey, 16395, 16384), foreign_key),
        (about("validate", StepKind::ValidateForeignKey, 16395, 16384), outcome(0, 7)),
        (about("analyze", StepKind::Analyze, 16384, 16384), outcome(0, 9)),
    ] {
        let key = step.key.clone();
        catalog.step_started(step).await.unwrap();
        catalog.step_done(&key, outcome).await.unwrap();
    }
    catalog.step_started(start("index \"items_name\"", StepKind::CreateIndex)).await.unwrap();
    let error = Error::new(Kind::Target, "it broke").detail("Badly.").hint("Look again.");
    catalog.step_failed("index \"items_name\"", &error, Some("CREATE INDEX")).await.unwrap();
    catalog.section_ended(Section::Total, Duration::from_secs(1)).await.unwrap();
    catalog.section_ended(Section::Total, Duration::from_millis(344)).await.unwrap();
    catalog
}
