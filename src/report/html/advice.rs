//! What to change for a shorter run, as far as the figures of this one say it. Each rule is a
//! function that has something to say or not; what it rests on was measured, see
//! docs/performance.md.

use std::collections::BTreeMap;
use std::time::Duration;

use super::milliseconds;
use super::path::Link;
use super::tables::rate;
use super::timeline::{Block, Lane, Pool, Timeline, Work};
use crate::model::{Summary, TableSummary};
use crate::report::units;

/// A sentence as a title, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advice {
    /// What to do.
    pub title: String,
    /// Why, and what to know about it.
    pub text: String,
}

/// A run below this is too short to say anything about.
const RUN_MS_MIN: u64 = 1_000;

/// Shares of the whole run, in percent, from which on something matters.
const TAIL_PERCENT: u64 = 10;
const PATH_PERCENT: u64 = 20;

/// Workers are saturated when they were busy for this share of the time.
const SATURATED_PERCENT: u64 = 95;

/// A server on good hardware loads a hundred megabytes a second and worker; a third of that is slow.
const SLOW_BYTES_PER_SECOND: u64 = 30 << 20;

/// Smaller tables are not worth two parts.
const SPLIT_BYTES_MIN: u64 = 64 << 20;

/// Below this the settings of the write-ahead log do not matter.
const DATA_BYTES_MIN: u64 = 1 << 30;

/// All that can be said; one sentence when there is nothing.
pub fn advice(summary: &Summary, timeline: &Timeline, links: &[Link]) -> Vec<Advice> {
    let figures = Figures { summary, timeline, links, length: timeline.axis.length() };
    let rules = [
        Figures::one_table_at_the_end,
        Figures::one_index_at_the_end,
        Figures::busy_copy_workers,
        Figures::slow_rows,
        Figures::foreign_keys,
        Figures::statistics,
        Figures::schema,
        Figures::write_ahead_log,
    ];
    let is_long = figures.length >= RUN_MS_MIN;
    let said = rules.iter().filter(|_| is_long).filter_map(|rule| rule(&figures));
    let said: Vec<Advice> = said.collect();
    if !said.is_empty() {
        return said;
    }
    let text = if is_long { "Nothing stands out." } else { "The run was too short to tell." };
    vec![Advice { title: "Nothing".to_owned(), text: text.to_owned() }]
}

struct Figures<'a> {
    summary: &'a Summary,
    timeline: &'a Timeline,
    links: &'a [Link],
    length: u64,
}

