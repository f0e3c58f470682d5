//! Data directories: made once by `initdb`, then copied.
//!
//! `initdb` takes seconds and a copy does not. Templates live in a directory of this user until
//! the machine is booted again; test binaries that run side by side share them under a lock.

use std::fs::{self, File};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::clean;
use crate::version::Version;

/// Puts a fresh data directory at a path that does not exist yet.
pub(super) fn data_directory(version: &Version, initdb_arguments: &[String], to: &Path) {
    let template = template(version, initdb_arguments);
    let mut copy = clean::command("cp");
    copy.args(["-a", "--reflink=auto"]).arg(template).arg(to);
    run(&mut copy);
}

/// A command which runs as the user that servers run as, and as nobody else.
///
/// `death_signal` reaches it when its parent ends without a word.
pub(super) fn as_server_user(death_signal: &str) -> Vec<String> {
    let mut words = vec!["setpriv".to_owned(), format!("--pdeathsig={death_signal}")];
    if clean::is_root() {
        words.extend(["--reuid=postgres", "--regid=postgres", "--init-groups"].map(String::from));
    }
    words.push("--".to_owned());
    words
}

/// Hands a file or directory to the user that servers run as.
pub(super) fn give_to_server_user(path: &Path) {
    if clean::is_root() {
        run(clean::command("chown").args(["-R", "postgres:postgres"]).arg(path));
    }
}

/// Runs a command that has no reason to fail.
pub(super) fn run(command: &mut Command) {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?} failed: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn template(version: &Version, initdb_arguments: &[String]) -> PathBuf {
    let shelf = shelf();
    let name = format!("{}-{:016x}", version.major(), fingerprint(version, initdb_arguments));
    let template = shelf.join(&name);
    let lock = File::create(shelf.join(format!("{name}.lock"))).expect("a lock file");
    lock.lock().expect("the lock of a template");
    if !template.exists() {
        let unfinished = shelf.join(format!("{name}.new"));
        if unfinished.exists() {
            fs::remove_dir_all(&unfinished).expect("no half-made template");
        }
        fs::create_dir(&unfinished).expect("a directory for a template");
        give_to_server_user(&unfinished);
        let words = as_server_user("KILL");
        let mut initdb = clean::command(&words[0]);
        initdb.args(&words[1..]).arg(version.bin().join("initdb"));
        initdb.args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-sync"]);
        initdb.args(["--locale=C.UTF-8"]).args(initdb_arguments);
        run(initdb.arg("--pgdata").arg(&unfinished).current_dir("/"));
        fs::rename(&unfinished, &template).expect("a finished template");
    }
    template
}

/// The directory of this user's templates. Others may pass through, since the servers of root
/// run as somebody else; it must be ours, since whoever owns it owns our servers.
fn shelf() -> PathBuf {
    let user = rustix::process::geteuid().as_raw();
    let shelf = clean::temporary_directory().join(format!("pgcopydb-testkit-{user}"));
    fs::DirBuilder::new().recursive(true).mode(0o755).create(&shelf).expect("a directory");
    let owner = fs::symlink_metadata(&shelf).expect("a directory's owner").uid();
    assert_eq!(owner, user, "{} belongs to somebody else", shelf.display());
    shelf
}

/// Tells apart whatever makes another data directory: the exact server, its options, and the
/// boot, since the system may have cleaned up temporary files before it.
fn fingerprint(version: &Version, initdb_arguments: &[String]) -> u64 {
    let server = clean::command(version.bin().join("postgres"))
        .arg("--version")
        .output()
        .expect("the server's version");
    let mut hasher = DefaultHasher::new();
    server.stdout.hash(&mut hasher);
    initdb_arguments.hash(&mut hasher);
    fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_default().hash(&mut hasher);
    hasher.finish()
}
