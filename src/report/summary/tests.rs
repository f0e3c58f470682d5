use super::*;
use crate::model::{Failure, ObjectSummary, Oid, PartSummary, QualifiedName, Settings};

fn part(number: u32, bytes: u64, milliseconds: u64) -> PartSummary {
    PartSummary { number, bytes, rows: 0, duration: Duration::from_millis(milliseconds) }
}

fn object(oid: u32, name: &str, sql: &str, milliseconds: u64) -> ObjectSummary {
    ObjectSummary {
        oid: Oid(oid),
        name: QualifiedName::new("public", name),
        sql: sql.to_owned(),
        duration: Duration::from_millis(milliseconds),
    }
}

fn table_of(oid: u32, name: &str, parts: Vec<PartSummary>) -> TableSummary {
    TableSummary {
        database: "pagila".to_owned(),
        oid: Oid(oid),
        name: QualifiedName::new("public", name),
        source_bytes: u64::from(oid),
        parts,
        indexes: Vec::new(),
        constraints: Vec::new(),
    }
}

fn summary() -> Summary {
    let durations = [90, 96, 114, 372, 563, 38, 15, 102, 28, 0, 124, 1344];
    let sections = Section::ALL.into_iter().zip(durations).map(|(section, duration)| {
        let bytes = if section == Section::Copy { 6_983_000 } else { 0 };
        SectionSummary { section, duration: Duration::from_millis(duration), bytes }
    });
    let mut items = table_of(16882, "items", (1..=13).map(|n| part(n, 2 << 20, 163)).collect());
    items.indexes.push(object(16967, "items_pkey", "CREATE UNIQUE INDEX a/b", 24));
    items.constraints.push(object(16968, "items_pkey", "ALTER TABLE items", 0));
    Summary {
        jobs: Settings::default().jobs,
        names_database: false,
        sections: sections.collect(),
        tables: vec![
            items,
            table_of(1700, "Odd\n", vec![part(0, 492, 19)]),
            table_of(1600, "empty", Vec::new()),
        ]
        .into(),
        failures: Vec::new(),
    }
}

#[test]
fn the_published_layout() {
    let expected = r#"  OID | Schema |    Name | Parts | copy duration | transmitted bytes | indexes | create index
------+--------+---------+-------+---------------+-------------------+---------+-------------
16882 | public |   items |    13 |         2s119 |             26 MB |       1 |         24ms
 1700 | public | "Odd\n" |     1 |          19ms |             492 B |       0 |          0ms
 1600 | public |   empty |     0 |               |               0 B |       0 |          0ms

                                               Step   Connection    Duration    Transfer   Concurrency
 --------------------------------------------------   ----------  ----------  ----------  ------------
   Catalog Queries (table ordering, filtering, etc)       source        90ms                         1
                                        Dump Schema       source        96ms                         1
                                     Prepare Schema       target       114ms                         1
      COPY, INDEX, CONSTRAINTS, VACUUM (wall clock)         both       372ms                        12
                                  COPY (cumulative)         both       563ms     6819 kB             4
                          CREATE INDEX (cumulative)       target        38ms                         4
                           CONSTRAINTS (cumulative)       target        15ms                         4
                                VACUUM (cumulative)       target       102ms                         4
                                    Reset Sequences         both        28ms                         1
                         Large Objects (cumulative)         both         0ms                         4
                                    Finalize Schema         both       124ms                         4
 --------------------------------------------------   ----------  ----------  ----------  ------------
                          Total Wall Clock Duration         both       1s344                        20
"#;
    assert_eq!(text(&summary()), expected);
}

#[test]
fn several_databases_are_named() {
    let mut all = summary();
    let mut other = summary();
    other.tables.retain(|table| table.oid == Oid(16882));
    other.tables.change(|table| {
        table.database = "chinook".to_owned();
        table.source_bytes = 1650;
    });
    all.merge(other);
    let text = text(&all);
    let tables: Vec<&str> = text.lines().map(|line| line.split_at(20).0).take(6).collect();
    assert_eq!(
        tables,
        [
            "Database |   OID | S",
            "---------+-------+--",
            "  pagila | 16882 | p",
            "  pagila |  1700 | p",
            " chinook | 16882 | p",
            "  pagila |  1600 | p",
        ]
    );
    assert!(text.contains("COPY (cumulative)         both       1s126       13 MB             4"));
}

#[test]
fn failures_are_listed_with_all_that_helps() {
    let mut summary = summary();
    summary.failures = vec![
        Failure {
            object: "create index public.items_name".to_owned(),
            server: "target".to_owned(),
            sqlstate: Some("23505".to_owned()),
            message: "could not create unique index \"items_name\"".to_owned(),
            detail: Some("Key (name)=(a) is duplicated.".to_owned()),
            hint: Some("Remove one.".to_owned()),
            sql: Some("CREATE UNIQUE INDEX items_name\n    ON public.items (name)".to_owned()),
        },
        Failure {
            object: "copy public.odd".to_owned(),
            message: "it broke".to_owned(),
            ..Failure::default()
        },
    ];
    let text = text(&summary);
    let (_, failures) = text.split_once("\n\n2 steps").unwrap();
    assert_eq!(
        failures,
        " failed:

  1. create index public.items_name
     target, SQLSTATE 23505: could not create unique index \"items_name\"
     DETAIL: Key (name)=(a) is duplicated.
     HINT: Remove one.
     SQL: CREATE UNIQUE INDEX items_name
         ON public.items (name)

  2. copy public.odd
     it broke
"
    );
    assert!(json(&summary).unwrap().contains("\"sqlstate\": \"23505\""));
}

#[test]
fn the_published_json() {
    let mut summary = summary();
    summary.sections.truncate(2);
    summary.tables.retain(|table| table.oid != Oid(1600));
    let expected = r#"{
    "setup": {
        "table-jobs": 4,
        "index-jobs": 4
    },
    "steps": [
        {
            "label": "Catalog Queries (table ordering, filtering, etc)",
            "conn": "source",
            "duration": 90,
            "duration_pretty": " 90ms",
            "concurrency": 1
        },
        {
            "label": "Dump Schema",
            "conn": "source",
            "duration": 96,
            "duration_pretty": " 96ms",
            "concurrency": 1
        }
    ],
    "tables": [
        {
            "oid": 16882,
            "schema": "public",
            "name": "items",
            "duration": 2119,
            "network": {
                "bytes": 27262976,
                "bytes-pretty": "26 MB",
                "transmit-rate": "102 MBit\/s"
            },
            "index": {
                "count": 1,
                "duration": 24
            },
            "indexes": [
                {
                    "oid": 16967,
                    "schema": "public",
                    "name": "items_pkey",
                    "sql": "CREATE UNIQUE INDEX a\/b",
                    "ms": 24
                }
            ],
            "constraints": [
                {
                    "oid": 16968,
                    "schema": "public",
                    "name": "items_pkey",
                    "sql": "ALTER TABLE items",
                    "ms": 0
                }
            ]
        },
        {
            "oid": 1700,
            "schema": "public",
            "name": "\"Odd\n\"",
            "duration": 19,
            "network": {
                "bytes": 492,
                "bytes-pretty": "492 B",
                "transmit-rate": "207 kBit\/s"
            },
            "index": {
                "count": 0,
                "duration": 0
            },
            "indexes": [],
            "constraints": []
        }
    ]
}"#;
    assert_eq!(json(&summary).unwrap(), expected);
}
