//! The results for people and programs: four files of the same content.

mod chart;
mod html;
pub mod markdown;

use std::fs;
use std::path::Path;

use crate::results::Results;

/// The files that are written.
pub const FILES: [&str; 4] = ["report.md", "report.json", "report.svg", "report.html"];

/// The share of a machine that others may use before figures mean little.
const QUIET: f64 = 0.05;

/// Writes all files.
pub fn write(results: &Results, directory: &Path) -> Result<(), String> {
    let json = serde_json::to_string_pretty(results).map_err(|error| error.to_string())?;
    let contents = [markdown::page(results), json, chart::standalone(results), html::page(results)];
    for (name, content) in FILES.iter().zip(contents) {
        let path = directory.join(name);
        fs::write(&path, content)
            .map_err(|error| format!("could not write \"{}\": {error}", path.display()))?;
    }
    Ok(())
}

/// A size, as "730 MB".
pub fn bytes(bytes: f64) -> String {
    let (mut size, mut unit) = (bytes, 0);
    let units = ["B", "kB", "MB", "GB", "TB"];
    while size >= 1024.0 && unit + 1 < units.len() {
        size /= 1024.0;
        unit += 1;
    }
    if size < 10.0 && unit > 0 {
        format!("{size:.1} {}", units[unit])
    } else {
        format!("{size:.0} {}", units[unit])
    }
}

/// Seconds, with as many digits as matter.
pub fn seconds(seconds: f64) -> String {
    match seconds {
        0.0..10.0 => format!("{seconds:.2}"),
        10.0..100.0 => format!("{seconds:.1}"),
        _ => format!("{seconds:.0}"),
    }
}

/// Sentences on how all of it was measured.
pub fn conditions(results: &Results) -> Vec<String> {
    let Results { machine, settings, scale, rounds, jobs, workloads } = results;
    let mut sentences = vec![
        format!("Machine: {}; both servers and the client on it.", machine.text()),
        format!("Both servers: {settings}."),
        format!(
            "Scale {scale} (counts of workloads are those of scale 1), {jobs} jobs, {rounds} rounds \
             in turns; medians."
        ),
    ];
    let contenders = workloads.first().map(|workload| workload.contenders.as_slice());
    for contender in contenders.unwrap_or_default() {
        sentences.push(format!("{}: {}.", contender.name, contender.commands));
    }
    let medians = workloads.iter().flat_map(|workload| &workload.contenders);
    let medians = medians.filter_map(|contender| contender.median);
    let (others, all) = medians.fold((0.0, 0.0), |(others, all), median| {
        (others + median.other_cpu, all + median.wall * machine.cores as f64)
    });
    if others > all * QUIET {
        let share = others / all * 100.0;
        sentences.push(format!(
            "The machine was not quiet: other programs used {share:.0} % of it. Take these figures \
             as a test of the harness."
        ));
    }
    sentences
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::cost::Cost;
    use crate::machine::Machine;
    use crate::results::{ContenderResult, Equality, WorkloadResult};

    /// Results with one of everything.
    pub fn sample() -> Results {
        let contender = |name: &str, wall: f64| {
            let cost = Cost { wall, target_cpu: wall, client_memory: 1e7, ..Cost::default() };
            ContenderResult {
                name: name.to_owned(),
                commands: format!("{name} -j2"),
                equality: Equality::Same,
                failure: None,
                runs: vec![cost, Cost { wall: wall * 2.0, ..cost }, cost],
                median: Some(cost),
            }
        };
        let mut failed = contender("rival <1>", 0.0);
        failed.failure = Some("pgcopydb: exit status: 12\nno space left".to_owned());
        failed.runs.clear();
        failed.median = None;
        Results {
            machine: Machine {
                cores: 2,
                memory: 8.0 * 1024.0 * 1024.0 * 1024.0,
                kernel: "6.1".to_owned(),
                postgresql: "15.8".to_owned(),
            },
            settings: "fsync = on".to_owned(),
            scale: 0.1,
            rounds: 3,
            jobs: 2,
            workloads: vec![WorkloadResult {
                name: "W1".to_owned(),
                about: "one table".to_owned(),
                database_bytes: 7.3e8,
                contenders: vec![contender("pgcopydb", 4.0), contender("dump", 6.0), failed],
            }],
        }
    }

    #[test]
    fn figures_have_the_digits_that_matter() {
        assert_eq!(bytes(512.0), "512 B");
        assert_eq!(bytes(1.5 * 1024.0 * 1024.0), "1.5 MB");
        assert_eq!(bytes(7.3e8), "696 MB");
        assert_eq!(seconds(1.234), "1.23");
        assert_eq!(seconds(12.34), "12.3");
        assert_eq!(seconds(349.4), "349");
    }

    #[test]
    fn all_files_are_written_and_the_json_has_every_run() {
        let directory = tempfile::tempdir().unwrap();
        write(&sample(), directory.path()).unwrap();
        for file in FILES {
            let text = fs::read_to_string(directory.path().join(file)).unwrap();
            assert!(text.contains("W1"), "{file}: {text}");
        }
        let json = fs::read_to_string(directory.path().join("report.json")).unwrap();
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        let contender = &json["workloads"][0]["contenders"][0];
        assert_eq!(contender["runs"].as_array().unwrap().len(), 3);
        assert_eq!(contender["equality"], "same");
    }
}
