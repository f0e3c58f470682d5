//! What was measured, as one value: it is what `report.json` holds.

use serde::Serialize;

use crate::args::Args;
use crate::bout::{self, Servers};
use crate::contender::Contender;
use crate::cost::Cost;
use crate::machine::Machine;
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
    /// Everybody's results, this pgcopydb's first.
    pub contenders: Vec<ContenderResult>,
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
    pub fn new(args: &Args, servers: &Servers) -> Results {
        Results {
            machine: Machine::here(bout::server_version(&servers.source)),
            settings: bout::settings_text(),
            scale: args.scale,
            rounds: args.rounds,
            jobs: args.jobs,
            workloads: Vec::new(),
        }
    }

    /// Whether this pgcopydb has copied everything, and nothing else.
    pub fn is_sound(&self) -> bool {
        let ours = self.workloads.iter().filter_map(|workload| workload.contenders.first());
        ours.into_iter().all(|ours| ours.failure.is_none() && ours.equality == Equality::Same)
    }
}

impl WorkloadResult {
    /// The results of a workload.
    pub fn new(workload: &Workload, bytes: f64, contenders: Vec<ContenderResult>) -> Self {
        WorkloadResult {
            name: workload.name.to_owned(),
            about: workload.about.to_owned(),
            database_bytes: bytes,
            contenders,
        }
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
    pub fn new(contender: &Contender) -> ContenderResult {
        ContenderResult {
            name: contender.name.clone(),
            commands: contender.commands(),
            equality: Equality::Unknown,
            failure: None,
            runs: Vec::new(),
            median: None,
        }
    }
}
