//! Throw-away PostgreSQL clusters and what tests need around them.
//!
//! Everything here is blocking, and everything asks the servers through `psql` and `pg_dump`:
//! the tests have a witness that shares no line with the program they judge. A [`Pair`] gives a
//! source and a target database, a [`Program`] runs the program under test between them, and
//! [`Same`] compares both sides afterwards.
//!
//! The answer of a test kit to the unexpected is a failed test, so most of its functions panic,
//! with what the server had to say. The exceptions return a `Result` and are named `try_…`.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod clean;
mod cluster;
mod database;
mod pair;
mod program;
mod proxy;
mod same;
mod session;
mod uri;
mod version;
pub mod workload;

pub use cluster::{Builder, Cluster, TlsFiles};
pub use database::Database;
pub use pair::Pair;
pub use program::{Output, Program, Running};
pub use proxy::Proxy;
pub use rustix::process::Signal;
pub use same::{Same, assert_same};
pub use session::Session;
pub use uri::{percent_encoded, quoted_identifier, quoted_literal};
pub use version::Version;
