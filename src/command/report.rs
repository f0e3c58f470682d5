//! `pgcopydb report`, and the page that `clone --report` writes at its end.

use std::fs::OpenOptions;
use std::path::Path;

use crate::catalog::Catalog;
use crate::cli::ReportRequest;
use crate::error::{Error, Kind, Result};
use crate::report::html;
use crate::workdir::{Mode, WorkDir};

/// Writes a page about the runs in a work directory, one of which may be under way.
pub async fn report(request: ReportRequest) -> Result<()> {
    let workdir = WorkDir::open(request.directory.as_deref(), Mode::Inspect)?;
    let catalog = Catalog::read_only(&workdir.files().source_catalog()).await?;
    write(&catalog, &request.file).await
}

/// Writes a page about what a catalog has recorded.
pub async fn write(catalog: &Catalog, file: &Path) -> Result<()> {
    let (summary, history) = (catalog.summary().await?, catalog.history().await?);
    let page = html::page(&summary, &history);
    std::fs::write(file, page).map_err(|cause| failed(file, &cause))?;
    tracing::info!("wrote the report to \"{}\"", file.display());
    Ok(())
}

/// Makes sure that a page can be written later, while a mistake costs nothing.
pub fn check(file: &Path) -> Result<()> {
    let is_new = !file.exists();
    let opened = OpenOptions::new().append(true).create(true).open(file);
    let checked = match opened {
        // A run that ends before it begins leaves no empty page behind.
        Ok(_) if is_new => std::fs::remove_file(file),
        opened => opened.map(drop),
    };
    checked.map_err(|cause| failed(file, &cause))
}

fn failed(file: &Path, cause: &std::io::Error) -> Error {
    let message = format!("could not write the report \"{}\": {cause}", file.display());
    Error::new(Kind::Arguments, message)
        .hint("Name a file that this user can write to; its directory must exist.")
}
