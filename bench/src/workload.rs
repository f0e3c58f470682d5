//! The databases that are copied. The same scale makes the same database.

use std::time::Duration;

use pgcopydb_testkit::{Database, workload as kit};

/// Longer than any workload takes to make.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// A database to copy.
pub struct Workload {
    /// W1, W2, …
    pub name: &'static str,
    /// What it is, at scale 1.
    pub about: &'static str,
    fill: fn(&Database, f64),
    /// The changes that are followed; without, it is copied.
    pub load: Option<Load>,
}

/// Changes of a database that was copied.
pub struct Load {
    /// How many, at scale 1.
    count: u32,
    /// Of what.
    pub unit: &'static str,
    /// Makes so many.
    pub run: fn(&Database, u64),
}

/// All of them.
const ALL: [Workload; 12] = [
    Workload {
        name: "W1",
        about: "pgbench: one table of 5 million rows",
        fill: pgbench,
        load: None,
    },
    Workload {
        name: "W2",
        about: "ten sysbench tables of 300,000 rows, 2 indexes each",
        fill: |database, scale| {
            run(database, include_str!("../sql/sysbench.sql"), &[("rows", times(300_000, scale))]);
        },
        load: None,
    },
    Workload {
        name: "W3",
        about: "wide rows of 30 types, 4 tables of 250,000",
        fill: |database, scale| {
            run(database, include_str!("../sql/wide.sql"), &[("rows", times(250_000, scale))]);
        },
        load: None,
    },
    Workload {
        name: "W4",
        about: "bytea and TOAST, among them 24 rows of 8 MB",
        fill: |database, scale| {
            let counts = [
                ("inline", times(800_000, scale)),
                ("pictures", times(16_000, scale)),
                ("notes", times(30_000, scale)),
                ("archives", times(24, scale)),
            ];
            run(database, include_str!("../sql/toast.sql"), &counts);
        },
        load: None,
    },
    Workload {
        name: "W5",
        about: "5,000 small tables with 2 indexes and a foreign key",
        fill: |database, scale| {
            run(database, include_str!("../sql/many.sql"), &[("tables", times(5_000, scale))]);
        },
        load: None,
    },
    Workload {
        name: "W6",
        about: "star schema: 1.5 million facts, 12 foreign keys",
        fill: |database, scale| {
            database.sql(&kit::star_schema(clamp(times(1_500_000, scale))));
        },
        load: None,
    },
    Workload {
        name: "W7",
        about: "20,000 small and 200 large (1 MB) large objects",
        fill: |database, scale| {
            database.sql(&kit::large_objects(clamp(times(20_000, scale))));
            let counts = [("objects", times(200, scale))];
            run(database, include_str!("../sql/large_objects.sql"), &counts);
        },
        load: None,
    },
    Workload {
        name: "W8",
        about: "indexes dominate: collated text, GIN, GiST",
        fill: |database, scale| {
            run(database, include_str!("../sql/indexes.sql"), &[("rows", times(400_000, scale))]);
        },
        load: None,
    },
    Workload {
        name: "W9",
        about: "500 partitions of 1,000 rows",
        fill: |database, scale| {
            database.sql(&kit::partitioned(clamp(times(500, scale))));
        },
        load: None,
    },
    Workload {
        name: "F1",
        about: "backlog of pgbench's transactions, 3 updates and an insert each",
        fill: |database, scale| {
            kit::pgbench_program(database)
                .args(["--initialize", "--no-vacuum", "--quiet", "--scale"])
                .arg(times(10, scale).to_string())
                .timeout(PATIENCE)
                .run()
                .assert_success();
            // It has no key; rows are inserted only.
            database.sql("alter table pgbench_history replica identity full");
        },
        load: Some(Load { count: 40_000, unit: "transactions", run: pgbench_transactions }),
    },
    Workload {
        name: "F2",
        about: "backlog of one transaction that inserts",
        fill: |database, _| {
            database.sql(FOLLOWED_TABLE);
        },
        load: Some(Load {
            count: 1_000_000,
            unit: "rows",
            run: |database, rows| {
                database.sql(&insert_rows(rows));
            },
        }),
    },
    Workload {
        name: "F3",
        about: "backlog of one transaction that updates",
        fill: |database, scale| {
            database.sql(&format!("{FOLLOWED_TABLE};\n{}", insert_rows(times(300_000, scale))));
        },
        load: Some(Load {
            count: 300_000,
            unit: "rows",
            run: |database, rows| {
                let update = "update measured set a = a + 1, b = md5(b) where id <=";
                database.sql(&format!("{update} {rows}"));
            },
        }),
    },
];

