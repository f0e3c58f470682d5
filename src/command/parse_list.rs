//! `pgcopydb restore parse-list`: what is in a list of `pg_restore`, and which entries of a dump
//! are restored.

use std::fmt::Write as _;

use crate::cli::ParseListRequest;
use crate::error::{Error, Kind, Result};
use crate::model::Settings;
use crate::plan::list::{self, Part};
use crate::tools::archive;
use crate::workdir::{Mode, WorkDir};

/// Prints the entries of a list, or writes both lists of the dump in a work directory.
pub async fn parse_list(request: ParseListRequest) -> Result<()> {
    match request {
        ParseListRequest::File(path) => {
            let text = std::fs::read_to_string(&path).map_err(|error| {
                let message = format!("could not read list \"{}\": {error}", path.display());
                Error::new(Kind::Arguments, message)
            })?;
            let entries = list::parse(&text).map_err(|line| {
                let message = format!("line {line} of \"{}\" is not an entry", path.display());
                Error::new(Kind::Arguments, message)
                    .hint("Give a list as \"pg_restore --list\" prints it.")
            })?;
            let mut lines = String::new();
            for entry in entries {
                let _ = writeln!(lines, "{entry}");
            }
            crate::report::print(&lines);
            Ok(())
        }
        ParseListRequest::Dump(settings) => write_lists(*settings),
    }
}

/// Writes what is restored before and after the rows; what is left out is commented out.
fn write_lists(settings: Settings) -> Result<()> {
    let workdir = WorkDir::open(settings.directory.as_deref(), Mode::Inspect)?;
    let files = workdir.files();
    if !files.archive().exists() {
        let message = format!("there is no dump of a schema in \"{}\"", workdir.path().display());
        return Err(Error::new(Kind::State, message)
            .hint("Make one with \"pgcopydb dump schema\", or name its directory with --dir."));
    }
    let entries = archive::entries(&files.archive())?;
    for (part, path) in
        [(Part::PreData, files.pre_data_list()), (Part::PostData, files.post_data_list())]
    {
        files.write(&path, list::write(&entries.unpack(), &settings, part).as_bytes())?;
        tracing::info!("wrote the {} entries to \"{}\"", part.word(), path.display());
    }
    Ok(())
}
