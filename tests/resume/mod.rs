//! Nothing is lost, whatever dies: killed runs, cut connections, restarted servers.

#[cfg(feature = "faults")]
mod points;
mod workload;
