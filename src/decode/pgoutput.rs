//! The output of pgoutput (PostgreSQL documentation, "Logical Replication Message Formats"), for
//! transactions that are sent when they have committed, values in text or in binary form.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::{Buf, Bytes};

use super::Malformed;
use crate::model::change::{Message, Relation, RowChange, RowChangeKind, Truncate, Tuple, Value};
use crate::model::{Lsn, QualifiedName};

/// Flags of TRUNCATE.
const CASCADE: u8 = 1;
const RESTART_IDENTITY: u8 = 2;

/// Knows the tables that were described so far: the latest description counts.
#[derive(Debug, Default)]
pub struct Decoder {
    relations: HashMap<u32, Arc<Relation>>,
}

impl Decoder {
    /// Reads one message.
    pub fn message(&mut self, payload: &Bytes) -> Result<Message, Malformed> {
        let mut cursor = Cursor(payload.clone());
        let tag = cursor.byte("message")?;
        let message = match tag {
            b'B' => {
                let commit_lsn = Some(Lsn(cursor.int64("commit position")?));
                cursor.int64("commit time")?;
                Message::Begin { xid: cursor.int32("transaction")?, commit_lsn }
            }
            b'C' => {
                cursor.byte("flags")?;
                cursor.int64("commit position")?;
                cursor.int64("end position")?;
                let committed_at = cursor.int64("commit time")?.cast_signed();
                Message::Commit { committed_at: Some(committed_at) }
            }
            b'R' => self.relation(&mut cursor)?,
            b'I' | b'U' | b'D' => self.row(tag, &mut cursor)?,
            b'T' => self.truncate(&mut cursor)?,
            // Names of types, origins, and messages of applications change no row.
            b'Y' | b'O' | b'M' => return Ok(Message::Other),
            tag => {
                return Err(Malformed(format!(
                    "pgoutput does not write messages of kind '{}'",
                    char::from(tag).escape_default()
                )));
            }
        };
        cursor.end(tag)?;
        Ok(message)
    }

    fn relation(&mut self, cursor: &mut Cursor) -> Result<Message, Malformed> {
        let id = cursor.int32("relation")?;
        let namespace = match cursor.string("namespace")? {
            namespace if namespace.is_empty() => "pg_catalog".to_owned(),
            namespace => namespace,
        };
        let name = QualifiedName::new(namespace, cursor.string("relation's name")?);
        let is_full = cursor.byte("replica identity")? == b'f';
        let count = usize::from(cursor.int16("number of columns")?);
        let mut columns = Vec::new();
        let mut key = Vec::new();
        let mut types = Vec::new();
        for _ in 0..count {
            key.push(cursor.byte("column's flags")? & 1 == 1);
            columns.push(cursor.string("column's name")?);
            types.push(cursor.int32("column's type")?);
            cursor.int32("column's modifier")?;
        }
        let relation = Arc::new(Relation { name, columns, key, is_full, types });
        self.relations.insert(id, relation.clone());
        Ok(Message::Relation { id, relation })
    }

    fn known(&self, id: u32) -> Result<Arc<Relation>, Malformed> {
        let known = self.relations.get(&id).cloned();
        known.ok_or_else(|| Malformed(format!("relation {id} was not described")))
    }

    fn row(&mut self, tag: u8, cursor: &mut Cursor) -> Result<Message, Malformed> {
        let relation = self.known(cursor.int32("relation")?)?;
        let count = relation.columns.len();
        let mut old = None;
        let mut part = cursor.byte("tuple's kind")?;
        if matches!(part, b'K' | b'O') && tag != b'I' {
            old = Some(cursor.tuple(count)?);
            if tag == b'U' {
                part = cursor.byte("tuple's kind")?;
            }
        }
        let kind = match (tag, part, old) {
            (b'I', b'N', None) => RowChangeKind::Insert { new: cursor.tuple(count)? },
            (b'U', b'N', old) => RowChangeKind::Update { old, new: cursor.tuple(count)? },
            (b'D', b'K' | b'O', Some(old)) => RowChangeKind::Delete { old },
            _ => {
                let (tag, part) = (char::from(tag), char::from(part).escape_default());
                return Err(Malformed(format!("a tuple of kind '{part}' in a '{tag}' message")));
            }
        };
        Ok(Message::Row(RowChange { relation, kind }))
    }

