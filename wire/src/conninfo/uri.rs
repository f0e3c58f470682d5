//! Connection URIs (PostgreSQL documentation, "Connection URIs"): a reader that follows libpq's
//! `conninfo_uri_parse_options` byte for byte, since the same string must reach the same server,
//! and the encoding that it reads back.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::Malformed;

/// What a value keeps as it is: RFC 3986's unreserved characters.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The text after `postgresql://` or `postgres://`, if this is a URI.
pub(super) fn without_scheme(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://").or_else(|| text.strip_prefix("postgres://"))
}

/// Percent-encodes a value.
pub(super) fn encoded(value: &str) -> String {
    utf8_percent_encode(value, RESERVED).to_string()
}

/// Takes a URI (without its scheme) apart into names and values, in order. The names are not
/// checked here.
pub(super) fn scan(rest: &str) -> Result<Vec<(String, String)>, Malformed> {
    let mut pairs = Vec::new();
    let authority = credentials(rest, &mut pairs)?;
    let after_hosts = hosts(authority, &mut pairs)?;
    let query = match after_hosts.strip_prefix('/') {
        Some(path) => {
            let (name, query) = cut(path, &['?']);
            // An empty name would forbid PGDATABASE to take effect.
            push_unless_empty(&mut pairs, "dbname", name)?;
            query
        }
        None => after_hosts,
    };
    if let Some(query) = query.strip_prefix('?') {
        parameters(query, &mut pairs)?;
    }
    Ok(pairs)
}

/// Reads `user:password@` and returns what follows. Only an `@` before the first `/` counts.
fn credentials<'a>(rest: &'a str, pairs: &mut Vec<(String, String)>) -> Result<&'a str, Malformed> {
    let (head, tail) = cut(rest, &['@', '/']);
    let Some(authority) = tail.strip_prefix('@') else {
        return Ok(rest);
    };
    let (user, password) = head.split_once(':').unwrap_or((head, ""));
    push_unless_empty(pairs, "user", user)?;
    push_unless_empty(pairs, "password", password)?;
    Ok(authority)
}

/// Reads `host:port,host:port` into one list of hosts and one of ports, as libpq does.
fn hosts<'a>(mut rest: &'a str, pairs: &mut Vec<(String, String)>) -> Result<&'a str, Malformed> {
    let mut hosts = String::new();
    let mut ports = String::new();
    loop {
        let (host, after_host) = host(rest)?;
        hosts.push_str(host);
        rest = after_host;
        if let Some(after_colon) = rest.strip_prefix(':') {
            let (port, after_port) = cut(after_colon, &['/', '?', ',']);
            ports.push_str(port);
            rest = after_port;
        }
        let Some(next) = rest.strip_prefix(',') else {
            break;
        };
        hosts.push(',');
        ports.push(',');
        rest = next;
    }
    push_unless_empty(pairs, "host", &hosts)?;
    push_unless_empty(pairs, "port", &ports)?;
    Ok(rest)
}

/// One host name or bracketed IPv6 address, and what follows it.
fn host(rest: &str) -> Result<(&str, &str), Malformed> {
    let Some(bracketed) = rest.strip_prefix('[') else {
        return Ok(cut(rest, &[':', '/', '?', ',']));
    };
    let Some((address, after)) = bracketed.split_once(']') else {
        return Err(Malformed::new("an IPv6 host address has no closing \"]\""));
    };
    if address.is_empty() {
        return Err(Malformed::new("an IPv6 host address is empty"));
    }
    if !after.is_empty() && !after.starts_with([':', '/', '?', ',']) {
        return Err(Malformed::new("unexpected character after an IPv6 host address"));
    }
    Ok((address, after))
}

/// Reads `name=value&name=value`.
fn parameters(query: &str, pairs: &mut Vec<(String, String)>) -> Result<(), Malformed> {
    let mut pieces = query.split('&').peekable();
    while let Some(piece) = pieces.next() {
        // A trailing "&" is no parameter; an empty one elsewhere lacks its "=".
        if piece.is_empty() && pieces.peek().is_none() {
            break;
        }
        let Some((name, value)) = piece.split_once('=') else {
            return Err(Malformed::new("missing \"=\" in a URI query parameter"));
        };
        if value.contains('=') {
            return Err(Malformed::new(
                "extra \"=\" in a URI query parameter, write it as %3D in a value",
            ));
        }
        let (name, value) = (decoded(name)?, decoded(value)?);
        // As JDBC spells it.
        if name == "ssl" && value == "true" {
            pairs.push(("sslmode".into(), "require".into()));
        } else {
            pairs.push((name, value));
        }
    }
    Ok(())
}

