//! Clones that are killed, cut off and robbed of their target and their directory at random times,
//! until one comes to its end: then both sides are equal.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pgcopydb_testkit::{Cluster, Output, Pair, Program, Proxy, Session, Signal, workload};

use super::lost::{snapshot, through};
use super::workload::many_steps;
use crate::support::torture::{Random, Tally, torture};

/// Runs of one life that have trouble. Then it is left alone.
const ROUNDS_MAX: u64 = 8;

/// Troubles of one run.
const TROUBLES_MAX: u64 = 4;

/// A whole clone takes less than this on a quiet machine.
const MOMENT_MS: u64 = 1_500;

/// What can happen to a run.
#[derive(Clone, Copy)]
enum Trouble {
    Kill,
    Terminate,
    RestartTarget,
    CrashTarget,
    LoseDirectory,
    EndSessions,
}

const TROUBLES: [Trouble; 8] = [
    Trouble::Kill,
    Trouble::Kill,
    Trouble::Kill,
    Trouble::Terminate,
    Trouble::RestartTarget,
    Trouble::CrashTarget,
    Trouble::LoseDirectory,
    Trouble::EndSessions,
];

/// One copy from its first run to its last.
struct Life<'a> {
    pair: Pair,
    source: Proxy,
    target: Proxy,
    /// Whoever holds the snapshot, if that is not the run itself.
    holder: Option<(Session, String)>,
    options: Vec<String>,
    random: &'a mut Random,
    tally: &'a mut Tally,
}

impl Life<'_> {
    fn directory(&self) -> PathBuf {
        self.pair.directory().join("pgcopydb")
    }

    fn program(&self) -> Program {
        let mut program = through(&self.pair, &self.source, &self.target).args(&self.options);
        program = program.timeout(Duration::from_secs(300));
        if let Some((_, id)) = &self.holder {
            program = program.args(["--snapshot", id]);
        }
        let ledger = self.pair.target.value("select to_regclass('pgcopydb.step') is not null");
        if ledger == "t" || self.directory().join("schema").exists() {
            program = program.arg("--resume");
            if self.holder.is_none() {
                program = program.arg("--not-consistent");
            }
        }
        program
    }

    /// One run and what happens to it. Returns how it ended.
    fn round(&mut self) -> Output {
        let mut running = self.program().spawn();
        for _ in 0..TROUBLES_MAX {
            // Sooner rather than later: what is resumed takes less and less.
            let moments = [MOMENT_MS, MOMENT_MS].map(|limit| self.random.milliseconds(limit));
            if let Some(output) = running.wait_timeout(moments[0].min(moments[1])) {
                return output;
            }
            let trouble = self.random.one_of(&TROUBLES);
            match trouble {
                Trouble::Kill => {
                    self.tally.add("kills", 1);
                    return running.kill();
                }
                Trouble::LoseDirectory => {
                    self.tally.add("kills", 1);
                    let output = running.kill();
                    // Without a snapshot there is nothing to go on with.
                    if self.holder.is_some() {
                        self.tally.add("lost directories", 1);
                        std::fs::remove_dir_all(self.directory()).ok();
                    }
                    return output;
                }
                Trouble::Terminate => {
                    self.tally.add("signals", 1);
                    running.signal(Signal::TERM);
                    return running.wait();
                }
                Trouble::RestartTarget => {
                    self.tally.add("restarts", 1);
                    self.pair.target.cluster().restart();
                }
                Trouble::CrashTarget => {
                    self.tally.add("crashes", 1);
                    self.pair.target.cluster().kill();
                    self.pair.target.cluster().restart();
                }
                Trouble::EndSessions => {
                    self.tally.add("sessions ended", 1);
                    let end = "select count(pg_terminate_backend(pid)) from pg_stat_activity
                                where datname = current_database() and pid <> pg_backend_pid()
                                  and application_name like 'pgcopydb%'";
                    self.pair.target.sql(end);
                }
            }
        }
        running.wait()
    }

    fn live(&mut self) {
        for _ in 0..=self.random.below(ROUNDS_MAX) {
            let output = self.round();
            if self.has_ended(&output) {
                return;
            }
        }
        self.source.heal();
        self.target.heal();
        loop {
            let output = self.program().run();
            if self.has_ended(&output) {
                return;
            }
            // A run that was stopped by the last of the cuts, or began anew while the target was still
            // committing the first statements of one that had been killed.
            let lines = ["lost the session that holds the snapshot", "Continue it with --resume"];
            assert!(lines.iter().any(|line| output.stderr.contains(line)), "{output}");
        }
    }

    /// Whether everything is copied. A run that ends otherwise must say what to do.
    fn has_ended(&self, output: &Output) -> bool {
        // Without its directory nobody can know that the copy was whole.
        let is_whole =
            output.stderr.contains("of the same name exist on the target") && self.holder.is_some();
        if output.code() != Some(0) && !is_whole {
            // In its first milliseconds a process knows nothing of signals yet.
            let is_killed = [Signal::KILL, Signal::TERM]
                .iter()
                .any(|signal| output.signal() == Some(signal.as_raw()));
            let says = output.stderr.contains("HINT:") || output.stderr.contains("FATAL");
            assert!(is_killed || says, "ended without a word: {output}");
            assert_ne!(output.code(), Some(101), "a panic: {output}");
            return false;
        }
        let same = self.pair.same().ignoring("no statistics of \"public.settings\"");
        let differences = same.differences();
        assert!(differences.is_empty(), "{differences:#?}\n{output}");
        true
    }
}

fn size(random: &mut Random) -> String {
    random.one_of(&["200kB", "700kB", "2MB", "1GB"]).to_owned()
}

#[test]
fn torture_of_a_clone() {
    let source = Arc::new(Cluster::start());
    let target = Arc::new(Cluster::start());
    let mut number = 0;
    torture("clone", |random, tally| {
        number += 1;
        let names = [format!("source_{number}"), format!("target_{number}")];
        let names = [&*names[0], &*names[1]];
        let pair = Pair::between(Arc::clone(&source), Arc::clone(&target), names);
        many_steps(&pair);
        pair.source.sql(&workload::one_table(12));
        pair.source.sql(&workload::tables(60));
        let jobs = |random: &mut Random| (1 + random.below(4)).to_string();
        let mut options = vec!["--split-tables-larger-than".to_owned(), size(random)];
        for option in ["--table-jobs", "--index-jobs", "--large-objects-jobs"] {
            options.extend([option.to_owned(), jobs(random)]);
        }
        let holder = (!random.one_in(4)).then(|| snapshot(&pair.source));
        let networks = [Proxy::to(pair.source.cluster()), Proxy::to(pair.target.cluster())];
        for network in &networks {
            if random.one_in(2) {
                let interval = Duration::from_millis(400 + random.below(3_000));
                network.cut_every(interval, random.next());
            }
        }
        let [source, target] = networks;
        let mut life = Life { pair, source, target, holder, options, random, tally };
        life.live();
        let Life { pair, source, target, holder, .. } = life;
        tally.add("cuts", source.cuts_made() + target.cuts_made());
        drop(holder);
        for database in [pair.source.clone(), pair.target.clone()] {
            database.remove().unwrap();
        }
    });
}
