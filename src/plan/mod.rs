//! What is to be done, in which order, and what is left of it, as one value. Nothing here connects,
//! waits or logs; the dispatcher (`run`) takes steps out and says how they ended.

mod attach;
pub mod citus;
pub mod clone;
pub mod compare;
pub mod drop;
pub mod format;
mod links;
pub mod list;
pub mod objects;
pub mod pre_data;
mod relations;
pub mod resume;
pub mod roles;
pub mod select;
pub mod split;
pub mod statement;

use std::collections::{BinaryHeap, HashMap};

use crate::model::{EntryId, Oid};
use links::{Link, Lists};

/// One unit of work that succeeds or fails as a whole. Objects are named by their OID on the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Step {
    /// Drops what is in the way on the target.
    DropObjects {
        /// Which batch, from 0.
        batch: u32,
    },
    /// A run of entries of the archive's pre-data section.
    RestorePreData {
        /// Which run.
        chunk: u32,
    },
    /// Makes an extension.
    CreateExtension {
        /// The archive's entry.
        entry: EntryId,
    },
    /// Empties a table that was there before, once before the steps that fill it.
    Truncate {
        /// The table.
        table: Oid,
    },
    /// Copies a whole table.
    CopyTable {
        /// The table.
        table: Oid,
    },
    /// Copies some rows of a table.
    CopyPart {
        /// The table.
        table: Oid,
        /// Which part, from 1.
        part: u16,
    },
    /// Builds an index.
    CreateIndex {
        /// The index.
        index: Oid,
    },
    /// Does what needs the table alone once its index is built: adds the constraint on it, makes it
    /// the replica identity or the cluster index.
    FinishIndex {
        /// The index.
        index: Oid,
    },
    /// Attaches a partition's index to the partitioned table's.
    AttachIndex {
        /// The archive's entry.
        entry: EntryId,
    },
    /// Adds a foreign key NOT VALID, or one that the source does not hold for all rows either.
    AddForeignKey {
        /// The constraint.
        constraint: Oid,
    },
    /// Checks the rows of a foreign key; on a partitioned table, where NOT VALID is not to be had,
    /// adds it as well.
    ValidateForeignKey {
        /// The constraint.
        constraint: Oid,
    },
    /// Gathers statistics, and vacuums what COPY could not freeze.
    Analyze {
        /// The table.
        table: Oid,
    },
    /// Copies a batch of large objects with their owners, privileges and comments.
    CopyLargeObjects {
        /// Which batch, from 0.
        batch: u32,
    },
    /// Sets all sequences.
    SetSequences,
    /// Copies the rows of an extension's configuration tables that belong to the user.
    CopyExtensionData {
        /// The extension.
        extension: Oid,
    },
    /// Fills a materialized view.
    RefreshView {
        /// The archive's entry.
        entry: EntryId,
    },
    /// Another entry that belongs after the rows.
    RestorePostData {
        /// The archive's entry.
        entry: EntryId,
    },
    /// Nothing: a point that many steps wait for, or a step that is left out. Never handed out.
    Milestone,
}

/// Who may do a step: which connections it needs, and what it must not disturb.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Pool {
    /// Source and target; `--table-jobs` of them.
    Copy,
    /// Source and target; `--large-objects-jobs` of them.
    LargeObject,
    /// Target; `--index-jobs` of them.
    Index,
    /// Target; `--table-jobs` of them.
    Vacuum,
    /// Target; `--restore-jobs` of them.
    Restore,
    /// Target; one, since these take milliseconds and locks on several tables each.
    Schema,
}

impl Pool {
    /// All pools.
    pub const ALL: [Pool; 6] =
        [Pool::Copy, Pool::LargeObject, Pool::Index, Pool::Vacuum, Pool::Restore, Pool::Schema];
}

impl Step {
    /// Whether it reads from the source.
    pub fn reads_source(self) -> bool {
        matches!(
            self,
            Step::CopyTable { .. }
                | Step::CopyPart { .. }
                | Step::CopyLargeObjects { .. }
                | Step::SetSequences
                | Step::CopyExtensionData { .. }
        )
    }

