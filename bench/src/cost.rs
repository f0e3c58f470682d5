//! What a run costs: time by the clock, processor time and by whom, bytes, memory.

use std::fs;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use pgcopydb_testkit::Cluster;
use serde::Serialize;

use crate::process::{self, Processors};

/// How often the client is looked at. Each look takes well below a millisecond.
const WATCH_INTERVAL: Duration = Duration::from_millis(50);

/// What a run costs. Times are in seconds, sizes in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Cost {
    /// By the clock.
    pub wall: f64,
    /// Processor time of all processes of the source server.
    pub source_cpu: f64,
    /// Processor time of all processes of the target server.
    pub target_cpu: f64,
    /// Processor time of the client and all programs it runs.
    pub client_cpu: f64,
    /// Of that, the client's own, without the programs it runs, as it was last seen.
    pub program_cpu: f64,
    /// Processor time of everybody else on the machine: figures count when this is small.
    pub other_cpu: f64,
    /// Time that cores had nothing to do, all cores together.
    pub idle: f64,
    /// Write-ahead log of the target.
    pub target_wal: f64,
    /// What the client wrote to files.
    pub client_written: f64,
    /// Peak memory of the client: each process at its peak, summed over those alive together.
    pub client_memory: f64,
    /// Peak memory of the client itself, without the programs it runs.
    pub program_memory: f64,
}

impl Cost {
    /// Processor time of both servers and the client.
    pub fn cpu(&self) -> f64 {
        self.source_cpu + self.target_cpu + self.client_cpu
    }

    /// The median of every figure on its own.
    pub fn median(runs: &[Cost]) -> Option<Cost> {
        if runs.is_empty() {
            return None;
        }
        let of = |figure: fn(&Cost) -> f64| median(runs.iter().map(figure).collect());
        Some(Cost {
            wall: of(|cost| cost.wall),
            source_cpu: of(|cost| cost.source_cpu),
            target_cpu: of(|cost| cost.target_cpu),
            client_cpu: of(|cost| cost.client_cpu),
            program_cpu: of(|cost| cost.program_cpu),
            other_cpu: of(|cost| cost.other_cpu),
            idle: of(|cost| cost.idle),
            target_wal: of(|cost| cost.target_wal),
            client_written: of(|cost| cost.client_written),
            client_memory: of(|cost| cost.client_memory),
            program_memory: of(|cost| cost.program_memory),
        })
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    let middle = figures.len() / 2;
    match figures.len() % 2 {
        0 => f64::midpoint(figures[middle - 1], figures[middle]),
        _ => figures[middle],
    }
}

/// The client's process, for whoever watches it.
#[derive(Debug, Default)]
pub struct Client(AtomicU32);

impl Client {
    /// This process is the client now.
    pub fn is(&self, pid: u32) {
        self.0.store(pid, Ordering::Relaxed);
    }
}

/// Measures what a client does between two servers. The cost is measured when it fails, too.
pub fn measure<T>(source: &Cluster, target: &Cluster, run: impl FnOnce(&Client) -> T) -> (T, Cost) {
    let postmasters = [source, target].map(postmaster);
    let client = Client::default();
    let seen = Seen::default();
    std::thread::scope(|scope| {
        scope.spawn(|| seen.watch(&client));
        // Even when the run panics: the scope waits for whoever watches.
        let watched = Watched(&seen);
        let log_before = log_position(target);
        let before = Reading::take(postmasters);
        let began = Instant::now();
        let outcome = run(&client);
        let wall = began.elapsed();
        let after = Reading::take(postmasters);
        drop(watched);
        let log_after = log_position(target);
        let spent =
            |of: fn(&Reading) -> Duration| of(&after).saturating_sub(of(&before)).as_secs_f64();
        let mut cost = Cost {
            wall: wall.as_secs_f64(),
            source_cpu: spent(|reading| reading.servers[0]),
            target_cpu: spent(|reading| reading.servers[1]),
            client_cpu: spent(|reading| reading.client),
            program_cpu: seen.program_micros.load(Ordering::Relaxed) as f64 / 1e6,
            other_cpu: 0.0,
            idle: spent(|reading| reading.processors.idle),
            target_wal: log_after - log_before,
            client_written: after.written.saturating_sub(before.written) as f64,
            client_memory: seen.peak.load(Ordering::Relaxed) as f64,
            program_memory: seen.program_peak.load(Ordering::Relaxed) as f64,
        };
        let busy = spent(|reading| reading.processors.busy);
        cost.other_cpu = (busy - cost.cpu()).max(0.0);
        (outcome, cost)
    })
}

/// All counters at one moment.
struct Reading {
    servers: [Duration; 2],
    client: Duration,
    written: u64,
    processors: Processors,
}

impl Reading {
    fn take(postmasters: [u32; 2]) -> Reading {
        Reading {
            servers: postmasters.map(process::server_cpu),
            client: children_cpu(),
            written: process::bytes_written(),
            processors: Processors::now(),
        }
    }
}

/// Processor time of the children that have ended, and of theirs. In a run these are the client's
/// processes alone: the servers live on.
fn children_cpu() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("the kernel's account of children");
    let times = [usage.user_time(), usage.system_time()];
    let micros: i64 = times.iter().map(|time| time.tv_sec() * 1_000_000 + time.tv_usec()).sum();
    Duration::from_micros(u64::try_from(micros).unwrap_or(0))
}

