//! JSON as this program prints it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::PrettyFormatter;

use crate::error::{Error, Kind, Result};

/// A value as JSON: four spaces to a level, and slashes escaped as they always were. No line break
/// at the end.
pub fn pretty(value: &impl Serialize) -> Result<String> {
    let mut json = Vec::new();
    write_pretty(&mut json, value)
        .map_err(|cause| Error::new(Kind::Internal, format!("could not write JSON: {cause}")))?;
    Ok(String::from_utf8_lossy(&json).into_owned())
}

/// Writes a value in the same way.
pub fn write_pretty(writer: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let formatter = PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(Escaping(writer), formatter);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Escapes slashes, which can only be in strings: JSON has none of its own.
struct Escaping<'a>(&'a mut dyn Write);

impl Write for Escaping<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        for (place, piece) in bytes.split(|byte| *byte == b'/').enumerate() {
            if place > 0 {
                self.0.write_all(b"\\/")?;
            }
            self.0.write_all(piece)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