    /// Who does it.
    fn pool(self) -> Pool {
        match self {
            Step::Truncate { .. }
            | Step::CopyTable { .. }
            | Step::CopyPart { .. }
            | Step::SetSequences
            | Step::CopyExtensionData { .. } => Pool::Copy,
            Step::CopyLargeObjects { .. } => Pool::LargeObject,
            Step::CreateIndex { .. }
            | Step::FinishIndex { .. }
            | Step::ValidateForeignKey { .. } => Pool::Index,
            Step::RestorePreData { .. } | Step::RefreshView { .. } => Pool::Restore,
            Step::Analyze { .. } => Pool::Vacuum,
            Step::DropObjects { .. }
            | Step::CreateExtension { .. }
            | Step::AttachIndex { .. }
            | Step::AddForeignKey { .. }
            | Step::RestorePostData { .. }
            | Step::Milestone => Pool::Schema,
        }
    }
}

/// A step's place in its plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(u32);

impl StepId {
    /// The step at a place; a plan has no more than four thousand million.
    pub(super) fn at(place: usize) -> StepId {
        StepId(place as u32)
    }

    /// Its place, from 0, as in what is said about every step of a plan.
    pub fn place(self) -> usize {
        self.0 as usize
    }
}

/// How far a step has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Some of what it waits for has not ended.
    Waiting,
    /// In its pool's heap.
    Ready,
    /// Handed out.
    Running,
    Done,
    Failed,
    /// Something it builds upon failed or was skipped.
    Skipped,
}

#[derive(Debug)]
struct Node {
    step: Step,
    state: State,
    weight: Weight,
}

/// About how many bytes of work a step is, as the bits of a number with a fraction: these have the
/// order of the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Weight(u32);

impl Weight {
    fn of(bytes: u64) -> Weight {
        Weight((bytes as f32).to_bits())
    }

    fn bytes(self) -> u64 {
        f32::from_bits(self.0) as u64
    }
}

/// All steps with their order. A step can only wait for steps added before it, so a cycle cannot be
/// written down. There may be a million steps: what they wait for is kept in one list for all of
/// them, which is turned around when the plan is opened.
#[derive(Debug, Default)]
pub struct Plan {
    nodes: Vec<Node>,
    /// What each step waits for, until the plan is opened.
    before: Lists,
    /// What waits for each step, once the plan is opened.
    after: Lists,
    /// How many steps each one still waits for: all it needs, and those it only follows.
    waits_for: Vec<u32>,
    /// What comes after a step, where there is so much that the step should come earlier than its
    /// own weight says.
    to_follow: HashMap<StepId, Weight>,
    /// Ready steps, per pool, by weight, with what comes after them, and then first come.
    ready: [BinaryHeap<(Weight, std::cmp::Reverse<StepId>)>; Pool::ALL.len()],
    /// Steps of an opened plan that have not ended, per pool; milestones are nobody's.
    outstanding: [usize; Pool::ALL.len()],
    unfinished: usize,
    running: usize,
}

impl Plan {
    /// An empty plan.
    pub fn new() -> Plan {
        Plan::default()
    }

    /// An empty plan with room for some steps.
    pub fn with_capacity(steps: usize) -> Plan {
        let before = Lists { starts: Vec::with_capacity(steps), all: Vec::new() };
        Plan { nodes: Vec::with_capacity(steps), before, ..Plan::default() }
    }

    /// Adds a step that needs the success of others.
    pub fn add(&mut self, step: Step, weight: u64, needs: &[StepId]) -> StepId {
        self.add_following(step, weight, needs, &[])
    }

