//! The results as a picture: for each workload, everybody's time by the clock, and where the
//! processor time went. Every workload has a scale of its own: what counts is who is shorter.

use maud::{Markup, html};

use super::seconds;
use crate::cost::Cost;
use crate::results::{ContenderResult, Results, WorkloadResult};

const WIDTH: f64 = 980.0;
const NAME_WIDTH: f64 = 170.0;
const PANEL_WIDTH: f64 = 320.0;
const PANELS: [f64; 2] = [NAME_WIDTH, NAME_WIDTH + PANEL_WIDTH + 85.0];
const HEADER: f64 = 58.0;
const TITLE: f64 = 30.0;
const ROW: f64 = 20.0;
const BAR: f64 = 13.0;

/// One for each contender; they can be told apart by those who see fewer colours.
const CONTENDERS: [&str; 3] = ["#0072b2", "#e69f00", "#8a8f98"];

/// Whose processor time, in which colour.
type Share = (&'static str, &'static str, fn(&Cost) -> f64);

const SHARES: [Share; 3] = [
    ("source server", "#56b4e9", |cost| cost.source_cpu),
    ("target server", "#009e73", |cost| cost.target_cpu),
    ("client", "#d55e00", |cost| cost.client_cpu),
];

/// A file of its own.
pub fn standalone(results: &Results) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n{}\n", inline(results).into_string())
}

/// A part of a page.
pub fn inline(results: &Results) -> Markup {
    let heights = results.workloads.iter().map(height);
    let total = HEADER + heights.sum::<f64>() + 10.0;
    let mut top = HEADER;
    let mut tops = Vec::new();
    for workload in &results.workloads {
        tops.push(top);
        top += height(workload);
    }
    html! {
        svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox=(format!("0 0 {WIDTH} {total}"))
            width=(WIDTH) height=(total) font-family="system-ui, sans-serif" font-size="12"
            fill="#1b1f24" {
            title { "Wall time and processor time of pgcopydb and its rivals" }
            rect width=(WIDTH) height=(total) fill="#ffffff" {}
            text x=(PANELS[0]) y="18" font-weight="600" { "wall time, median (dots: every run)" }
            text x=(PANELS[1]) y="18" font-weight="600" { "processor time" }
            (legend())
            @for (workload, top) in results.workloads.iter().zip(tops) { (block(workload, top)) }
        }
    }
}

fn height(workload: &WorkloadResult) -> f64 {
    TITLE + ROW * workload.contenders.len() as f64 + 6.0
}

fn legend() -> Markup {
    html! {
        @for (place, (name, colour, _)) in SHARES.iter().enumerate() {
            @let x = PANELS[1] + 110.0 * place as f64;
            rect x=(x) y="28" width="10" height="10" fill=(colour) {}
            text x=(x + 15.0) y="37" { (name) }
        }
    }
}

fn block(workload: &WorkloadResult, top: f64) -> Markup {
    let runs = || workload.contenders.iter().flat_map(|contender| &contender.runs);
    let longest = runs().map(|run| run.wall).fold(0.0, f64::max);
    let dearest = runs().map(Cost::cpu).fold(0.0, f64::max);
    html! {
        line x1="0" x2=(WIDTH) y1=(top) y2=(top) stroke="#d8dee4" {}
        text x="0" y=(top + 20.0) {
            tspan font-weight="600" { (workload.name) }
            " " (workload.about) ", " (workload.size())
        }
        @for (place, contender) in workload.contenders.iter().enumerate() {
            @let y = top + TITLE + ROW * place as f64;
            text x="0" y=(y + 11.0) { (contender.name) }
            @match &contender.median {
                Some(median) => {
                    (wall(contender, median, PANEL_WIDTH / longest, y, place))
                    (processors(median, PANEL_WIDTH / dearest, y))
                },
                None => text x=(PANELS[0]) y=(y + 11.0) fill="#b42318" { "failed" },
            }
        }
    }
}

fn wall(contender: &ContenderResult, median: &Cost, scale: f64, y: f64, place: usize) -> Markup {
    let colour = CONTENDERS[place.min(CONTENDERS.len() - 1)];
    let longest = contender.runs.iter().map(|run| run.wall).fold(0.0, f64::max);
    let at = |wall: f64| round(PANELS[0] + wall * scale);
    html! {
        rect x=(PANELS[0]) y=(y) width=(round(median.wall * scale)) height=(BAR) fill=(colour) {}
        @for run in &contender.runs {
            circle cx=(at(run.wall)) cy=(y + BAR / 2.0) r="2.5" fill="#ffffff" stroke="#1b1f24" {}
        }
        text x=(at(longest) + 8.0) y=(y + 11.0) { (seconds(median.wall)) " s" }
    }
}

fn processors(median: &Cost, scale: f64, y: f64) -> Markup {
    let mut from = PANELS[1];
    let mut parts = Vec::new();
    for (name, colour, share) in SHARES {
        let width = share(median) * scale;
        parts.push((name, colour, share(median), round(from), round(width)));
        from += width;
    }
    html! {
        @for (name, colour, spent, x, width) in parts {
            rect x=(x) y=(y) width=(width) height=(BAR) fill=(colour) {
                title { (name) ": " (seconds(spent)) " s" }
            }
        }
        text x=(round(from) + 8.0) y=(y + 11.0) { (seconds(median.cpu())) " s" }
    }
}

/// More than a tenth of a pixel cannot be seen. No figures, no place.
fn round(pixels: f64) -> f64 {
    if pixels.is_finite() { (pixels * 10.0).round() / 10.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn the_longest_run_fills_the_panel() {
        let picture = standalone(&sample());
        // The median of pgcopydb is a third of the longest run, 12 s.
        assert!(picture.contains("width=\"106.7\" height=\"13\" fill=\"#0072b2\""), "{picture}");
        assert!(picture.contains(&format!("cx=\"{}\"", PANELS[0] + PANEL_WIDTH)), "{picture}");
        assert!(picture.contains("failed"), "{picture}");
    }
}
