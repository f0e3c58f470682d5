//! An asynchronous PostgreSQL client for programs that move data: connection strings as libpq
//! understands them, TLS, authentication, queries, pipelines, COPY without taking rows apart, and
//! the replication protocol. It knows nothing of what is done with it.

mod authenticate;
pub mod cancel;
pub mod connect;
pub mod connection;
pub mod conninfo;
pub mod copy;
pub mod error;
pub mod frame;
pub mod pipeline;
pub mod replicate;
pub mod row;
pub mod stream;
mod tls;

pub use cancel::CancelKey;
pub use connection::Connection;
pub use conninfo::Conninfo;
pub use error::{Error, Result, ServerError};
pub use row::{Row, Rows};
