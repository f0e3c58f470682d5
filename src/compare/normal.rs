//! Texts that mean the same to different versions of PostgreSQL, made the same.
//!
//! What words must be quoted, how definitions are laid out, and which columns of a view are
//! qualified has changed now and then. Only texts of servers of different versions are touched;
//! names are always, as the same name may be quoted on one side only.

/// Whether names in a text keep what qualifies them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Qualifiers {
    /// They do.
    Kept,
    /// `a.b` is `b`: what was meant is compared otherwise.
    Dropped,
}

/// A name without quotes around what no version needs them for.
pub fn identity(text: &str) -> Box<str> {
    if text.contains('"') { unquoted(text).into() } else { text.into() }
}

fn unquoted(text: &str) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('"') {
        let (before, quoted) = rest.split_at(at);
        let (name, end) = quoted_name(quoted);
        normal.push_str(before);
        normal.push_str(&name);
        rest = &quoted[end..];
    }
    normal + rest
}

/// A definition in a form that does not depend on the server's version.
pub fn definition(text: &str, qualifiers: Qualifiers) -> String {
    let mut normal = String::with_capacity(text.len());
    let mut rest = text;
    // Where the name began that the next token may turn out to be qualified by.
    let mut name_at = None;
    while let Some(first) = rest.chars().next() {
        let (token, end) = match first {
            '\'' => {
                let end = after_string(rest);
                (rest[..end].to_owned(), end)
            }
            '"' => quoted_name(rest),
            first if is_word(first) => {
                let end = rest.find(|c: char| !is_word(c)).unwrap_or(rest.len());
                (rest[..end].to_owned(), end)
            }
            first if first.is_whitespace() => {
                let end = rest.find(|c: char| !c.is_whitespace()).unwrap_or(rest.len());
                let separates = !normal.is_empty() && !normal.ends_with([' ', '(']);
                (if separates { " " } else { "" }.to_owned(), end)
            }
            first => (first.to_string(), first.len_utf8()),
        };
        rest = &rest[end..];
        let is_name = first == '"' || (is_word(first) && !first.is_ascii_digit());
        match name_at {
            Some(at) if first == '.' && qualifiers == Qualifiers::Dropped => {
                normal.truncate(at);
                name_at = None;
                continue;
            }
            _ => name_at = is_name.then_some(normal.len()),
        }
        normal.push_str(&token);
    }
    normal
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || matches!(character, '_' | '$')
}

/// The end of the string constant that a text begins with.
fn after_string(text: &str) -> usize {
    let mut at = 1;
    while let Some(found) = text[at..].find('\'') {
        at += found + 1;
        if !text[at..].starts_with('\'') {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// The quoted name that a text begins with, bare where it may be, and where it ends.
fn quoted_name(text: &str) -> (String, usize) {
    let mut at = 1;
    let end = loop {
        match text[at..].find('"') {
            None => break text.len(),
            Some(found) if text[at + found + 1..].starts_with('"') => at += found + 2,
            Some(found) => break at + found + 1,
        }
    };
    let name = text[1..end].strip_suffix('"').unwrap_or(&text[1..end]);
    let mut bytes = name.bytes();
    let is_plain = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b == b'_')
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    (if is_plain { name } else { &text[..end] }.to_owned(), end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_quotes_they_need_not_have() {
        for (name, normal) in [
            ("public.t", "public.t"),
            ("\"json\"", "json"),
            ("public.\"json\"", "public.json"),
            ("\"Mixed\".\"json\"", "\"Mixed\".json"),
            ("\"a\"\"b\"", "\"a\"\"b\""),
            ("\"\"\"a\"\"\"", "\"\"\"a\"\"\""),
            ("\"no end", "\"no end"),
            ("\"1a\"", "\"1a\""),
        ] {
            assert_eq!(&*identity(name), normal);
        }
    }

    #[test]
    fn the_layout_of_a_definition_does_not_count_but_its_strings_do() {
        let normal = |text| definition(text, Qualifiers::Kept);
        assert_eq!(normal(" SELECT a,\n    b\n   FROM t"), normal("SELECT a, b FROM t"));
        assert_eq!(normal("f( \"json\")"), "f(json)");
        assert_ne!(normal("'a  b'"), normal("'a b'"));
        assert_ne!(normal("'\"a\"'"), normal("'a'"));
        assert_ne!(normal("'it''s  \"a\"'"), normal("'it''s \"a\"'"));
        assert_ne!(normal("a.b"), normal("b"));
        assert_eq!(normal("'no end"), "'no end");
    }

    #[test]
    fn qualifiers_are_dropped_where_that_is_wanted() {
        let normal = |text| definition(text, Qualifiers::Dropped);
        assert_eq!(normal("SELECT t.a, \"T\".b FROM public.t"), "SELECT a, b FROM t");
        assert_eq!(normal("a.b.c"), "c");
        assert_eq!(normal("1.5 + x1.y"), "1.5 + y");
        assert_eq!(normal("'a.b'"), "'a.b'");
        assert_eq!(normal("(t.*)::text"), "(*)::text");
    }
}
