//! `pg_restore` as a printer: it turns entries of the archive into SQL, with owners, privileges,
//! comments and tablespaces as the options say. The statements are run by us, in a transaction of
//! ours, so that a record of them commits with them.

use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::Tools;
use super::archive::unreadable;
use super::child::Child;
use super::excerpt::Excerpts;
use crate::error::{Error, Kind, Result};
use crate::model::{EntryId, Settings};
use crate::stop::Stop;

/// An archive and the program that reads it.
#[derive(Clone, Debug)]
pub struct Printer {
    tools: Tools,
    archive: PathBuf,
    excerpts: Arc<Excerpts>,
    options: Vec<&'static str>,
}

impl Printer {
    /// Prints entries of `archive`, which it looks through first, as `settings` want them.
    pub fn open(tools: &Tools, archive: &Path, settings: &Settings) -> Result<Printer> {
        let flags = [
            (settings.no_owner, "--no-owner"),
            (settings.no_acl, "--no-acl"),
            (settings.no_comments, "--no-comments"),
            (settings.no_tablespaces, "--no-tablespaces"),
        ];
        let options = flags.into_iter().filter(|(wanted, _)| *wanted).map(|(_, flag)| flag);
        let excerpts =
            Excerpts::of(archive).map_err(|error| unreadable(archive, &error.to_string()))?;
        Ok(Printer {
            tools: tools.clone(),
            archive: archive.to_owned(),
            excerpts: Arc::new(excerpts),
            options: options.collect(),
        })
    }

    /// The statements that make some entries, in the archive's order.
    pub async fn sql(&self, entries: &[EntryId], stop: &Stop) -> Result<String> {
        let mut excerpt = tempfile::Builder::new()
            .prefix("entries-")
            .suffix(".dump")
            .tempfile_in(self.archive.parent().unwrap_or(Path::new(".")))
            .map_err(unwritable)?;
        let mut writer = BufWriter::new(&mut excerpt);
        self.excerpts.write(entries, &mut writer).map_err(unwritable)?;
        writer.flush().map_err(unwritable)?;
        drop(writer);
        let mut child = Child::new(&self.tools.program("pg_restore"));
        for option in &self.options {
            child = child.arg(option);
        }
        let script = child.arg("--file=-").arg(excerpt.path()).run(stop).await;
        let script = script.map_err(|error| error.during("could not read the archive"))?;
        let script = String::from_utf8(script)
            .map_err(|_| Error::new(Kind::Internal, "the archive holds text that is not UTF-8"))?;
        Ok(without_frame(&script).to_owned())
    }
}

fn unwritable(error: std::io::Error) -> Error {
    Error::new(Kind::State, format!("could not write to the work directory: {error}"))
}

/// The end of the settings that every script begins with; ours are made when a session is opened.
const PREAMBLE_END: &str = "\nSET row_security = off;\n";

/// Takes off what stands around the statements: settings, some of which an older target does not
/// know, and commands of psql.
fn without_frame(script: &str) -> &str {
    let (preamble, mut body) = match script.split_once(PREAMBLE_END) {
        Some(parts) => parts,
        None => ("", script),
    };
    let restricted = preamble.lines().find_map(|line| line.strip_prefix("\\restrict "));
    if let Some(token) = restricted
        && let Some(end) = body.rfind(&format!("\\unrestrict {token}"))
    {
        body = &body[..end];
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_statements_are_left() {
        let script = "--\n-- PostgreSQL database dump\n--\n\n\\restrict aBc1\n\n\
                      SET statement_timeout = 0;\nSET transaction_timeout = 0;\n\
                      SET row_security = off;\n\nCREATE TABLE t ();\n\n\
                      --\n-- PostgreSQL database dump complete\n--\n\n\\unrestrict aBc1\n\n";
        let body = without_frame(script);
        assert!(body.starts_with("\nCREATE TABLE t ();"), "{body:?}");
        assert!(!body.contains("restrict"), "{body:?}");
    }

    #[test]
    fn a_body_that_speaks_of_the_frame_is_kept() {
        let script = "SET row_security = off;\n";
        assert_eq!(without_frame(script), script);
        let script = "\\restrict x\nSET a = 1;\nSET row_security = off;\n'\n\\unrestrict x\n'\n\\unrestrict x\n";
        assert_eq!(without_frame(script), "'\n\\unrestrict x\n'\n");
    }
}