    /// Adds a step that needs the success of some and the end, however it was, of others.
    pub fn add_following(
        &mut self,
        step: Step,
        weight: u64,
        needs: &[StepId],
        follows: &[StepId],
    ) -> StepId {
        let id = StepId::at(self.nodes.len());
        self.before.starts.push(self.before.all.len() as u32);
        self.before.all.extend(needs.iter().map(|before| Link::new(*before, true)));
        self.before.all.extend(follows.iter().map(|before| Link::new(*before, false)));
        self.nodes.push(Node { step, state: State::Waiting, weight: Weight::of(weight) });
        id
    }

    /// Notes how much work, in bytes, can only begin when a step is done.
    pub fn precedes(&mut self, id: StepId, bytes: u64) {
        self.to_follow.insert(id, Weight::of(bytes));
    }

    /// Adds a point that is reached when all of `follows` have ended, however they ended.
    pub fn milestone(&mut self, follows: &[StepId]) -> StepId {
        self.add_following(Step::Milestone, 0, &[], follows)
    }

    /// Adds a point that is reached when all of `needs` have succeeded, and skipped otherwise.
    pub fn success(&mut self, needs: &[StepId]) -> StepId {
        self.add(Step::Milestone, 0, needs)
    }

    /// How many steps there are.
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether there are no steps.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// All steps of a plan that is not opened, prerequisites first, each with the steps whose success
    /// it needs.
    pub fn steps(&self) -> impl Iterator<Item = (StepId, Step, impl Iterator<Item = StepId>)> {
        self.nodes.iter().enumerate().map(|(place, node)| {
            let id = StepId::at(place);
            let needs = self.links(id).iter().filter(|link| link.needs());
            (id, node.step, needs.map(|link| link.id()))
        })
    }

    /// The steps that must have ended before one, in a plan that is not opened.
    pub fn prerequisites(&self, id: StepId) -> impl Iterator<Item = StepId> {
        self.links(id).iter().map(|link| link.id())
    }

    fn links(&self, id: StepId) -> &[Link] {
        &self.before.all[self.before.range(id)]
    }

    /// The steps of an opened plan that have not ended.
    pub fn outstanding(&self) -> impl Iterator<Item = (Step, u64)> {
        let nodes = self
            .nodes
            .iter()
            .filter(|node| matches!(node.state, State::Waiting | State::Ready | State::Running));
        nodes.map(|node| (node.step, node.weight.bytes()))
    }

    /// How many of these a pool does.
    pub fn outstanding_in(&self, pool: Pool) -> usize {
        self.outstanding[pool as usize]
    }

    /// The step at a place.
    pub fn step(&self, id: StepId) -> Step {
        self.nodes[id.place()].step
    }

    /// How much work a step is thought to be, in bytes.
    pub fn weight(&self, id: StepId) -> u64 {
        self.nodes[id.place()].weight.bytes()
    }

    /// Leaves a step out of a plan that has not begun: what it waits for is waited for all the same.
    pub(super) fn leave_out(&mut self, id: StepId) {
        self.nodes[id.place()].step = Step::Milestone;
    }

    /// Begins: the outstanding steps are to be done, the others count as done.
    pub fn open(&mut self, outstanding: &[bool]) {
        assert_eq!(outstanding.len(), self.nodes.len(), "a verdict for every step");
        for (node, &is_outstanding) in self.nodes.iter_mut().zip(outstanding) {
            node.state = if is_outstanding { State::Waiting } else { State::Done };
            if is_outstanding && node.step != Step::Milestone {
                self.outstanding[node.step.pool() as usize] += 1;
            }
        }
        self.note_what_waits();
        self.unfinished = outstanding.iter().filter(|outstanding| **outstanding).count();
        for place in 0..self.nodes.len() {
            self.ready_if_free(StepId::at(place));
        }
    }

