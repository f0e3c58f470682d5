//! Nothing is lost, whatever dies: killed runs, cut connections, restarted servers.

mod complete;
mod holder;
mod lost;
#[cfg(feature = "faults")]
mod points;
#[cfg(feature = "faults")]
mod silence;
#[cfg(feature = "faults")]
mod snapshot;
mod workload;
