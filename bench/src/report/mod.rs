//! The results for people and programs: four files of the same content.

mod chart;
mod html;
pub mod markdown;

use std::fs;
use std::path::Path;

use crate::bout;
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

/// A count, as "1,000,000".
pub fn grouped(count: f64) -> String {
    let digits = format!("{count:.0}");
    let place = |at: usize| digits.len() - at;
    let groups = digits.char_indices().map(|(at, digit)| match at > 0 && place(at) % 3 == 0 {
        true => format!(",{digit}"),
        false => digit.to_string(),
    });
    groups.collect()
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
    if workloads.iter().any(|workload| workload.changes.is_some()) {
        let settings =
            bout::FOLLOW_SETTINGS.iter().map(|(name, value)| format!("{name} = {value}"));
        let settings = settings.collect::<Vec<_>>().join(", ");
        sentences.push(format!("Follow workloads (F): {settings}."));
    }
    for contender in workloads.iter().flat_map(|workload| &workload.contenders) {
        let sentence = format!("{}: {}.", contender.name, contender.commands);
        if !sentences.contains(&sentence) {
            sentences.push(sentence);
        }
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
    use crate::results::{Changes, ContenderResult, Equality, WorkloadResult};

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
                changes: None,
                contenders: vec![contender("pgcopydb", 4.0), contender("dump", 6.0), failed],
            }],
        }
    }

    /// The same, with a workload of changes.
    pub fn sample_with_changes() -> Results {
        let mut results = sample();
        let mut followed = results.workloads[0].clone();
        followed.name = "F1".to_owned();
        followed.changes = Some(Changes { count: 40_000.0, unit: "transactions".to_owned() });
        followed.contenders.truncate(2);
        followed.contenders[1].name = "native".to_owned();
        results.workloads.push(followed);
        results
    }

    #[test]
    fn large_counts_can_be_read() {
        assert_eq!(grouped(999.0), "999");
        assert_eq!(grouped(1_234_567.4), "1,234,567");
        assert_eq!(grouped(300_000.0), "300,000");
    }

    #[test]
    fn everybody_is_introduced_once() {
        let sentences = conditions(&sample_with_changes());
        let about = |name: &str| sentences.iter().filter(|s| s.starts_with(name)).count();
        assert_eq!([about("pgcopydb:"), about("native:"), about("Follow workloads")], [1, 1, 1]);
        assert!(!conditions(&sample()).iter().any(|s| s.contains("logical")));
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
