//! What is left of a plan.

use super::{Plan, Step};

/// A step is outstanding if it was not finished. What it builds upon does not matter: its record
/// was written with its work, so the work is there, and a record written later can only be lost
/// together with those after it.
pub fn outstanding(plan: &Plan, mut done: impl FnMut(Step) -> bool) -> Vec<bool> {
    plan.steps().map(|(_, step, _)| step == Step::Milestone || !done(step)).collect()
}

#[cfg(test)]
mod random;
#[cfg(test)]
mod world;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Oid;

    #[test]
    fn what_was_done_stays_done_whatever_it_builds_upon() {
        let mut plan = Plan::new();
        let copy = Step::CopyTable { table: Oid(1) };
        let index = Step::CreateIndex { index: Oid(2) };
        let rows = plan.add(copy, 0, &[]);
        let filled = plan.milestone(&[rows]);
        plan.add(index, 0, &[filled]);
        // An index that was built before the rows came, by another command.
        assert_eq!(outstanding(&plan, |step| step == index), [true, true, false]);
        // A point that steps wait for is never done, which is not a reason to do them again.
        assert_eq!(outstanding(&plan, |_| true), [false, true, false]);
    }
}
