//! What can be said on the command line.

use std::path::{Path, PathBuf};

use clap::Parser;
use pgcopydb_testkit::Version;

/// Measure pgcopydb against pg_dump with pg_restore, and against another pgcopydb
#[derive(Clone, Debug, Parser)]
#[command(name = "bench")]
pub struct Args {
    /// Size of the workloads; 1 is about half a gigabyte each
    #[arg(long, default_value_t = 1.0, value_parser = factor)]
    pub scale: f64,

    /// Everything in a few minutes: --scale 0.1 --rounds 2
    #[arg(long, conflicts_with_all = ["scale", "rounds"])]
    pub small: bool,

    /// Only these workloads, as in W1,W5
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    pub only: Vec<String>,

    /// Measure how the time grows with the number of tables, large objects and partitions instead
    #[arg(long, conflicts_with = "only")]
    pub growth: bool,

    /// How often each contender copies each workload
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,

    /// Jobs of every contender
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=128))]
    pub jobs: u16,

    /// Major version of both servers and of every contender's tools
    #[arg(long, value_name = "MAJOR", default_value_t = Version::default().major(), value_parser = major)]
    pub postgresql: u32,

    /// The pgcopydb to measure
    #[arg(long, default_value_os_t = in_workspace("target/release/pgcopydb"))]
    pub program: PathBuf,

    /// A pgcopydb of another make to measure it against
    #[arg(long, env = "PGCOPYDB_RIVAL")]
    pub rival: Option<PathBuf>,

    /// Directory for the results
    #[arg(long, default_value_os_t = in_workspace("target/bench"))]
    pub output: PathBuf,

    /// Put the figures into docs/performance.md
    #[arg(long)]
    pub write_docs: bool,
}

impl Args {
    /// With what `--small` stands for.
    pub fn settled(mut self) -> Args {
        if self.small {
            (self.scale, self.rounds) = (0.1, 2);
        }
        self
    }
}

/// A path in the workspace's directory.
pub fn in_workspace(path: &str) -> PathBuf {
    let crate_directory = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_directory.parent().unwrap_or(crate_directory).join(path)
}

fn major(word: &str) -> Result<u32, String> {
    let major = word.parse().map_err(|_| "not a number".to_owned())?;
    match Version::of_major(major) {
        Some(_) => Ok(major),
        None => {
            Err(format!("not on this machine: PG_BIN_{major} can name its programs' directory"))
        }
    }
}

fn factor(word: &str) -> Result<f64, String> {
    let factor: f64 = word.parse().map_err(|_| "not a number".to_owned())?;
    if (0.001..=1000.0).contains(&factor) {
        Ok(factor)
    } else {
        Err("must be between 0.001 and 1000".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_is_short_for_a_scale_and_two_rounds() {
        let args = Args::try_parse_from(["bench", "--small", "--only", "W1,W5"]).unwrap().settled();
        assert_eq!((args.scale, args.rounds), (0.1, 2));
        assert_eq!(args.only, ["W1", "W5"]);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for words in [&["--scale", "0"][..], &["--rounds", "0"], &["--small", "--scale", "2"]] {
            let words = ["bench"].iter().chain(words);
            assert!(Args::try_parse_from(words).is_err());
        }
    }
}
