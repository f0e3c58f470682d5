//! The rules of the house that a compiler does not check.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// Rooms by floor, the lowest first.
const FLOORS: &[&[&str]] = &[
    &["model", "error", "log", "stop", "fault"],
    &["plan", "filter", "decode", "transform"],
    &["pg", "catalog", "changes", "tools", "workdir"],
    &["run", "follow", "compare", "report"],
    &["command", "signals"],
    &["cli"],
];

/// Imports that the plan allows although they cross: commands are given what was typed.
const ALLOWED: &[(&str, &str)] = &[("command", "cli"), ("run", "report"), ("compare", "report")];

/// Imports between rooms of one floor that have a reason.
const NEIGHBOURS: &[(&str, &str)] =
    &[("tools", "pg"), ("run", "report"), ("compare", "report"), ("catalog", "workdir")];

const LINES_MAX: usize = 600;

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

fn floor(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn all_sources() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    for directory in ["src", "wire/src", "testkit/src", "bench/src"] {
        sources(&root.join(directory), &mut found);
    }
    found
}

#[test]
fn arrows_point_down() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut violations = Vec::new();
    let mut found = Vec::new();
    sources(&root, &mut found);
    for path in found {
        let inside = path.strip_prefix(&root).unwrap();
        let room = inside.iter().next().unwrap().to_string_lossy().replace(".rs", "");
        if matches!(room.as_str(), "lib" | "main") {
            continue;
        }
        let own = floor(&room).unwrap_or_else(|| panic!("room {room} is on no floor"));
        for (number, line) in fs::read_to_string(&path).unwrap().lines().enumerate() {
            for other in line.split("crate::").skip(1) {
                let other = other.split(|c: char| !c.is_ascii_lowercase()).next().unwrap();
                let Some(theirs) = floor(other) else { continue };
                let pair = (room.as_str(), other);
                let is_neighbour =
                    own > 0 && theirs == own && other != room && !NEIGHBOURS.contains(&pair);
                if (theirs > own && !ALLOWED.contains(&pair)) || is_neighbour {
                    let place = inside.display();
                    violations.push(format!("{place}:{}: {room} imports {other}", number + 1));
                }
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn a_file_has_one_subject() {
    let long = all_sources().into_iter().filter_map(|path| {
        let lines = fs::read_to_string(&path).unwrap().lines().count();
        (lines > LINES_MAX).then(|| format!("{}: {lines} lines", path.display()))
    });
    let long: Vec<String> = long.collect();
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_module_says_what_it_is() {
    let mute = all_sources().into_iter().filter(|path| {
        let text = fs::read_to_string(path).unwrap();
        path.file_name().is_some_and(|name| name != "tests.rs") && !text.starts_with("//!")
    });
    let mute: Vec<String> = mute.map(|path| path.display().to_string()).collect();
    assert!(mute.is_empty(), "without a module comment: {}", mute.join(", "));
}

#[test]
fn every_query_says_what_it_returns() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pg/sql");
    for entry in fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.starts_with("-- "), "{} has no header", path.display());
    }
}
