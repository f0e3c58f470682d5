//! Arrays of values, as parameters: in binary form where that is the value's bytes or a number, which
//! costs the target the least; in text form otherwise.

use bytes::{BufMut, Bytes, BytesMut};

use crate::model::change::Value;

/// An array, as it travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Array {
    /// The text form.
    Text(Bytes),
    /// The binary form.
    Binary(Bytes),
}

/// How a value is written in binary; false if it is not what its type says.
type Write = fn(&[u8], &mut BytesMut) -> bool;

/// Types by the names of their arrays: their numbers, which no server changes and every server checks,
/// and how their values are written.
const BINARY: [(&str, u32, Write); 6] = [
    ("integer[]", 23, |text, to| number(text).map(|number| to.put_i32(number)).is_some()),
    ("bigint[]", 20, |text, to| number(text).map(|number| to.put_i64(number)).is_some()),
    ("smallint[]", 21, |text, to| number(text).map(|number| to.put_i16(number)).is_some()),
    ("text[]", 25, bytes),
    ("character varying[]", 1043, bytes),
    ("boolean[]", 16, |text, to| {
        to.put_u8(u8::from(text == b"t"));
        matches!(text, b"t" | b"f")
    }),
];

impl Array {
    /// Bytes of its form.
    pub fn len(&self) -> usize {
        let (Array::Text(bytes) | Array::Binary(bytes)) = self;
        bytes.len()
    }

    /// Whether it has no form, which does not happen.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// An array of a type, by the name of the type; of what it is made, by its number, if the values
    /// are binary. Values are of one form.
    pub(super) fn new<'a>(
        type_name: &str,
        number: u32,
        values: impl Iterator<Item = Option<&'a Value>> + Clone,
    ) -> Array {
        let is_binary = |value| matches!(value, Some(&Value::Binary(_)));
        let known = BINARY.iter().find(|(name, ..)| type_name == *name);
        let binary = match values.clone().any(is_binary) {
            true => binary(number, bytes, values.clone()),
            false => known.and_then(|(_, oid, write)| binary(*oid, *write, values.clone())),
        };
        binary.map_or_else(|| Array::Text(text(values)), Array::Binary)
    }
}

fn number<T: std::str::FromStr>(text: &[u8]) -> Option<T> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn bytes(text: &[u8], to: &mut BytesMut) -> bool {
    to.put_slice(text);
    true
}

/// The binary form of an array of one dimension: dimensions, whether there are NULLs, the elements'
/// type; length and lower bound; length and value of each.
fn binary<'a>(
    oid: u32,
    write: Write,
    values: impl Iterator<Item = Option<&'a Value>>,
) -> Option<Bytes> {
    let mut form = BytesMut::new();
    let (mut count, mut has_nulls) = (0, 0);
    for place in [1, has_nulls, oid, count, 1] {
        form.put_u32(place);
    }
    for value in values {
        count += 1;
        let at = form.len();
        match value {
            Some(Value::Text(value) | Value::Binary(value)) => {
                form.put_i32(0);
                if !write(value, &mut form) {
                    return None;
                }
                let length = i32::try_from(form.len() - at - 4).ok()?;
                form[at..at + 4].copy_from_slice(&length.to_be_bytes());
            }
            Some(Value::Null | Value::Unchanged) | None => {
                has_nulls = 1;
                form.put_i32(-1);
            }
        }
    }
    form[4..8].copy_from_slice(&has_nulls.to_be_bytes());
    form[12..16].copy_from_slice(&count.to_be_bytes());
    Some(form.freeze())
}

/// The text form (PostgreSQL documentation, "Array Input and Output Syntax").
fn text<'a>(values: impl Iterator<Item = Option<&'a Value>>) -> Bytes {
    let mut text = BytesMut::new();
    text.put_u8(b'{');
    for (number, value) in values.enumerate() {
        if number > 0 {
            text.put_u8(b',');
        }
        match value {
            // Not binary: that has been seen to. No value is to become NULL.
            Some(Value::Text(value) | Value::Binary(value)) => {
                text.put_u8(b'"');
                super::batch::escape(
                    value,
                    |byte| matches!(byte, b'"' | b'\\'),
                    |byte| byte,
                    &mut text,
                );
                text.put_u8(b'"');
            }
            Some(Value::Null | Value::Unchanged) | None => text.put_slice(b"NULL"),
        }
    }
    text.put_u8(b'}');
    text.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(type_name: &str, values: &[Option<&'static str>]) -> Array {
        let value = |text: &Option<&'static str>| match text {
            Some(text) => Value::Text(Bytes::from_static(text.as_bytes())),
            None => Value::Null,
        };
        let values: Vec<Value> = values.iter().map(value).collect();
        Array::new(type_name, 0, values.iter().map(Some))
    }

    fn binary_of(has_nulls: u8, oid: u8, count: u8, elements: &[u8]) -> Array {
        let head = [0, 0, 0, 1, 0, 0, 0, has_nulls, 0, 0, 0, oid, 0, 0, 0, count, 0, 0, 0, 1];
        Array::Binary([&head[..], elements].concat().into())
    }

    #[test]
    fn numbers_truths_and_texts_are_binary() {
        let expected = binary_of(1, 23, 2, &[0, 0, 0, 4, 255, 255, 255, 254, 255, 255, 255, 255]);
        assert_eq!(of("integer[]", &[Some("-2"), None]), expected);
        assert_eq!(of("smallint[]", &[Some("3")]), binary_of(0, 21, 1, &[0, 0, 0, 2, 0, 3]));
        assert_eq!(of("boolean[]", &[Some("t")]), binary_of(0, 16, 1, &[0, 0, 0, 1, 1]));
        let expected = binary_of(0, 25, 2, b"\0\0\0\x02\"\\\0\0\0\0");
        assert_eq!(of("text[]", &[Some("\"\\"), Some("")]), expected);
    }

    #[test]
    fn what_is_not_known_is_text() {
        let text = |text: &'static str| Array::Text(Bytes::from_static(text.as_bytes()));
        assert_eq!(of("numeric[]", &[Some("1.5"), None]), text(r#"{"1.5",NULL}"#));
        assert_eq!(of("public.text[]", &[Some("\"\\")]), text(r#"{"\"\\"}"#));
        assert_eq!(of("integer[]", &[Some("1"), Some("x")]), text(r#"{"1","x"}"#));
        assert_eq!(of("smallint[]", &[Some("70000")]), text(r#"{"70000"}"#));
        assert_eq!(of("boolean[]", &[Some("maybe")]), text(r#"{"maybe"}"#));
    }
}
