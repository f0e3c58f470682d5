//! Disks that are full: the run ends with the reason, and goes on when there is room.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

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

/// A target whose log is on a small disk.
fn with_log_on_small_disk(size: &str) -> Option<(Arc<Cluster>, Disk)> {
    let builder = Cluster::builder().initdb_argument("--wal-segsize=1");
    // Nothing of the log is given back by a checkpoint while a clone runs.
    let target = builder.setting("max_wal_size", "4GB").setting("min_wal_size", "2MB").start();
    let (log, path) = (target.data_directory().join("pg_wal"), target.directory().join("wal"));
    let disk = Disk::mount(path.clone(), size)?;
    target.stop();
    assert!(run("chown", &["postgres"], &path));
    assert!(run("chmod", &["700"], &path));
    assert!(run("cp", &["--archive", &format!("{}/.", log.display())], &path));
    std::fs::remove_dir_all(&log).unwrap();
    std::os::unix::fs::symlink(&path, &log).unwrap();
    target.restart();
    Some((Arc::new(target), disk))
}

#[test]
fn the_disk_of_the_log_of_the_target_is_full() {
    let Some((target, disk)) = with_log_on_small_disk("24m") else { return };
    let names = ["source_db", "target_db"];
    let pair = Pair::between(Cluster::start().into(), target, names);
    many_steps(&pair);
    pair.source.sql(
        "create table app.more as
           select i as id, repeat(md5(i::text), 4) as note from generate_series(1, 200000) i",
    );
    let mut running = clone(&pair).spawn();
    // The server crashes. It comes back by itself if what is left of the disk is enough for that.
    let is_gone = || pair.target.cluster().log().contains("due to startup process failure");
    let output = loop {
        match running.wait_timeout(Duration::from_millis(200)) {
            Some(output) => break output,
            None if is_gone() => {
                disk.grow("500m");
                pair.target.cluster().kill();
                pair.target.cluster().restart();
                break running.wait();
            }
            None => {}
        }
    };
    disk.grow("500m");
    assert!(pair.target.cluster().log().contains("No space left on device"), "{output}");
    if output.code() == Some(0) {
        assert_whole(&pair, &output);
    } else {
        assert!(matches!(output.code(), Some(7 | 12)), "{output}");
        output.assert_stderr_has("No space left on device");
        output.assert_stderr_has("--resume");
        assert_whole(&pair, &resume(&pair).run());
    }
    pair.target.cluster().stop();
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
