//! Time as a line from left to right. A directory may have seen several runs, with days between
//! them: where nothing was done for long, the line is cut.

/// The shortest pause that is cut out, in milliseconds.
const PAUSE_MS_MIN: u64 = 5_000;

/// A pause is cut out when it is longer than this share of the time that something was done.
const PAUSE_SHARE: u64 = 20;

/// The time in which something was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Axis {
    /// From and to, in milliseconds since 1970, in order.
    pieces: Vec<(u64, u64)>,
}

impl Axis {
    /// An axis for what was done from and to these points in time.
    pub fn new(spans: impl IntoIterator<Item = (u64, u64)>) -> Axis {
        let mut spans: Vec<(u64, u64)> = spans.into_iter().collect();
        spans.sort_unstable();
        let mut pieces = joined(&spans, 0);
        let busy: u64 = pieces.iter().map(|(from, to)| to - from).sum();
        pieces = joined(&pieces, PAUSE_MS_MIN.max(busy / PAUSE_SHARE));
        Axis { pieces }
    }

    /// How long all of it took, without pauses.
    pub fn length(&self) -> u64 {
        self.pieces.iter().map(|(from, to)| to - from).sum()
    }

    /// When it began.
    pub fn began(&self) -> Option<u64> {
        self.pieces.first().map(|piece| piece.0)
    }

    /// How far from the left a point in time is.
    pub fn place(&self, at: u64) -> u64 {
        let before = |(from, to): &(u64, u64)| at.clamp(*from, *to) - from;
        self.pieces.iter().map(before).sum()
    }

    /// The time between two points without pauses.
    pub fn between(&self, from: u64, to: u64) -> u64 {
        self.place(to).saturating_sub(self.place(from))
    }

    /// Where the line is cut, and how long nothing was done there.
    pub fn pauses(&self) -> Vec<(u64, u64)> {
        let pairs = self.pieces.windows(2);
        pairs.map(|pair| (self.place(pair[1].0), pair[1].0 - pair[0].1)).collect()
    }
}

/// Joins spans, sorted by their beginnings, that are not further apart than this.
fn joined(spans: &[(u64, u64)], gap_max: u64) -> Vec<(u64, u64)> {
    let mut joined: Vec<(u64, u64)> = Vec::new();
    for &(from, to) in spans {
        match joined.last_mut() {
            Some(last) if from <= last.1.saturating_add(gap_max) => last.1 = last.1.max(to),
            _ => joined.push((from, to.max(from))),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_pauses_are_cut_out_and_short_ones_stay() {
        let day = 86_400_000;
        let axis =
            Axis::new([(day, day + 10_000), (1_000, 5_000), (2_000, 11_000), (12_000, 20_000)]);
        assert_eq!(axis.length(), 29_000);
        assert_eq!(axis.began(), Some(1_000));
        assert_eq!(axis.place(0), 0);
        assert_eq!(axis.place(11_500), 10_500);
        assert_eq!(axis.place(day / 2), 19_000);
        assert_eq!(axis.place(day + 1_000), 20_000);
        assert_eq!(axis.place(2 * day), 29_000);
        assert_eq!(axis.between(19_000, day + 1_000), 2_000);
        assert_eq!(axis.pauses(), [(19_000, day - 20_000)]);
    }

    #[test]
    fn nothing_has_no_length() {
        let axis = Axis::new([]);
        assert_eq!((axis.length(), axis.began(), axis.place(7)), (0, None, 0));
        assert_eq!(axis.pauses(), []);
    }
}
