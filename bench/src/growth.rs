//! How the time of a copy grows with the number of objects: what one of them takes, for more and
//! more of them. A flat line means that twice as many take twice as long.

use std::fs;

use maud::{Markup, html};
use pgcopydb_testkit::{Database, Pair, workload as kit};

use crate::args::{Args, in_workspace};
use crate::bout::{Servers, drop_database, turn};
use crate::contender::Contender;
use crate::cost::Cost;
use crate::docs;
use crate::report::{bytes, grouped, seconds};
use crate::workload::{clamp, run, times};

/// The picture, for the pages of the documentation and for the results.
const PICTURE: &str = "growth.svg";

/// Something there can be more of.
struct Series {
    unit: &'static str,
    about: &'static str,
    counts: &'static [u32],
    /// Whether the counts grow with the scale; otherwise the rows do.
    is_scaled: bool,
    fill: fn(&Database, u32, f64),
}

const ALL: [Series; 3] = [
    Series {
        unit: "table",
        about: "small tables with 2 indexes and a foreign key",
        counts: &[1_000, 5_000, 20_000],
        is_scaled: true,
        fill: |database, count, _| {
            run(database, include_str!("../sql/many.sql"), &[("tables", u64::from(count))]);
        },
    },
    Series {
        unit: "large object",
        about: "small large objects",
        counts: &[10_000, 30_000, 100_000],
        is_scaled: true,
        fill: |database, count, _| drop(database.sql(&kit::large_objects(count))),
    },
    Series {
        unit: "million rows",
        about: "4 million rows in 1 to 64 partitions",
        counts: &[1, 4, 16, 64],
        is_scaled: false,
        fill: |database, count, scale| {
            let variables = [("partitions", u64::from(count)), ("rows", times(4_000_000, scale))];
            run(database, include_str!("../sql/partitions.sql"), &variables);
        },
    },
];

/// One size of a series.
struct Point {
    count: u32,
    /// How many times the unit.
    units: f64,
    median: Cost,
}

impl Point {
    fn milliseconds(&self) -> f64 {
        self.median.wall * 1000.0 / self.units
    }
}

/// Measures all series, and writes a table and a picture.
pub fn grow(contender: &Contender, args: &Args) -> Result<(), String> {
    let servers = Servers::start(args.postgresql, &[("max_locks_per_transaction", "256")]);
    let mut measured = Vec::new();
    for series in &ALL {
        let points =
            series.counts.iter().map(|count| point(series, *count, contender, &servers, args));
        measured.push((series, points.collect::<Result<Vec<_>, _>>()?));
    }
    let (table, picture) = (table(&measured), picture(&measured).into_string());
    println!("{table}");
    write(&args.output.join("growth.md"), &table)?;
    write(&args.output.join(PICTURE), &picture)?;
    if args.write_docs {
        write(&in_workspace("docs").join(PICTURE), &picture)?;
        docs::refresh_growth(&format!("![time per object]({PICTURE})\n\n{table}"))?;
    }
    Ok(())
}

fn write(path: &std::path::Path, text: &str) -> Result<(), String> {
    fs::write(path, text)
        .map_err(|error| format!("could not write \"{}\": {error}", path.display()))
}

fn point(
    series: &Series,
    count: u32,
    contender: &Contender,
    servers: &Servers,
    args: &Args,
) -> Result<Point, String> {
    let count = if series.is_scaled { clamp(times(count, args.scale)) } else { count };
    let names = ["growth_source", "growth_target"];
    let pair = Pair::between(servers.source.clone(), servers.target.clone(), names);
    (series.fill)(&pair.source, count, args.scale);
    pair.source.sql("vacuum (analyze)");
    let mut runs = Vec::new();
    for _ in 0..args.rounds {
        let cost = turn(contender, &pair, servers)?;
        eprintln!("{count} of {}: {:.2} s", series.about, cost.wall);
        runs.push(cost);
    }
    for database in [&pair.source, &pair.target] {
        drop_database(database.cluster(), database.name());
    }
    let median = Cost::median(&runs).ok_or("nothing was measured")?;
    let units = if series.is_scaled { f64::from(count) } else { 4.0 * args.scale };
    Ok(Point { count, units, median })
}

