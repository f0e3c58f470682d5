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
}

/// All of them.
const ALL: [Workload; 9] = [
    Workload { name: "W1", about: "pgbench: one table of 5 million rows", fill: pgbench },
    Workload {
        name: "W2",
        about: "ten sysbench tables of 300,000 rows, 2 indexes each",
        fill: |database, scale| {
            run(database, include_str!("../sql/sysbench.sql"), &[("rows", times(300_000, scale))]);
        },
    },
    Workload {
        name: "W3",
        about: "wide rows of 30 types, 4 tables of 250,000",
        fill: |database, scale| {
            run(database, include_str!("../sql/wide.sql"), &[("rows", times(250_000, scale))]);
        },
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
    },
    Workload {
        name: "W5",
        about: "5,000 small tables with 2 indexes and a foreign key",
        fill: |database, scale| {
            run(database, include_str!("../sql/many.sql"), &[("tables", times(5_000, scale))]);
        },
    },
    Workload {
        name: "W6",
        about: "star schema: 1.5 million facts, 12 foreign keys",
        fill: |database, scale| {
            database.sql(&kit::star_schema(clamp(times(1_500_000, scale))));
        },
    },
    Workload {
        name: "W7",
        about: "20,000 small and 200 large (1 MB) large objects",
        fill: |database, scale| {
            database.sql(&kit::large_objects(clamp(times(20_000, scale))));
            let counts = [("objects", times(200, scale))];
            run(database, include_str!("../sql/large_objects.sql"), &counts);
        },
    },
    Workload {
        name: "W8",
        about: "indexes dominate: collated text, GIN, GiST",
        fill: |database, scale| {
            run(database, include_str!("../sql/indexes.sql"), &[("rows", times(400_000, scale))]);
        },
    },
    Workload {
        name: "W9",
        about: "500 partitions of 1,000 rows",
        fill: |database, scale| {
            database.sql(&kit::partitioned(clamp(times(500, scale))));
        },
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

fn pgbench(database: &Database, scale: f64) {
    let branches = times(50, scale).to_string();
    let arguments =
        ["--initialize", "--foreign-keys", "--no-vacuum", "--quiet", "--scale", &branches];
    kit::pgbench_program(database).args(arguments).timeout(PATIENCE).run().assert_success();
}

/// Runs a file of SQL with psql's variables set.
fn run(database: &Database, sql: &str, variables: &[(&str, u64)]) {
    let set = variables.iter().map(|(name, value)| format!("\\set {name} {value}\n"));
    database.sql(&(set.collect::<String>() + sql));
}

/// So many at a scale of 1; never none.
fn times(count: u32, scale: f64) -> u64 {
    ((f64::from(count) * scale).round() as u64).max(1)
}

fn clamp(count: u64) -> u32 {
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
    fn nothing_scales_down_to_nothing() {
        assert_eq!(times(24, 0.001), 1);
        assert_eq!(times(5_000, 0.1), 500);
    }
}
