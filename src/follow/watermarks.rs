//! How far the changes have come, and where they end: decisions without any I/O.

use crate::model::Lsn;

/// How far the changes have come. No mark ever goes back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watermarks {
    received: Lsn,
    stored: Lsn,
    complete: Lsn,
    applied: Lsn,
    drained: Lsn,
}

impl Watermarks {
    /// Nothing has come in yet; the target has what was applied before.
    pub fn new(applied: Lsn) -> Watermarks {
        Watermarks { applied, ..Watermarks::default() }
    }

    /// The source has sent up to here.
    pub fn received(&self) -> Lsn {
        self.received
    }

    /// The source may forget what is before: it is durable on our disk.
    pub fn stored(&self) -> Lsn {
        self.stored
    }

    /// All transactions that committed up to here are durable on our disk. It differs from
    /// `stored` where the end position lies in the middle of a transaction, which the source has to
    /// keep.
    pub fn complete(&self) -> Lsn {
        self.complete
    }

    /// The end of the last transaction that is durable on the target.
    pub fn applied(&self) -> Lsn {
        self.applied
    }

    /// Everything up to here is on the target: it lies beyond `applied` where the source's log has
    /// gone on without changes for us.
    pub fn done(&self) -> Lsn {
        self.applied.max(self.drained)
    }

    pub(super) fn receive(&mut self, lsn: Lsn) {
        self.received = self.received.max(lsn);
    }

    pub(super) fn store(&mut self, lsn: Lsn) {
        self.stored = self.stored.max(lsn);
        self.received = self.received.max(lsn);
        self.complete = self.complete.max(lsn);
    }

    pub(super) fn complete_to(&mut self, lsn: Lsn) {
        self.complete = self.complete.max(lsn);
    }

    pub(super) fn apply(&mut self, lsn: Lsn) {
        self.applied = self.applied.max(lsn);
    }

    pub(super) fn drain(&mut self, lsn: Lsn) {
        self.drained = self.drained.max(lsn);
    }
}

/// Whether a transaction is wanted that ends (with its commit's record) at a position: it is
/// applied whole or not at all.
pub(super) fn is_wanted(end: Lsn, endpos: Option<Lsn>) -> bool {
    endpos.is_none_or(|endpos| end <= endpos)
}

/// Whether a transaction is known not to be wanted when it begins: its commit's record, which
/// has some length, begins at a position.
pub(super) fn is_beyond(commit_lsn: Lsn, endpos: Option<Lsn>) -> bool {
    endpos.is_some_and(|endpos| commit_lsn >= endpos)
}

/// Whether everything that is wanted is there, when all is there that committed up to a position.
pub(super) fn is_reached(complete: Lsn, endpos: Option<Lsn>) -> bool {
    endpos.is_some_and(|endpos| complete >= endpos)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A transaction whose commit's record reaches from 100 to 110.
    fn decided(endpos: u64) -> (bool, bool) {
        let endpos = Some(Lsn(endpos));
        (is_beyond(Lsn(100), endpos), is_wanted(Lsn(110), endpos))
    }

    #[test]
    fn a_transaction_is_wanted_if_it_has_committed_at_the_end_position() {
        assert_eq!(decided(110), (false, true));
        assert_eq!(decided(200), (false, true));
        assert_eq!(decided(100), (true, false));
        assert_eq!(decided(50), (true, false));
        // In the middle of the commit's record: seen at the commit only.
        assert_eq!(decided(105), (false, false));
        assert!(is_wanted(Lsn(u64::MAX), None) && !is_beyond(Lsn(u64::MAX), None));
    }

    #[test]
    fn the_end_is_reached_when_everything_up_to_it_is_there() {
        assert!(!is_reached(Lsn(99), Some(Lsn(100))));
        assert!(is_reached(Lsn(100), Some(Lsn(100))));
        assert!(is_reached(Lsn(101), Some(Lsn(100))));
        assert!(!is_reached(Lsn(u64::MAX), None));
    }

    #[test]
    fn no_mark_goes_back() {
        let mut marks = Watermarks::new(Lsn(5));
        marks.receive(Lsn(20));
        marks.store(Lsn(10));
        marks.store(Lsn(7));
        marks.apply(Lsn(3));
        assert_eq!(
            (marks.received(), marks.stored(), marks.complete(), marks.applied()),
            (Lsn(20), Lsn(10), Lsn(10), Lsn(5))
        );
        marks.complete_to(Lsn(15));
        assert_eq!((marks.stored(), marks.complete()), (Lsn(10), Lsn(15)));
        assert_eq!(marks.done(), Lsn(5));
        marks.drain(Lsn(15));
        assert_eq!((marks.applied(), marks.done()), (Lsn(5), Lsn(15)));
    }
}
