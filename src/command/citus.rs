//! Tables that the extension citus has distributed on the source: made so on the target, where that
//! has the extension or gets it.

use super::prepare::Begun;
use crate::error::Result;
use crate::model::distributed::CITUS;
use crate::model::{Distributed, Distribution, Inventory};
use crate::pg::citus;
use crate::pg::preflight::listed;
use crate::plan;

/// The statements that end the pre-data section.
pub async fn statements(run: &mut Begun, inventory: &Inventory) -> Result<Vec<String>> {
    if !inventory.has_extension(CITUS) || !run.selection.makes_tables() {
        return Ok(Vec::new());
    }
    let mut source = run.base.snapshot.reader(&run.base.source, "catalog").await?;
    let distributed = citus::distributed(&mut source).await?;
    source.close().await;
    let names = inventory.relation_names();
    let name = |one: &Distributed| names.get(&one.table).map(|name| name.to_string());
    if run.base.settings.skip_extensions && !citus::is_installed(&mut run.target_session).await? {
        let names: Vec<String> = distributed.iter().filter_map(name).collect();
        tracing::warn!(
            "the target has no extension citus: {} distributed tables are made as ordinary ones: {}",
            names.len(),
            listed(&names)
        );
        return Ok(Vec::new());
    }
    let unknown = distributed.iter().filter(|one| one.how == Distribution::Unknown);
    let unknown: Vec<String> = unknown.filter_map(name).collect();
    if !unknown.is_empty() {
        tracing::warn!(
            "{} tables are distributed by range or by appending, and are made as ordinary ones: {}",
            unknown.len(),
            listed(&unknown)
        );
    }
    let name = |oid| names.get(&oid).cloned();
    let statements = plan::citus::statements(&distributed, name);
    tracing::info!(
        "distributing tables as the source has them, with {} statements",
        statements.len()
    );
    Ok(statements)
}
