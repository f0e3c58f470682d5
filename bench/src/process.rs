//! What the kernel says about processes and processors, in /proc.

use std::fs;
use std::time::Duration;

/// The processor time that a server has used: its own processes, those that live, and those that
/// have ended and were waited for.
///
/// A backend that ends between two looks would be counted twice or not at all, so we look again
/// until the set of processes stays the same.
pub fn server_cpu(postmaster: u32) -> Duration {
    loop {
        let before = children(postmaster);
        let own = stat(postmaster).map_or(0, |ticks| ticks.own + ticks.waited_for);
        let living = before.iter().filter_map(|pid| stat(*pid)).map(|ticks| ticks.own);
        let total = own + living.sum::<u64>();
        if children(postmaster) == before {
            return from_ticks(total);
        }
    }
}

/// Ticks of a process, as /proc counts them.
#[derive(Debug, PartialEq)]
struct Ticks {
    /// Used by the process.
    own: u64,
    /// Used by its children that have ended, and by theirs.
    waited_for: u64,
}

fn stat(pid: u32) -> Option<Ticks> {
    parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

fn parse_stat(text: &str) -> Option<Ticks> {
    // The command's name is in parentheses and may hold anything; the state follows.
    let (_, fields) = text.rsplit_once(") ")?;
    let fields: Vec<&str> = fields.split_whitespace().collect();
    let ticks = |place: usize| fields.get(place)?.parse::<u64>().ok();
    Some(Ticks { own: ticks(11)? + ticks(12)?, waited_for: ticks(13)? + ticks(14)? })
}

/// The children of a process. Any of its threads may have started them.
fn children(pid: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for thread in fs::read_dir(format!("/proc/{pid}/task")).into_iter().flatten().flatten() {
        let text = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        found.extend(text.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
    }
    found.sort_unstable();
    found
}

/// The processor time of a process itself, without the programs that it runs.
pub fn own_cpu(pid: u32) -> Duration {
    from_ticks(stat(pid).map_or(0, |ticks| ticks.own))
}

/// The peak memory of a process itself, in bytes.
pub fn own_peak_memory(pid: u32) -> u64 {
    status_kilobytes(pid, "VmHWM:").unwrap_or(0) * 1024
}

/// The peak memory of a process and all its descendants, each at its own peak, in bytes.
pub fn tree_peak_memory(pid: u32) -> u64 {
    own_peak_memory(pid) + children(pid).into_iter().map(tree_peak_memory).sum::<u64>()
}

fn status_kilobytes(pid: u32, field: &str) -> Option<u64> {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Bytes that this process and the children it has waited for have written to files.
pub fn bytes_written() -> u64 {
    let text = fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes:"));
    line.and_then(|line| line.trim().parse().ok()).unwrap_or(0)
}

/// What all processors together have done since the machine was started.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Processors {
    /// Worked, for whomever; or were taken away by the host.
    pub busy: Duration,
    /// Had nothing to do, or waited for a disk.
    pub idle: Duration,
}

impl Processors {
    /// Until now.
    pub fn now() -> Processors {
        let text = fs::read_to_string("/proc/stat").unwrap_or_default();
        Processors::parse(&text)
    }

    fn parse(text: &str) -> Processors {
        let line = text.lines().find_map(|line| line.strip_prefix("cpu ")).unwrap_or_default();
        let ticks: Vec<u64> =
            line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        // user, nice, system, idle, iowait, irq, softirq, steal; guests are in user already.
        let tick = |place: usize| ticks.get(place).copied().unwrap_or(0);
        let idle = tick(3) + tick(4);
        let busy = (0..8).map(tick).sum::<u64>() - idle;
        Processors { busy: from_ticks(busy), idle: from_ticks(idle) }
    }
}

fn from_ticks(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_may_look_like_its_figures() {
        let text = "12 (a) b) 1 2) S 1 12 12 0 -1 4194560 100 200 0 0 7 8 30 40 20 0 1 0 99 1 2\n";
        assert_eq!(parse_stat(text), Some(Ticks { own: 15, waited_for: 70 }));
        assert_eq!(parse_stat("12 (a) S 1 12"), None);
    }

    #[test]
    fn processors_are_busy_or_idle() {
        let second = rustix::param::clock_ticks_per_second();
        let text = format!("cpu  {second} 0 {second} {second} {second} 0 0 {second} 0 0\ncpu0 1\n");
        let processors = Processors::parse(&text);
        assert_eq!(processors.busy, Duration::from_secs(3));
        assert_eq!(processors.idle, Duration::from_secs(2));
    }

    #[test]
    fn this_process_is_there() {
        let pid = std::process::id();
        assert!(stat(pid).is_some());
        assert!(tree_peak_memory(pid) > 100_000);
    }
}
