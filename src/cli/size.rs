//! Sizes as PostgreSQL writes them: "10GB", "512 kB", "8192".

use std::str::FromStr;

/// The units, each 1024 times the one before.
const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// A number of bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size(pub u64);

/// Why a text is not a size.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotASize {
    /// It does not begin with a number.
    #[error("a size is a whole number and a unit, as in 10GB or 512 kB")]
    NoNumber,
    /// The unit is not one of PostgreSQL's, or in the wrong case.
    #[error("the unit must be one of B, kB, MB, GB, TB, PB, EB")]
    UnknownUnit,
    /// It does not fit.
    #[error("the size is too large")]
    TooLarge,
}

impl FromStr for Size {
    type Err = NotASize;

    fn from_str(text: &str) -> Result<Size, NotASize> {
        let text = text.trim();
        let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
        let (digits, unit) = text.split_at(end);
        if digits.is_empty() {
            return Err(NotASize::NoNumber);
        }
        let number: u64 = digits.parse().map_err(|_| NotASize::TooLarge)?;
        let unit = unit.trim_start();
        let power = match UNITS.iter().position(|known| *known == unit) {
            Some(power) => power,
            None if unit.is_empty() => 0,
            None if unit.starts_with('.') => return Err(NotASize::NoNumber),
            None => return Err(NotASize::UnknownUnit),
        };
        let bytes = (0..power).try_fold(number, |bytes, _| bytes.checked_mul(1024));
        bytes.map(Size).ok_or(NotASize::TooLarge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_the_units_of_postgresql() {
        for (text, expected) in [
            ("0", Ok(Size(0))),
            ("8192", Ok(Size(8192))),
            ("1B", Ok(Size(1))),
            ("512 kB", Ok(Size(512 << 10))),
            ("10MB", Ok(Size(10 << 20))),
            ("  3   GB ", Ok(Size(3 << 30))),
            ("2TB", Ok(Size(2 << 40))),
            ("15EB", Ok(Size(15 << 60))),
            ("16EB", Err(NotASize::TooLarge)),
            ("99999999999999999999", Err(NotASize::TooLarge)),
            ("10gb", Err(NotASize::UnknownUnit)),
            ("10GBB", Err(NotASize::UnknownUnit)),
            ("10KB", Err(NotASize::UnknownUnit)),
            ("1.5GB", Err(NotASize::NoNumber)),
            ("GB", Err(NotASize::NoNumber)),
            ("-1", Err(NotASize::NoNumber)),
            ("", Err(NotASize::NoNumber)),
        ] {
            assert_eq!(text.parse::<Size>(), expected, "{text:?}");
        }
    }
}
