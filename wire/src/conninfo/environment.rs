//! What a connection string is completed from: environment variables, the operating system's user
//! and home directory, files. Gathered in one value so that tests and fuzzers can give their own.

use std::collections::BTreeMap;
use std::fmt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::parameters::{PARAMETERS, SESSION_VARIABLES};

/// Where Debian's servers put their sockets, and where PostgreSQL's own default is.
const SOCKET_DIRECTORIES: &[&str] = &["/var/run/postgresql", "/tmp"];

/// Variables that are read besides those of the parameters.
const OTHER_VARIABLES: &[&str] = &["PGREQUIRESSL", "PGSYSCONFDIR"];

/// A service or password file is small; a longer one is not one.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The world around a connection string. The default is an empty one, with an empty file system.
#[derive(Clone, Default)]
pub struct Environment {
    /// Environment variables; only libpq's are looked at.
    pub variables: BTreeMap<String, String>,
    /// The home directory, for `~/.pgpass`, `~/.pg_service.conf` and `~/.postgresql/`.
    pub home: Option<PathBuf>,
    /// The operating system's name of the user, the default of `user`.
    pub user: Option<String>,
    /// The default of `host`: a directory of Unix-domain sockets, or a host name.
    pub default_host: Option<String>,
    /// The files that can be read.
    pub files: Files,
}

/// Where service and password files are read.
#[derive(Clone, Debug)]
pub enum Files {
    /// The file system.
    Disk,
    /// These, by path; they pass every permission check.
    Memory(BTreeMap<PathBuf, String>),
}

impl Default for Files {
    fn default() -> Files {
        Files::Memory(BTreeMap::new())
    }
}

/// What reading a file can come to, as far as callers tell it apart.
pub(super) enum FileText {
    Text(String),
    Missing,
    /// Not readable or not to be trusted; the reason is a phrase such as "is not a plain file".
    Refused(String),
}

/// Who else may read a file.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Privacy {
    Any,
    OwnerOnly,
}

impl Environment {
    /// That of this process.
    pub fn from_process() -> Environment {
        let known = PARAMETERS
            .iter()
            .filter_map(|parameter| parameter.variable)
            .chain(SESSION_VARIABLES.iter().map(|(variable, _)| *variable))
            .chain(OTHER_VARIABLES.iter().copied());
        let variables = known
            .filter_map(|name| {
                let value = std::env::var_os(name)?.to_string_lossy().into_owned();
                Some((name.to_owned(), value))
            })
            .collect();
        let account = Account::of_process();
        let home = std::env::var_os("HOME")
            .filter(|home| !home.is_empty())
            .map(PathBuf::from)
            .or_else(|| account.as_ref().map(|account| account.home.clone()));
        // Directory services other than the password file cannot be asked without C code; a login
        // through them leaves these two variables.
        let user = account
            .map(|account| account.name)
            .or_else(|| ["LOGNAME", "USER"].iter().find_map(|name| std::env::var(name).ok()));
        let socket_directory = SOCKET_DIRECTORIES.iter().find(|path| Path::new(path).is_dir());
        Environment {
            variables,
            home,
            user,
            default_host: socket_directory.map(|path| path.to_string()),
            files: Files::Disk,
        }
    }

    /// The value of a variable, empty ones included, as in libpq.
    pub(super) fn variable(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str)
    }

    /// A path below the home directory.
    pub(crate) fn in_home(&self, path: &str) -> Option<PathBuf> {
        self.home.as_ref().map(|home| home.join(path))
    }

    /// Reads a whole file of text; bytes that are not UTF-8 are replaced.
    pub(super) fn read(&self, path: &Path, privacy: Privacy) -> FileText {
        match &self.files {
            Files::Memory(files) => match files.get(path) {
                Some(text) => FileText::Text(text.clone()),
                None => FileText::Missing,
            },
            Files::Disk => read_from_disk(path, privacy),
        }
    }
}

/// Variables may hold passwords: only their names are shown.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Environment")
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("home", &self.home)
            .field("user", &self.user)
            .field("default_host", &self.default_host)
            .finish_non_exhaustive()
    }
}

fn read_from_disk(path: &Path, privacy: Privacy) -> FileText {
    let metadata = match std::fs::metadata(path) {
        Ok(metadata) => metadata,
        Err(_) => return FileText::Missing,
    };
    if !metadata.is_file() {
        return FileText::Refused("is not a plain file".into());
    }
    if privacy == Privacy::OwnerOnly && metadata.mode() & 0o077 != 0 {
        return FileText::Refused(
            "has group or world access; permissions should be u=rw (0600) or less".into(),
        );
    }
    if metadata.len() > FILE_BYTES_MAX {
        return FileText::Refused(format!("is longer than {FILE_BYTES_MAX} bytes"));
    }
    match std::fs::read(path) {
        Ok(bytes) => FileText::Text(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => FileText::Refused(format!("could not be read: {error}")),
    }
}

/// A line of the password database (`man 5 passwd`).
struct Account {
    name: String,
    home: PathBuf,
}

impl Account {
    fn of_process() -> Option<Account> {
        let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
        Account::find(&passwd, rustix::process::geteuid().as_raw())
    }

    fn find(passwd: &str, uid: u32) -> Option<Account> {
        passwd.lines().find_map(|line| {
            let fields: Vec<&str> = line.split(':').collect();
            let [name, _, id, _, _, home, ..] = fields[..] else {
                return None;
            };
            (id.parse() == Ok(uid)).then(|| Account { name: name.into(), home: home.into() })
        })
    }
}

/// The name of a user id in the password database, for `requirepeer`.
pub(crate) fn user_name(uid: u32) -> Option<String> {
    let passwd = std::fs::read_to_string("/etc/passwd").ok()?;
    Account::find(&passwd, uid).map(|account| account.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_id() {
        let passwd = "broken\nroot:x:0:0:root:/root:/bin/sh\npostgres:x:101:1::/var/lib/pg:\n";
        let account = Account::find(passwd, 101).unwrap();
        assert_eq!(account.name, "postgres");
        assert_eq!(account.home, Path::new("/var/lib/pg"));
        assert!(Account::find(passwd, 1).is_none());
    }

    #[test]
    fn values_of_variables_are_not_shown() {
        let environment = Environment {
            variables: [("PGPASSWORD".to_owned(), "secret".to_owned())].into(),
            ..Environment::default()
        };
        assert!(!format!("{environment:?}").contains("secret"));
    }
}
