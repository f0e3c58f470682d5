//! Figures as people read them: bytes, rates and durations, in the published forms.

use std::time::Duration;

/// The units of `bytes`, each 1024 times the one before.
const UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// Bytes that went somewhere: "492 B", "2014 kB"; what is left of the last unit is cut off.
pub fn bytes(bytes: u64) -> String {
    let (mut count, mut unit) = (bytes, 0);
    while count >= 10_240 && unit + 1 < UNITS.len() {
        count /= 1024;
        unit += 1;
    }
    format!("{count} {}", UNITS[unit])
}

/// Bytes that are somewhere, as the server's pg_size_pretty: "8192 bytes", "20 MB", rounded.
pub fn size(bytes: u64) -> String {
    if bytes < 10_240 {
        return format!("{bytes} bytes");
    }
    // One bit more than the unit has decides how to round.
    let (mut halves, mut unit) = (bytes >> 9, 1);
    while halves >= 2 * 10_240 - 1 && unit < 5 {
        halves >>= 10;
        unit += 1;
    }
    format!("{} {}", halves.div_ceil(2), UNITS[unit])
}

/// Bits in a second, in powers of 1000: "207 kBit/s".
pub fn rate(bytes: u64, duration: Duration) -> String {
    const UNITS: [&str; 7] = ["Bit/s", "kBit/s", "MBit/s", "GBit/s", "TBit/s", "PBit/s", "EBit/s"];
    let milliseconds = duration.as_millis();
    if milliseconds == 0 {
        return "0 B/s".to_owned();
    }
    let (mut count, mut unit) = (u128::from(bytes) * 8 * 1000 / milliseconds, 0);
    while count >= 10_000 && unit + 1 < UNITS.len() {
        count /= 1000;
        unit += 1;
    }
    format!("{count} {}", UNITS[unit])
}

/// A duration in the two units that matter: " 12ms", " 8s358", " 2m05s", " 1h30m", " 3d04h".
pub fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    if seconds < 1 {
        format!("{:3}ms", duration.as_millis())
    } else if minutes < 1 {
        format!("{seconds:2}s{:03}", duration.subsec_millis())
    } else if hours < 1 {
        format!("{minutes:2}m{:02}s", seconds % 60)
    } else if days < 1 {
        format!("{hours:2}h{:02}m", minutes % 60)
    } else {
        format!("{days:2}d{:02}h", hours % 24)
    }
}

/// A duration within a sentence, where less than a second does not matter: "8s", "2m05s".
pub fn seconds(duration: Duration) -> String {
    match duration.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        _ => self::duration(duration).trim_start().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_went_are_cut() {
        for (count, expected) in [
            (0, "0 B"),
            (492, "492 B"),
            (10_239, "10239 B"),
            (10_240, "10 kB"),
            (2_062_500, "2014 kB"),
            (10 << 20, "10 MB"),
            ((10 << 20) - 1, "10239 kB"),
            (6_983_000, "6819 kB"),
            (u64::MAX, "15 EB"),
        ] {
            assert_eq!(bytes(count), expected);
        }
    }

    /// Expected values are the server's own.
    #[test]
    fn bytes_that_are_somewhere_are_rounded_like_the_server_does() {
        for (count, expected) in [
            (0, "0 bytes"),
            (8192, "8192 bytes"),
            (10_239, "10239 bytes"),
            (10_240, "10 kB"),
            (16_384, "16 kB"),
            (9_216_000, "9000 kB"),
            (10_485_247, "10239 kB"),
            (10_485_248, "10 MB"),
            (20 << 20, "20 MB"),
            (10_736_893_952, "10 GB"),
            (1 << 62, "4096 PB"),
        ] {
            assert_eq!(size(count), expected, "{count}");
        }
    }

    #[test]
    fn rates_are_in_bits() {
        let milliseconds = Duration::from_millis;
        assert_eq!(rate(492, milliseconds(19)), "207 kBit/s");
        assert_eq!(rate(1, milliseconds(1)), "8000 Bit/s");
        assert_eq!(rate(1 << 30, milliseconds(1000)), "8589 MBit/s");
        assert_eq!(rate(1 << 30, milliseconds(0)), "0 B/s");
    }

    #[test]
    fn durations_have_two_units() {
        for (milliseconds, expected) in [
            (0, "  0ms"),
            (999, "999ms"),
            (8_358, " 8s358"),
            (59_999, "59s999"),
            (125_000, " 2m05s"),
            (5_400_000, " 1h30m"),
            (273_600_000, " 3d04h"),
        ] {
            assert_eq!(duration(Duration::from_millis(milliseconds)), expected);
        }
        assert_eq!(seconds(Duration::from_millis(8_358)), "8s");
        assert_eq!(seconds(Duration::from_millis(125_000)), "2m05s");
    }
}
