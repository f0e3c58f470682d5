//! An asynchronous PostgreSQL client for programs that move data: connection strings as libpq
//! understands them, TLS, authentication, queries, pipelines, COPY without taking rows apart, and
//! the replication protocol. It knows nothing of what is done with it.

pub mod error;
pub mod frame;
pub mod stream;

pub use error::{Error, Result, ServerError};
