//! Connection strings of the form `key = value …` (PostgreSQL documentation, "Keyword/Value
//! Connection Strings"): a scanner that follows libpq's `conninfo_parse`, and the quoting that it
//! reads back.

use super::Malformed;

/// What separates pairs: C's `isspace`.
pub(super) fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | 0x0b | 0x0c | b'\r')
}

/// Takes a string apart into names and values, in order. The names are not checked here.
pub(super) fn scan(text: &str) -> Result<Vec<(String, String)>, Malformed> {
    let mut pairs = Vec::new();
    let mut scanner = Scanner { bytes: text.as_bytes(), at: 0 };
    scanner.skip_spaces();
    while scanner.peek().is_some() {
        let name_at = scanner.at;
        let name = scanner.name();
        scanner.skip_spaces();
        if scanner.peek() != Some(b'=') {
            return Err(Malformed::at(name_at, "missing \"=\" after the parameter name"));
        }
        scanner.at += 1;
        scanner.skip_spaces();
        let value = match scanner.peek() {
            Some(b'\'') => scanner.quoted_value()?,
            _ => scanner.plain_value(),
        };
        pairs.push((text_of(name, name_at)?, text_of(value, name_at)?));
        scanner.skip_spaces();
    }
    Ok(pairs)
}

/// Only ASCII bytes end or escape anything, so pieces of valid UTF-8 stay valid, except that a
/// backslash may stand before a part of a character.
fn text_of(bytes: Vec<u8>, at: usize) -> Result<String, Malformed> {
    String::from_utf8(bytes).map_err(|_| Malformed::at(at, "a value is not valid UTF-8"))
}

struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Scanner<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    fn name(&mut self) -> Vec<u8> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte != b'=' && !is_space(byte)) {
            self.at += 1;
        }
        self.bytes[start..self.at].to_vec()
    }

    /// Up to the next space; a backslash takes the byte after it as it is.
    fn plain_value(&mut self) -> Vec<u8> {
        let mut value = Vec::new();
        while let Some(byte) = self.peek().filter(|&byte| !is_space(byte)) {
            self.at += 1;
            if byte == b'\\' {
                value.extend(self.escaped());
            } else {
                value.push(byte);
            }
        }
        value
    }

    /// Up to the closing quote. What follows it is the next name, even without a space.
    fn quoted_value(&mut self) -> Result<Vec<u8>, Malformed> {
        let quote_at = self.at;
        self.at += 1;
        let mut value = Vec::new();
        while let Some(byte) = self.peek() {
            self.at += 1;
            match byte {
                b'\'' => return Ok(value),
                b'\\' => value.extend(self.escaped()),
                _ => value.push(byte),
            }
        }
        Err(Malformed::at(quote_at, "unterminated quoted string"))
    }

    fn escaped(&mut self) -> Option<u8> {
        let byte = self.peek()?;
        self.at += 1;
        Some(byte)
    }
}

/// Appends ` name='value'`, quoted so that it is read back as it is.
pub(super) fn push_pair(text: &mut String, name: &str, value: &str) {
    if !text.is_empty() {
        text.push(' ');
    }
    text.push_str(name);
    text.push('=');
    let plain = |byte: u8| !is_space(byte) && byte != b'\'' && byte != b'\\';
    if !value.is_empty() && value.bytes().all(plain) {
        text.push_str(value);
        return;
    }
    text.push('\'');
    for character in value.chars() {
        if matches!(character, '\'' | '\\') {
            text.push('\\');
        }
        text.push(character);
    }
    text.push('\'');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(text: &str) -> Vec<(String, String)> {
        scan(text).unwrap()
    }

    fn owned(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
    }

    #[test]
    fn spaces_quotes_and_backslashes() {
        assert_eq!(pairs(""), []);
        assert_eq!(pairs(" \t\n"), []);
        assert_eq!(pairs("a=1 b = 2\tc= 3"), owned(&[("a", "1"), ("b", "2"), ("c", "3")]));
        assert_eq!(
            pairs(r"a='x y' b='it\'s' c=\\\'"),
            owned(&[("a", "x y"), ("b", "it's"), ("c", r"\'")])
        );
        assert_eq!(pairs("a='1'b=2"), owned(&[("a", "1"), ("b", "2")]));
        assert_eq!(pairs("a="), owned(&[("a", "")]));
        // A value may be the next word: libpq skips spaces after "=".
        assert_eq!(pairs("a= b=1"), owned(&[("a", "b=1")]));
        assert_eq!(pairs("a=x\\"), owned(&[("a", "x")]));
    }

    #[test]
    fn what_cannot_be_read_is_an_error_without_the_text() {
        for text in ["secret", "a=1 secret", "a='secret", "a b=1"] {
            let error = scan(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_quoted_is_read_back(values in proptest::collection::vec(".*", 0..5)) {
            let mut text = String::new();
            for value in &values {
                push_pair(&mut text, "name", value);
            }
            let read: Vec<String> = pairs(&text).into_iter().map(|(_, value)| value).collect();
            prop_assert_eq!(read, values);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = scan(&text);
        }
    }
}
