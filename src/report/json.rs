//! JSON as this program prints it.

use serde::Serialize;
use serde_json::ser::PrettyFormatter;

use crate::error::{Error, Kind, Result};

/// A value as JSON: four spaces to a level, and slashes escaped as they always were. No line break
/// at the end.
pub fn pretty(value: &impl Serialize) -> Result<String> {
    let mut json = Vec::new();
    let formatter = PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut json, formatter);
    value
        .serialize(&mut serializer)
        .map_err(|cause| Error::new(Kind::Internal, format!("could not write JSON: {cause}")))?;
    // A slash can only be in a string: JSON has none of its own.
    Ok(String::from_utf8_lossy(&json).replace('/', "\\/"))
}
