//! What the user can ask for; one file per command.

mod clone;
mod ping;
mod prepare;
mod snapshot;
mod version;

use crate::cli::Request;
use crate::error::Result;
use crate::stop::Stop;

/// Does what was asked for.
pub async fn run(request: Request, stop: &Stop) -> Result<()> {
    match request {
        Request::Clone(request) => clone::clone(*request, stop).await,
        Request::Snapshot(request) => snapshot::snapshot(request, stop).await,
        Request::Ping(request) => ping::ping(request).await,
        Request::Version { json } => version::version(json),
    }
}
