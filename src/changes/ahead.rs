//! The transaction that is being received and must be the next to commit: whoever applies may begin
//! with it before it is whole, and is told what became of it.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::fault;
use crate::model::Lsn;

/// Where others commit, one that still runs will be overtaken: so long nobody must have.
const QUIET: Duration = Duration::from_secs(1);

/// Once one was overtaken or rolled back, what was applied of it was for nothing: so long none is
/// offered.
const PENANCE: Duration = Duration::from_secs(60);

/// What is known of the transaction that is to be the next to commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// It is not whole yet.
    pub partial: Option<Partial>,
    /// The number of the last one that has committed, and its end.
    committed: Option<(u64, Lsn)>,
}

/// A transaction that is not whole yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Partial {
    /// No other has this number.
    pub number: u64,
    pub(super) part: Part,
}

/// What there is of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// It runs on the source, and may be overtaken or rolled back.
    Running {
        /// The file that its changes come into.
        path: PathBuf,
        /// Bytes of it that are whole changes.
        bytes: u64,
    },
    /// It has committed on the source, and the rest is on its way.
    Coming {
        /// The file of the store.
        path: PathBuf,
        /// Where it begins.
        first: i64,
        /// The chunk that is not there yet.
        past_chunk: i64,
    },
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// More of it is to come.
    Open(Partial),
    /// It is whole, and the next one in the store.
    Whole(Lsn),
    /// Another has committed before it, or it was rolled back, in part or whole, or the source sends
    /// it again.
    Withdrawn,
}

impl Ahead {
    /// What became of a transaction.
    pub fn fate(&self, number: u64) -> Fate {
        match (&self.partial, self.committed) {
            (Some(partial), _) if partial.number == number => Fate::Open(partial.clone()),
            (_, Some((committed, end))) if committed == number => Fate::Whole(end),
            _ => Fate::Withdrawn,
        }
    }
}

/// A transaction that was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Choice {
    /// One that still runs.
    Running(u32),
    /// The one that is coming in.
    Coming,
}

/// Chooses the transaction that must be the next to commit.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    chosen: Option<(Choice, u64)>,
    count: u64,
    committed: Option<(u64, Lsn)>,
    last_commit: Option<Instant>,
    last_failure: Option<Instant>,
}

impl Lookout {
    /// A transaction that has committed begins to come in.
    pub fn begin(&mut self) {
        if self.chosen.is_some() {
            self.withdraw();
        }
    }

    /// A transaction has committed.
    pub fn commit(&mut self, which: Choice, end: Lsn) {
        self.last_commit = Some(Instant::now());
        match self.chosen {
            Some((chosen, number)) if chosen == which => {
                self.committed = Some((number, end));
                self.chosen = None;
            }
            Some(_) => self.withdraw(),
            None => {}
        }
    }

    /// A transaction that was received while it ran was rolled back, or a part of it.
    pub fn abort(&mut self, xid: u32) {
        if self.chosen.is_some_and(|(chosen, _)| chosen == Choice::Running(xid)) {
            self.withdraw();
        }
    }

    /// The source sends again what was not confirmed.
    pub fn forget(&mut self) {
        self.chosen = None;
    }

    fn withdraw(&mut self) {
        self.chosen = None;
        self.last_failure = Some(Instant::now());
    }

    /// The one that was chosen, or that may be: the one that is coming in, or the only one that runs.
    pub fn choice(&self, is_coming: bool, only: Option<u32>) -> Option<Choice> {
        let is_past = |moment: Option<Instant>, pause| moment.is_none_or(|at| at.elapsed() > pause);
        match self.chosen {
            Some((chosen, _)) => Some(chosen),
            None if is_coming => Some(Choice::Coming),
            None => only.map(Choice::Running).filter(|_| {
                is_past(self.last_commit, fault::setting("QUIET", QUIET))
                    && is_past(self.last_failure, fault::setting("PENANCE", PENANCE))
            }),
        }
    }

