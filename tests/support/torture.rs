//! Torture: lives of the program in which things die at random times, one after another for as
//! long as is wanted. Everything that is random in a life depends on its seed, so that a life can
//! be repeated, as far as the machine is the same.
//!
//! `PGCOPYDB_TORTURE_SECONDS` says how long, `PGCOPYDB_TORTURE_SEED` repeats one life.
//! `make torture` runs all tests whose names contain "torture".

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::{Duration, Instant};

/// How long a test tortures when nothing else is said.
const SECONDS: u64 = 30;

/// SplitMix64: the same numbers for the same seed.
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0, below the limit.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    pub fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    pub fn milliseconds(&mut self, limit: u64) -> Duration {
        Duration::from_millis(self.below(limit))
    }

    pub fn one_of<T: Copy>(&mut self, choices: &[T]) -> T {
        let place = self.below(choices.len() as u64);
        choices[usize::try_from(place).unwrap()]
    }
}

/// What died, by kind.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<&'static str, u64>);

impl Tally {
    pub fn add(&mut self, what: &'static str, count: u64) {
        *self.0.entry(what).or_default() += count;
    }
}

impl std::fmt::Display for Tally {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let counts: Vec<String> =
            self.0.iter().map(|(what, count)| format!("{count} {what}")).collect();
        f.write_str(&counts.join(", "))
    }
}

/// Lives one life after another until the time is up, at least one. A life that goes wrong panics;
/// its seed is printed.
pub fn torture(name: &str, mut life: impl FnMut(&mut Random, &mut Tally)) {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let chosen = number("PGCOPYDB_TORTURE_SEED");
    let seconds = number("PGCOPYDB_TORTURE_SECONDS").unwrap_or(SECONDS);
    let begun = Instant::now();
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let first = chosen.unwrap_or_else(|| since_1970.unwrap().as_secs());
    let mut tally = Tally::default();
    let mut lives = 0;
    for seed in first.. {
        eprintln!("{name}: seed {seed}");
        let living = AssertUnwindSafe(|| life(&mut Random::new(seed), &mut tally));
        if let Err(panic) = catch_unwind(living) {
            eprintln!("{name}: repeat with PGCOPYDB_TORTURE_SEED={seed}");
            resume_unwind(panic);
        }
        lives += 1;
        if chosen.is_some() || begun.elapsed() > Duration::from_secs(seconds) {
            break;
        }
    }
    let took = begun.elapsed().as_secs();
    eprintln!("{name}: {lives} lives from seed {first} in {took} s: {tally}; all equal");
}