impl Figures<'_> {
    fn percent(&self, milliseconds: u64) -> u64 {
        milliseconds * 100 / self.length.max(1)
    }

    /// How much of the critical path is some kind of work, in percent.
    fn on_path(&self, works: &[Work]) -> u64 {
        let links = self.links.iter().filter(|link| works.contains(&link.work));
        self.percent(links.map(|link| link.duration).sum())
    }

    /// The last block of a pool, and how long it ran after all other workers of the pool were done.
    fn tail(&self, pool: Pool) -> Option<(&Block, u64)> {
        let mut ends: BTreeMap<Lane, &Block> = BTreeMap::new();
        for block in self.timeline.blocks.iter().filter(|block| block.lane.pool == pool) {
            let last = ends.entry(block.lane).or_insert(block);
            if block.ended >= last.ended {
                *last = block;
            }
        }
        let last = ends.values().max_by_key(|block| block.ended)?;
        let others = ends.values().filter(|block| block.lane != last.lane);
        let alone_from = others.map(|block| block.ended).max().unwrap_or(0).max(last.started);
        Some((last, self.timeline.axis.between(alone_from, last.ended)))
    }

    fn table(&self, block: &Block) -> Option<TableSummary> {
        self.summary.tables.iter().find(|table| Some(table.oid) == block.table)
    }

    fn one_table_at_the_end(&self) -> Option<Advice> {
        let jobs = u64::from(self.summary.jobs.table);
        let (last, tail) = self.tail(Pool::Copy)?;
        if jobs < 2 || last.work != Work::Copy || self.percent(tail) < TAIL_PERCENT {
            return None;
        }
        let table = self.table(last).filter(|table| table.source_bytes >= SPLIT_BYTES_MIN)?;
        let size = units::bytes(table.source_bytes / jobs / 2);
        let size = size.replace(' ', "");
        let what = if last.is_part { "smaller parts" } else { "parts" };
        Some(Advice {
            title: format!("Copy table {} in {what}", table.name),
            text: format!(
                "For the last {} one worker copied this table ({}) while the other {} had no rows to \
                 copy. With --split-tables-larger-than {size} they share it. That costs the servers \
                 15 to 20 % more for this table, so it pays only while they have idle cores.",
                milliseconds(tail),
                units::bytes(table.source_bytes),
                jobs - 1
            ),
        })
    }

    fn one_index_at_the_end(&self) -> Option<Advice> {
        let (last, tail) = self.tail(Pool::Index)?;
        if last.work != Work::Index || self.percent(tail) < TAIL_PERCENT {
            return None;
        }
        Some(Advice {
            title: "Let the target build its last index with several processes".to_owned(),
            text: format!(
                "For {} nothing but \"{}\" was built. A higher max_parallel_maintenance_workers on the \
                 target lets several of its processes work on one index. Text in another collation \
                 than C is the dearest to sort: where the order does not matter, COLLATE \"C\" is several \
                 times faster.",
                milliseconds(tail),
                last.label
            ),
        })
    }

    fn busy_copy_workers(&self) -> Option<Advice> {
        let copies = || self.timeline.blocks.iter().filter(|block| block.lane.pool == Pool::Copy);
        let (from, to) = (copies().map(|b| b.started).min()?, copies().map(|b| b.ended).max()?);
        let period = self.timeline.axis.between(from, to);
        let busy: u64 = copies().map(Block::duration).sum();
        let workers = u64::from(self.summary.jobs.table);
        let saturation = busy * 100 / (period * workers).max(1);
        if saturation < SATURATED_PERCENT || self.percent(period) < PATH_PERCENT {
            return None;
        }
        Some(Advice {
            title: "More --table-jobs, if the target has idle cores".to_owned(),
            text: format!(
                "The {workers} copy workers were busy for {} % of the {} in which rows were copied. \
                 If the target's cores were not all busy meanwhile, more workers are faster; if they \
                 were, they are not.",
                saturation.min(100),
                milliseconds(period)
            ),
        })
    }

    fn slow_rows(&self) -> Option<Advice> {
        let tables = self.summary.tables.iter().filter(|table| table.bytes() > 100 << 20);
        let table = tables.max_by_key(|table| table.duration())?;
        let speed = u128::from(table.bytes()) * 1000 / table.duration().as_millis().max(1);
        if speed >= u128::from(SLOW_BYTES_PER_SECOND) {
            return None;
        }
        Some(Advice {
            title: format!("Find out why rows of table {} are slow", table.name),
            text: format!(
                "One worker sent {}; a server with cores and disk to spare takes 100 MB/s and more. Look \
                 at the network between the servers, at the target's disk, at checkpoints in its log, \
                 and whether its cores were all busy.",
                rate(table.bytes(), table.duration())
            ),
        })
    }

    fn foreign_keys(&self) -> Option<Advice> {
        let share = self.on_path(&[Work::ForeignKey]);
        (share >= PATH_PERCENT).then(|| Advice {
            title: "Foreign keys decide how long the run takes".to_owned(),
            text: format!(
                "{share} % of the critical path validates them. Each referencing table has one worker at \
                 a time: more --index-jobs help if there are several such tables and the target has \
                 idle cores."
            ),
        })
    }

    fn statistics(&self) -> Option<Advice> {
        let share = self.on_path(&[Work::Analyze]);
        (share >= PATH_PERCENT).then(|| Advice {
            title: "Gather statistics after the switch, or before it by other means".to_owned(),
            text: format!(
                "{share} % of the critical path is VACUUM and ANALYZE. With --skip-vacuum the run is \
                 shorter; until \"vacuumdb --analyze-in-stages\" has run the plans of the target are bad."
            ),
        })
    }

    fn schema(&self) -> Option<Advice> {
        let share = self.on_path(&[Work::Discovery, Work::Schema]);
        (share >= PATH_PERCENT).then(|| Advice {
            title: "Most of the schema is work that cannot be shared".to_owned(),
            text: format!(
                "{share} % of the critical path reads and makes the schema, one statement after the other. \
                 No number of jobs makes that shorter; objects that nobody needs any more do when they \
                 are dropped on the source."
            ),
        })
    }

    fn write_ahead_log(&self) -> Option<Advice> {
        let bytes: u64 = self.summary.tables.iter().map(|table| table.source_bytes).sum();
        let copied: Duration = self.summary.tables.iter().map(|table| table.duration()).sum();
        if bytes < DATA_BYTES_MIN || copied.is_zero() {
            return None;
        }
        let gigabytes = bytes.div_ceil(1 << 30);
        Some(Advice {
            title: "Check the target's write-ahead log settings".to_owned(),
            text: format!(
                "While it is loaded: max_wal_size = {gigabytes}GB, the size of the data, if there is room, \
                 so that checkpoints do not come in quick succession; and if nobody replicates from the \
                 target yet, wal_level = minimal with max_wal_senders = 0 (8 to 15 % less time; tables \
                 copied in parts gain nothing)."
            ),
        })
    }
}
