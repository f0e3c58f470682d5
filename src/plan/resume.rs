//! What is left of a plan.

use super::{Plan, Step};

/// A step is outstanding if it was not finished, or if something it builds upon is done again.
/// Steps come prerequisites first, so one pass is enough.
pub fn outstanding(plan: &Plan, mut done: impl FnMut(Step) -> bool) -> Vec<bool> {
    let mut outstanding = vec![false; plan.len()];
    for (id, step, needs) in plan.steps() {
        outstanding[id.0] = step == Step::Milestone
            || !done(step)
            || needs.iter().any(|prerequisite| outstanding[prerequisite.0]);
    }
    outstanding
}
