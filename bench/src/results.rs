//! What was measured, as one value: it is what `report.json` holds.

use serde::Serialize;

use crate::args::Args;
use crate::bout;
use crate::cost::Cost;
use crate::machine::Machine;
use crate::report::{bytes, grouped};
use crate::workload::Workload;

/// A session of measuring.
#[derive(Clone, Debug, Serialize)]
pub struct Results {
    /// Where.
    pub machine: Machine,
    /// Settings of both servers.
    pub settings: String,
    /// Size of the workloads.
    pub scale: f64,
    /// Turns of each contender.
    pub rounds: u32,
    /// Jobs of each contender.
    pub jobs: u16,
    /// What was copied.
    pub workloads: Vec<WorkloadResult>,
}

/// One workload.
#[derive(Clone, Debug, Serialize)]
pub struct WorkloadResult {
    /// W1, W2, …
    pub name: String,
    /// What it is, at scale 1.
    pub about: String,
    /// Size of the source database.
    pub database_bytes: f64,
    /// The changes that were followed, if it is about them.
    pub changes: Option<Changes>,
    /// Everybody's results, this pgcopydb's first.
    pub contenders: Vec<ContenderResult>,
}

/// A backlog of changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Changes {
    /// How many.
    pub count: f64,
    /// Of what.
    pub unit: String,
}

/// What one contender did with one workload.
#[derive(Clone, Debug, Serialize)]
pub struct ContenderResult {
    /// Who.
    pub name: String,
    /// What was run.
    pub commands: String,
    /// Whether its first copy was the same as the source.
    pub equality: Equality,
    /// Why it did not copy.
    pub failure: Option<String>,
    /// Every turn.
    pub runs: Vec<Cost>,
    /// The median of each figure.
    pub median: Option<Cost>,
}

/// Whether a copy was the same as its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Equality {
    /// Nobody looked.
    Unknown,
    /// Everything is equal.
    Same,
    /// Something is not.
    Different {
        /// How many differences there are.
        count: usize,
    },
}

impl Results {
    /// Nothing yet.
    pub fn new(args: &Args) -> Results {
        Results {
            machine: Machine::here(String::new()),
            settings: bout::settings_text(),
            scale: args.scale,
            rounds: args.rounds,
            jobs: args.jobs,
            workloads: Vec::new(),
        }
    }

    /// The same session, as far as it was about changes or not.
    pub fn part(&self, follows: bool) -> Results {
        let mut part = self.clone();
        part.workloads.retain(|workload| workload.changes.is_some() == follows);
        part
    }

    /// Whether this pgcopydb has copied everything, and nothing else.
    pub fn is_sound(&self) -> bool {
        let ours = self.workloads.iter().filter_map(|workload| workload.contenders.first());
        ours.into_iter().all(|ours| ours.failure.is_none() && ours.equality == Equality::Same)
    }
}

impl WorkloadResult {
    /// The results of a workload.
    pub fn new(workload: &Workload, database_bytes: f64, contenders: Vec<ContenderResult>) -> Self {
        WorkloadResult {
            name: workload.name.to_owned(),
            about: workload.about.to_owned(),
            database_bytes,
            changes: None,
            contenders,
        }
    }

    /// How large it is, for people.
    pub fn size(&self) -> String {
        match &self.changes {
            Some(Changes { count, unit }) => format!("{} {unit}", grouped(*count)),
            None => bytes(self.database_bytes),
        }
    }

    /// The changes of one unit that a contender has applied in a second.
    pub fn rate(&self, contender: usize) -> Option<f64> {
        let wall = self.contenders.get(contender)?.median.as_ref()?.wall;
        let changes = self.changes.as_ref().filter(|_| wall > 0.0)?;
        Some(changes.count / wall)
    }

    /// How many times as much of something a contender needs as this pgcopydb does.
    pub fn ratio(&self, contender: usize, figure: fn(&Cost) -> f64) -> Option<f64> {
        let ours = figure(self.contenders.first()?.median.as_ref()?);
        let theirs = figure(self.contenders.get(contender)?.median.as_ref()?);
        (ours > 0.0).then(|| theirs / ours)
    }
}

impl ContenderResult {
    /// Nothing yet.
    pub fn new(name: &str, commands: String) -> ContenderResult {
        ContenderResult {
            name: name.to_owned(),
            commands,
            equality: Equality::Unknown,
            failure: None,
            runs: Vec::new(),
            median: None,
        }
    }
}
