//! A follow workload: a backlog of changes, made anew in each round, that all followers catch up
//! with in turns.

use std::time::Instant;

use pgcopydb_testkit::{Database, Pair};

use crate::args::Args;
use crate::bout::{self, Servers};
use crate::cost::{Cost, measure};
use crate::follower::{Follower, MARKER};
use crate::results::{Changes, ContenderResult, Equality, WorkloadResult};
use crate::workload::{Load, Workload};

/// The database that all follow.
const SOURCE: &str = "bench_source";

/// A workload, and where it takes place.
pub struct Pursuit<'a> {
    /// What is there at first.
    pub workload: &'a Workload,
    /// The backlog.
    pub load: &'a Load,
    /// The two servers.
    pub servers: &'a Servers,
    /// How large, and how often.
    pub args: &'a Args,
}

impl Pursuit<'_> {
    /// Lets everybody follow.
    pub fn race(&self, followers: &[Follower]) -> WorkloadResult {
        let result = |who: &Follower| ContenderResult::new(who.name, who.commands());
        let mut results: Vec<ContenderResult> = followers.iter().map(result).collect();
        let mut database_bytes = 0.0;
        for round in 1..=self.args.rounds {
            let source = Database::create(self.servers.source.clone(), SOURCE);
            let pair = |follower: &Follower| {
                let target = Database::create(self.servers.target.clone(), follower.target);
                Pair::of(source.clone(), target)
            };
            let pairs: Vec<Pair> = followers.iter().map(pair).collect();
            database_bytes = self.round(round, followers, &pairs, &mut results);
            for database in pairs.iter().map(|pair| &pair.target).chain([&source]) {
                database.clone().remove().expect("a database that nobody uses any more");
            }
        }
        results.iter_mut().for_each(|result| result.median = Cost::median(&result.runs));
        let count = self.load.count(self.args.scale) as f64;
        let changes = Changes { count, unit: self.load.unit.to_owned() };
        let result = WorkloadResult::new(self.workload, database_bytes, results);
        WorkloadResult { changes: Some(changes), ..result }
    }

    /// One backlog. Gives back the size of the source.
    fn round(
        &self,
        round: u32,
        followers: &[Follower],
        pairs: &[Pair],
        results: &mut [ContenderResult],
    ) -> f64 {
        let name = self.workload.name;
        let source = &pairs[0].source;
        source.sql(&format!("create table {MARKER} (id int primary key)"));
        self.workload.fill(source, self.args.scale);
        let mut contenders: Vec<_> = followers.iter().zip(pairs).zip(results).collect();
        for ((follower, pair), result) in &mut contenders {
            if result.failure.is_none() {
                result.failure = follower.begin(pair).err();
            }
        }
        let end = self.backlog(source);
        for ((follower, pair), result) in &mut contenders {
            if result.failure.is_none() {
                match self.turn(follower, pair, &end, round) {
                    Ok((cost, equality)) => {
                        eprintln!("{name}, round {round}: {} {:.2} s", follower.name, cost.wall);
                        result.runs.push(cost);
                        result.equality = equality.unwrap_or(result.equality);
                    }
                    Err(reason) => result.failure = Some(reason),
                }
            }
            if let Some(reason) = &result.failure {
                eprintln!("{name}: {} failed\n{reason}", follower.name);
            }
        }
        bout::database_bytes(source)
    }

    /// Changes the source, and gives back the position after the last change.
    fn backlog(&self, source: &Database) -> String {
        let began = Instant::now();
        (self.load.run)(source, self.load.count(self.args.scale));
        source.sql(&format!("insert into {MARKER} values (1)"));
        let end = source.value("select pg_current_wal_lsn()");
        let Load { unit, .. } = self.load;
        let (name, count) = (self.workload.name, self.load.count(self.args.scale));
        let spent = began.elapsed().as_secs_f64();
        eprintln!("{name}: made a backlog of {count} {unit} in {spent:.1} s");
        end
    }

    /// One follower's turn, with servers that have nothing left to write.
    fn turn(
        &self,
        follower: &Follower,
        pair: &Pair,
        end: &str,
        round: u32,
    ) -> Result<(Cost, Option<Equality>), String> {
        let Servers { source, target } = self.servers;
        for server in [source, target] {
            server.sql("postgres", "checkpoint");
        }
        let (outcome, cost) =
            measure(source, target, |client| follower.catch_up(pair, end, client));
        outcome?;
        // Sequences and statistics are no changes.
        let compare = || pair.same().without_schema().without_objects().without_statistics();
        let equality = (round == 1)
            .then(|| bout::equality(self.workload.name, follower.name, &compare().differences()));
        follower.leave(pair)?;
        Ok((cost, equality))
    }
}
