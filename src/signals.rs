//! Signals into the wish to stop.

use tokio::signal::unix::{SignalKind, signal};

use crate::error::Result;
use crate::stop::Stop;

/// The exit code of a second signal: nothing is waited for.
const IMMEDIATE_EXIT_CODE: i32 = 12;

/// Listens for the signals that ask a program to stop: SIGINT, SIGTERM, SIGQUIT, and SIGHUP when
/// the terminal is closed. The second one ends the program at once.
pub fn listen() -> Result<Stop> {
    let stop = Stop::new();
    let kinds = [
        SignalKind::interrupt(),
        SignalKind::terminate(),
        SignalKind::quit(),
        SignalKind::hangup(),
    ];
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
