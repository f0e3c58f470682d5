//! What the user can ask for; one file per command.

mod afresh;
mod all_databases;
mod citus;
mod clone;
mod compare;
mod completion;
mod conclude;
mod cut;
mod dump;
mod filters;
mod follow;
mod following;
mod inventory;
mod keys;
mod list;
mod parse_list;
mod ping;
mod prepare;
mod report;
mod roles;
mod snapshot;
mod stream;
mod tablespaces;
mod version;

use crate::cli::Request;
use crate::error::Result;
use crate::stop::Stop;

/// Does what was asked for.
pub async fn run(request: Request, stop: &Stop) -> Result<()> {
    match request {
        Request::Clone(request) => clone::clone(*request, stop).await,
        Request::Dump(request) => dump::schema(*request, stop).await,
        Request::List(request) => list::list(*request, stop).await,
        Request::Roles(request) => roles::roles(request, stop).await,
        Request::Tablespaces(request) => tablespaces::copy(request, stop).await,
        Request::ParseList(request) => parse_list::parse_list(request).await,
        Request::CompareSchema(request) => compare::schema(request, stop).await,
        Request::CompareData(request) => compare::data(request, stop).await,
        Request::Follow(request) => follow::follow(*request, stop).await,
        Request::Stream(request) => stream::stream(*request, stop).await,
        Request::Prune(request) => stream::prune(request).await,
        Request::Sentinel(request) => stream::sentinel(request).await,
        Request::Snapshot(request) => snapshot::snapshot(*request, stop).await,
        Request::Report(request) => report::report(request).await,
        Request::Ping(request) => ping::ping(request).await,
        Request::Version { json } => version::version(json),
    }
}
