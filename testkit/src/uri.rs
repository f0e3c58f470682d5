//! Quoting for connection strings and SQL, for tests with names that need it.

use std::fmt::Write as _;

/// A string as part of a connection URI.
#[must_use]
pub fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").unwrap();
        }
    }
    encoded
}

/// A name as an SQL identifier, always in double quotes.
#[must_use]
pub fn quoted_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A string as an SQL literal that means the same whatever `standard_conforming_strings` says.
#[must_use]
pub fn quoted_literal(text: &str) -> String {
    let quoted = text.replace('\'', "''");
    if quoted.contains('\\') {
        format!("E'{}'", quoted.replace('\\', "\\\\"))
    } else {
        format!("'{quoted}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_for_each_language() {
        assert_eq!(percent_encoded("a b/ü%"), "a%20b%2F%C3%BC%25");
        assert_eq!(quoted_identifier("a\"b"), "\"a\"\"b\"");
        assert_eq!(quoted_literal("it's"), "'it''s'");
        assert_eq!(quoted_literal("\\'"), "E'\\\\'''");
    }
}
