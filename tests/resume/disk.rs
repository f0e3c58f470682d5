//! Disks that are full: the run ends with the reason, and goes on when there is room.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use pgcopydb_testkit::{Cluster, Output, Pair};

use super::workload::{clone, many_steps, resume};

/// A small disk of this test alone, gone with the value.
struct Disk(PathBuf);

impl Disk {
    /// `None` where this user may not make one.
    fn mount(path: PathBuf, size: &str) -> Option<Disk> {
        std::fs::create_dir_all(&path).unwrap();
        let is_made = run("mount", &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"], &path);
        if !is_made {
            eprintln!("skipped: this user cannot mount a small disk");
            return None;
        }
        Some(Disk(path))
    }

    fn grow(&self, size: &str) {
        assert!(run("mount", &["-o", &format!("remount,size={size}")], &self.0));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        run("umount", &["--lazy"], &self.0);
    }
}

fn run(program: &str, arguments: &[&str], path: &Path) -> bool {
    let mut command = Command::new(program);
    let output = command.args(arguments).arg(path).output();
    output.is_ok_and(|output| output.status.success())
}

#[track_caller]
fn assert_whole(pair: &Pair, output: &Output) {
    output.assert_success();
    let differences = pair.same().ignoring("no statistics of \"public.settings\"").differences();
    assert!(differences.is_empty(), "{differences:#?}\n{output}");
}

#[test]
fn the_disk_of_the_target_is_full() {
    let names = ["source_db", "target_db"];
    let target = Arc::new(Cluster::start());
    let path = target.directory().join("small");
    let Some(disk) = Disk::mount(path.clone(), "14m") else { return };
    assert!(run("chown", &["postgres"], &path));
    let pair = Pair::between(Cluster::start().into(), target, names);
    pair.target
        .cluster()
        .sql("postgres", &format!("create tablespace small location '{}'", path.display()));
    pair.target.cluster().sql("postgres", "alter database target_db set tablespace small");
    many_steps(&pair);
    let output = clone(&pair).arg("--debug").run();
    assert!(matches!(output.code(), Some(7 | 12)), "{output}");
    output.assert_stderr_has("No space left on device");
    output.assert_stderr_has("53100");
    output.assert_stderr_has("--resume");
    disk.grow("500m");
    let output = resume(&pair).arg("--debug").run();
    output.assert_stderr_has("steps were done before");
    assert_whole(&pair, &output);
    // Before the server, whose files are around it.
    drop(disk);
}

#[test]
fn the_disk_of_the_work_directory_is_full() {
    for size in ["40k", "120k", "200k", "300k", "400k"] {
        let pair = Pair::shared();
        let Some(disk) = Disk::mount(pair.directory().join("work"), size) else { return };
        many_steps(&pair);
        let directory = disk.0.join("run").display().to_string();
        let output = clone(&pair).args(["--dir", &directory]).run();
        if output.code() != Some(0) {
            assert!(output.code().is_some(), "{size}: {output}");
            let text = output.stderr.to_lowercase();
            let says = text.contains("no space left on device") || text.contains("disk is full");
            assert!(says && text.contains(&directory.to_lowercase()), "{size}: {output}");
            disk.grow("50m");
            let output = resume(&pair).args(["--dir", &directory]).run();
            assert_whole(&pair, &output);
        }
    }
}
