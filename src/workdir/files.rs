//! What is where in a work directory, and how files are made in it.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use crate::error::Result;

use super::error::failed;
use super::private;

/// The layout of a work directory, or of one database's share of it.
#[derive(Clone, Debug)]
pub struct Files {
    root: PathBuf,
}

impl Files {
    pub(super) fn new(root: PathBuf) -> Files {
        Files { root }
    }

    /// The directory itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The lock file of the main run, which names its process.
    pub fn main_lock(&self) -> PathBuf {
        self.root.join(super::MAIN_LOCK_FILE)
    }

    /// The identifier of the exported snapshot.
    pub fn snapshot(&self) -> PathBuf {
        self.root.join("snapshot")
    }

    /// The summary at the end of a clone.
    pub fn summary(&self) -> PathBuf {
        self.root.join("summary.json")
    }

    /// What `list schema --json` prints.
    pub fn schema_json(&self) -> PathBuf {
        self.root.join("schema.json")
    }

    /// The catalog: what was found on the source, and what was done.
    pub fn source_catalog(&self) -> PathBuf {
        self.root.join("schema/source.db")
    }

    /// The archive that `pg_dump` makes.
    pub fn archive(&self) -> PathBuf {
        self.root.join("schema/schema.dump")
    }

    /// What `pg_dumpall --roles-only` makes.
    pub fn roles(&self) -> PathBuf {
        self.root.join("schema/roles.sql")
    }

    /// The entries of the archive that `pg_restore` makes before the rows are in.
    pub fn pre_data_list(&self) -> PathBuf {
        self.root.join("schema/pre-filtered.list")
    }

    /// The entries of the archive that `pg_restore` makes after the rows are in.
    pub fn post_data_list(&self) -> PathBuf {
        self.root.join("schema/post-filtered.list")
    }

    /// What was received from the source's replication slot.
    pub fn changes(&self) -> PathBuf {
        self.root.join("cdc")
    }

    /// One database's share, when several are copied; it is made if it is missing.
    pub fn database(&self, name: &str) -> Result<Files> {
        self.make_directory("db")?;
        let share = Files::new(self.root.join("db").join(file_name(name)));
        private::create(&share.root)?;
        share.make_directory("schema")?;
        Ok(share)
    }

    /// The names of the databases that have a share, sorted.
    pub fn databases(&self) -> Result<Vec<String>> {
        let directory = self.root.join("db");
        let doing = "could not read directory";
        let entries = match std::fs::read_dir(&directory) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(failed(doing, &directory, cause)),
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|cause| failed(doing, &directory, cause))?;
            names.extend(entry.file_name().to_str().map(database_name));
        }
        names.sort();
        Ok(names)
    }

    /// Makes a file that only its owner can read, or empties it. Files that another program is to
    /// write are made this way first.
    pub fn create_file(&self, path: &Path) -> Result<File> {
        if let Some(parent) = path.parent() {
            private::create(parent)?;
        }
        let file = private::open_file(path)?;
        file.set_len(0).map_err(|cause| failed("could not empty file", path, cause))?;
        Ok(file)
    }

    /// Writes a whole file: it has the old content or the new, whatever happens.
    pub fn write(&self, path: &Path, content: &[u8]) -> Result<()> {
        self.write_by(path, |file| file.write_all(content))
    }

    /// The same, with content that is made while it is written.
    pub fn write_by(
        &self,
        path: &Path,
        write: impl FnOnce(&mut dyn Write) -> std::io::Result<()>,
    ) -> Result<()> {
        let mut unfinished = path.as_os_str().to_owned();
        unfinished.push(".new");
        let unfinished = PathBuf::from(unfinished);
        let mut file = BufWriter::new(self.create_file(&unfinished)?);
        write(&mut file)
            .and_then(|()| file.flush())
            .and_then(|()| file.get_ref().sync_all())
            .and_then(|()| std::fs::rename(&unfinished, path))
            .map_err(|cause| failed("could not write file", path, cause))
    }

    /// The content of a text file, if it is there.
    pub fn read(&self, path: &Path) -> Result<Option<String>> {
        match std::fs::read_to_string(path) {
            Ok(content) => Ok(Some(content)),
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(failed("could not read file", path, cause)),
        }
    }

    pub(super) fn make_directory(&self, name: &str) -> Result<()> {
        private::create(&self.root.join(name))
    }
}

/// A database's name as a file's: the few characters that a path gives a meaning are escaped.
fn file_name(database: &str) -> String {
    let escaped = database.replace('%', "%25").replace('/', "%2F");
    if escaped.starts_with('.') { escaped.replacen('.', "%2E", 1) } else { escaped }
}

fn database_name(file: &str) -> String {
    file.replace("%2E", ".").replace("%2F", "/").replace("%25", "%")
}
