//! Who did what when: the steps as blocks in the lanes of their workers.

use std::collections::BTreeMap;

use super::axis::Axis;
use crate::model::{History, Oid, Section, StepKind, StepRecord, StepState};

/// What was done, block by block, and the time it took.
#[derive(Clone, Debug)]
pub struct Timeline {
    /// The blocks, in the order they began in.
    pub blocks: Vec<Block>,
    /// The time in which they were done.
    pub axis: Axis,
}

/// Work of one worker: a step, or small ones that were done together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// Whose.
    pub lane: Lane,
    /// What for.
    pub work: Work,
    /// What its first step does.
    pub label: String,
    /// The table its first step is about.
    pub table: Option<Oid>,
    /// How many steps it stands for.
    pub steps: usize,
    /// Whether it is a part of a table.
    pub is_part: bool,
    /// From, in milliseconds since 1970.
    pub started: u64,
    /// To.
    pub ended: u64,
    /// Bytes that were sent.
    pub bytes: u64,
    /// Rows that were sent.
    pub rows: u64,
    /// Whether one of its steps failed.
    pub is_failed: bool,
}

/// A worker: its pool, and its number there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lane {
    /// What it may do.
    pub pool: Pool,
    /// Which of them, from 1.
    pub number: u32,
}

/// Workers of one kind, in the order of their lanes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pool {
    /// Reads the catalogs of the source.
    Queries,
    /// Runs `pg_dump`.
    Dump,
    /// Runs short statements.
    Schema,
    /// Copies rows.
    Copy,
    /// Copies large objects.
    LargeObjects,
    /// Builds indexes and constraints.
    Index,
    /// Gathers statistics.
    Vacuum,
    /// Fills materialized views.
    Restore,
}

/// What work is for, as colours tell it apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    /// Finding out what there is.
    Discovery,
    /// Objects that are made in milliseconds.
    Schema,
    /// Rows.
    Copy,
    /// Large objects.
    LargeObjects,
    /// Indexes.
    Index,
    /// Constraints on indexes.
    Constraint,
    /// Foreign keys.
    ForeignKey,
    /// Statistics.
    Analyze,
}

impl Work {
    /// All of them.
    pub const ALL: [Work; 8] = [
        Work::Discovery,
        Work::Schema,
        Work::Copy,
        Work::LargeObjects,
        Work::Index,
        Work::Constraint,
        Work::ForeignKey,
        Work::Analyze,
    ];

    /// For people.
    pub fn word(self) -> &'static str {
        match self {
            Work::Discovery => "catalog queries, pg_dump",
            Work::Schema => "schema",
            Work::Copy => "copy",
            Work::LargeObjects => "large objects",
            Work::Index => "index",
            Work::Constraint => "constraint",
            Work::ForeignKey => "foreign key",
            Work::Analyze => "analyze",
        }
    }

    /// For style sheets.
    pub fn class(self) -> &'static str {
        match self {
            Work::Discovery => "discovery",
            Work::LargeObjects => "large-objects",
            Work::ForeignKey => "foreign-key",
            Work::Schema | Work::Copy | Work::Index | Work::Constraint | Work::Analyze => {
                self.word()
            }
        }
    }

    fn of(kind: StepKind) -> Work {
        match kind {
            StepKind::Truncate | StepKind::CopyTable | StepKind::CopyPart => Work::Copy,
            StepKind::LargeObjects => Work::LargeObjects,
            StepKind::CreateIndex => Work::Index,
            StepKind::FinishIndex => Work::Constraint,
            StepKind::AddForeignKey | StepKind::ValidateForeignKey => Work::ForeignKey,
            StepKind::Analyze => Work::Analyze,
            StepKind::Drop
            | StepKind::PreData
            | StepKind::CreateExtension
            | StepKind::AttachIndex
            | StepKind::Sequences
            | StepKind::ExtensionData
            | StepKind::RefreshView
            | StepKind::PostData => Work::Schema,
        }
    }
}

impl Pool {
    fn of(kind: StepKind) -> Pool {
        match kind {
            StepKind::Truncate
            | StepKind::CopyTable
            | StepKind::CopyPart
            | StepKind::Sequences
            | StepKind::ExtensionData => Pool::Copy,
            StepKind::LargeObjects => Pool::LargeObjects,
            StepKind::CreateIndex | StepKind::FinishIndex | StepKind::ValidateForeignKey => {
                Pool::Index
            }
            StepKind::Analyze => Pool::Vacuum,
            StepKind::PreData | StepKind::RefreshView => Pool::Restore,
            StepKind::Drop
            | StepKind::CreateExtension
            | StepKind::AttachIndex
            | StepKind::AddForeignKey
            | StepKind::PostData => Pool::Schema,
        }
    }
}

impl Lane {
    /// As the log calls the worker.
    pub fn name(self) -> String {
        let word = match self.pool {
            Pool::Queries => return "catalog queries".to_owned(),
            Pool::Dump => return "pg_dump".to_owned(),
            Pool::Schema => "schema",
            Pool::Copy => "copy",
            Pool::LargeObjects => "large objects",
            Pool::Index => "index",
            Pool::Vacuum => "vacuum",
            Pool::Restore => "restore",
        };
        format!("{word} {}", self.number)
    }
}

