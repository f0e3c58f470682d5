//! Positions in the write-ahead log.

use std::fmt;
use std::str::FromStr;

/// A position in the write-ahead log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Lsn(pub u64);

impl Lsn {
    /// The position that stands for none: no record is there.
    pub const NONE: Lsn = Lsn(0);

    /// `None` for the position that stands for none.
    pub fn some(self) -> Option<Lsn> {
        (self != Lsn::NONE).then_some(self)
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:X}", self.0 >> 32, self.0 & 0xFFFF_FFFF)
    }
}

/// Text that is no position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoLsn(String);

impl fmt::Display for NoLsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\" is no position in the write-ahead log, such as 0/1A2B3C4", self.0)
    }
}

impl std::error::Error for NoLsn {}

impl FromStr for Lsn {
    type Err = NoLsn;

    fn from_str(text: &str) -> Result<Lsn, NoLsn> {
        let part = |digits: &str| {
            let is_hex = (1..=8).contains(&digits.len())
                && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            is_hex.then(|| u64::from_str_radix(digits, 16).ok()).flatten()
        };
        let parts = text.split_once('/').and_then(|(high, low)| Some((part(high)?, part(low)?)));
        parts.map(|(high, low)| Lsn(high << 32 | low)).ok_or_else(|| NoLsn(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_written_as_postgresql_writes_them() {
        assert_eq!(Lsn(0x1_0000_00AB).to_string(), "1/AB");
        assert_eq!("1/ab".parse(), Ok(Lsn(0x1_0000_00AB)));
        assert_eq!("FFFFFFFF/FFFFFFFF".parse(), Ok(Lsn(u64::MAX)));
        for text in ["", "0", "/", "0/", "/0", "0/g", "0/123456789", "+1/0", "0/1/2", " 0/1"] {
            assert!(text.parse::<Lsn>().is_err(), "{text:?}");
        }
    }
}
