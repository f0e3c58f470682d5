//! The machine, as far as the figures depend on it.

use std::fs;

use serde::Serialize;

/// What the figures were measured on.
#[derive(Clone, Debug, Serialize)]
pub struct Machine {
    /// Processors that this process may use.
    pub cores: usize,
    /// Memory in bytes.
    pub memory: f64,
    /// The kernel's version, without what its builder called it.
    pub kernel: String,
    /// The version of both servers and of `pg_dump`.
    pub postgresql: String,
}

impl Machine {
    /// This one.
    pub fn here(postgresql: String) -> Machine {
        let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let total = memory.lines().find_map(|line| line.strip_prefix("MemTotal:"));
        let kilobytes = total.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
        let uname = rustix::system::uname();
        Machine {
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory: kilobytes.unwrap_or(0.0) * 1024.0,
            kernel: plain_version(&uname.release().to_string_lossy()),
            postgresql,
        }
    }

    /// In a sentence.
    pub fn text(&self) -> String {
        let Machine { cores, memory, kernel, postgresql } = self;
        let memory = memory / f64::from(1 << 30);
        format!("{cores} cores, {memory:.0} GB of memory, Linux {kernel}, PostgreSQL {postgresql}")
    }
}

fn plain_version(release: &str) -> String {
    let end = release.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(release.len());
    release[..end].trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kernel_is_its_number() {
        assert_eq!(plain_version("6.1.0-13-amd64"), "6.1.0");
        assert_eq!(plain_version("6.18"), "6.18");
    }
}
