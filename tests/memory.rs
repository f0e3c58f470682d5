//! How much memory is taken by what is known of many tables, what is to be done with them, and what
//! was done. A process of its own: what the system says about it is about nothing else.

#![allow(clippy::unwrap_used)]

use std::time::Duration;

use pgcopydb::model::{
    Column, Constraint, ConstraintKind, Entry, ForeignKey, Index, Inventory, ObjectSummary, Oid,
    PartSummary, QualifiedName, Settings, Summary, Table, TableKind, TableSummary,
};
use pgcopydb::plan::clone::{self, Tables, Target};
use pgcopydb::plan::{Plan, Pool, Step};
use pgcopydb::report::summary;
use pgcopydb::run::records::Records;
use tikv_jemallocator::Jemalloc;

/// The program's own.
#[global_allocator]
static ALLOCATOR: Jemalloc = Jemalloc;

/// `pg_class` and `pg_constraint`.
const CATALOGS: [Oid; 2] = [Oid(1259), Oid(2606)];

/// Tables of the smaller of two schemas that are compared; the other one has twice as many.
const TABLES: u32 = 10_000;

/// What a table with two indexes and a foreign key may take at the most, from when its steps are
/// planned until they are done. It is 980 to 1,140, as the allocator gives back sooner or later; kept as
/// plain objects it is about 8,000.
const BYTES_PER_TABLE_MAX: u64 = 1_400;

/// What a table with as much may take at the most when the run is summed up.
const BYTES_PER_SUMMARY_MAX: u64 = 150;

#[test]
fn a_table_takes_little_memory() {
    let summary = bytes_per_table(summed_up);
    println!("{summary} bytes per table in a summary");
    let run = bytes_per_table(done);
    println!("{run} bytes per table in a run");
    assert!(summary <= BYTES_PER_SUMMARY_MAX, "{summary} bytes per table");
    assert!(run <= BYTES_PER_TABLE_MAX, "{run} bytes per table");
}

/// How much more memory something takes for twice as many tables.
fn bytes_per_table(of: fn(u32)) -> u64 {
    of(TABLES);
    let few = peak();
    of(2 * TABLES);
    (peak() - few) / u64::from(TABLES)
}

/// The most memory this process has taken so far, in bytes.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

/// Plans the steps of so many tables and does them.
fn done(tables: u32) {
    let inventory = inventory(tables);
    let mut plan = planned(&inventory);
    plan.open(&vec![true; plan.len()]);
    let copies = plan.outstanding().filter(|(step, _)| matches!(step, Step::CopyTable { .. }));
    assert_eq!(copies.count(), tables as usize);
    let mut records = Records::default();
    while !plan.is_finished() {
        for pool in Pool::ALL {
            while let Some((id, step)) = plan.take(pool) {
                records.insert(&record(step));
                plan.finish(id);
            }
        }
    }
    // A run knows what it has done, and asks the target what that remembers of it.
    let remembered = records.clone();
    assert_eq!((records.missing_in(&remembered), records.len() > 6 * tables as usize), (0, true));
}

/// What the records call a step.
fn record(step: Step) -> String {
    match step {
        Step::CopyTable { table } => format!("copy {table}"),
        Step::CreateIndex { index } => format!("index {index}"),
        Step::FinishIndex { index } => format!("constraint {index}"),
        Step::AddForeignKey { constraint } => format!("foreign-key {constraint}"),
        Step::ValidateForeignKey { constraint } => format!("validate {constraint}"),
        Step::Analyze { table } => format!("analyze {table}"),
        step => format!("{step:?}"),
    }
}

/// Sums up what was done with so many tables.
fn summed_up(tables: u32) {
    let summary = Summary {
        jobs: Settings::default().jobs,
        names_database: false,
        sections: Vec::new(),
        tables: (0..tables).map(table_summary).collect(),
        failures: Vec::new(),
    };
    let mut file = std::io::sink();
    summary::write_json(&mut file, &summary).unwrap();
    assert_eq!(summary.tables.len(), tables as usize);
}

fn table_summary(number: u32) -> TableSummary {
    let oids = Oids::of(number);
    let object = |oid, what: &str| ObjectSummary {
        oid,
        name: QualifiedName::new("schema", format!("table_{number}_{what}")),
        sql: format!(
            "CREATE INDEX table_{number}_{what} ON schema.table_{number} USING btree (note)"
        ),
        duration: Duration::from_millis(u64::from(number % 61)),
    };
    TableSummary {
        database: "database".to_owned(),
        oid: oids.table,
        name: name(number),
        source_bytes: 8192 * u64::from(number % 17),
        parts: vec![PartSummary {
            number: 0,
            bytes: u64::from(number % 911),
            rows: u64::from(number % 23),
            duration: Duration::from_millis(u64::from(number % 47)),
        }],
        indexes: vec![object(oids.primary, "pkey"), object(oids.index, "note_idx")],
        constraints: vec![object(oids.foreign_key, "parent_fkey")],
    }
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
