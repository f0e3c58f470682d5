//! The output of test_decoding, the example plugin of PostgreSQL: a line of text for each change.
//! Names are quoted as in SQL; of a string only quotes are doubled, so that it may contain anything,
//! line feeds and what looks like more columns included.

use bytes::Bytes;

use super::Malformed;
use super::described::{Described, Fields, Told};
use crate::model::QualifiedName;
use crate::model::change::{Message, Value};

/// Reads one message.
pub(super) fn message(described: &mut Described, payload: &Bytes) -> Result<Message, Malformed> {
    let mut scanner = Scanner { text: payload, at: 0 };
    if scanner.skip(b"table ") {
        return change(described, &mut scanner);
    }
    if scanner.skip(b"BEGIN") {
        return Ok(Message::Begin { xid: scanner.xid()?, commit_lsn: None });
    }
    if scanner.skip(b"COMMIT") {
        scanner.xid()?;
        return Ok(Message::Commit { committed_at: None });
    }
    // Version 18 tells of large subtransactions that were rolled back, although none is streamed.
    if scanner.skip(b"message: ") || scanner.skip(b"aborting streamed (sub)transaction") {
        return Ok(Message::Other);
    }
    Err(scanner.wrong("a message"))
}

fn change(described: &mut Described, scanner: &mut Scanner<'_>) -> Result<Message, Malformed> {
    let mut names = vec![scanner.qualified_name()?];
    while scanner.skip(b", ") {
        names.push(scanner.qualified_name()?);
    }
    scanner.need(b": ", "the kind of a change")?;
    if scanner.skip(b"TRUNCATE:") {
        let mut flags = [false; 2];
        if !scanner.skip(b" (no-flags)") {
            flags = [scanner.skip(b" restart_seqs"), scanner.skip(b" cascade")];
        }
        scanner.end()?;
        return Ok(described.truncate(names, flags[1], flags[0]));
    }
    let told = if scanner.skip(b"INSERT:") {
        Told::Insert(scanner.fields()?)
    } else if scanner.skip(b"UPDATE:") {
        let old = if scanner.skip(b" old-key:") {
            let old = scanner.fields()?;
            scanner.need(b" new-tuple:", "the new row")?;
            Some(old)
        } else {
            None
        };
        Told::Update { old, new: scanner.fields()?, is_partial: false }
    } else if scanner.skip(b"DELETE:") {
        match scanner.skip(b" (no-tuple-data)") {
            true => Told::DeleteOfSome,
            false => Told::Delete(scanner.fields()?),
        }
    } else {
        return Err(scanner.wrong("the kind of a change"));
    };
    scanner.end()?;
    match (names.pop(), names.is_empty()) {
        (Some(name), true) => described.row(name, told),
        _ => Err(Malformed("a row of several tables".to_owned())),
    }
}

/// A place in a message.
struct Scanner<'a> {
    text: &'a Bytes,
    at: usize,
}

