//! Rows in text form, and the columns they are made of.

use bytes::Bytes;

use crate::error::{Error, Result};

/// The rows of one statement.
#[derive(Debug, Default)]
pub struct Rows {
    columns: Vec<String>,
    rows: Vec<Row>,
}

impl Rows {
    pub(crate) fn describe(&mut self, body: &[u8]) -> Result<()> {
        self.columns = column_names(body)?;
        Ok(())
    }

    pub(crate) fn push(&mut self, row: Row) {
        self.rows.push(row);
    }

    /// The names of the columns; empty for statements run with parameters.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// The only value of the only row.
    pub fn value(&self) -> Result<Option<&str>> {
        match &self.rows[..] {
            [row] => row.text(0),
            rows => Err(Error::Protocol(format!("expected one row, received {}", rows.len()))),
        }
    }
}

impl std::ops::Deref for Rows {
    type Target = [Row];

    fn deref(&self) -> &[Row] {
        &self.rows
    }
}

impl IntoIterator for Rows {
    type Item = Row;
    type IntoIter = std::vec::IntoIter<Row>;

    fn into_iter(self) -> Self::IntoIter {
        self.rows.into_iter()
    }
}

/// One row: its DataRow message and where the values lie in it.
#[derive(Debug, Clone)]
pub struct Row {
    body: Bytes,
    values: Vec<Option<std::ops::Range<usize>>>,
}

impl Row {
    /// Takes a DataRow message apart.
    pub fn parse(body: Bytes) -> Result<Row> {
        let malformed = || Error::Protocol("a malformed row".into());
        let count = body.first_chunk::<2>().ok_or_else(malformed)?;
        let count = usize::from(u16::from_be_bytes(*count));
        let mut values = Vec::with_capacity(count);
        let mut at = 2;
        for _ in 0..count {
            let length = body[at..].first_chunk::<4>().ok_or_else(malformed)?;
            let length = i32::from_be_bytes(*length);
            at += 4;
            if length < 0 {
                values.push(None);
                continue;
            }
            let end = at + length as usize;
            if end > body.len() {
                return Err(malformed());
            }
            values.push(Some(at..end));
            at = end;
        }
        if at != body.len() {
            return Err(malformed());
        }
        Ok(Row { body, values })
    }

    /// The bytes of a value; `None` for NULL.
    pub fn bytes(&self, column: usize) -> Result<Option<&[u8]>> {
        match self.values.get(column) {
            Some(range) => Ok(range.clone().map(|range| &self.body[range])),
            None => Err(Error::Protocol(format!(
                "column {column} is missing in a row of {}",
                self.values.len()
            ))),
        }
    }

    /// A value as text; `None` for NULL.
    pub fn text(&self, column: usize) -> Result<Option<&str>> {
        self.bytes(column)?
            .map(|bytes| {
                std::str::from_utf8(bytes).map_err(|_| {
                    Error::Protocol(format!(
                        "the server sent text that is not UTF-8: {:?}",
                        String::from_utf8_lossy(bytes)
                    ))
                })
            })
            .transpose()
    }

    /// A value that is never NULL.
    pub fn required(&self, column: usize) -> Result<&str> {
        self.text(column)?
            .ok_or_else(|| Error::Protocol(format!("column {column} is NULL unexpectedly")))
    }

    /// A value that is never NULL, as a number or whatever else is read from text.
    pub fn parsed<T: std::str::FromStr>(&self, column: usize) -> Result<T> {
        let text = self.required(column)?;
        text.parse()
            .map_err(|_| Error::Protocol(format!("cannot read {text:?} in column {column}")))
    }

    /// A boolean that is never NULL.
    pub fn flag(&self, column: usize) -> Result<bool> {
        match self.required(column)? {
            "t" => Ok(true),
            "f" => Ok(false),
            text => Err(Error::Protocol(format!("{text:?} in column {column} is no boolean"))),
        }
    }
}

/// The names in a RowDescription.
fn column_names(body: &[u8]) -> Result<Vec<String>> {
    let malformed = || Error::Protocol("a malformed row description".into());
    let (count, mut rest) = body.split_first_chunk::<2>().ok_or_else(malformed)?;
    let mut names = Vec::new();
    for _ in 0..u16::from_be_bytes(*count) {
        let end = rest.iter().position(|&byte| byte == 0).ok_or_else(malformed)?;
        names.push(String::from_utf8_lossy(&rest[..end]).into_owned());
        // Table, attribute number, type, type length, type modifier, format.
        rest = rest.get(end + 1 + 18..).ok_or_else(malformed)?;
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_and_nulls() {
        let row =
            Row::parse(Bytes::from_static(b"\0\x03\0\0\0\x01t\xff\xff\xff\xff\0\0\0\0")).unwrap();
        assert!(row.flag(0).unwrap());
        assert_eq!(row.text(1).unwrap(), None);
        assert_eq!(row.text(2).unwrap(), Some(""));
        assert!(row.text(3).is_err());
    }

    #[test]
    fn a_row_cut_anywhere_is_an_error() {
        let whole = b"\0\x02\0\0\0\x02ab\0\0\0\x01c";
        for end in 0..whole.len() {
            assert!(Row::parse(Bytes::copy_from_slice(&whole[..end])).is_err(), "{end}");
        }
        assert!(Row::parse(Bytes::from_static(b"\0\0x")).is_err());
    }
}