    /// Turns what every step waits for around: what waits for every step, where both are
    /// outstanding.
    fn note_what_waits(&mut self) {
        let before = std::mem::take(&mut self.before);
        let is_waiting = |link: &Link| self.nodes[link.id().place()].state == State::Waiting;
        let mut starts = vec![0_u32; self.nodes.len()];
        let mut waits_for = vec![0_u32; self.nodes.len()];
        for (place, waits_for) in waits_for.iter_mut().enumerate() {
            let links = &before.all[before.range(StepId::at(place))];
            for link in links.iter().filter(|link| is_waiting(link)) {
                starts[link.id().place()] += 1;
                *waits_for += 1;
            }
        }
        // How many there are becomes where they end, and then, as they are put in from the last one
        // to the first, where they begin.
        let mut end = 0;
        for start in &mut starts {
            end += *start;
            *start = end;
        }
        let mut after = Lists { starts, all: vec![Link::new(StepId(0), false); end as usize] };
        for place in (0..self.nodes.len()).rev() {
            let id = StepId::at(place);
            let links = &before.all[before.range(id)];
            for link in links.iter().rev().filter(|link| is_waiting(link)) {
                let start = &mut after.starts[link.id().place()];
                *start -= 1;
                after.all[*start as usize] = Link::new(id, link.needs());
            }
        }
        (self.after, self.waits_for) = (after, waits_for);
    }

    /// Takes the weightiest ready step of a pool, with what comes after it.
    pub fn take(&mut self, pool: Pool) -> Option<(StepId, Step)> {
        let (_, std::cmp::Reverse(id)) = self.ready[pool as usize].pop()?;
        let node = &mut self.nodes[id.place()];
        assert_eq!(node.state, State::Ready, "only ready steps are in a heap");
        node.state = State::Running;
        self.running += 1;
        Some((id, node.step))
    }

    /// The weightiest ready step of a pool, left where it is.
    pub fn peek(&self, pool: Pool) -> Option<(StepId, Step)> {
        let (_, std::cmp::Reverse(id)) = self.ready[pool as usize].peek()?;
        Some((*id, self.nodes[id.place()].step))
    }

    /// How many steps of a pool are ready.
    pub fn ready_count(&self, pool: Pool) -> usize {
        self.ready[pool as usize].len()
    }

    /// A step that was handed out has succeeded.
    pub fn finish(&mut self, id: StepId) {
        self.end_running(id);
        self.ended(id, State::Done);
    }

    /// A step that was handed out has failed; what needs it is skipped and returned.
    pub fn fail(&mut self, id: StepId) -> Vec<StepId> {
        self.end_running(id);
        self.ended(id, State::Failed)
    }

    /// Whether every step has ended.
    pub fn is_finished(&self) -> bool {
        self.unfinished == 0
    }

    /// How many steps are handed out.
    pub fn running(&self) -> usize {
        self.running
    }

    fn end_running(&mut self, id: StepId) {
        assert_eq!(self.nodes[id.place()].state, State::Running, "only a running step can end");
        self.running -= 1;
    }

    /// Notes an end and what follows from it; returns the steps that can no longer be done.
    fn ended(&mut self, id: StepId, state: State) -> Vec<StepId> {
        let mut skipped = Vec::new();
        let mut ends = vec![(id, state)];
        while let Some((id, state)) = ends.pop() {
            let node = &mut self.nodes[id.place()];
            node.state = state;
            self.unfinished -= 1;
            if node.step != Step::Milestone {
                self.outstanding[node.step.pool() as usize] -= 1;
                skipped.extend((state == State::Skipped).then_some(id));
            }
            for place in self.after.range(id) {
                let (waiting, needed) = (self.after.all[place].id(), self.after.all[place].needs());
                let node = &mut self.nodes[waiting.place()];
                if node.state != State::Waiting {
                    continue;
                }
                if needed && state != State::Done {
                    // Marked at once, so that a second failed prerequisite does not count it again.
                    node.state = State::Skipped;
                    ends.push((waiting, State::Skipped));
                    continue;
                }
                let waits_for = &mut self.waits_for[waiting.place()];
                *waits_for -= 1;
                if *waits_for == 0 && node.step == Step::Milestone {
                    node.state = State::Done;
                    ends.push((waiting, State::Done));
                } else {
                    self.ready_if_free(waiting);
                }
            }
        }
        skipped
    }

