//! One workload: made once, then copied by every contender in turns.

use std::sync::Arc;
use std::time::Instant;

use pgcopydb_testkit::{Builder, Cluster, Database, Pair, quoted_identifier};

use crate::args::Args;
use crate::contender::Contender;
use crate::cost::{Client, Cost, measure};
use crate::place;
use crate::results::{ContenderResult, Equality, WorkloadResult};
use crate::workload::Workload;

/// Settings of both servers, and why each differs from the server's default.
pub const SETTINGS: &[(&str, &str, &str)] = &[
    ("fsync", "on", "as in production"),
    ("wal_level", "replica", "as in production"),
    ("shared_buffers", "512MB", "the default is for tiny machines"),
    ("max_wal_size", "4GB", "checkpoints come by time, not by chance"),
    ("autovacuum", "off", "it would run in one turn and not in the next"),
];

/// What the servers of follow workloads have beside these.
pub const FOLLOW_SETTINGS: &[(&str, &str)] = &[("wal_level", "logical")];

/// How many differences are shown.
const DIFFERENCES_SHOWN: usize = 20;

/// The two servers that all workloads are copied between.
pub struct Servers {
    /// The server that is copied from.
    pub source: Arc<Cluster>,
    /// The server that is copied to.
    pub target: Arc<Cluster>,
}

impl Servers {
    /// Starts both, of a major version, with settings beside those that all have.
    pub fn start(major: u32, others: &[(&str, &str)]) -> Servers {
        eprintln!("starting two servers");
        let start = || {
            let common = SETTINGS.iter().map(|(name, value, _)| (*name, *value));
            let with = |builder: Builder, (name, value): (&str, &str)| builder.setting(name, value);
            let all = common.chain(others.iter().copied());
            let server = all.fold(Cluster::builder().major(major), with).start();
            place::spread(&server.data_directory().join("base"));
            Arc::new(server)
        };
        Servers { source: start(), target: start() }
    }
}

/// Lets everybody copy a workload.
pub fn fight(
    workload: &Workload,
    contenders: &[Contender],
    servers: &Servers,
    args: &Args,
) -> WorkloadResult {
    let began = Instant::now();
    let names = ["bench_source", "bench_target"];
    let pair = Pair::between(servers.source.clone(), servers.target.clone(), names);
    workload.fill(&pair.source, args.scale);
    let database_bytes = database_bytes(&pair.source);
    let spent = began.elapsed().as_secs_f64();
    eprintln!("{}: made {} in {spent:.1} s", workload.name, crate::report::bytes(database_bytes));

    let mut results: Vec<ContenderResult> = contenders
        .iter()
        .map(|contender| ContenderResult::new(&contender.name, contender.commands()))
        .collect();
    for round in 1..=args.rounds {
        for (contender, result) in contenders.iter().zip(&mut results) {
            if result.failure.is_some() {
                continue;
            }
            match turn(contender, &pair, servers) {
                Ok(cost) => {
                    let name = &contender.name;
                    eprintln!("{}, round {round}: {name} {:.2} s", workload.name, cost.wall);
                    result.runs.push(cost);
                }
                Err(reason) => {
                    eprintln!("{}: {} failed\n{reason}", workload.name, contender.name);
                    result.failure = Some(reason);
                }
            }
            if round == 1 && result.failure.is_none() {
                let differences = pair.same().differences();
                result.equality = equality(workload.name, &contender.name, &differences);
            }
        }
    }
    let Pair { source, target, .. } = &pair;
    for database in [source, target] {
        drop_database(database.cluster(), database.name());
    }
    results.iter_mut().for_each(|result| result.median = Cost::median(&result.runs));
    WorkloadResult::new(workload, database_bytes, results)
}

/// One contender's turn, with an empty target and servers that have nothing left to write.
pub fn turn(contender: &Contender, pair: &Pair, servers: &Servers) -> Result<Cost, String> {
    drop_database(&servers.target, pair.target.name());
    servers.target.create_database(pair.target.name());
    for server in [&servers.source, &servers.target] {
        server.sql("postgres", "checkpoint");
    }
    place::spread(pair.directory());
    let directory = tempfile::tempdir_in(pair.directory()).map_err(|error| error.to_string())?;
    let copy = |client: &Client| contender.copy(pair, directory.path(), client);
    let (outcome, cost) = measure(&servers.source, &servers.target, copy);
    outcome.map(|()| cost)
}

pub fn drop_database(cluster: &Cluster, name: &str) {
    let name = quoted_identifier(name);
    cluster.sql("postgres", &format!("drop database if exists {name} with (force)"));
}

/// What a comparison has found, which is shown.
pub fn equality(workload: &str, contender: &str, differences: &[String]) -> Equality {
    if differences.is_empty() {
        return Equality::Same;
    }
    let count = differences.len();
    eprintln!("{workload}: {contender}: {count} differences");
    for difference in differences.iter().take(DIFFERENCES_SHOWN) {
        eprintln!("  {difference}");
    }
    Equality::Different { count }
}

/// The size of a database on disk.
pub fn database_bytes(database: &Database) -> f64 {
    database.value("select pg_database_size(current_database())").parse().unwrap_or(0.0)
}

/// The settings as a sentence.
pub fn settings_text() -> String {
    let each = SETTINGS.iter().map(|(name, value, _)| format!("{name} = {value}"));
    each.collect::<Vec<_>>().join(", ")
}

/// The version of a server, as "15.8".
pub fn server_version(database: &Cluster) -> String {
    let text = database.value("postgres", "show server_version");
    text.split_whitespace().next().unwrap_or_default().to_owned()
}
