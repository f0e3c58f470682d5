//! `pgcopydb ping`: can both servers be reached?

use crate::cli::PingRequest;
use crate::error::Result;
use crate::pg::{Endpoint, Side};

/// Connects to both servers at the same time.
pub async fn ping(request: PingRequest) -> Result<()> {
    let source = Endpoint::parse(Side::Source, &request.source)?;
    let target = Endpoint::parse(Side::Target, &request.target)?;
    let (source, target) = tokio::join!(reach(&source), reach(&target));
    if let (Err(error), Err(_)) = (&source, &target) {
        crate::log::error(error);
    }
    target.and(source)
}

async fn reach(endpoint: &Endpoint) -> Result<()> {
    let session = endpoint.open("ping").await?;
    tracing::info!(
        "Successfully could connect to {} database Postgres {} at \"{}\"",
        endpoint.side.word(),
        session.parameter("server_version").unwrap_or("?"),
        endpoint.conninfo()
    );
    session.close().await;
    Ok(())
}
