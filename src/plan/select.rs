//! The steps of `copy …`, `dump …` and `restore …`: the plan of a whole clone with other steps left
//! out. What one command leaves out is another one's share, in any order that the user likes.

use super::clone::Tables;
use super::{Plan, Step, resume};

/// What a command does of a clone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Its share of the steps.
    pub selection: Selection,
    /// Where the archive of the schema comes from.
    pub archive: Archive,
}

/// Where the archive of the schema comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archive {
    /// The command makes it, unless one before it has.
    Made,
    /// Another command has made it.
    Given,
}

/// Which share of a whole clone a command does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All of it: `clone`.
    All,
    /// Every object, but no rows: `copy schema`, `restore schema`.
    Schema,
    /// The objects that come before the rows: `restore pre-data`.
    PreData,
    /// The objects that come after the rows: `restore post-data`.
    PostData,
    /// Rows, and the indexes and constraints on them: `copy data`.
    Data,
    /// Rows: `copy table-data`.
    TableData,
    /// Large objects: `copy blobs`.
    LargeObjects,
    /// The values of sequences: `copy sequences`.
    Sequences,
    /// Indexes: `copy indexes`.
    Indexes,
    /// What indexes are made into: `copy constraints`.
    Constraints,
    /// Extensions with their configuration: `copy extensions`.
    Extensions,
}

/// Whether a step is in a selection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// Yes, whatever else is left to be done.
    Always,
    /// Only if nothing that comes before it is left for another command: it looks at the result.
    WhenReady,
    /// No.
    Never,
}

impl Selection {
    /// Whether it makes the tables.
    pub fn makes_tables(self) -> bool {
        matches!(self, Selection::All | Selection::Schema | Selection::PreData)
    }

    /// Whether it fills tables.
    pub fn fills_tables(self) -> bool {
        matches!(self, Selection::All | Selection::Data | Selection::TableData)
    }

    /// Whether it builds indexes, or turns them into constraints.
    pub fn builds_indexes(self) -> bool {
        use Selection::{All, Constraints, Data, Indexes, PostData, Schema};
        matches!(self, All | Schema | PostData | Data | Indexes | Constraints)
    }

    /// Whether it completes the schema.
    pub fn completes_schema(self) -> bool {
        matches!(self, Selection::All | Selection::Schema | Selection::PostData)
    }

    /// Whether it reads anything but catalogs from the source, and so needs a snapshot.
    pub fn reads_source(self) -> bool {
        use Selection::{All, Data, Extensions, LargeObjects, Sequences, TableData};
        matches!(self, All | Data | TableData | LargeObjects | Sequences | Extensions)
    }

    fn share(self, step: Step, tables: Tables) -> Share {
        use Selection::{Constraints, Data, Indexes, PostData, Schema, TableData};
        let is_always = match step {
            _ if self == Selection::All => true,
            Step::DropObjects { .. } | Step::RestorePreData { .. } => self.makes_tables(),
            Step::CreateExtension { .. } => self.makes_tables() || self == Selection::Extensions,
            Step::Truncate { .. } | Step::CopyTable { .. } | Step::CopyPart { .. } => {
                self.fills_tables()
            }
            Step::CopyExtensionData { .. } => self.fills_tables() || self == Selection::Extensions,
            Step::CreateIndex { .. } => self.builds_indexes() && self != Constraints,
            Step::FinishIndex { .. } | Step::AttachIndex { .. } => {
                self.builds_indexes() && self != Indexes
            }
            Step::CopyLargeObjects { .. } => matches!(self, Data | Selection::LargeObjects),
            Step::SetSequences => matches!(self, Data | Selection::Sequences),
            Step::AddForeignKey { .. }
            | Step::ValidateForeignKey { .. }
            | Step::RestorePostData { .. } => self.completes_schema(),
            Step::Milestone => true,
            Step::Analyze { .. } => match (self, tables) {
                (Data, _) | (TableData, Tables::Found) => true,
                (Schema | PostData | TableData | Indexes | Constraints, Tables::Made) => {
                    return Share::WhenReady;
                }
                _ => false,
            },
            Step::RefreshView { .. } => match (self, tables) {
                (PostData, Tables::Found) => true,
                (Schema | PostData | Data, Tables::Made) => return Share::WhenReady,
                _ => false,
            },
        };
        if is_always { Share::Always } else { Share::Never }
    }
}