impl Scanner<'_> {
    fn rest(&self) -> &[u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn wrong(&self, wanted: &str) -> Malformed {
        Malformed(format!("test_decoding does not write this where {wanted} is expected"))
    }

    fn skip(&mut self, word: &[u8]) -> bool {
        let is_here = self.rest().starts_with(word);
        if is_here {
            self.at += word.len();
        }
        is_here
    }

    fn need(&mut self, word: &[u8], wanted: &str) -> Result<(), Malformed> {
        if self.skip(word) { Ok(()) } else { Err(self.wrong(wanted)) }
    }

    fn end(&self) -> Result<(), Malformed> {
        if self.rest().is_empty() { Ok(()) } else { Err(self.wrong("the end")) }
    }

    /// Goes on while bytes are of a kind, and gives them.
    fn take_while(&mut self, is_wanted: impl Fn(u8) -> bool) -> Bytes {
        let length = self.rest().iter().position(|&byte| !is_wanted(byte));
        let length = length.unwrap_or(self.rest().len());
        let taken = self.text.slice(self.at..self.at + length);
        self.at += length;
        taken
    }

    /// The number behind BEGIN and COMMIT.
    fn xid(&mut self) -> Result<u32, Malformed> {
        if self.rest().is_empty() {
            return Ok(0);
        }
        self.need(b" ", "a transaction's number")?;
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        let xid = std::str::from_utf8(&digits).ok().and_then(|digits| digits.parse().ok());
        let xid = xid.ok_or_else(|| self.wrong("a transaction's number"))?;
        self.end()?;
        Ok(xid)
    }

    fn qualified_name(&mut self) -> Result<QualifiedName, Malformed> {
        let namespace = self.name()?;
        self.need(b".", "a table's name")?;
        Ok(QualifiedName::new(namespace, self.name()?))
    }

    /// A name as SQL writes it, without its quotes.
    fn name(&mut self) -> Result<String, Malformed> {
        let bytes = match self.rest().first() {
            Some(b'"') => self.quoted(b'"')?,
            _ => self.take_while(|byte| {
                byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'$' || byte >= 0x80
            }),
        };
        if bytes.is_empty() {
            return Err(self.wrong("a name"));
        }
        String::from_utf8(bytes.into()).map_err(|_| Malformed("a name is not UTF-8".to_owned()))
    }

    /// What is between quotes, where they are doubled; shares the message's memory if none is.
    fn quoted(&mut self, quote: u8) -> Result<Bytes, Malformed> {
        self.at += 1;
        let mut whole: Option<Vec<u8>> = None;
        loop {
            let part = self.take_while(|byte| byte != quote);
            if self.rest().is_empty() {
                return Err(self.wrong("a closing quote"));
            }
            self.at += 1;
            let is_doubled = self.rest().first() == Some(&quote);
            match (&mut whole, is_doubled) {
                (None, false) => return Ok(part),
                (Some(whole), false) => {
                    whole.extend_from_slice(&part);
                    return Ok(Bytes::from(std::mem::take(whole)));
                }
                (_, true) => {
                    let whole = whole.get_or_insert_default();
                    whole.extend_from_slice(&part);
                    whole.push(quote);
                    self.at += 1;
                }
            }
        }
    }

    /// The columns of a row: `name[type]:value`, each after a blank.
    fn fields(&mut self) -> Result<Fields, Malformed> {
        let mut fields = Fields::new();
        while !self.rest().is_empty() && !self.rest().starts_with(b" new-tuple:") {
            self.need(b" ", "a column")?;
            let name = self.name()?;
            self.skip_type()?;
            fields.push((name, self.value()?));
        }
        Ok(fields)
    }

    /// A type's name, which may contain blanks, brackets of an array, and quoted names.
    fn skip_type(&mut self) -> Result<(), Malformed> {
        self.need(b"[", "a type")?;
        let mut depth = 1_usize;
        while depth > 0 {
            match self.rest().first() {
                None => return Err(self.wrong("a type")),
                Some(b'"') => {
                    self.quoted(b'"')?;
                    continue;
                }
                Some(b'[') => depth += 1,
                Some(b']') => depth -= 1,
                Some(_) => {}
            }
            self.at += 1;
        }
        self.need(b":", "a value")
    }

    fn value(&mut self) -> Result<Value, Malformed> {
        if self.rest().starts_with(b"B'") {
            self.at += 1;
        }
        let value = match self.rest().first() {
            Some(b'\'') => Value::Text(self.quoted(b'\'')?),
            _ => match self.take_while(|byte| byte != b' ') {
                word if word.is_empty() => return Err(self.wrong("a value")),
                word if word == "null" => Value::Null,
                word if word == "unchanged-toast-datum" => Value::Unchanged,
                word => Value::Text(word),
            },
        };
        match self.rest().first() {
            None | Some(b' ') => Ok(value),
            Some(_) => Err(self.wrong("the end of a value")),
        }
    }
}

#[cfg(test)]
mod tests;
