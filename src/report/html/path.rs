//! The critical path: the chain of steps, back from the one that ended last, each of which began
//! when the one before had ended. Whoever wants a shorter run has to shorten one of these.
//!
//! It follows from the times alone: a step that waited for a free worker has that worker's last
//! step before it, one that waited for its table has the step which loaded the table.

use super::timeline::{Block, Timeline, Work};

/// Ends that are no further apart than this are as good as the same, in milliseconds.
const SAME_MS: u64 = 5;

/// A link is shown on its own when it takes at least this share of the path.
const SHOWN_SHARE: u64 = 50;

/// A part of the path: a block, or several short ones of the same kind in a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What for.
    pub work: Work,
    /// What it does, or the first of them does.
    pub title: String,
    /// Its worker; the first of them.
    pub worker: String,
    /// How many blocks.
    pub blocks: usize,
    /// How long it took.
    pub duration: u64,
    /// How long the path waited before it: nothing on it was running.
    pub waited: u64,
}

/// The places of the path's blocks in the timeline, in time order.
pub fn critical(timeline: &Timeline) -> Vec<usize> {
    let blocks = &timeline.blocks;
    let mut by_end: Vec<usize> = (0..blocks.len()).collect();
    by_end.sort_by_key(|place| (blocks[*place].ended, blocks[*place].started));
    let mut path: Vec<usize> = by_end.last().copied().into_iter().collect();
    while let Some(before) = path.last().and_then(|place| before(blocks, &by_end, *place)) {
        path.push(before);
    }
    path.reverse();
    path
}

/// The block that this one waited for.
fn before(blocks: &[Block], by_end: &[usize], place: usize) -> Option<usize> {
    let block = &blocks[place];
    let ended_by = |end: u64| by_end.partition_point(|other| blocks[*other].ended <= end);
    let all = &by_end[..ended_by(block.started)];
    let last = blocks[*all.last()?].ended;
    let near = &all[ended_by(last.saturating_sub(SAME_MS + 1))..];
    let kinship = |other: &&usize| {
        let other = &blocks[**other];
        (other.table.is_some() && other.table == block.table, other.lane == block.lane, other.ended)
    };
    // What began no earlier is no reason; without it the way back would have no end.
    let is_earlier = |other: &&usize| blocks[**other].started < block.started;
    let nearest = near.iter().filter(is_earlier).max_by_key(kinship);
    nearest.or_else(|| all.iter().rev().find(is_earlier)).copied()
}

/// The path for people: short blocks of a kind are added up.
pub fn links(timeline: &Timeline, path: &[usize]) -> Vec<Link> {
    let length = timeline.axis.length();
    let mut links: Vec<Link> = Vec::new();
    let mut end: Option<u64> = None;
    for block in path.iter().map(|place| &timeline.blocks[*place]) {
        let waited = end.map_or(0, |end| timeline.axis.between(end, block.started));
        end = Some(block.ended);
        let is_short = |duration: u64| duration * SHOWN_SHARE < length;
        match links.last_mut() {
            Some(last)
                if last.work == block.work
                    && is_short(block.duration())
                    && is_short(last.duration / last.blocks as u64) =>
            {
                last.blocks += 1;
                last.duration += block.duration();
                last.waited += waited;
            }
            _ => links.push(Link {
                work: block.work,
                title: block.title(),
                worker: block.lane.name(),
                blocks: 1,
                duration: block.duration(),
                waited,
            }),
        }
    }
    links
}

#[cfg(test)]
mod tests {
    use super::super::timeline::tests::{step, timeline};
    use super::*;
    use crate::model::StepKind::{Analyze, CopyTable, CreateIndex, PreData};

    fn titles(timeline: &Timeline) -> Vec<&str> {
        critical(timeline).iter().map(|place| timeline.blocks[*place].label.as_str()).collect()
    }

    #[test]
    fn the_path_goes_back_from_the_last_end() {
        let timeline = timeline(vec![
            step(PreData, 1, 0, 0, 100),
            step(CopyTable, 1, 1, 100, 300),
            step(CopyTable, 2, 2, 101, 900),
            step(CopyTable, 1, 3, 300, 400),
            step(CreateIndex, 1, 1, 301, 700),
            step(CreateIndex, 2, 2, 901, 1500),
            step(Analyze, 1, 3, 401, 410),
        ]);
        assert_eq!(titles(&timeline), ["pre-data 0", "copy table 2", "create index 2"]);
        let links = links(&timeline, &critical(&timeline));
        assert_eq!(links.iter().map(|link| link.duration).collect::<Vec<_>>(), [100, 799, 599]);
        assert_eq!(links.iter().map(|link| link.waited).sum::<u64>(), 2);
    }

    #[test]
    fn of_steps_that_ended_together_the_one_of_the_same_table_counts() {
        let timeline = timeline(vec![
            step(CopyTable, 1, 1, 0, 500),
            step(CopyTable, 2, 2, 0, 503),
            step(CreateIndex, 1, 1, 504, 600),
        ]);
        assert_eq!(titles(&timeline), ["copy table 1", "create index 1"]);
    }

    #[test]
    fn steps_without_length_do_not_lead_in_a_circle() {
        let timeline = timeline(vec![
            step(CopyTable, 1, 1, 0, 10),
            step(CreateIndex, 1, 1, 10, 10),
            step(CreateIndex, 2, 1, 10, 10),
            step(Analyze, 1, 1, 10, 10),
        ]);
        assert_eq!(titles(&timeline), ["copy table 1", "analyze 1"]);
        assert!(critical(&super::super::timeline::tests::timeline(Vec::new())).is_empty());
    }

    #[test]
    fn short_steps_in_a_row_are_one_link() {
        let small = |n: u64| step(CopyTable, 1, n as u32, n * 10, n * 10 + 10);
        let mut steps: Vec<_> = (0..100).map(small).collect();
        steps.push(step(CreateIndex, 1, 99, 1000, 3000));
        let timeline = timeline(steps);
        let links = links(&timeline, &critical(&timeline));
        assert_eq!(links.len(), 2);
        assert_eq!((links[0].blocks, links[0].duration), (100, 1000));
    }
}
