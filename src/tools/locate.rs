//! Which `pg_dump` and `pg_restore`: they must be at least as new as the source.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::error::{Error, Kind, Result};

/// Where Debian keeps the programs of every major version.
const DEBIAN_DIRECTORY: &str = "/usr/lib/postgresql";

/// The client programs of one PostgreSQL installation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tools {
    /// The directory they are in.
    directory: PathBuf,
    /// Their major version.
    pub major: u32,
    /// What `pg_dump --version` prints.
    pub version: String,
}

impl Tools {
    /// The path of one program.
    pub fn program(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// Finds the programs that can read a server of version `source` and suit one of version
    /// `target`: those named by `PG_CONFIG`, in `PATH`, or in Debian's directories.
    pub fn locate(source: u32, target: u32) -> Result<Tools> {
        let mut found: BTreeMap<u32, Tools> = BTreeMap::new();
        for directory in candidates() {
            if let Some(tools) = Tools::in_directory(&directory) {
                found.entry(tools.major).or_insert(tools);
            }
        }
        Tools::choose(found, source / 10_000, target / 10_000)
    }

    /// The target's own version knows best what the target can take; failing that the newest older
    /// one, since a newer one may write what the target does not know.
    fn choose(mut found: BTreeMap<u32, Tools>, source: u32, target: u32) -> Result<Tools> {
        let newest = found.last_key_value().map(|(_, tools)| tools.version.clone());
        let usable = found.split_off(&source);
        let suits = usable.range(..=target).next_back().or_else(|| usable.first_key_value());
        if let Some((_, tools)) = suits {
            return Ok(tools.clone());
        }
        let error = match newest {
            Some(version) => Error::new(
                Kind::Tools,
                format!("\"{version}\" is too old for the source, which runs PostgreSQL {source}"),
            ),
            None => Error::new(Kind::Tools, "could not find pg_dump and pg_restore"),
        };
        Err(error.hint(format!(
            "Install the client programs of PostgreSQL {source} or newer (Debian: \
             postgresql-client-{source}), and name their pg_config in PG_CONFIG unless they are in \
             PATH."
        )))
    }

    fn in_directory(directory: &Path) -> Option<Tools> {
        // Debian's programs in PATH are a wrapper that picks a version by cluster.
        let restore = directory.join("pg_restore").canonicalize().ok()?;
        if !restore.is_file() || restore.ends_with("pg_wrapper") {
            return None;
        }
        let output = Command::new(directory.join("pg_dump")).arg("--version").output().ok()?;
        let version = String::from_utf8(output.stdout).ok()?.trim().to_owned();
        Some(Tools { directory: directory.to_owned(), major: major(&version)?, version })
    }
}

/// Directories to look in, the most wanted first.
fn candidates() -> Vec<PathBuf> {
    let mut directories = Vec::new();
    if let Some(config) = std::env::var_os("PG_CONFIG") {
        // What the user named counts alone.
        return bin_directory(&config).into_iter().collect();
    }
    if let Some(path) = std::env::var_os("PATH") {
        directories.extend(std::env::split_paths(&path));
    }
    if let Ok(entries) = std::fs::read_dir(DEBIAN_DIRECTORY) {
        directories.extend(entries.flatten().map(|entry| entry.path().join("bin")));
    }
    directories
}

fn bin_directory(config: &OsString) -> Option<PathBuf> {
    let output = Command::new(config).arg("--bindir").output().ok()?;
    Some(PathBuf::from(String::from_utf8(output.stdout).ok()?.trim()))
}

/// `pg_dump (PostgreSQL) 15.18 (Debian …)` is 15.
fn major(version: &str) -> Option<u32> {
    let number = version.split_once(") ")?.1;
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tools_suit_both_servers() {
        let tools = |majors: &[u32]| -> BTreeMap<u32, Tools> {
            let one = |&major: &u32| {
                let version = format!("pg_dump (PostgreSQL) {major}");
                (major, Tools { directory: PathBuf::new(), major, version })
            };
            majors.iter().map(one).collect()
        };
        let chosen = |majors: &[u32], source, target| {
            Tools::choose(tools(majors), source, target).map(|tools| tools.major).ok()
        };
        assert_eq!(chosen(&[13, 15, 17], 13, 17), Some(17));
        assert_eq!(chosen(&[13, 15, 18], 13, 17), Some(15));
        assert_eq!(chosen(&[18], 13, 17), Some(18));
        assert_eq!(chosen(&[15, 17, 18], 17, 15), Some(17));
        assert_eq!(chosen(&[15], 17, 17), None);
        assert_eq!(chosen(&[], 17, 17), None);
    }

    #[test]
    fn versions_of_every_shape() {
        assert_eq!(major("pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"), Some(15));
        assert_eq!(major("pg_dump (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("something else"), None);
    }
}