fn postmaster(cluster: &Cluster) -> u32 {
    let file = cluster.data_directory().join("postmaster.pid");
    let text = fs::read_to_string(&file).expect("the server's process number");
    text.lines().next().and_then(|line| line.parse().ok()).expect("a process number")
}

fn log_position(cluster: &Cluster) -> f64 {
    let query = "select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')";
    cluster.value("postgres", query).parse().expect("a position in the write-ahead log")
}

/// What was seen of the client so far, and whether somebody still looks.
#[derive(Default)]
struct Seen {
    peak: AtomicU64,
    program_peak: AtomicU64,
    program_micros: AtomicU64,
    is_over: AtomicBool,
    lock: Mutex<()>,
    over: Condvar,
}

impl Seen {
    fn watch(&self, client: &Client) {
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        while !self.is_over.load(Ordering::Relaxed) {
            let pid = client.0.load(Ordering::Relaxed);
            if pid != 0 {
                self.peak.fetch_max(process::tree_peak_memory(pid), Ordering::Relaxed);
                self.program_peak.fetch_max(process::own_peak_memory(pid), Ordering::Relaxed);
                let micros = process::own_cpu(pid).as_micros() as u64;
                self.program_micros.fetch_max(micros, Ordering::Relaxed);
            }
            let waited = self.over.wait_timeout(guard, WATCH_INTERVAL);
            guard = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Ends the watch when it is dropped.
struct Watched<'a>(&'a Seen);

impl Drop for Watched<'_> {
    fn drop(&mut self) {
        let _guard = self.0.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.0.is_over.store(true, Ordering::Relaxed);
        self.0.over.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_are_in_the_middle() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), 2.5);
        let runs = [1.0, 9.0, 2.0].map(|wall| Cost { wall, ..Cost::default() });
        assert_eq!(Cost::median(&runs).unwrap().wall, 2.0);
        assert_eq!(Cost::median(&[]), None);
    }

    #[test]
    fn the_cost_of_a_client_is_its_own() {
        let cluster = Cluster::start();
        let (output, cost) = measure(&cluster, &cluster, |client| {
            let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done";
            let program = pgcopydb_testkit::Program::new("/bin/sh").args(["-c", busy]);
            let running = program.spawn();
            client.is(running.pid());
            running.wait()
        });
        output.assert_success();
        assert!(cost.client_cpu > 0.0, "{cost:?}");
        assert!(cost.client_memory > 100_000.0, "{cost:?}");
    }
}