    fn ready_if_free(&mut self, id: StepId) {
        let node = &mut self.nodes[id.place()];
        if node.state != State::Waiting || self.waits_for[id.place()] > 0 {
            return;
        }
        if node.step == Step::Milestone {
            self.ended(id, State::Done);
            return;
        }
        node.state = State::Ready;
        let rank = match self.to_follow.get(&id) {
            Some(after) => Weight::of(node.weight.bytes().saturating_add(after.bytes())),
            None => node.weight,
        };
        self.ready[node.step.pool() as usize].push((rank, std::cmp::Reverse(id)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn copy(oid: u32) -> Step {
        Step::CopyTable { table: Oid(oid) }
    }

    fn analyze(oid: u32) -> Step {
        Step::Analyze { table: Oid(oid) }
    }

    fn opened(mut plan: Plan) -> Plan {
        let all = vec![true; plan.len()];
        plan.open(&all);
        plan
    }

    #[test]
    fn the_weightiest_comes_first_and_equals_in_order() {
        let mut plan = Plan::new();
        for (oid, weight) in [(1, 5), (2, 9), (3, 5)] {
            plan.add(copy(oid), weight, &[]);
        }
        let mut plan = opened(plan);
        let taken: Vec<_> = std::iter::from_fn(|| plan.take(Pool::Copy).map(|t| t.1)).collect();
        assert_eq!(taken, [copy(2), copy(1), copy(3)]);
    }

    #[test]
    fn a_failure_takes_down_what_needs_it_and_nothing_else() {
        let mut plan = Plan::new();
        let (a, b) = (plan.add(copy(1), 2, &[]), plan.add(copy(2), 1, &[]));
        let analyze_a = plan.add(analyze(1), 0, &[a]);
        let both = plan.add(analyze(3), 0, &[analyze_a, a]);
        let end = plan.milestone(&[a, b, both]);
        let last = plan.add_following(analyze(4), 0, &[], &[end]);
        let mut plan = opened(plan);
        let left = |plan: &Plan| [Pool::Copy, Pool::Vacuum].map(|pool| plan.outstanding_in(pool));
        assert_eq!(left(&plan), [2, 3]);
        assert_eq!(plan.take(Pool::Copy).unwrap().0, a);
        let mut skipped = plan.fail(a);
        skipped.sort();
        assert_eq!(skipped, [analyze_a, both]);
        assert_eq!(left(&plan), [1, 1]);
        assert_eq!(plan.take(Pool::Copy).unwrap().0, b);
        assert!(plan.take(Pool::Vacuum).is_none());
        plan.finish(b);
        assert_eq!(plan.take(Pool::Vacuum).unwrap().0, last);
        plan.finish(last);
        assert!(plan.is_finished());
        assert_eq!(left(&plan), [0, 0]);
    }

    #[test]
    fn what_much_comes_after_comes_earlier() {
        let mut plan = Plan::new();
        plan.add(copy(1), 20, &[]);
        let second = plan.add(copy(2), 10, &[]);
        plan.precedes(second, 15);
        let mut plan = opened(plan);
        assert_eq!(plan.weight(second), 10);
        assert_eq!(plan.take(Pool::Copy).map(|(_, step)| step), Some(copy(2)));
    }

    #[test]
    fn what_is_done_already_is_not_handed_out() {
        let mut plan = Plan::new();
        let a = plan.add(copy(1), 1, &[]);
        let milestone = plan.milestone(&[a]);
        let b = plan.add_following(analyze(1), 1, &[a], &[milestone]);
        plan.open(&[false, true, true]);
        assert!(plan.take(Pool::Copy).is_none());
        assert_eq!(plan.take(Pool::Vacuum).unwrap().0, b);
        plan.finish(b);
        assert!(plan.is_finished());
    }

    #[test]
    fn a_plan_with_nothing_outstanding_is_finished() {
        let mut plan = Plan::new();
        plan.add(copy(1), 1, &[]);
        plan.open(&[false]);
        assert!(plan.is_finished());
    }
}
