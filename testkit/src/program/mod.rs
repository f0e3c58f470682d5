//! The program under test: how it is started, and what it said when it has ended.
//!
//! It gets a clean environment, a private `TMPDIR` and `HOME`, the programs of one
//! version of PostgreSQL first in its `PATH`, and a limited time.

mod output;
mod running;

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

pub use output::Output;
pub use running::Running;
use tempfile::TempDir;

use crate::clean;
use crate::version::Version;

/// A run that takes longer than this hangs, on a machine of any speed.
const TIMEOUT: Duration = Duration::from_secs(120);

/// A command line of the program under test.
#[derive(Clone, Debug)]
pub struct Program {
    path: PathBuf,
    arguments: Vec<OsString>,
    environment: Vec<(OsString, OsString)>,
    stdin: Vec<u8>,
    timeout: Duration,
    tools: Version,
    directory: Directory,
}

/// The program's `TMPDIR`.
#[derive(Clone, Debug)]
enum Directory {
    /// Gone with the last run that uses it.
    Own(Arc<TempDir>),
    Given(PathBuf),
}

impl Program {
    /// A program without arguments.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Program {
        let parent = clean::temporary_directory();
        let directory = tempfile::Builder::new().prefix("pgtk-").tempdir_in(parent);
        Program {
            path: path.as_ref().to_owned(),
            arguments: Vec::new(),
            environment: Vec::new(),
            stdin: Vec::new(),
            timeout: TIMEOUT,
            tools: Version::default(),
            directory: Directory::Own(Arc::new(directory.expect("a temporary directory"))),
        }
    }

    /// Adds an argument.
    #[must_use]
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Program {
        self.arguments.push(argument.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Program {
        self.arguments.extend(arguments.into_iter().map(|argument| argument.as_ref().to_owned()));
        self
    }

    /// Sets a variable of the environment.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Program {
        self.forget(name.as_ref());
        self.environment.push((name.as_ref().to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Takes back a variable that was set before.
    #[must_use]
    pub fn env_remove(mut self, name: impl AsRef<OsStr>) -> Program {
        self.forget(name.as_ref());
        self
    }

    fn forget(&mut self, name: &OsStr) {
        self.environment.retain(|(other, _)| other != name);
    }

    /// What the program reads from its standard input, which is empty otherwise.
    #[must_use]
    pub fn stdin(mut self, text: impl Into<Vec<u8>>) -> Program {
        self.stdin = text.into();
        self
    }

    /// How long the program may run, 120 seconds otherwise. Then it is killed and the test fails.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Program {
        self.timeout = timeout;
        self
    }

    /// Puts the programs of this version first in the `PATH`, the default version otherwise.
    #[must_use]
    pub fn tools(mut self, version: &Version) -> Program {
        self.tools = version.clone();
        self
    }

    /// Gives a `TMPDIR` and `HOME` that outlive the run, so that another run finds its files.
    #[must_use]
    pub fn directory(mut self, directory: impl AsRef<Path>) -> Program {
        self.directory = Directory::Given(directory.as_ref().to_owned());
        self
    }

    /// Runs the program to its end.
    ///
    /// # Panics
    /// When it takes too long; the message has its output.
    pub fn run(&self) -> Output {
        self.spawn().wait()
    }

    /// Starts the program.
    #[must_use]
    pub fn spawn(&self) -> Running {
        let mut command = clean::command(&self.path);
        let directory = match &self.directory {
            Directory::Own(directory) => directory.path(),
            Directory::Given(directory) => directory,
        };
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.tools.bin().to_owned());
        let path = std::env::join_paths(path.chain(std::env::split_paths(&inherited)));
        command.env("PATH", path.expect("directories without colons"));
        command.env("TMPDIR", directory).env("HOME", directory).current_dir(directory);
        command.args(&self.arguments).envs(self.environment.iter().map(|(k, v)| (k, v)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Running::start(command, self.clone())
    }
}
