//! The results as a page that needs nothing but itself.

use maud::{DOCTYPE, Markup, html};

use super::{bytes, chart, conditions, markdown, seconds};
use crate::cost::Cost;
use crate::results::{ContenderResult, Equality, Results, WorkloadResult};

const STYLE: &str = "
body { font: 15px/1.5 system-ui, sans-serif; color: #1b1f24; background: #fff;
       max-width: 75rem; margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: 14px; }
th, td { padding: .25rem .6rem; border-bottom: 1px solid #d8dee4; text-align: right;
         white-space: nowrap; }
th:first-child, td:first-child, .name { text-align: left; }
.wrong { color: #b42318; font-weight: 600; }
.scroll { overflow-x: auto; }
svg { max-width: 100%; height: auto; }
pre { background: #f6f8fa; padding: .7rem; overflow-x: auto; }
";

/// The whole page.
pub fn page(results: &Results) -> String {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "pgcopydb, measured" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                h1 { "pgcopydb, measured" }
                ul { @for sentence in conditions(results) { li { (sentence) } } }
                (chart::inline(results))
                h2 { "Figures" }
                @for workload in &results.workloads { (figures(workload)) }
            }
        }
    };
    page.into_string()
}

fn figures(workload: &WorkloadResult) -> Markup {
    html! {
        h3 { (workload.name) " " (workload.about) " (" (workload.size()) ")" }
        div.scroll { table {
            thead { tr {
                th { "who" } th { "wall s" } th { "least – most" } th { "ratio" }
                th { "source CPU s" } th { "target CPU s" } th { "client CPU s (itself)" }
                th { "CPU ratio" } th { "idle core s" } th { "others' CPU s" }
                th { "target WAL" } th { "files written" } th { "client memory (itself)" } th { "same" }
            } }
            tbody {
                @for (place, contender) in workload.contenders.iter().enumerate() {
                    (row(workload, place, contender))
                }
            }
        } }
        @for contender in &workload.contenders {
            @if let Some(failure) = &contender.failure {
                p.wrong { (contender.name) " failed" }
                pre { (failure) }
            }
        }
    }
}

fn row(workload: &WorkloadResult, place: usize, contender: &ContenderResult) -> Markup {
    let ratio = |figure: fn(&Cost) -> f64| {
        workload.ratio(place, figure).map_or_else(String::new, |ratio| format!("{ratio:.2}"))
    };
    html! {
        @if let Some(median) = &contender.median {
            @let (least, most) = markdown::spread(&contender.runs);
            tr {
                td { (contender.name) }
                td { (seconds(median.wall)) }
                td { (least) " – " (most) }
                td { (ratio(|cost| cost.wall)) }
                td { (seconds(median.source_cpu)) }
                td { (seconds(median.target_cpu)) }
                td { (seconds(median.client_cpu)) " (" (seconds(median.program_cpu)) ")" }
                td { (ratio(Cost::cpu)) }
                td { (seconds(median.idle)) }
                td { (seconds(median.other_cpu)) }
                td { (bytes(median.target_wal)) }
                td { (bytes(median.client_written)) }
                td { (bytes(median.client_memory)) " (" (bytes(median.program_memory)) ")" }
                @match contender.equality {
                    Equality::Same => td { "yes" },
                    Equality::Different { count } => td.wrong { (count) " differences" },
                    Equality::Unknown => td { "?" },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn the_page_is_whole_and_needs_nothing_else() {
        let page = page(&sample());
        assert!(page.contains("rival &lt;1&gt; failed"), "{page}");
        assert!(page.contains("<svg"), "{page}");
        assert!(!page.contains("<script") && !page.contains("<link") && !page.contains("src="));
    }
}
