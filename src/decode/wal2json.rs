//! The output of wal2json, format version 2: a line of JSON for each change. Numbers are taken as
//! they are written, digit by digit; a number of JSON never becomes a number of ours.

use std::borrow::Cow;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::Malformed;
use super::described::{Described, Fields, Told};
use crate::model::QualifiedName;
use crate::model::change::{Message, Value};

/// How wal2json writes numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// As strings, which its newer versions can.
    Strings,
    /// As JSON's, which knows no NaN and no infinity: for these it writes null.
    Plain,
}

#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow)]
    action: Cow<'a, str>,
    xid: Option<u32>,
    #[serde(borrow)]
    schema: Option<Cow<'a, str>>,
    #[serde(borrow)]
    table: Option<Cow<'a, str>>,
    #[serde(borrow)]
    columns: Option<Vec<Column<'a>>>,
    #[serde(borrow)]
    identity: Option<Vec<Column<'a>>>,
}

#[derive(Deserialize)]
struct Column<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    r#type: Cow<'a, str>,
    #[serde(borrow)]
    value: &'a RawValue,
}

/// Reads one message.
pub(super) fn message(
    described: &mut Described,
    numbers: Numbers,
    payload: &Bytes,
) -> Result<Message, Malformed> {
    let line: Line<'_> = serde_json::from_slice(payload)
        .map_err(|cause| Malformed(format!("a line that is not its JSON: {cause}")))?;
    match &*line.action {
        "B" => return Ok(Message::Begin { xid: line.xid.unwrap_or(0), commit_lsn: None }),
        "C" => return Ok(Message::Commit { committed_at: None }),
        "M" => return Ok(Message::Other),
        "I" | "U" | "D" | "T" => {}
        other => return Err(Malformed(format!("wal2json does not write action \"{other}\""))),
    }
    let (Some(schema), Some(table)) = (line.schema, line.table) else {
        return Err(Malformed("a change without a table".to_owned()));
    };
    let name = QualifiedName::new(schema, table);
    let fields = |columns: Option<Vec<Column<'_>>>| -> Result<Option<Fields>, Malformed> {
        let Some(columns) = columns else { return Ok(None) };
        columns.into_iter().map(|column| column.field(numbers)).collect::<Result<_, _>>().map(Some)
    };
    let new = fields(line.columns)?;
    let old = fields(line.identity)?;
    let told = match (&*line.action, new, old) {
        ("T", None, None) => return Ok(described.truncate(vec![name], false, false)),
        ("I", Some(new), None) => Told::Insert(new),
        ("U", Some(new), old) => Told::Update { old, new, is_partial: true },
        ("D", None, Some(old)) => Told::Delete(old),
        ("D", None, None) => Told::DeleteOfSome,
        (action, _, _) => {
            return Err(Malformed(format!("action \"{action}\" with other rows than it has")));
        }
    };
    described.row(name, told)
}

impl Column<'_> {
    fn field(self, numbers: Numbers) -> Result<(String, Value), Malformed> {
        let json = self.value.get();
        let value = match json.as_bytes().first() {
            Some(b'n') if numbers == Numbers::Plain && has_no_number(&self.r#type) => {
                return Err(Malformed(format!(
                    "column \"{}\" of type {} is NULL, NaN or an infinity: this version of \
                     wal2json writes null for all of them",
                    self.name, self.r#type
                )));
            }
            Some(b'n') => Value::Null,
            Some(b'"') => {
                let text: String = serde_json::from_str(json)
                    .map_err(|cause| Malformed(format!("a value is no string: {cause}")))?;
                // It leaves out what every bytea begins with.
                let text = if self.r#type == "bytea" { format!("\\x{text}") } else { text };
                Value::Text(Bytes::from(text))
            }
            Some(b'-' | b'0'..=b'9' | b't' | b'f') => {
                Value::Text(Bytes::copy_from_slice(json.as_bytes()))
            }
            _ => return Err(Malformed("a value is neither a string nor a number".to_owned())),
        };
        Ok((self.name.into_owned(), value))
    }
}

/// Whether a type has values that are no numbers to JSON.
fn has_no_number(type_name: &str) -> bool {
    matches!(type_name, "real" | "double precision" | "numeric")
        || type_name.starts_with("numeric(")
}

#[cfg(test)]
mod tests;
