//! The pictures: the workers' lanes, and the throughput below them on the same axis.

use std::collections::HashSet;
use std::fmt::Write as _;

use maud::{Markup, html};

use super::axis::Axis;
use super::milliseconds;
use super::timeline::{Block, Timeline, Work};
use crate::report::units;

const WIDTH: f64 = 1160.0;
const NAMES: f64 = 120.0;
const LANE: f64 = 22.0;
const BAR: f64 = 16.0;
/// Room for the figures of the axis.
const FOOT: f64 = 24.0;
const THROUGHPUT: f64 = 110.0;
/// Columns that bytes are added up in.
const BINS: usize = 200;
/// Blocks narrower than this are joined with their neighbours: nobody sees more, and the page of
/// a hundred thousand tables can still be opened.
const PIXELS_MIN: f64 = 0.5;
/// What lies between two marks of the axis: round figures up to a day.
const MARK_DISTANCES_MS: [u64; 23] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000, 120_000,
    300_000, 600_000, 1_800_000, 3_600_000, 10_800_000, 21_600_000, 86_400_000,
];
/// Marks on the axis, at least.
const MARKS_MIN: u64 = 5;

/// A lane for each worker.
pub fn lanes(timeline: &Timeline, path: &[usize]) -> Markup {
    let critical: HashSet<*const Block> =
        path.iter().map(|place| std::ptr::from_ref(&timeline.blocks[*place])).collect();
    let lanes = timeline.lanes();
    let height = LANE * lanes.len() as f64;
    let scale = Scale::of(&timeline.axis);
    html! {
        svg role="img" aria-label="Timeline" viewBox=(format!("0 0 {WIDTH} {}", height + FOOT)) {
            (marks(&timeline.axis, scale, height))
            @for ((lane, blocks), row) in lanes.iter().zip(0..) {
                @let top = LANE * f64::from(row);
                g.lane data-worker=(lane.name()) {
                    text x="0" y=(top + 15.0) { (lane.name()) }
                    @for shape in shapes(blocks, &timeline.axis, scale, &critical) {
                        rect class=(shape.class()) x=(tenths(shape.left)) y=(top + 3.0)
                            width=(tenths((shape.right - shape.left).max(PIXELS_MIN))) height=(BAR) {
                            title { (shape.title()) }
                        }
                    }
                }
            }
        }
    }
}

/// Pixels to a millisecond.
#[derive(Clone, Copy)]
struct Scale(f64);

impl Scale {
    fn of(axis: &Axis) -> Scale {
        Scale((WIDTH - NAMES - 10.0) / axis.length().max(1) as f64)
    }

    fn x(self, place: u64) -> f64 {
        NAMES + place as f64 * self.0
    }
}

/// A block as it is drawn, or several that are too narrow.
struct Shape<'a> {
    block: &'a Block,
    steps: usize,
    left: f64,
    right: f64,
    is_critical: bool,
    is_failed: bool,
}

impl Shape<'_> {
    fn class(&self) -> String {
        let mut class = self.block.work.class().to_owned();
        if self.is_critical {
            class.push_str(" critical");
        }
        if self.is_failed {
            class.push_str(" failed");
        }
        class
    }

    fn title(&self) -> String {
        let block = self.block;
        if self.steps > block.steps {
            return format!("{} and {} more", block.label, self.steps - 1);
        }
        let mut title = format!("{}: {}", block.title(), milliseconds(block.duration()));
        if block.bytes > 0 {
            // Writing to a string cannot fail.
            let _ = write!(title, ", {} rows, {}", block.rows, units::bytes(block.bytes));
        }
        if self.is_failed {
            title.push_str(", failed");
        }
        title
    }
}

fn shapes<'a>(
    blocks: &[&'a Block],
    axis: &Axis,
    scale: Scale,
    critical: &HashSet<*const Block>,
) -> Vec<Shape<'a>> {
    let mut shapes: Vec<Shape> = Vec::new();
    for &block in blocks {
        let left = scale.x(axis.place(block.started));
        let right = scale.x(axis.place(block.ended));
        let is_critical = critical.contains(&std::ptr::from_ref(block));
        let is_narrow = |from: f64, to: f64| to - from < PIXELS_MIN;
        if let Some(last) = shapes.last_mut()
            && last.block.work == block.work
            && is_narrow(left, right)
            && is_narrow(last.left, last.right)
            && is_narrow(last.right, left)
        {
            last.right = right;
            last.steps += block.steps;
            last.is_critical |= is_critical;
            last.is_failed |= block.is_failed;
            continue;
        }
        let (steps, is_failed) = (block.steps, block.is_failed);
        shapes.push(Shape { block, steps, left, right, is_critical, is_failed });
    }
    shapes
}

/// The lines across, with their times below, and the places where the axis is cut.
fn marks(axis: &Axis, scale: Scale, height: f64) -> Markup {
    let step = mark_distance(axis.length());
    let places = (0..=axis.length() / step).map(|number| number * step);
    html! {
        @for place in places {
            @let x = tenths(scale.x(place));
            line.grid x1=(x) x2=(x) y1="0" y2=(height) {}
            text x=(x) y=(height + 16.0) text-anchor="middle" { (mark(place)) }
        }
        @for (place, length) in axis.pauses() {
            @let x = tenths(scale.x(place));
            line.pause x1=(x) x2=(x) y1="0" y2=(height) {
                title { "nothing was done for " (milliseconds(length)) }
            }
        }
    }
}

