//! Signals into the wish to stop.

use tokio::signal::unix::{SignalKind, signal};

use crate::error::Result;
use crate::stop::Stop;

/// The exit code of a second signal: nothing is waited for.
const IMMEDIATE_EXIT_CODE: i32 = 12;

/// Listens for the signals that ask a program to stop: SIGINT, SIGTERM, SIGQUIT, and SIGHUP when
/// the terminal is closed, unless we were started by `nohup`. The second one ends the program at
/// once.
pub fn listen() -> Result<Stop> {
    let stop = Stop::new();
    let mut kinds = vec![SignalKind::interrupt(), SignalKind::terminate(), SignalKind::quit()];
    if !is_ignored(SignalKind::hangup()) {
        kinds.push(SignalKind::hangup());
    }
    for kind in kinds {
        let mut signals = signal(kind)?;
        let stop = stop.clone();
        tokio::spawn(async move {
            while signals.recv().await.is_some() {
                if stop.is_requested() {
                    std::process::exit(IMMEDIATE_EXIT_CODE);
                }
                tracing::warn!("stopping: cancelling what runs on both servers");
                stop.request();
            }
        });
    }
    Ok(stop)
}

/// Whether whoever started us has made us ignore a signal. Not known where there is no `/proc`.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    // A hexadecimal number with a bit for each signal, the lowest one for number 1.
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or(0);
    mask & (1 << (kind.as_raw_value() - 1)) != 0
}
