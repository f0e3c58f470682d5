//! The beginning of an archive in pg_dump's custom format, checked before anybody believes what it
//! says about sizes: a damaged file must be an error, not the end of memory.

use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read, Result};
use std::path::Path;

const MAGIC: &[u8] = b"PGDMP";

/// What pg_dump writes on every platform.
const INT_BYTES: u8 = 4;
const OFFSET_BYTES_MAX: u8 = 8;
const CUSTOM_FORMAT: u8 = 1;

/// From this version of the format on the compression is one byte, before it is a number.
const COMPRESSION_BYTE_VERSION: [u8; 2] = [1, 15];

/// No entry of the table of contents takes less: more than twenty numbers and texts.
const ENTRY_BYTES_MIN: u64 = 40;

/// Second to daylight saving time.
const TIME_NUMBERS: usize = 7;

/// Checks the numbers that decide how much memory reading the file takes.
pub(super) fn check(archive: &Path) -> Result<()> {
    let file = File::open(archive)?;
    let size = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    let mut start = [0; 11];
    reader.read_exact(&mut start)?;
    let [magic @ .., major, minor, _, int_bytes, offset_bytes, format] = start;
    let is_known = magic == MAGIC
        && int_bytes == INT_BYTES
        && (1..=OFFSET_BYTES_MAX).contains(&offset_bytes)
        && format == CUSTOM_FORMAT;
    if !is_known {
        return Err(malformed("it is no archive in the custom format"));
    }
    match [major, minor] >= COMPRESSION_BYTE_VERSION {
        true => reader.read_exact(&mut [0])?,
        false => drop(number(&mut reader)?),
    }
    for _ in 0..TIME_NUMBERS {
        number(&mut reader)?;
    }
    // The names of the database and of both versions.
    for _ in 0..3 {
        let length = u64::try_from(number(&mut reader)?).unwrap_or(0);
        let skipped = std::io::copy(&mut reader.by_ref().take(length), &mut std::io::sink())?;
        if skipped < length {
            return Err(malformed("it ends too early"));
        }
    }
    let entries = number(&mut reader)?;
    match u64::try_from(entries) {
        Ok(entries) if entries <= size / ENTRY_BYTES_MIN => Ok(()),
        _ => Err(malformed("its number of entries cannot be right")),
    }
}

/// A sign and the bytes of a number, the lowest first.
fn number(reader: &mut impl Read) -> Result<i64> {
    let mut bytes = [0; 5];
    reader.read_exact(&mut bytes)?;
    let [sign, magnitude @ ..] = bytes;
    let magnitude = i64::from(u32::from_le_bytes(magnitude));
    Ok(if sign == 0 { magnitude } else { -magnitude })
}

fn malformed(reason: &str) -> Error {
    Error::new(ErrorKind::InvalidData, reason)
}
