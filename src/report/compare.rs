//! What comparisons found, as text, as JSON and as lines of the log.

pub mod all;
pub mod data;
pub mod schema;
