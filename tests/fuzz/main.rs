//! Everything that is read from outside, given bytes that nobody meant: a kept corpus, and what
//! comes of it when it is changed at random. Nothing may panic, hang, or take memory without end.
//!
//! `FUZZ_SECONDS` says how long for each target, `FUZZ_SEED` repeats a run. An input that is not
//! survived is kept in the corpus. `make fuzz` takes minutes.

#![allow(missing_docs, clippy::unwrap_used, clippy::expect_used)]

mod mutate;
mod targets;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use mutate::Mutator;
use targets::TARGETS;

/// How long each target takes in the ordinary tests.
const SECONDS: u64 = 1;

/// Longer than any input may take on a busy machine.
const LIMIT: Duration = Duration::from_secs(20);

/// The address space of this process: a length that is believed would need more.
const MEMORY_BYTES_MAX: u64 = 16 << 30;

fn corpus(target: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus").join(target)
}

fn seeds(target: &str) -> Vec<Vec<u8>> {
    let directory = corpus(target);
    let entries = std::fs::read_dir(&directory);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Gives an input to a target; keeps it if that is not survived.
fn survive(target: &str, read: fn(&[u8]), input: &[u8]) {
    // An abort leaves no time to say which it was.
    let last = std::env::temp_dir().join(format!("pgcopydb-fuzz-{}", std::process::id()));
    std::fs::write(&last, input).unwrap();
    let begun = Instant::now();
    let survived = std::panic::catch_unwind(|| read(input));
    let is_slow = begun.elapsed() > LIMIT;
    if survived.is_ok() && !is_slow {
        return std::fs::remove_file(&last).unwrap();
    }
    let sum = input.iter().fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let file = corpus(target).join(format!("found-{sum:016x}"));
    std::fs::write(&file, input).unwrap();
    panic!("{target}: see {} (took {:?})", file.display(), begun.elapsed());
}

#[test]
fn what_nobody_meant_is_refused() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::As);
    limit.current = Some(MEMORY_BYTES_MAX);
    setrlimit(Resource::As, limit).unwrap();
    let chosen = std::env::var("FUZZ_TARGET").unwrap_or_default();
    let seconds = number("FUZZ_SECONDS").unwrap_or(SECONDS);
    let seed = number("FUZZ_SEED").unwrap_or_else(|| {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.unwrap().as_secs()
    });
    for (target, read) in TARGETS.iter().filter(|(target, _)| target.contains(&chosen)) {
        let seeds = seeds(target);
        assert!(!seeds.is_empty(), "{target} has no corpus");
        for input in &seeds {
            survive(target, *read, input);
        }
        let mut mutator = Mutator::new(seed, seeds);
        let begun = Instant::now();
        let mut inputs = 0;
        while begun.elapsed() < Duration::from_secs(seconds) {
            survive(target, *read, &mutator.input());
            inputs += 1;
        }
        eprintln!("{target}: {inputs} inputs from seed {seed} in {seconds} s");
    }
}
