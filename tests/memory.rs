//! How much memory is taken by what is known of many tables and what is to be done with them. A
//! process of its own: what the system says about it is about nothing else.

#![allow(clippy::unwrap_used)]

use pgcopydb::model::{
    Column, Constraint, ConstraintKind, Entry, ForeignKey, Index, Inventory, Oid, QualifiedName,
    Settings, Table, TableKind,
};
use pgcopydb::plan::clone::{self, Tables, Target};
use pgcopydb::plan::{Plan, Step};

/// `pg_class` and `pg_constraint`.
const CATALOGS: [Oid; 2] = [Oid(1259), Oid(2606)];

/// Tables of the smaller of two schemas that are compared; the other one has twice as many.
const TABLES: u32 = 5_000;

/// What a table with two indexes and a foreign key may take at the most, while its steps are planned.
/// Kept as plain objects it is about 8,000.
const BYTES_PER_TABLE_MAX: u64 = 2_500;

#[test]
fn a_table_takes_little_memory() {
    let few = peak(TABLES);
    let many = peak(2 * TABLES);
    let bytes_per_table = (many - few) / u64::from(TABLES);
    println!("{bytes_per_table} bytes per table");
    assert!(bytes_per_table <= BYTES_PER_TABLE_MAX, "{bytes_per_table} bytes per table");
}

/// The most memory this process has taken so far, in bytes, once so many tables were planned.
fn peak(tables: u32) -> u64 {
    let inventory = inventory(tables);
    let mut plan = planned(&inventory);
    plan.open(&vec![true; plan.len()]);
    let copies = plan.outstanding().filter(|(step, _)| matches!(step, Step::CopyTable { .. }));
    assert_eq!(copies.count(), tables as usize);
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

fn planned(inventory: &Inventory) -> Plan {
    let target = Target { version: 180_000, tables: Tables::Made };
    clone::clone(inventory, &Settings::default(), target)
}

/// A schema of tables with a primary key, another index and a reference to the table before.
fn inventory(tables: u32) -> Inventory {
    let mut inventory = Inventory::default();
    for number in 0..tables {
        let oids = Oids::of(number);
        inventory.tables.push(table(number, &oids));
        inventory.indexes.push(index(&oids, &format!("table_{number}_pkey"), oids.key));
        inventory.indexes.push(index(&oids, &format!("table_{number}_note_idx"), None));
        inventory.foreign_keys.push(foreign_key(number, &oids));
    }
    for number in 0..tables {
        let about = (CATALOGS[0], Oids::of(number).table);
        inventory.entries.push(entry("TABLE", about, &format!("table_{number}"), String::new()));
    }
    for number in 0..tables {
        let (oids, table) = (Oids::of(number), format!("schema_{}.table_{number}", number % 10));
        let key = format!("ALTER TABLE ONLY {table}\n    ADD CONSTRAINT k PRIMARY KEY (id);\n");
        let index = format!("CREATE INDEX i ON {table} USING btree (note);\n");
        let reference = format!(
            "ALTER TABLE ONLY {table}\n    ADD CONSTRAINT f FOREIGN KEY (parent) REFERENCES \
             schema_0.table_{}(id);\n",
            number / 2
        );
        for (description, about, definition) in [
            ("CONSTRAINT", (CATALOGS[1], oids.key.unwrap()), key),
            ("INDEX", (CATALOGS[0], oids.index), index),
            ("FK CONSTRAINT", (CATALOGS[1], oids.foreign_key), reference),
        ] {
            let tag = format!("table_{number} {description}");
            inventory.entries.push(entry(description, about, &tag, definition));
        }
    }
    inventory
}

struct Oids {
    table: Oid,
    primary: Oid,
    key: Option<Oid>,
    index: Oid,
    foreign_key: Oid,
}

impl Oids {
    fn of(number: u32) -> Oids {
        let oid = |place| Oid(20_000 + 8 * number + place);
        Oids {
            table: oid(0),
            primary: oid(1),
            key: Some(oid(2)),
            index: oid(3),
            foreign_key: oid(4),
        }
    }
}

fn name(number: u32) -> QualifiedName {
    QualifiedName::new(format!("schema_{}", number % 10), format!("table_{number}"))
}

fn table(number: u32, oids: &Oids) -> Table {
    let column = |(number, (name, type_oid)): (usize, (&str, u32))| Column {
        number: number as i16 + 1,
        name: name.to_owned(),
        type_oid: Oid(type_oid),
        generated: false,
    };
    let columns = [("id", 23), ("parent", 23), ("note", 25), ("at", 1184)];
    Table {
        oid: oids.table,
        name: name(number),
        kind: TableKind::Ordinary,
        parent: None,
        bytes: 8192 * u64::from(number % 17),
        pages: u64::from(number % 17),
        compressible_bytes: 0,
        reltuples: f64::from(number % 23),
        access_method: "heap".to_owned(),
        split_key: Some("id".to_owned()),
        columns: columns.into_iter().enumerate().map(column).collect(),
        load_via: None,
        exclude_data: false,
        condition: None,
        parts: Vec::new(),
    }
}

fn index(oids: &Oids, name: &str, constraint: Option<Oid>) -> Index {
    let oid = if constraint.is_some() { oids.primary } else { oids.index };
    Index {
        oid,
        name: QualifiedName::new("schema", name),
        table: oids.table,
        definition: format!("CREATE INDEX {name} ON schema.table USING btree (note)"),
        columns: "note".to_owned(),
        is_primary: constraint.is_some(),
        is_unique: constraint.is_some(),
        is_partitioned: false,
        tablespace: None,
        bytes: 16_384,
        has_collated_text: constraint.is_none(),
        constraint: constraint.map(|oid| Constraint {
            oid,
            name: name.to_owned(),
            kind: ConstraintKind::PrimaryKey,
            definition: "PRIMARY KEY (id)".to_owned(),
            deferrable: false,
            deferred: false,
        }),
    }
}

fn foreign_key(number: u32, oids: &Oids) -> ForeignKey {
    let referenced = Oids::of(number / 2);
    ForeignKey {
        oid: oids.foreign_key,
        name: format!("table_{number}_parent_fkey"),
        table: oids.table,
        table_name: name(number),
        referenced: referenced.table,
        referenced_index: referenced.primary,
        is_validated: true,
        is_partitioned: false,
        may_not_hold: false,
    }
}

fn entry(description: &str, about: (Oid, Oid), tag: &str, definition: String) -> Entry {
    Entry {
        id: about.1.0.cast_signed(),
        catalog: about.0,
        oid: about.1,
        description: description.to_owned(),
        tag: tag.to_owned(),
        namespace: Some("schema".to_owned()),
        owner: Some("owner".to_owned()),
        is_pre_data: description == "TABLE",
        definition,
        drop: String::new(),
        tablespace: None,
        rewrite: None,
        dependencies: vec![about.1.0.cast_signed() - 1],
    }
}