fn mark_distance(length: u64) -> u64 {
    let mut longest_first = MARK_DISTANCES_MS.iter().copied().rev();
    let fitting = longest_first.find(|distance| length / distance >= MARKS_MIN);
    fitting.unwrap_or(1).max(length / 20)
}

fn mark(place: u64) -> String {
    match place {
        0 => "0".to_owned(),
        1..60_000 if !place.is_multiple_of(1000) => format!("{} s", place as f64 / 1000.0),
        1..60_000 => format!("{} s", place / 1000),
        60_000..3_600_000 => format!("{}:{:02}", place / 60_000, place / 1000 % 60),
        _ => format!("{}:{:02} h", place / 3_600_000, place / 60_000 % 60),
    }
}

/// How fast bytes went over.
pub fn throughput(timeline: &Timeline) -> Markup {
    let axis = &timeline.axis;
    let rates = rates(timeline);
    let most = rates.iter().copied().fold(0.0, f64::max);
    let scale = Scale::of(axis);
    let width = axis.length() as f64 / BINS as f64 * scale.0;
    let y = |rate: f64| tenths(THROUGHPUT - rate / most.max(1.0) * (THROUGHPUT - 20.0));
    let mut points = format!("M{NAMES} {THROUGHPUT}");
    for (bin, rate) in rates.iter().enumerate() {
        let (left, right) = (NAMES + width * bin as f64, NAMES + width * (bin + 1) as f64);
        // Writing to a string cannot fail.
        let _ = write!(points, "L{} {2}L{} {2}", tenths(left), tenths(right), y(*rate));
    }
    let _ = write!(points, "V{THROUGHPUT}Z");
    html! {
        svg role="img" aria-label="Throughput"
            viewBox=(format!("0 0 {WIDTH} {}", THROUGHPUT + FOOT)) {
            (marks(axis, scale, THROUGHPUT))
            text x="0" y=(y(most) + 4.0) { (units::bytes(most as u64)) "/s" }
            text x="0" y=(THROUGHPUT) { "0" }
            path.area d=(points) {}
        }
    }
}

/// Bytes in a second, for each column.
fn rates(timeline: &Timeline) -> Vec<f64> {
    let axis = &timeline.axis;
    let bin_ms = axis.length() as f64 / BINS as f64;
    let mut rates = vec![0.0; BINS];
    let moves = |block: &&Block| matches!(block.work, Work::Copy | Work::LargeObjects);
    for block in timeline.blocks.iter().filter(moves) {
        let from = axis.place(block.started) as f64 / bin_ms;
        // What took no time at all still went over.
        let to = (axis.place(block.ended) as f64 / bin_ms).max(from + 1.0 / BINS as f64);
        for (bin, rate) in rates.iter_mut().enumerate() {
            let overlap = to.min(bin as f64 + 1.0) - from.max(bin as f64);
            if overlap > 0.0 {
                *rate += block.bytes as f64 * overlap / (to - from) / (bin_ms / 1000.0);
            }
        }
    }
    rates
}

/// More than a tenth of a pixel cannot be seen.
fn tenths(pixels: f64) -> f64 {
    if pixels.is_finite() { (pixels * 10.0).round() / 10.0 } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::super::timeline::tests::{step, timeline};
    use super::*;
    use crate::model::StepKind::CopyTable;

    #[test]
    fn all_bytes_are_in_the_throughput() {
        let mut steps = vec![step(CopyTable, 1, 1, 0, 1000), step(CopyTable, 2, 2, 250, 500)];
        steps.push(step(CopyTable, 2, 3, 500, 500));
        for (step, bytes) in steps.iter_mut().zip([4_000, 1_000, 70]) {
            step.bytes = bytes;
        }
        let rates = rates(&timeline(steps));
        let seconds = 1.0 / BINS as f64;
        let total: f64 = rates.iter().map(|rate| rate * seconds).sum();
        assert!((total - 5_070.0).abs() < 1.0, "{total}");
        assert!((rates[0] - 4_000.0).abs() < 0.1 && (rates[60] - 8_000.0).abs() < 0.1);
    }

    #[test]
    fn narrow_blocks_of_a_kind_are_drawn_as_one() {
        let mut steps: Vec<_> = (0..2000).map(|n| step(CopyTable, 1, n as u32, n, n + 1)).collect();
        steps.push(step(CopyTable, 1, 1, 2000, 1_000_000));
        let timeline = timeline(steps);
        let picture = lanes(&timeline, &[]).into_string();
        assert!(picture.matches("<rect").count() < 10, "{picture}");
        assert!(picture.contains("copy table 0 and "), "{picture}");
    }

    #[test]
    fn marks_are_neither_few_nor_many() {
        for length in [1, 40, 999, 12_345, 100_000, 4_000_000, 90_000_000, 900_000_000] {
            let count = length / mark_distance(length);
            assert!((1..=20).contains(&count), "{length}: {count}");
        }
        assert_eq!(mark(12_000), "12 s");
        assert_eq!(mark(500), "0.5 s");
        assert_eq!(mark(90_000), "1:30");
        assert_eq!(mark(5_400_000), "1:30 h");
    }

    #[test]
    fn an_empty_run_can_be_drawn() {
        let empty = timeline(Vec::new());
        assert!(lanes(&empty, &[]).into_string().contains("<svg"));
        assert!(!throughput(&empty).into_string().contains("NaN"));
    }
}