    /// Says what there is of the choice.
    pub fn offer(&mut self, choice: Option<(Choice, Part)>) -> Ahead {
        let partial = choice.map(|(choice, part)| {
            let number = match self.chosen {
                Some((_, number)) => number,
                None => {
                    self.count += 1;
                    self.chosen = Some((choice, self.count));
                    self.count
                }
            };
            Partial { number, part }
        });
        Ahead { partial, committed: self.committed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(bytes: u64) -> Part {
        Part::Running { path: PathBuf::new(), bytes }
    }

    fn offered(lookout: &mut Lookout, is_coming: bool, only: Option<u32>) -> Option<u64> {
        let choice = lookout.choice(is_coming, only).map(|choice| (choice, part(1)));
        lookout.offer(choice).partial.map(|partial| partial.number)
    }

    fn fate(lookout: &mut Lookout, number: u64) -> Fate {
        let choice = lookout.choice(false, None).map(|choice| (choice, part(2)));
        lookout.offer(choice).fate(number)
    }

    #[test]
    fn the_choice_stays_until_something_else_happens() {
        let mut lookout = Lookout::default();
        assert_eq!(offered(&mut lookout, false, None), None);
        assert_eq!(offered(&mut lookout, false, Some(7)), Some(1));
        // Another one runs now, too.
        assert_eq!(offered(&mut lookout, false, None), Some(1));
        assert_eq!(offered(&mut lookout, false, Some(8)), Some(1));
        lookout.abort(8);
        let expected = Fate::Open(Partial { number: 1, part: part(2) });
        assert_eq!(fate(&mut lookout, 1), expected);
        lookout.commit(Choice::Running(7), Lsn(30));
        assert_eq!(fate(&mut lookout, 1), Fate::Whole(Lsn(30)));
        lookout.commit(Choice::Coming, Lsn(40));
        assert_eq!(fate(&mut lookout, 1), Fate::Whole(Lsn(30)));
        assert_eq!(fate(&mut lookout, 2), Fate::Withdrawn);
    }

    #[test]
    fn whoever_is_overtaken_or_rolled_back_is_withdrawn_and_nobody_is_chosen_for_a_while() {
        let ends: [fn(&mut Lookout); 4] = [
            |lookout| lookout.begin(),
            |lookout| lookout.commit(Choice::Coming, Lsn(30)),
            |lookout| lookout.commit(Choice::Running(8), Lsn(30)),
            |lookout| lookout.abort(7),
        ];
        for end in ends {
            let mut lookout = Lookout::default();
            assert_eq!(offered(&mut lookout, false, Some(7)), Some(1));
            end(&mut lookout);
            assert_eq!(fate(&mut lookout, 1), Fate::Withdrawn);
            lookout.last_commit = None;
            assert_eq!(offered(&mut lookout, false, Some(7)), None);
            lookout.last_failure = Instant::now().checked_sub(PENANCE);
            assert_eq!(offered(&mut lookout, false, Some(7)), Some(2));
        }
    }

    #[test]
    fn where_others_commit_only_what_has_committed_is_chosen() {
        let mut lookout = Lookout::default();
        lookout.commit(Choice::Coming, Lsn(30));
        assert_eq!(offered(&mut lookout, false, Some(7)), None);
        lookout.begin();
        assert_eq!(offered(&mut lookout, true, Some(7)), Some(1));
        lookout.commit(Choice::Coming, Lsn(40));
        assert_eq!(fate(&mut lookout, 1), Fate::Whole(Lsn(40)));
        lookout.last_commit = Instant::now().checked_sub(QUIET);
        assert_eq!(offered(&mut lookout, false, Some(7)), Some(2));
        // What the source sends again is another one.
        lookout.forget();
        assert_eq!(fate(&mut lookout, 2), Fate::Withdrawn);
        assert_eq!(offered(&mut lookout, false, Some(7)), Some(3));
    }
}
