//! Questions to a PostgreSQL server: sessions set up the way this program needs them, catalog
//! queries, snapshots. What to do with the answers is decided elsewhere.

pub mod activity;
pub mod checksum;
pub mod citus;
pub mod contents;
pub mod databases;
pub mod discover;
pub mod existing;
pub mod facts;
pub mod filter;
pub mod foreign_keys;
pub mod keep;
pub mod listing;
pub mod origin;
pub mod parts;
pub mod plugin;
pub mod preflight;
pub mod properties;
pub mod publication;
pub mod replica;
pub mod retention;
pub mod roles;
pub mod room;
pub mod sequences;
pub mod session;
pub mod slot;
pub mod snapshot;
pub mod statistics;
pub mod tablespaces;

pub use session::{Endpoint, Side};
