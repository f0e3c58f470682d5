//! What lies between the steps of a plan: for each of them a list of others.

use super::StepId;

/// Lists, one for each step of a plan in their order: all in one.
#[derive(Debug, Default)]
pub(super) struct Lists {
    /// Where each begins.
    pub(super) starts: Vec<u32>,
    /// All of them, one after the other.
    pub(super) all: Vec<Link>,
}

impl Lists {
    /// Where the list of a step is.
    pub(super) fn range(&self, id: StepId) -> std::ops::Range<usize> {
        let end = self.starts.get(id.place() + 1).map_or(self.all.len(), |next| *next as usize);
        self.starts[id.place()] as usize..end
    }
}

/// One end of what lies between two steps, of which the later one waits for the other: the step at
/// the other end, and whether its success is needed or only its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link(u32);

impl Link {
    /// Set where success is needed; a plan has no more than two thousand million steps.
    const NEEDS: u32 = 1 << 31;

    pub(super) fn new(id: StepId, needs: bool) -> Link {
        Link(id.0 | if needs { Link::NEEDS } else { 0 })
    }

    pub(super) fn id(self) -> StepId {
        StepId(self.0 & !Link::NEEDS)
    }

    pub(super) fn needs(self) -> bool {
        self.0 & Link::NEEDS != 0
    }
}
