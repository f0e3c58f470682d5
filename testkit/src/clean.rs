//! Child processes with a clean environment.
//!
//! A `PGHOST` or `PGCOPYDB_DIR` of the developer's shell must change nothing, so a child gets a
//! short list of variables instead of the environment without a list of bad ones.

use std::ffi::OsStr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

/// What a child may inherit: where programs are found, where temporary files go, where coverage
/// is written, and how much a Rust program tells when it panics.
const INHERITED: &[&str] = &["PATH", "TMPDIR", "LLVM_PROFILE_FILE", "RUST_BACKTRACE"];

/// A command that sees none of the variables which libpq or the program under test reads.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.env_clear();
    for name in INHERITED {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command.env("LC_ALL", "C.UTF-8").env("TZ", "UTC").env("PGCLIENTENCODING", "UTF8");
    command
}

/// The directory for everything temporary: short enough for unix sockets, whose paths may have
/// 107 bytes, and open to the user that the servers run as.
pub(crate) fn temporary_directory() -> PathBuf {
    let configured = std::env::temp_dir();
    let readable = configured
        .metadata()
        .is_ok_and(|metadata| !is_root() || metadata.permissions().mode() & 0o005 == 0o005);
    if readable && configured.as_os_str().len() <= 50 { configured } else { PathBuf::from("/tmp") }
}

/// Servers refuse to run as root: then they run as user `postgres`.
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}
