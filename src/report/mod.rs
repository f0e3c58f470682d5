//! What the user sees of a run, apart from the lines of the log.

pub mod progress;
pub mod summary;
pub mod units;
