//! Nothing is lost, whatever dies: killed runs, cut connections, restarted servers.

mod begin;
mod complete;
mod disk;
mod holder;
mod killed;
mod limits;
#[cfg(feature = "faults")]
mod locks;
mod lost;
#[cfg(feature = "faults")]
mod points;
#[cfg(feature = "faults")]
mod silence;
#[cfg(feature = "faults")]
mod snapshot;
mod torture;
pub mod workload;