/// Leaves the steps out of a plan that another command is to do, and says which of the others are
/// to be done now, given those that were done before.
pub fn select(
    plan: &mut Plan,
    selection: Selection,
    tables: Tables,
    mut done: impl FnMut(Step) -> bool,
) -> Vec<bool> {
    if selection == Selection::All {
        return resume::outstanding(plan, done);
    }
    let mut outstanding = vec![true; plan.len()];
    // Steps that are not done when this command has ended, or follow one that is not.
    let mut is_open = vec![false; plan.len()];
    let mut left_out = Vec::new();
    for (id, step, _) in plan.steps() {
        let comes_early = plan.prerequisites(id).any(|before| is_open[before.place()]);
        let is_taken = match selection.share(step, tables) {
            Share::Always => true,
            Share::WhenReady => !comes_early,
            Share::Never => false,
        };
        outstanding[id.place()] = step == Step::Milestone || !done(step);
        is_open[id.place()] = comes_early;
        if outstanding[id.place()] && !is_taken {
            is_open[id.place()] = true;
            left_out.push(id);
        }
    }
    for id in left_out {
        plan.leave_out(id);
    }
    outstanding
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Oid;
    use crate::plan::{Pool, StepId};

    const ANALYZE: Step = Step::Analyze { table: Oid(1) };
    const COPY: Step = Step::CopyTable { table: Oid(1) };
    const INDEX: Step = Step::CreateIndex { index: Oid(2) };
    const KEY: Step = Step::FinishIndex { index: Oid(2) };
    const PRE_DATA: Step = Step::RestorePreData { chunk: 0 };
    const VIEW: Step = Step::RefreshView { entry: 7 };
    const ENTRY: Step = Step::RestorePostData { entry: 8 };

    /// A table with one key, something after the rows, and a view.
    fn plan() -> Plan {
        let mut plan = Plan::new();
        let schema = plan.add(PRE_DATA, 0, &[]);
        let rows = plan.add(COPY, 0, &[schema]);
        let index = plan.add(INDEX, 0, &[rows]);
        let key = plan.add(KEY, 0, &[index]);
        plan.add_following(ANALYZE, 0, &[rows], &[index, key]);
        let table = plan.milestone(&[rows, index, key]);
        let entry = plan.add_following(ENTRY, 0, &[], &[table]);
        let end = plan.milestone(&[entry]);
        plan.add_following(VIEW, 0, &[], &[end]);
        plan
    }

    fn selected(selection: Selection, tables: Tables, done: &[Step]) -> Vec<Step> {
        let mut plan = plan();
        let left = select(&mut plan, selection, tables, |step| done.contains(&step));
        let steps = plan.steps().filter(|(id, ..)| left[id.place()]).map(|(_, step, _)| step);
        steps.filter(|step| *step != Step::Milestone).collect()
    }

    #[test]
    fn a_chain_of_commands_does_every_step_once() {
        use Selection::{Constraints, Indexes, PostData, PreData, TableData};
        let mut done = Vec::new();
        for (selection, expected) in [
            (PreData, vec![PRE_DATA]),
            (TableData, vec![COPY]),
            (Indexes, vec![INDEX]),
            (Constraints, vec![KEY, ANALYZE]),
            (PostData, vec![ENTRY, VIEW]),
            (Selection::All, vec![]),
        ] {
            let steps = selected(selection, Tables::Made, &done);
            assert_eq!(steps, expected, "{selection:?}");
            done.extend(steps);
        }
    }

    #[test]
    fn the_schema_first_and_the_rows_afterwards_come_to_the_same() {
        let schema = selected(Selection::Schema, Tables::Made, &[]);
        assert_eq!(schema, [PRE_DATA, INDEX, KEY, ENTRY]);
        let data = selected(Selection::Data, Tables::Made, &schema);
        assert_eq!(data, [COPY, ANALYZE, VIEW]);
    }

    #[test]
    fn what_looks_at_the_rows_is_left_to_whoever_comes_last() {
        let left = selected(Selection::PostData, Tables::Made, &[PRE_DATA]);
        assert_eq!(left, [INDEX, KEY, ENTRY]);
        // Rows that somebody else copies are never known to be there.
        let left = selected(Selection::PostData, Tables::Found, &[]);
        assert_eq!(left, [INDEX, KEY, ENTRY, VIEW]);
        assert_eq!(selected(Selection::TableData, Tables::Found, &[]), [COPY, ANALYZE]);
        assert_eq!(selected(Selection::Indexes, Tables::Found, &[]), [INDEX]);
    }

    #[test]
    fn what_a_left_out_step_waits_for_is_waited_for() {
        let mut plan = plan();
        let left = select(&mut plan, Selection::Schema, Tables::Made, |_| false);
        plan.open(&left);
        assert!(plan.take(Pool::Index).is_none(), "the tables are not there yet");
        let (schema, step) = plan.take(Pool::Restore).unwrap();
        assert_eq!(step, PRE_DATA);
        plan.finish(schema);
        // The rows are somebody else's business.
        assert!(plan.take(Pool::Copy).is_none());
        assert_eq!(plan.take(Pool::Index), Some((StepId::at(2), INDEX)));
        plan.fail(StepId::at(2));
        assert_eq!(plan.take(Pool::Schema), Some((StepId::at(6), ENTRY)));
        plan.finish(StepId::at(6));
        assert!(plan.is_finished());
    }

    #[test]
    fn steps_that_are_left_out_hold_nobody_up() {
        let mut plan = plan();
        let left = select(&mut plan, Selection::Indexes, Tables::Found, |_| false);
        plan.open(&left);
        assert_eq!(plan.take(Pool::Index), Some((StepId::at(2), INDEX)));
        plan.finish(StepId::at(2));
        assert!(plan.is_finished());
    }
}
