//! The results as Markdown.

use std::fmt::Write as _;

use super::{bytes, conditions, grouped, seconds};
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

/// Wall time of everybody for every workload, and how many times as long as pgcopydb the others
/// took. Workloads with other contenders have a table of their own.
pub fn summary(results: &Results) -> String {
    let names = |workload: &WorkloadResult| -> Vec<String> {
        workload.contenders.iter().map(|contender| contender.name.clone()).collect()
    };
    let groups = results.workloads.chunk_by(|one, other| names(one) == names(other));
    groups.map(table).collect::<Vec<_>>().join("\n")
}

/// The table of workloads with the same contenders.
fn table(workloads: &[WorkloadResult]) -> String {
    let Some(first) = workloads.first() else {
        return String::new();
    };
    let size = if first.changes.is_some() { "changes" } else { "database" };
    let mut text = format!("| workload | {size} |");
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
    for workload in workloads {
        let WorkloadResult { name, about, contenders, .. } = workload;
        write!(text, "| {name} {about} | {} |", workload.size()).unwrap();
        for (place, contender) in contenders.iter().enumerate() {
            let rate = workload.rate(place).map_or_else(String::new, rate);
            write!(text, " {}{rate} |", wall(contender)).unwrap();
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

/// With three digits: the others are chance.
fn rate(rate: f64) -> String {
    let unit = 10_f64.powf((rate.log10().floor() - 2.0).max(0.0));
    format!(" ({}/s)", grouped((rate / unit).round() * unit))
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
    let mut text = "| workload | who | wall s (least – most) | CPU s: source | target | client (itself) | sum \
                    | others' CPU s | idle core s | target WAL | files written | client memory (itself) | same |\n\
                    |---|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|\n"
        .to_owned();
    for workload in &results.workloads {
        for contender in &workload.contenders {
            let Some(median) = &contender.median else {
                continue;
            };
            let Cost { source_cpu, target_cpu, client_cpu, other_cpu, idle, .. } = *median;
            let client = format!("{} ({})", seconds(client_cpu), seconds(median.program_cpu));
            let memory =
                format!("{} ({})", bytes(median.client_memory), bytes(median.program_memory));
            let cells = [
                seconds(source_cpu),
                seconds(target_cpu),
                client,
                seconds(median.cpu()),
                seconds(other_cpu),
                seconds(idle),
                bytes(median.target_wal),
                bytes(median.client_written),
                memory,
            ];
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
    use super::super::tests::{sample, sample_with_changes};
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
    fn changes_have_a_table_of_their_own_with_rates() {
        let summary = summary(&sample_with_changes());
        let (copies, changes) = summary.split_once("\n\n").unwrap();
        assert!(copies.starts_with("| workload | database |"), "{copies}");
        let expected = "\
| workload | changes | pgcopydb | native | ratio |
|---|---:|---:|---:|---:|
| F1 one table | 40,000 transactions | 4.00 s (10,000/s) | 6.00 s (6,670/s) | 1.50 |
";
        assert_eq!(changes, expected);
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
