//! The transaction that is received while it still runs and may be the next to commit: whoever
//! applies may begin with it before it has ended, and is told what became of it.

use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Item;
use super::aside::{Changes, Extent};
use crate::error::{Error, Kind, Result};
use crate::fault;
use crate::model::Lsn;

/// Where others commit, one that still runs will be overtaken: so long nobody must have.
const QUIET: Duration = Duration::from_secs(1);

/// Once one was overtaken or rolled back, what was applied of it was for nothing: so long none is
/// offered.
const PENANCE: Duration = Duration::from_secs(60);

/// What is known of the transaction that may be the next to commit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ahead {
    /// It still runs.
    pub running: Option<Running>,
    /// The number of the last one that has committed, and its end.
    committed: Option<(u64, Lsn)>,
}

/// A transaction that still runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    /// No other has this number.
    pub number: u64,
    /// The file that its changes come into.
    path: PathBuf,
    /// Bytes of it that are whole changes.
    bytes: u64,
}

/// What became of a transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It still runs.
    Runs(Running),
    /// It has committed, and is the next one in the store.
    Committed(Lsn),
    /// Another has committed before it, or it was rolled back, in part or whole, or the source sends
    /// it again.
    Withdrawn,
}

impl Ahead {
    /// What became of a transaction.
    pub fn fate(&self, number: u64) -> Fate {
        match (&self.running, self.committed) {
            (Some(running), _) if running.number == number => Fate::Runs(running.clone()),
            (_, Some((committed, end))) if committed == number => Fate::Committed(end),
            _ => Fate::Withdrawn,
        }
    }
}

/// The changes of a transaction that still runs.
#[derive(Debug)]
pub struct Begun {
    /// The transaction.
    pub number: u64,
    pub(super) changes: Changes,
}

impl Begun {
    /// Opens the file of a transaction; `None` if it has ended meanwhile.
    pub fn open(running: &Running) -> Result<Option<Begun>> {
        match File::open(&running.path) {
            Ok(file) => {
                let changes = Changes::new(file, Extent::default());
                Ok(Some(Begun { number: running.number, changes }))
            }
            Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
            Err(cause) => {
                let path = running.path.display();
                Err(Error::new(Kind::State, format!("could not read \"{path}\": {cause}")))
            }
        }
    }

    /// The next changes that have come in.
    pub fn read(&mut self, running: &Running, bytes: usize) -> Result<Vec<Item>> {
        let mut items = Vec::new();
        self.changes.reach(running.bytes);
        self.changes.read(bytes, &mut items)?;
        Ok(items)
    }
}

/// Chooses the transaction that may be the next to commit.
#[derive(Debug, Default)]
pub(super) struct Lookout {
    /// The one that was chosen, and its number.
    chosen: Option<(u32, u64)>,
    count: u64,
    committed: Option<(u64, Lsn)>,
    last_commit: Option<Instant>,
    last_failure: Option<Instant>,
}

impl Lookout {
    /// A transaction has committed: `xid` if it was received while it ran.
    pub fn commit(&mut self, xid: Option<u32>, end: Lsn) {
        self.last_commit = Some(Instant::now());
        match self.chosen {
            Some((chosen, number)) if Some(chosen) == xid => {
                self.committed = Some((number, end));
                self.chosen = None;
            }
            Some(_) => self.withdraw(),
            None => {}
        }
    }

    /// A transaction that was received while it ran was rolled back, or a part of it.
    pub fn abort(&mut self, xid: u32) {
        if self.chosen.is_some_and(|(chosen, _)| chosen == xid) {
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

    /// The one that was chosen, or that may be: the only one that runs.
    pub fn choice(&self, only: Option<u32>) -> Option<u32> {
        let is_past = |moment: Option<Instant>, pause| moment.is_none_or(|at| at.elapsed() > pause);
        match self.chosen {
            Some((chosen, _)) => Some(chosen),
            None => only.filter(|_| {
                is_past(self.last_commit, fault::setting("QUIET", QUIET))
                    && is_past(self.last_failure, fault::setting("PENANCE", PENANCE))
            }),
        }
    }

    /// Says what can be read of the choice.
    pub fn offer(&mut self, choice: Option<(u32, PathBuf, u64)>) -> Ahead {
        let running = choice.map(|(xid, path, bytes)| {
            let number = match self.chosen {
                Some((_, number)) => number,
                None => {
                    self.count += 1;
                    self.chosen = Some((xid, self.count));
                    self.count
                }
            };
            Running { number, path, bytes }
        });
        Ahead { running, committed: self.committed }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offered(lookout: &mut Lookout, only: Option<u32>) -> Option<u64> {
        let choice = lookout.choice(only).map(|xid| (xid, PathBuf::new(), 1));
        lookout.offer(choice).running.map(|running| running.number)
    }

    fn fate(lookout: &mut Lookout, number: u64) -> Fate {
        let choice = lookout.choice(None).map(|xid| (xid, PathBuf::new(), 2));
        lookout.offer(choice).fate(number)
    }

    #[test]
    fn the_choice_stays_until_something_else_happens() {
        let mut lookout = Lookout::default();
        assert_eq!(offered(&mut lookout, None), None);
        assert_eq!(offered(&mut lookout, Some(7)), Some(1));
        // Another one runs now, too.
        assert_eq!(offered(&mut lookout, None), Some(1));
        assert_eq!(offered(&mut lookout, Some(8)), Some(1));
        lookout.abort(8);
        assert!(matches!(fate(&mut lookout, 1), Fate::Runs(running) if running.bytes == 2));
        lookout.commit(Some(7), Lsn(30));
        assert_eq!(fate(&mut lookout, 1), Fate::Committed(Lsn(30)));
        lookout.commit(None, Lsn(40));
        assert_eq!(fate(&mut lookout, 1), Fate::Committed(Lsn(30)));
        assert_eq!(fate(&mut lookout, 2), Fate::Withdrawn);
    }

    #[test]
    fn whoever_is_overtaken_or_rolled_back_is_withdrawn_and_nobody_is_chosen_for_a_while() {
        let ends: [fn(&mut Lookout); 3] = [
            |lookout| lookout.commit(None, Lsn(30)),
            |lookout| lookout.commit(Some(8), Lsn(30)),
            |lookout| lookout.abort(7),
        ];
        for end in ends {
            let mut lookout = Lookout::default();
            assert_eq!(offered(&mut lookout, Some(7)), Some(1));
            end(&mut lookout);
            assert_eq!(fate(&mut lookout, 1), Fate::Withdrawn);
            lookout.last_commit = None;
            assert_eq!(offered(&mut lookout, Some(7)), None);
            lookout.last_failure = Instant::now().checked_sub(PENANCE);
            assert_eq!(offered(&mut lookout, Some(7)), Some(2));
        }
    }

    #[test]
    fn where_others_commit_nobody_is_chosen() {
        let mut lookout = Lookout::default();
        lookout.commit(None, Lsn(30));
        assert_eq!(offered(&mut lookout, Some(7)), None);
        lookout.last_commit = Instant::now().checked_sub(QUIET);
        assert_eq!(offered(&mut lookout, Some(7)), Some(1));
        // What the source sends again is another one.
        lookout.forget();
        assert_eq!(fate(&mut lookout, 1), Fate::Withdrawn);
        assert_eq!(offered(&mut lookout, Some(7)), Some(2));
    }
}
