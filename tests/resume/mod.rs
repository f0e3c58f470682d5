//! Nothing is lost, whatever dies: killed runs, cut connections, restarted servers.

mod lost;
#[cfg(feature = "faults")]
mod points;
mod workload;
