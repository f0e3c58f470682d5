//! The results as Markdown.

use std::fmt::Write as _;

use super::{bytes, conditions, seconds};
use crate::cost::Cost;
use crate::results::{ContenderResult, Equality, Results, WorkloadResult};

/// The whole report.
pub fn page(results: &Results) -> String {
    format!("# pgcopydb, measured\n\n{}", block(results))
}

/// The report without its title, for a page that has its own.
pub fn block(results: &Results) -> String {
    let mut text = String::new();
    for sentence in conditions(results) {
        writeln!(text, "- {sentence}").unwrap();
    }
    write!(text, "\n{}\n{}", summary(results), details(results)).unwrap();
    let failures = failures(results);
    if !failures.is_empty() {
        write!(text, "\n{failures}").unwrap();
    }
    text
}

/// Wall time of everybody for every workload, and how many times as long as pgcopydb the others took.
pub fn summary(results: &Results) -> String {
    let Some(first) = results.workloads.first() else {
        return String::new();
    };
    let mut text = "| workload | database |".to_owned();
    let mut rule = "|---|---:|".to_owned();
    for (place, contender) in first.contenders.iter().enumerate() {
        write!(text, " {} |", contender.name).unwrap();
        rule.push_str("---:|");
        if place > 0 {
            text.push_str(" ratio |");
            rule.push_str("---:|");
        }
    }
    writeln!(text, "\n{rule}").unwrap();
    for workload in &results.workloads {
        let WorkloadResult { name, about, database_bytes, contenders } = workload;
        write!(text, "| {name} {about} | {} |", bytes(*database_bytes)).unwrap();
        for (place, contender) in contenders.iter().enumerate() {
            write!(text, " {} |", wall(contender)).unwrap();
            if place > 0 {
                let ratio = workload.ratio(place, |cost| cost.wall);
                let ratio = ratio.map_or_else(String::new, |ratio| format!("{ratio:.2}"));
                write!(text, " {ratio} |").unwrap();
            }
        }
        text.push('\n');
    }
    text
}

fn wall(contender: &ContenderResult) -> String {
    let Some(median) = &contender.median else {
        return "failed".to_owned();
    };
    let mark = match contender.equality {
        Equality::Different { .. } => " (not the same)",
        Equality::Same | Equality::Unknown => "",
    };
    format!("{} s{mark}", seconds(median.wall))
}

/// Where the time goes.
fn details(results: &Results) -> String {
    let mut text = "| workload | who | wall s (least – most) | CPU s: source | target | client | sum \
                    | others' CPU s | idle core s | target WAL | files written | client memory | same |\n\
                    |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n"
        .to_owned();
    for workload in &results.workloads {
        for contender in &workload.contenders {
            let Some(median) = &contender.median else {
                continue;
            };
            let Cost { source_cpu, target_cpu, client_cpu, other_cpu, idle, .. } = *median;
            let figures = [source_cpu, target_cpu, client_cpu, median.cpu(), other_cpu, idle];
            let sizes = [median.target_wal, median.client_written, median.client_memory];
            let cells: Vec<String> =
                figures.map(seconds).into_iter().chain(sizes.map(bytes)).collect();
            let same = match contender.equality {
                Equality::Same => "yes".to_owned(),
                Equality::Different { count } => format!("{count} differences"),
                Equality::Unknown => "?".to_owned(),
            };
            let (name, cells) = (&contender.name, cells.join(" | "));
            let (least, most) = spread(&contender.runs);
            writeln!(
                text,
                "| {} | {name} | {} ({least} – {most}) | {cells} | {same} |",
                workload.name,
                seconds(median.wall)
            )
            .unwrap();
        }
    }
    text
}

/// The shortest and the longest run.
pub fn spread(runs: &[Cost]) -> (String, String) {
    let walls = runs.iter().map(|run| run.wall);
    let least = walls.clone().fold(f64::INFINITY, f64::min);
    (seconds(least), seconds(walls.fold(0.0, f64::max)))
}

fn failures(results: &Results) -> String {
    let mut text = String::new();
    for workload in &results.workloads {
        for contender in &workload.contenders {
            if let Some(failure) = &contender.failure {
                let name = &contender.name;
                write!(text, "{} failed for {name}:\n\n```\n{failure}\n```\n", workload.name)
                    .unwrap();
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn everybody_is_compared_with_the_first() {
        let expected = "\
| workload | database | pgcopydb | dump | ratio | rival <1> | ratio |
|---|---:|---:|---:|---:|---:|---:|
| W1 one table | 696 MB | 4.00 s | 6.00 s | 1.50 | failed |  |
";
        assert_eq!(summary(&sample()), expected);
    }

    #[test]
    fn the_report_says_how_it_was_measured_and_what_failed() {
        let page = page(&sample());
        for text in ["2 cores, 8 GB", "PostgreSQL 15.8", "fsync = on", "| 4.00 (4.00 – 8.00) |"] {
            assert!(page.contains(text), "no {text:?} in {page}");
        }
        assert!(
            page.contains("W1 failed for rival <1>:\n\n```\npgcopydb: exit status: 12\n"),
            "{page}"
        );
    }
}