    fn truncate(&mut self, cursor: &mut Cursor) -> Result<Message, Malformed> {
        let count = cursor.int32("number of relations")?;
        let flags = cursor.byte("flags")?;
        let mut relations = Vec::new();
        for _ in 0..count {
            relations.push(self.known(cursor.int32("relation")?)?);
        }
        Ok(Message::Truncate(Truncate {
            relations,
            cascade: flags & CASCADE != 0,
            restart_identity: flags & RESTART_IDENTITY != 0,
        }))
    }
}

/// What is left of a message.
struct Cursor(Bytes);

impl Cursor {
    fn need(&self, bytes: usize, wanted: &str) -> Result<(), Malformed> {
        match self.0.len() >= bytes {
            true => Ok(()),
            false => Err(Malformed(format!("a message of pgoutput ends before its {wanted}"))),
        }
    }

    fn byte(&mut self, wanted: &str) -> Result<u8, Malformed> {
        self.need(1, wanted)?;
        Ok(self.0.get_u8())
    }

    fn int16(&mut self, wanted: &str) -> Result<u16, Malformed> {
        self.need(2, wanted)?;
        Ok(self.0.get_u16())
    }

    fn int32(&mut self, wanted: &str) -> Result<u32, Malformed> {
        self.need(4, wanted)?;
        Ok(self.0.get_u32())
    }

    fn int64(&mut self, wanted: &str) -> Result<u64, Malformed> {
        self.need(8, wanted)?;
        Ok(self.0.get_u64())
    }

    fn string(&mut self, wanted: &str) -> Result<String, Malformed> {
        let end = self.0.iter().position(|&byte| byte == 0);
        let end = end.ok_or_else(|| Malformed(format!("a {wanted} has no end")))?;
        let text = self.0.split_to(end);
        self.0.advance(1);
        String::from_utf8(text.to_vec()).map_err(|_| Malformed(format!("a {wanted} is not UTF-8")))
    }

    fn tuple(&mut self, expected: usize) -> Result<Tuple, Malformed> {
        let count = usize::from(self.int16("number of values")?);
        if count != expected {
            return Err(Malformed(format!("a row of {count} values in a table of {expected}")));
        }
        (0..count).map(|_| self.value()).collect()
    }

    fn value(&mut self) -> Result<Value, Malformed> {
        match self.byte("value's kind")? {
            b'n' => Ok(Value::Null),
            b'u' => Ok(Value::Unchanged),
            b't' => Ok(Value::Text(self.bytes()?)),
            b'b' => Ok(Value::Binary(self.bytes()?)),
            kind => {
                Err(Malformed(format!("a value of kind '{}'", char::from(kind).escape_default())))
            }
        }
    }

    fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let length = self.int32("value's length")? as usize;
        self.need(length, "value")?;
        Ok(self.0.split_to(length))
    }

    fn end(&self, tag: u8) -> Result<(), Malformed> {
        match self.0.len() {
            0 => Ok(()),
            left => Err(Malformed(format!(
                "{left} bytes are left of a '{}' message of pgoutput",
                char::from(tag)
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn relation() -> Vec<u8> {
        let mut bytes =
            b"R\0\0\0\x07public\0T\"1\0d\0\x02\x01id\0\0\0\0\x17\xff\xff\xff\xff".to_vec();
        bytes.extend_from_slice(b"\0b\0\0\0\0\x19\xff\xff\xff\xff");
        bytes
    }

    fn read(decoder: &mut Decoder, bytes: &[u8]) -> Result<Message, Malformed> {
        decoder.message(&Bytes::copy_from_slice(bytes))
    }

    /// A message of every kind.
    fn messages() -> Vec<Vec<u8>> {
        vec![
            b"B\0\0\0\x01\0\0\0\x02\0\0\0\0\0\0\0\x05\0\0\0\x09".to_vec(),
            relation(),
            b"I\0\0\0\x07N\0\x02t\0\0\0\x011n".to_vec(),
            b"U\0\0\0\x07N\0\x02t\0\0\0\x011u".to_vec(),
            b"I\0\0\0\x07N\0\x02b\0\0\0\x04\0\0\0\x01n".to_vec(),
            b"U\0\0\0\x07K\0\x02t\0\0\0\x011nN\0\x02t\0\0\0\x012t\0\0\0\0".to_vec(),
            b"D\0\0\0\x07K\0\x02t\0\0\0\x011n".to_vec(),
            b"T\0\0\0\x02\x03\0\0\0\x07\0\0\0\x07".to_vec(),
            b"C\0\0\0\0\x01\0\0\0\x02\0\0\0\x01\0\0\0\x03\0\0\0\0\0\0\0\x05".to_vec(),
        ]
    }

    #[test]
    fn every_kind_of_message_is_read() {
        let mut decoder = Decoder::default();
        let read: Vec<Message> =
            messages().iter().map(|bytes| read(&mut decoder, bytes).unwrap()).collect();
        assert_eq!(read[0], Message::Begin { xid: 9, commit_lsn: Some(Lsn(0x1_0000_0002)) });
        let Message::Relation { id: 7, relation } = &read[1] else { panic!("{:?}", read[1]) };
        assert_eq!(relation.name.to_string(), "public.\"T\"\"1\"");
        assert_eq!(
            (&relation.columns[..], &relation.key[..]),
            (&["id".into(), "b".into()][..], &[true, false][..])
        );
        assert_eq!(relation.types, [23, 25]);
        let text = |text: &'static str| Value::Text(Bytes::from_static(text.as_bytes()));
        let kinds: Vec<RowChangeKind> = read[2..7]
            .iter()
            .map(|message| match message {
                Message::Row(change) => change.kind.clone(),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            kinds,
            [
                RowChangeKind::Insert { new: vec![text("1"), Value::Null] },
                RowChangeKind::Update { old: None, new: vec![text("1"), Value::Unchanged] },
                RowChangeKind::Insert {
                    new: vec![Value::Binary(Bytes::from_static(&[0, 0, 0, 1])), Value::Null]
                },
                RowChangeKind::Update {
                    old: Some(vec![text("1"), Value::Null]),
                    new: vec![text("2"), text("")]
                },
                RowChangeKind::Delete { old: vec![text("1"), Value::Null] },
            ]
        );
        let Message::Truncate(truncate) = &read[7] else { panic!("{:?}", read[7]) };
        assert!(truncate.cascade && truncate.restart_identity && truncate.relations.len() == 2);
        assert_eq!(read[8], Message::Commit { committed_at: Some(5) });
    }

    #[test]
    fn a_message_cut_anywhere_or_too_long_is_an_error() {
        for message in messages() {
            for end in 0..message.len() {
                let mut decoder = Decoder::default();
                read(&mut decoder, &relation()).unwrap();
                assert!(read(&mut decoder, &message[..end]).is_err(), "{message:?} {end}");
            }
            let mut decoder = Decoder::default();
            read(&mut decoder, &relation()).unwrap();
            let longer = [&message[..], b"\0"].concat();
            assert!(read(&mut decoder, &longer).is_err(), "{longer:?}");
        }
    }

    #[test]
    fn a_type_that_is_not_known_forbids_the_binary_form() {
        let plain = Bytes::from(relation());
        assert!(!super::super::forbids_binary(&plain, false));
        let in_block = Bytes::from([b"R\0\0\0\x09", &relation()[1..]].concat());
        assert!(!super::super::forbids_binary(&in_block, true));
        assert!(super::super::forbids_binary(&in_block, false));
        let mut interval = relation();
        let place = interval.len() - 6..interval.len() - 4;
        interval[place].copy_from_slice(&1186_u16.to_be_bytes());
        assert!(super::super::forbids_binary(&Bytes::from(interval), false));
    }

    #[test]
    fn a_later_description_replaces_the_earlier_one() {
        let mut decoder = Decoder::default();
        read(&mut decoder, &relation()).unwrap();
        read(&mut decoder, b"R\0\0\0\x07public\0t\0d\0\x01\x01id\0\0\0\0\x17\xff\xff\xff\xff")
            .unwrap();
        assert!(read(&mut decoder, b"I\0\0\0\x07N\0\x02t\0\0\0\x011n").is_err());
        assert!(read(&mut decoder, b"I\0\0\0\x07N\0\x01t\0\0\0\x011").is_ok());
        assert!(read(&mut decoder, b"I\0\0\0\x08N\0\x01t\0\0\0\x011").is_err());
    }
}
