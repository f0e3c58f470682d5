//! The password file (PostgreSQL documentation, "The Password File"): lines of
//! `host:port:database:user:password`. Follows libpq's `passwordFromFile`.

use secrecy::SecretString;

/// For whom a password is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'a> {
    /// Host name, or address when there is no name; `localhost` for the default socket directory.
    pub host: &'a str,
    /// The port, as it was written.
    pub port: &'a str,
    /// The database.
    pub dbname: &'a str,
    /// The user.
    pub user: &'a str,
}

/// The password of the first line of a password file's text that matches.
pub fn find(text: &str, wanted: Wanted<'_>) -> Option<SecretString> {
    text.split('\n').find_map(|line| match_line(line, wanted))
}

/// The password of a line if its first four fields match. A field is `*` or the value with colons
/// and backslashes escaped by a backslash.
pub fn match_line(line: &str, wanted: Wanted<'_>) -> Option<SecretString> {
    if line.starts_with('#') {
        return None;
    }
    let mut rest = line.trim_end_matches(['\r', '\n']);
    for value in [wanted.host, wanted.port, wanted.dbname, wanted.user] {
        rest = after_field(rest, value)?;
    }
    let mut password = String::new();
    let mut characters = rest.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' => break,
            // A backslash at the very end stands for itself.
            '\\' => password.push(characters.next().unwrap_or('\\')),
            _ => password.push(character),
        }
    }
    Some(password.into())
}

/// What follows the field and its colon, if the field matches.
fn after_field<'a>(line: &'a str, value: &str) -> Option<&'a str> {
    if let Some(rest) = line.strip_prefix("*:") {
        return Some(rest);
    }
    let mut value = value.chars();
    let mut field = line.chars();
    loop {
        let wanted = value.clone().next();
        match (field.next()?, wanted) {
            (':', None) => return Some(field.as_str()),
            ('\\', Some(wanted)) if field.next()? == wanted => {}
            (character, Some(wanted)) if character == wanted && character != '\\' => {}
            _ => return None,
        }
        value.next();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::ExposeSecret;

    use super::*;

    const WANTED: Wanted<'_> = Wanted { host: "::1", port: "5432", dbname: r"d\b", user: "me" };

    fn password(text: &str) -> Option<String> {
        find(text, WANTED).map(|password| password.expose_secret().to_owned())
    }

    #[test]
    fn fields_match_literally_escaped_or_by_star() {
        for (line, wanted) in [
            ("*:*:*:*:secret", Some("secret")),
            (r"\:\:1:5432:d\\b:me:secret", Some("secret")),
            // An unescaped colon matches one in the value.
            ("::1:5432:*:me:secret", Some("secret")),
            (r"\:\:1:5432:*:me:se\:cr\\et:more", Some(r"se:cr\et")),
            ("*:5433:*:*:secret", None),
            ("*:*:*:mee:secret", None),
            ("*:*:*:m:secret", None),
            ("#*:*:*:*:secret", None),
            ("*:*:*:*", None),
            ("*:*:*:*:", Some("")),
            ("", None),
            (r"*:*:*:*:end\", Some(r"end\")),
            ("*:*:*:*:secret\r", Some("secret")),
        ] {
            assert_eq!(password(line).as_deref(), wanted, "{line}");
        }
    }

    #[test]
    fn the_first_matching_line_counts() {
        assert_eq!(password("*:1:*:*:a\n*:*:*:*:b\n*:*:*:*:c\n").as_deref(), Some("b"));
    }

    proptest! {
        #[test]
        fn an_escaped_line_is_read_back(fields in prop::array::uniform5("[^\r\n]*")) {
            let escape = |field: &String| field.replace('\\', r"\\").replace(':', r"\:");
            let mut line = fields.iter().map(escape).collect::<Vec<_>>().join(":");
            let [host, port, dbname, user, wanted] = &fields;
            if line.starts_with('#') {
                line.insert(0, '\\');
            }
            let found = match_line(&line, Wanted { host, port, dbname, user }).unwrap();
            prop_assert_eq!(found.expose_secret(), wanted);
        }

        #[test]
        fn any_line_is_read_or_passed_over(line in ".*") {
            let _ = match_line(&line, WANTED);
        }
    }
}
