//! The PostgreSQL versions of this machine.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

/// One major version of PostgreSQL and the directory of its programs.
///
/// Found in the directories that the environment variables `PG_BIN_<major>` name, else where
/// Debian's packages put them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u32,
    bin: PathBuf,
}

/// Tests run with this version if there is no reason for another one.
const PREFERRED_MAJOR: u32 = 15;

static FOUND: LazyLock<Vec<Version>> = LazyLock::new(|| {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        let major = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        if let Some(major) = major {
            found.insert(major, entry.path().join("bin"));
        }
    }
    for (name, directory) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if let Some(major) = name.strip_prefix("PG_BIN_").and_then(|major| major.parse().ok()) {
            found.insert(major, PathBuf::from(directory));
        }
    }
    let found = found.into_iter().map(|(major, bin)| Version { major, bin });
    found.filter(|version| version.bin.join("initdb").exists()).collect()
});

impl Version {
    /// Every version of this machine, oldest first.
    #[must_use]
    pub fn all() -> &'static [Version] {
        &FOUND
    }

    /// The newest version of this machine.
    #[must_use]
    pub fn newest() -> Version {
        Self::all().last().expect("no PostgreSQL server: run scripts/setup").clone()
    }

    /// The oldest version of this machine.
    #[must_use]
    pub fn oldest() -> Version {
        Self::all().first().expect("no PostgreSQL server: run scripts/setup").clone()
    }

    /// A given major version, if this machine has it.
    #[must_use]
    pub fn of_major(major: u32) -> Option<Version> {
        Self::all().iter().find(|version| version.major == major).cloned()
    }

    /// 15, 16, …
    #[must_use]
    pub fn major(&self) -> u32 {
        self.major
    }

    /// The directory with this version's programs.
    #[must_use]
    pub fn bin(&self) -> &Path {
        &self.bin
    }

    /// A program of this version. Some packages have only the server: a missing client program
    /// is taken from the next newer version that has it, since an older one may refuse.
    ///
    /// # Panics
    /// When no version on this machine has the program.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        let (older, others): (Vec<_>, Vec<_>) = Self::all().iter().partition(|v| *v < self);
        let all = std::iter::once(self).chain(others).chain(older.into_iter().rev());
        all.map(|version| version.bin.join(name))
            .find(|path| path.exists())
            .unwrap_or_else(|| panic!("no version of PostgreSQL here has the program {name}"))
    }
}

impl Default for Version {
    /// 15 if this machine has it, else the newest.
    fn default() -> Version {
        Version::of_major(PREFERRED_MAJOR).unwrap_or_else(Version::newest)
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL {}", self.major)
    }
}
