//! A run as a page for the browser: who did what when, how fast, what decided how long it took, and
//! what to change. One file that needs nothing else, and runs no script.

mod advice;
mod axis;
mod chart;
mod path;
mod tables;
mod timeline;

use std::time::Duration;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::units;
use crate::model::{Failure, History, Section, Summary};
use path::Link;
use timeline::{Timeline, Work};

const STYLE: &str = include_str!("html/style.css");

/// Links of the critical path that are listed; a longer path shows its longest ones.
const LINKS_SHOWN: usize = 30;

/// The page.
pub fn page(summary: &Summary, history: &History) -> String {
    let timeline = Timeline::of(history);
    let path = path::critical(&timeline);
    let links = path::links(&timeline, &path);
    let advice = advice::advice(summary, &timeline, &links);
    let title = format!("pgcopydb: {}", history.database);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy"
                    content="default-src 'none'; style-src 'unsafe-inline'";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (title) }
                (overview(summary, &timeline))
                (failures(&summary.failures))
                section #timeline {
                    h2 { "Timeline" }
                    p { "One lane for each worker. What is on the critical path has a frame." }
                    (legend(&timeline))
                    (chart::lanes(&timeline, &path))
                    h3 { "Throughput" }
                    p { "Bytes sent, spread evenly over each step." }
                    (chart::throughput(&timeline))
                }
                (critical_path(&timeline, &links))
                section #advice {
                    h2 { "What to change" }
                    @for advice in &advice { h3 { (advice.title) } p { (advice.text) } }
                }
                (tables::slowest(summary))
            }
        }
    };
    page.into_string()
}

fn overview(summary: &Summary, timeline: &Timeline) -> Markup {
    let total = summary.sections.iter().find(|section| section.section == Section::Total);
    // A run that has not ended has no total yet.
    let total = total.map(|section| section.duration).filter(|duration| !duration.is_zero());
    let total = total.unwrap_or(Duration::from_millis(timeline.axis.length()));
    let began = timeline.axis.began().and_then(|at| i64::try_from(at).ok());
    let began = began.and_then(|at| jiff::Timestamp::from_millisecond(at).ok());
    let bytes: u64 = summary.tables.iter().map(|table| table.bytes()).sum();
    let indexes: usize = summary.tables.iter().map(|table| table.indexes.len()).sum();
    let facts = [
        ("began", began.map_or_else(String::new, |at| format!("{at:.0}"))),
        ("took", took(total)),
        ("tables", summary.tables.len().to_string()),
        ("sent", units::bytes(bytes)),
        ("indexes", indexes.to_string()),
        ("table jobs", summary.jobs.table.to_string()),
        ("index jobs", summary.jobs.index.to_string()),
        ("failed steps", summary.failures.len().to_string()),
    ];
    html! {
        dl.facts { @for (name, value) in &facts { div { dt { (name) } dd { (value) } } } }
    }
}

fn failures(failures: &[Failure]) -> Markup {
    html! {
        @if !failures.is_empty() {
            section #failures {
                h2 { "What failed" }
                ul { @for failure in failures {
                    li {
                        b { (failure.object) } ": " (failure.message)
                        @if let Some(detail) = &failure.detail { " " (detail) }
                        @if let Some(hint) = &failure.hint { " " em { (hint) } }
                        @if let Some(sql) = &failure.sql { pre { (sql) } }
                    }
                } }
            }
        }
    }
}

fn legend(timeline: &Timeline) -> Markup {
    let is_there = |work: &Work| timeline.blocks.iter().any(|block| block.work == *work);
    html! {
        ul.legend { @for work in Work::ALL.into_iter().filter(is_there) {
            li { i class=(work.class()) {} (work.word()) }
        } }
    }
}

fn critical_path(timeline: &Timeline, links: &[Link]) -> Markup {
    let length = timeline.axis.length().max(1);
    let share = |spent: u64| format!("{} %", spent * 100 / length);
    let waited: u64 = links.iter().map(|link| link.waited).sum();
    let spent = |work: Work| {
        links.iter().filter(|link| link.work == work).map(|link| link.duration).sum::<u64>()
    };
    let mut longest: Vec<u64> = links.iter().map(|link| link.duration).collect();
    longest.sort_unstable_by(|a, b| b.cmp(a));
    let least = longest.get(LINKS_SHOWN).map_or(0, |duration| duration + 1);
    let shown = links.iter().filter(|link| link.duration >= least);
    html! {
        section #path {
            h2 { "Critical path" }
            p {
                "The chain of steps that ended last, each of which began when the one before had "
                "ended: to make the run shorter, make one of these shorter."
            }
            table {
                thead { tr { th { "work" } th { "on the path" } th { "share" } } }
                tbody {
                    @for work in Work::ALL.into_iter().filter(|work| spent(*work) > 0) {
                        tr { td { (work.word()) } td { (milliseconds(spent(work))) }
                             td { (share(spent(work))) } }
                    }
                    tr { td { "waiting" } td { (milliseconds(waited)) } td { (share(waited)) } }
                }
            }
            table {
                thead { tr {
                    th { "step" } th.name { "worker" } th { "took" } th { "share" }
                    th { "waited before" }
                } }
                tbody { @for link in shown {
                    tr {
                        td { (link.title)
                             @if link.blocks > 1 { " … (" (link.blocks) " in a row)" } }
                        td.name { (link.worker) }
                        td { (milliseconds(link.duration)) }
                        td { (share(link.duration)) }
                        td { (milliseconds(link.waited)) }
                    }
                } }
            }
        }
    }
}

/// A duration without the blanks that align it in columns of text.
fn took(duration: Duration) -> String {
    units::duration(duration).trim_start().to_owned()
}

fn milliseconds(count: u64) -> String {
    took(Duration::from_millis(count))
}

#[cfg(test)]
mod tests;