impl Workload {
    /// Makes it in an empty database. What is left to do after a load is done too, so that the
    /// first to read the tables does not pay for it.
    pub fn fill(&self, database: &Database, scale: f64) {
        (self.fill)(database, scale);
        database.sql("vacuum (analyze)");
    }
}

/// The workloads of these names, in their own order; all if none is named.
pub fn chosen(names: &[String]) -> Result<Vec<&'static Workload>, String> {
    let is = |workload: &&Workload, name: &str| workload.name.eq_ignore_ascii_case(name);
    if let Some(name) = names.iter().find(|name| !ALL.iter().any(|workload| is(&workload, name))) {
        let known = ALL.map(|workload| workload.name).join(", ");
        return Err(format!("there is no workload \"{name}\"; there are {known}"));
    }
    let chosen = ALL
        .iter()
        .filter(|workload| names.is_empty() || names.iter().any(|name| is(workload, name)));
    Ok(chosen.collect())
}

impl Load {
    /// How many changes there are.
    pub fn count(&self, scale: f64) -> u64 {
        times(self.count, scale)
    }
}

const FOLLOWED_TABLE: &str =
    "create table measured (id int primary key, a int, b text, c timestamptz, d numeric)";

fn insert_rows(count: u64) -> String {
    format!(
        "insert into measured select n, n, md5(n::text), now(), n / 3.0 \
           from generate_series(1, {count}) n"
    )
}

/// By four clients at a time, as fast as the source can.
fn pgbench_transactions(database: &Database, count: u64) {
    const CLIENTS: u64 = 4;
    let each = count.div_ceil(CLIENTS).to_string();
    kit::pgbench_program(database)
        .args(["--client", &CLIENTS.to_string(), "--transactions", &each, "--no-vacuum"])
        .env("PGOPTIONS", "-c synchronous_commit=off")
        .timeout(PATIENCE)
        .run()
        .assert_success();
}

fn pgbench(database: &Database, scale: f64) {
    let branches = times(50, scale).to_string();
    let arguments =
        ["--initialize", "--foreign-keys", "--no-vacuum", "--quiet", "--scale", &branches];
    kit::pgbench_program(database).args(arguments).timeout(PATIENCE).run().assert_success();
}

/// Runs a file of SQL with psql's variables set.
pub fn run(database: &Database, sql: &str, variables: &[(&str, u64)]) {
    let set = variables.iter().map(|(name, value)| format!("\\set {name} {value}\n"));
    database.sql(&(set.collect::<String>() + sql));
}

/// So many at a scale of 1; never none.
pub fn times(count: u32, scale: f64) -> u64 {
    ((f64::from(count) * scale).round() as u64).max(1)
}

pub fn clamp(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workloads_are_chosen_by_name() {
        let names = |wanted: &[&str]| {
            let wanted: Vec<String> = wanted.iter().map(ToString::to_string).collect();
            chosen(&wanted).map(|found| found.iter().map(|w| w.name).collect::<Vec<_>>())
        };
        assert_eq!(names(&["w5", "W1"]).unwrap(), ["W1", "W5"]);
        assert_eq!(names(&[]).unwrap().len(), ALL.len());
        assert!(names(&["W1", "W77"]).unwrap_err().contains("\"W77\""));
    }

    #[test]
    fn what_is_followed_comes_last() {
        let is_followed = |workload: &Workload| workload.load.is_some();
        assert!(ALL.is_sorted_by_key(is_followed));
        let names: Vec<&str> = ALL.iter().filter(|w| is_followed(w)).map(|w| w.name).collect();
        assert_eq!(names, ["F1", "F2", "F3"]);
    }

    #[test]
    fn nothing_scales_down_to_nothing() {
        assert_eq!(times(24, 0.001), 1);
        assert_eq!(times(5_000, 0.1), 500);
    }
}