/// The text before the first of these characters, and the rest beginning with it.
fn cut<'a>(text: &'a str, ends: &[char]) -> (&'a str, &'a str) {
    text.split_at(text.find(ends).unwrap_or(text.len()))
}

fn push_unless_empty(
    pairs: &mut Vec<(String, String)>,
    name: &str,
    value: &str,
) -> Result<(), Malformed> {
    if !value.is_empty() {
        pairs.push((name.into(), decoded(value)?));
    }
    Ok(())
}

/// Decodes `%xx`; `+` means itself.
fn decoded(text: &str) -> Result<String, Malformed> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = rest.split_first_chunk::<2>().and_then(|(digits, after)| {
            let high = char::from(digits[0]).to_digit(16)?;
            let low = char::from(digits[1]).to_digit(16)?;
            Some((u8::try_from(high * 16 + low).ok()?, after))
        });
        let Some((byte, after)) = digits else {
            return Err(Malformed::new(
                "invalid percent-encoded token, write a percent sign as %25",
            ));
        };
        if byte == 0 {
            return Err(Malformed::new("forbidden value %00 in a percent-encoded value"));
        }
        bytes.push(byte);
        rest = after;
    }
    String::from_utf8(bytes)
        .map_err(|_| Malformed::new("a percent-encoded value is not valid UTF-8"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(text: &str) -> String {
        let pairs = scan(without_scheme(text).unwrap()).unwrap();
        let pairs: Vec<_> = pairs.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join(" ")
    }

    #[test]
    fn parts_of_a_uri() {
        for (text, wanted) in [
            ("postgres://", ""),
            ("postgresql://h", "host=h"),
            ("postgres://u@", "user=u"),
            ("postgres://u:p@h:1/d?a=b&c=d", "user=u password=p host=h port=1 dbname=d a=b c=d"),
            ("postgres://u:p:q@h", "user=u password=p:q host=h"),
            ("postgres://:p@h", "password=p host=h"),
            ("postgres://h1:1,h2,h3:3/", "host=h1,h2,h3 port=1,,3"),
            ("postgres://h1,h2/", "host=h1,h2 port=,"),
            ("postgres://[::1]:5433,[fe80::1]/d", "host=::1,fe80::1 port=5433, dbname=d"),
            ("postgres://%2Ftmp/d", "host=/tmp dbname=d"),
            ("postgres:///d?host=/tmp&port=5", "dbname=d host=/tmp port=5"),
            ("postgres://h?ssl=true", "host=h sslmode=require"),
            ("postgres://h?a=1&", "host=h a=1"),
            ("postgres://h/a/b", "host=h dbname=a/b"),
            ("postgres://u%40x:%2F%3a@h/a%20b+c", "user=u@x password=/: host=h dbname=a b+c"),
            // An "@" after the first "/" is part of the path.
            ("postgres://h/u@x", "host=h dbname=u@x"),
            // A "?" before the "@" is part of the credentials.
            ("postgres://u:p?q@h", "user=u password=p?q host=h"),
        ] {
            assert_eq!(shown(text), wanted, "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_an_error_without_the_text() {
        for text in [
            "[secret",
            "[]",
            "[::1]secret",
            "h/%s",
            "h/%4",
            "h/%00",
            "h/%ff",
            "h?secret",
            "h?a=secret=b",
            "h?a=1&&b=2",
            "u:secret%@h",
        ] {
            let error = scan(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_encoded_is_read_back(value in "[^\0]+") {
            let pairs = scan(&format!("{0}:{0}@{0}/{0}?a={0}", encoded(&value))).unwrap();
            prop_assert_eq!(pairs.len(), 5);
            for (_, read) in pairs {
                prop_assert_eq!(&read, &value);
            }
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".*") {
            let _ = scan(&text);
        }
    }
}
