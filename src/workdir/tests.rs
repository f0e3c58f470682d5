use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use super::*;

/// Tells the test below, in another process, which directory to lock.
const HOLD_DIRECTORY: &str = "PGCOPYDB_TEST_HOLD_DIRECTORY";

fn open(path: &Path) -> Result<WorkDir> {
    WorkDir::open(Some(path), Mode::Run)
}

fn refusal(path: &Path) -> Error {
    match open(path) {
        Ok(_) => panic!("{} was not refused", path.display()),
        Err(error) => error,
    }
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().permissions().mode() & 0o7777
}

#[test]
fn everything_is_private_whatever_the_umask() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("above/work");
    let umask = rustix::process::umask(rustix::fs::Mode::empty());
    let workdir = open(&path).unwrap();
    let files = workdir.files();
    files.create_file(&files.archive()).unwrap().write_all(b"secret").unwrap();
    files.write(&files.summary(), b"{}").unwrap();
    let share = files.database("odd/../name").unwrap();
    rustix::process::umask(umask);

    assert_eq!(mode(&path), 0o700);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    assert_eq!(mode(&path.join("schema")), 0o700);
    assert_eq!(mode(share.root()), 0o700);
    assert_eq!(share.root(), path.join("db/odd%2F..%2Fname"));
    for file in [path.join("pgcopydb.pid"), files.archive(), files.summary()] {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    assert_eq!(files.read(&files.summary()).unwrap().as_deref(), Some("{}"));
    assert_eq!(files.read(&files.snapshot()).unwrap(), None);
}

#[test]
fn files_that_other_programs_made_become_private() {
    let temporary = tempfile::tempdir().unwrap();
    let workdir = open(&temporary.path().join("work")).unwrap();
    let path = workdir.files().roles();
    std::fs::write(&path, "create role a").unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o644)).unwrap();
    let file = workdir.files().create_file(&path).unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(file.metadata().unwrap().len(), 0);
}

#[test]
fn databases_keep_their_names() {
    let temporary = tempfile::tempdir().unwrap();
    let workdir = open(&temporary.path().join("work")).unwrap();
    let names = ["%2E", ".", "..", "a%b", "a/b", "plain"];
    for name in names {
        workdir.files().database(name).unwrap();
    }
    assert_eq!(workdir.files().databases().unwrap(), names);
}

#[test]
fn a_second_run_is_refused_while_the_first_lives() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("work");
    let first = open(&path).unwrap();
    let error = refusal(&path);
    assert_eq!(error.kind(), Kind::State);
    let pid = std::process::id();
    assert_eq!(
        error.message(),
        format!("the work directory \"{}\" is in use by process {pid}", path.display())
    );
    assert_eq!(
        error.hint_text(),
        Some(&*format!(
            "Wait for process {pid} to end, or end it, or name another directory with --dir."
        ))
    );
    assert!(WorkDir::open(Some(&path), Mode::Inspect).is_ok());
    assert!(WorkDir::open(Some(&path), Mode::Serve(Service::Snapshot)).is_ok());
    drop(first);
    open(&path).unwrap();
    let content = std::fs::read_to_string(path.join("pgcopydb.pid")).unwrap();
    assert_eq!(content, format!("{pid}\n{}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_service_runs_once() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("work");
    let snapshot = WorkDir::open(Some(&path), Mode::Serve(Service::Snapshot)).unwrap();
    assert!(WorkDir::open(Some(&path), Mode::Serve(Service::Snapshot)).is_err());
    assert!(WorkDir::open(Some(&path), Mode::Serve(Service::Receive)).is_ok());
    assert!(path.join("pgcopydb.snapshot.pid").is_file());
    drop(snapshot);
    assert!(WorkDir::open(Some(&path), Mode::Serve(Service::Snapshot)).is_ok());
}

/// Not a test: the other process of the test below.
#[test]
#[ignore = "holds a lock until it is killed"]
fn hold_a_lock() {
    let Some(path) = std::env::var_os(HOLD_DIRECTORY) else {
        return;
    };
    let _workdir = open(Path::new(&path)).unwrap();
    println!("held");
    loop {
        std::thread::park();
    }
}

#[test]
fn a_lock_dies_with_its_owner() {
    use std::io::BufRead;

    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("work");
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "--nocapture", "workdir::tests::hold_a_lock"])
        .env(HOLD_DIRECTORY, &path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufReader::new(owner.stdout.take().unwrap()).lines();
    assert!(lines.map_while(std::result::Result::ok).any(|line| line.contains("held")));

    let error = refusal(&path);
    assert!(error.message().ends_with(&format!("is in use by process {}", owner.id())), "{error}");
    owner.kill().unwrap();
    owner.wait().unwrap();
    assert!(path.join("pgcopydb.pid").is_file());
    open(&path).unwrap();
}

#[test]
fn a_lock_file_that_was_replaced_is_locked_anew() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("work");
    let first = open(&path).unwrap();
    std::fs::remove_file(path.join("pgcopydb.pid")).unwrap();
    let _second = open(&path).unwrap();
    drop(first);
    refusal(&path);
}

