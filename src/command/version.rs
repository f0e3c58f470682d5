//! `pgcopydb version`.

use serde_json::json;

use crate::error::{Error, Kind, Result};
use crate::tools::Tools;

/// The versions of PostgreSQL that are tested.
const COMPATIBLE: &str = "10, 11, 12, 13, 14, 15, 16, 17, and 18";

/// Prints the version on standard output.
pub fn version(as_json: bool) -> Result<()> {
    let version = crate::log::VERSION;
    let tools = Tools::locate(0, u32::MAX).ok();
    let tools_version = tools.as_ref().map_or("none found", |tools| tools.version.as_str());
    if !as_json {
        crate::report::print(&format!(
            "pgcopydb version {version}\n\
             using PostgreSQL client programs: {tools_version}\n\
             compatible with Postgres {COMPATIBLE}\n"
        ));
        return Ok(());
    }
    let major = tools.as_ref().map_or(0, |tools| tools.major);
    let document = json!({
        "pgcopydb": version,
        "pg_major": major.to_string(),
        "pg_version": tools_version,
        "pg_version_str": tools_version,
        "pg_version_num": major * 10_000,
    });
    let text = serde_json::to_string_pretty(&document)
        .map_err(|error| Error::new(Kind::Internal, error.to_string()))?;
    crate::report::print(&format!("{text}\n"));
    Ok(())
}