fn table(measured: &[(&Series, Vec<Point>)]) -> String {
    let mut text =
        String::from("| what | how many | wall | for each | client CPU | client memory |\n");
    text.push_str("|---|---:|---:|---:|---:|---:|\n");
    for (series, points) in measured {
        for point in points {
            text.push_str(&format!(
                "| {} | {} | {} s | {} ms a {} | {} s | {} |\n",
                series.about,
                grouped(f64::from(point.count)),
                seconds(point.median.wall),
                seconds(point.milliseconds()),
                series.unit,
                seconds(point.median.client_cpu),
                bytes(point.median.client_memory),
            ));
        }
    }
    text
}

const WIDTH: f64 = 980.0;
const HEIGHT: f64 = 260.0;
const PANEL: f64 = WIDTH / ALL.len() as f64;
const MARGIN: f64 = 50.0;
const TOP: f64 = 50.0;
const BOTTOM: f64 = HEIGHT - 40.0;

/// A panel for each series: the time of one object against their number, which grows by factors.
fn picture(measured: &[(&Series, Vec<Point>)]) -> Markup {
    html! {
        svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox=(format!("0 0 {WIDTH} {HEIGHT}"))
            width=(WIDTH) height=(HEIGHT) font-family="system-ui, sans-serif" font-size="12"
            fill="#1b1f24" {
            title { "Time for each object, for more and more objects" }
            rect width=(WIDTH) height=(HEIGHT) fill="#ffffff" {}
            @for (place, (series, points)) in measured.iter().enumerate() {
                (panel(place as f64 * PANEL, series, points))
            }
        }
    }
}

fn panel(left: f64, series: &Series, points: &[Point]) -> Markup {
    let highest = points.iter().map(Point::milliseconds).fold(0.0, f64::max);
    let (first, last) = (points.first(), points.last());
    let span = match (first, last) {
        (Some(first), Some(last)) => (f64::from(last.count) / f64::from(first.count)).ln(),
        _ => 0.0,
    };
    let from = first.map_or(1.0, |point| f64::from(point.count));
    let x = |point: &Point| {
        let share = if span > 0.0 { (f64::from(point.count) / from).ln() / span } else { 0.0 };
        left + MARGIN + share * (PANEL - 2.0 * MARGIN)
    };
    // Half of the panel above the highest, so that a slope looks like what it is.
    let y = |point: &Point| BOTTOM - point.milliseconds() / (highest * 1.5) * (BOTTOM - TOP);
    let line: Vec<String> = points.iter().map(|p| format!("{:.1},{:.1}", x(p), y(p))).collect();
    html! {
        text x=(left + 20.0) y="20" font-weight="600" { (series.about) }
        text x=(left + 20.0) y="38" { "ms for each " (series.unit) }
        line x1=(left + 20.0) x2=(left + PANEL - 20.0) y1=(BOTTOM) y2=(BOTTOM) stroke="#8a8f98" {}
        polyline points=(line.join(" ")) fill="none" stroke="#0072b2" stroke-width="2" {}
        @for point in points {
            circle cx=(format!("{:.1}", x(point))) cy=(format!("{:.1}", y(point))) r="4" fill="#0072b2" {}
            text x=(format!("{:.1}", x(point))) y=(format!("{:.1}", y(point) - 10.0))
                text-anchor="middle" { (seconds(point.milliseconds())) }
            text x=(format!("{:.1}", x(point))) y=(BOTTOM + 18.0) text-anchor="middle" {
                (grouped(f64::from(point.count)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measured() -> Vec<(&'static Series, Vec<Point>)> {
        let point = |count: u32, wall: f64| {
            let median = Cost { wall, ..Cost::default() };
            Point { count, units: f64::from(count), median }
        };
        vec![(&ALL[0], vec![point(1_000, 2.0), point(20_000, 40.0)])]
    }

    #[test]
    fn the_same_for_each_is_a_flat_line() {
        let text = table(&measured());
        assert!(text.contains("| 1,000 | 2.00 s | 2.00 ms a table |"), "{text}");
        let picture = picture(&measured()).into_string();
        let points = picture.split("polyline points=\"").nth(1).unwrap();
        let points: Vec<&str> = points.split('"').next().unwrap().split([' ', ',']).collect();
        assert_eq!(points[1], points[3], "{picture}");
        assert_ne!(points[0], points[2], "{picture}");
    }
}