impl Timeline {
    /// What a history tells.
    pub fn of(history: &History) -> Timeline {
        // What still runs, or died with its program, ends with the last that is known.
        let times = history.steps.iter().map(|step| step.ended.unwrap_or(step.started));
        let latest = times.max().unwrap_or(0);
        let mut blocks: Vec<Block> = discovery(history).collect();
        // The place of each lane's last block.
        let mut last: BTreeMap<Lane, usize> = BTreeMap::new();
        for step in &history.steps {
            let block = Block::of(&step, latest);
            // A worker does one thing at a time: what overlaps was handed to it together.
            match last.get(&block.lane) {
                Some(&place) if block.started < blocks[place].ended => blocks[place].add(block),
                _ => {
                    last.insert(block.lane, blocks.len());
                    blocks.push(block);
                }
            }
        }
        blocks.sort_by_key(|block| (block.started, block.ended));
        let axis = Axis::new(blocks.iter().map(|block| (block.started, block.ended)));
        Timeline { blocks, axis }
    }

    /// The lanes that are not empty, in their order, with their blocks.
    pub fn lanes(&self) -> BTreeMap<Lane, Vec<&Block>> {
        let mut lanes: BTreeMap<Lane, Vec<&Block>> = BTreeMap::new();
        for block in &self.blocks {
            lanes.entry(block.lane).or_default().push(block);
        }
        lanes
    }
}

/// What was done before there was a plan.
fn discovery(history: &History) -> impl Iterator<Item = Block> {
    let wanted = [(Section::CatalogQueries, Pool::Queries), (Section::DumpSchema, Pool::Dump)];
    wanted.into_iter().filter_map(|(section, pool)| {
        let record = history.sections.iter().find(|record| record.section == section)?;
        let lane = Lane { pool, number: 1 };
        Some(Block {
            lane,
            work: Work::Discovery,
            label: lane.name(),
            table: None,
            steps: 1,
            is_part: false,
            started: record.started,
            ended: record.ended,
            bytes: 0,
            rows: 0,
            is_failed: false,
        })
    })
}

impl Block {
    fn of(step: &StepRecord, latest: u64) -> Block {
        Block {
            lane: Lane { pool: Pool::of(step.kind), number: step.seat.unwrap_or(1) },
            work: Work::of(step.kind),
            label: step.label.clone(),
            table: step.table,
            steps: 1,
            is_part: step.kind == StepKind::CopyPart,
            started: step.started,
            ended: step.ended.unwrap_or(latest).max(step.started),
            bytes: step.bytes,
            rows: step.rows,
            is_failed: step.state == StepState::Failed,
        }
    }

    fn add(&mut self, other: Block) {
        self.steps += other.steps;
        self.ended = self.ended.max(other.ended);
        self.bytes += other.bytes;
        self.rows += other.rows;
        self.is_failed |= other.is_failed;
    }

    /// How long it took.
    pub fn duration(&self) -> u64 {
        self.ended - self.started
    }

    /// What it does, for people.
    pub fn title(&self) -> String {
        match self.steps {
            1 => self.label.clone(),
            steps => format!("{} and {} more", self.label, steps - 1),
        }
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;
    use crate::model::SectionRecord;

    /// A step that was done, in milliseconds.
    pub fn step(kind: StepKind, seat: u32, table: u32, started: u64, ended: u64) -> StepRecord {
        StepRecord {
            kind,
            table: Some(Oid(table)),
            label: format!("{} {table}", kind.name()),
            seat: Some(seat),
            started,
            ended: Some(ended),
            bytes: 0,
            rows: 0,
            state: StepState::Done,
        }
    }

    /// What these steps make.
    pub fn timeline(steps: Vec<StepRecord>) -> Timeline {
        Timeline::of(&History { steps: steps.into(), ..History::default() })
    }

    #[test]
    fn steps_that_were_done_together_are_one_block() {
        let copy = StepKind::CopyTable;
        let mut failed = step(copy, 1, 3, 0, 500);
        failed.state = StepState::Failed;
        let timeline = timeline(vec![
            step(copy, 1, 1, 0, 500),
            step(copy, 1, 2, 1, 500),
            failed,
            step(copy, 2, 4, 2, 900),
            step(copy, 1, 5, 500, 700),
            step(StepKind::CreateIndex, 1, 1, 600, 800),
        ]);
        let lanes = timeline.lanes();
        let lanes: Vec<(String, Vec<(usize, bool)>)> = lanes
            .iter()
            .map(|(lane, blocks)| {
                (lane.name(), blocks.iter().map(|b| (b.steps, b.is_failed)).collect())
            })
            .collect();
        assert_eq!(
            lanes,
            [
                ("copy 1".to_owned(), vec![(3, true), (1, false)]),
                ("copy 2".to_owned(), vec![(1, false)]),
                ("index 1".to_owned(), vec![(1, false)]),
            ]
        );
        assert_eq!(timeline.blocks[0].title(), "copy table 1 and 2 more");
        assert_eq!(timeline.axis.length(), 900);
    }

    #[test]
    fn what_still_runs_ends_with_the_last_that_is_known() {
        let mut running = step(StepKind::CopyTable, 1, 1, 100, 0);
        (running.ended, running.state) = (None, StepState::Running);
        let timeline = timeline(vec![running, step(StepKind::CopyTable, 2, 2, 200, 700)]);
        assert_eq!(timeline.blocks[0].ended, 700);
    }

    #[test]
    fn the_dump_has_a_lane_of_its_own() {
        let section = Section::DumpSchema;
        let sections = vec![SectionRecord { section, started: 5, ended: 50 }];
        let timeline = Timeline::of(&History { sections, ..History::default() });
        assert_eq!(timeline.lanes().keys().next().unwrap().name(), "pg_dump");
    }
}
