//! The files of a run: where they are, who can read them, what is in them.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use pgcopydb_testkit::{Pair, workload};

use crate::support::clone;

/// Everything below a directory, itself included.
fn below(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    if path.is_dir() {
        for entry in std::fs::read_dir(path).unwrap() {
            found.extend(below(&entry.unwrap().path()));
        }
    }
    found
}

fn assert_private(directory: &Path) {
    for path in below(directory) {
        let metadata = path.symlink_metadata().unwrap();
        let expected = if metadata.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(metadata.mode() & 0o7777, expected, "{}", path.display());
    }
}

#[test]
fn all_files_are_private() {
    let pair = Pair::shared();
    workload::pgbench(&pair.source, 1);
    pair.source.sql("select lo_from_bytea(4711, 'x')");
    // The umask of most shells, and a careless one, through a shell that sets it.
    for umask in ["022", "000"] {
        let directory = pair.directory().join(format!("work {umask}"));
        let script = format!("umask {umask}; exec \"$@\"");
        let program = env!("CARGO_BIN_EXE_pgcopydb");
        let run = pair.program("/bin/sh").args(["-c", &script, "sh", program, "clone", "-c"]);
        let mut running = run.arg("--dir").arg(&directory).spawn();
        // While it runs as well: what is readable for a moment is readable.
        while running.is_running() {
            if directory.is_dir() && umask == "022" {
                let is_gone = |path: &PathBuf| path.symlink_metadata().is_err();
                for path in below_if_there(&directory) {
                    let Ok(metadata) = path.symlink_metadata() else { continue };
                    let others = metadata.mode() & 0o077;
                    assert!(others == 0 || is_gone(&path), "{others:o} {}", path.display());
                }
            }
        }
        running.wait().assert_success();
        assert_private(&directory);
        let names: Vec<String> = below(&directory)
            .iter()
            .map(|path| path.strip_prefix(&directory).unwrap().display().to_string())
            .collect();
        for name in ["pgcopydb.pid", "summary.json", "schema/source.db", "schema/schema.dump"] {
            assert!(names.iter().any(|found| found == name), "no {name} in {names:?}");
        }
        let left: Vec<_> = names.iter().filter(|name| name.ends_with(".list")).collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Like [`below`], of a directory that changes.
fn below_if_there(path: &Path) -> Vec<PathBuf> {
    let mut found = vec![path.to_owned()];
    for entry in std::fs::read_dir(path).into_iter().flatten().flatten() {
        found.extend(below_if_there(&entry.path()));
    }
    found
}

#[test]
fn a_work_directory_that_others_can_read_is_used_but_its_files_are_private() {
    let pair = Pair::shared();
    pair.source.sql("create table t as select 1 as a");
    let directory = pair.directory().join("open");
    std::fs::create_dir(&directory).unwrap();
    std::fs::set_permissions(&directory, std::fs::Permissions::from_mode(0o755)).unwrap();
    clone(&pair).arg("--dir").arg(&directory).run().assert_success();
    for path in below(&directory).into_iter().skip(1) {
        let others = path.symlink_metadata().unwrap().mode() & 0o077;
        assert_eq!(others, 0, "{}", path.display());
    }
}

#[test]
fn the_default_directory_is_in_tmpdir() {
    let pair = Pair::shared();
    pair.source.sql("create table t as select 1 as a");
    clone(&pair).run().assert_success();
    assert!(pair.directory().join("pgcopydb/schema/source.db").exists());
}

#[test]
fn a_directory_can_be_moved_and_resumed() {
    let pair = Pair::shared();
    pair.source.sql(
        "create table t as select 1 as a;
         create function f(int) returns int language plpgsql immutable as
           $$ begin if current_database() ~ '^target' then raise 'not here'; end if; return 1; end $$;
         create index on t (f(a))",
    );
    let (first, second) = (pair.directory().join("first"), pair.directory().join("second"));
    clone(&pair).arg("--dir").arg(&first).run().assert_code(12);
    std::fs::rename(&first, &second).unwrap();
    pair.target
        .sql("create or replace function f(int) returns int language sql immutable as 'select 1'");
    pair.source
        .sql("create or replace function f(int) returns int language sql immutable as 'select 1'");
    let again = clone(&pair).args(["--resume", "--not-consistent", "--dir"]).arg(&second).run();
    again.assert_success();
    pair.assert_same();
}