#[test]
fn a_symbolic_link_in_a_shared_directory_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let shared = temporary.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::set_permissions(&shared, Permissions::from_mode(0o1777)).unwrap();
    std::fs::create_dir(temporary.path().join("elsewhere")).unwrap();
    std::fs::set_permissions(temporary.path().join("elsewhere"), Permissions::from_mode(0o700))
        .unwrap();
    symlink(temporary.path().join("elsewhere"), shared.join("pgcopydb")).unwrap();
    symlink(temporary.path().join("elsewhere"), temporary.path().join("mine")).unwrap();

    let error = refusal(&shared.join("pgcopydb"));
    assert_eq!(error.kind(), Kind::State);
    assert!(error.message().contains("symbolic link"), "{error}");
    open(&temporary.path().join("mine")).unwrap();
}

#[test]
fn a_directory_that_others_can_write_to_is_refused() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("work");
    std::fs::create_dir(&path).unwrap();
    for permissions in [0o770, 0o707, 0o777] {
        std::fs::set_permissions(&path, Permissions::from_mode(permissions)).unwrap();
        let error = refusal(&path);
        assert_eq!(error.detail_text(), Some(&*format!("Its permissions are {permissions:04o}.")));
        assert!(error.hint_text().unwrap().contains("chmod go-w"));
    }
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    open(&path).unwrap();
}

#[test]
fn a_directory_of_another_user_is_refused() {
    if !rustix::process::geteuid().is_root() {
        return; // only root can give a directory away
    }
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("work");
    std::fs::create_dir(&path).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o700)).unwrap();
    std::os::unix::fs::chown(&path, Some(12345), None).unwrap();
    let error = refusal(&path);
    assert!(error.message().ends_with("it belongs to another user"), "{error}");
    assert_eq!(error.detail_text(), Some("The directory belongs to the user with id 12345."));
}

#[test]
fn a_file_is_not_a_directory() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("work");
    std::fs::write(&path, "").unwrap();
    assert!(refusal(&path).message().ends_with("it is not a directory"));
}

#[test]
fn inspection_makes_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("work");
    let error = WorkDir::open(Some(&path), Mode::Inspect).unwrap_err();
    assert_eq!(error.message(), format!("work directory \"{}\" does not exist", path.display()));
    assert!(!path.exists());
}

#[test]
fn clearing_leaves_what_is_not_ours() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("work");
    let workdir = open(&path).unwrap();
    let files = workdir.files();
    files.create_file(&files.source_catalog()).unwrap();
    files.create_file(&files.archive()).unwrap();
    files.database("one").unwrap();
    files.write(&files.snapshot(), b"00000003-0000001B-1\n").unwrap();
    std::fs::write(path.join("filters.ini"), "").unwrap();
    drop(workdir);

    let service = WorkDir::open(Some(&path), Mode::Serve(Service::Snapshot)).unwrap();
    let workdir = open(&path).unwrap();
    workdir.clear().unwrap();
    let mut left: Vec<String> = std::fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(
        left,
        ["filters.ini", "pgcopydb.pid", "pgcopydb.snapshot.pid", "schema", "snapshot"]
    );
    assert_eq!(path.join("schema").read_dir().unwrap().count(), 0);
    drop(service);
    workdir.clear().unwrap();
    assert!(!path.join("snapshot").exists());
}

#[test]
fn what_a_living_service_writes_to_is_not_cleared() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("work");
    let service = WorkDir::open(Some(&path), Mode::Serve(Service::Receive)).unwrap();
    let workdir = open(&path).unwrap();
    let error = workdir.clear().unwrap_err();
    assert!(error.message().ends_with("it is in use"), "{error}");
    drop(service);
    workdir.clear().unwrap();
}

#[test]
fn a_directory_that_is_not_ours_is_not_cleared() {
    let temporary = tempfile::tempdir().unwrap();
    let path = temporary.path().join("project");
    std::fs::create_dir_all(path.join("schema")).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
    std::fs::write(path.join("schema/tables.sql"), "create table t ()").unwrap();
    for _ in 0..2 {
        let error = open(&path).unwrap().clear().unwrap_err();
        assert_eq!(error.kind(), Kind::State);
        assert!(error.message().ends_with("it is not a work directory"), "{error}");
    }
    // Once a run has been there, what it wrote goes and the rest stays.
    let workdir = open(&path).unwrap();
    workdir.files().create_file(&workdir.files().source_catalog()).unwrap();
    drop(workdir);
    open(&path).unwrap().clear().unwrap();
    assert!(path.join("schema/tables.sql").exists());
    assert!(!path.join("schema/source.db").exists());
}

#[test]
fn a_new_directory_can_be_cleared() {
    let temporary = tempfile::tempdir().unwrap();
    open(&temporary.path().join("work")).unwrap().clear().unwrap();
}

#[test]
fn the_default_directory() {
    assert_eq!(default_directory(None), Path::new("/tmp/pgcopydb"));
    assert_eq!(default_directory(Some("".into())), Path::new("/tmp/pgcopydb"));
    assert_eq!(default_directory(Some("/var/tmp".into())), Path::new("/var/tmp/pgcopydb"));
}

#[test]
fn a_full_disk_is_explained() {
    let cause = std::io::Error::from(std::io::ErrorKind::StorageFull);
    let error = failed("could not write file", Path::new("/x/summary.json"), cause);
    assert_eq!(error.message(), "could not write file \"/x/summary.json\": no storage space");
    assert!(error.hint_text().unwrap().starts_with("Make room"));
}
