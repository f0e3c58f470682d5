//! Questions to a PostgreSQL server: sessions set up the way this program needs them, catalog
//! queries, snapshots. What to do with the answers is decided elsewhere.

pub mod checksum;
pub mod contents;
pub mod discover;
pub mod existing;
pub mod facts;
pub mod keep;
pub mod listing;
pub mod parts;
pub mod preflight;
pub mod properties;
pub mod sequences;
pub mod session;
pub mod snapshot;

pub use session::{Endpoint, Side};
