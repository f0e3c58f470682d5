//! The filter file: sections with one name to a line. Whatever is not understood is an error that
//! names its line; nothing is skipped in silence.
//!
//! ```text
//! ; a comment
//! [exclude-table]
//! public.orders
//! "Odd Schema"."My ""Table"""
//! audit.~/^log_[0-9]{4}$/
//!
//! [table-where]
//! public.events = at >= '2024-01-01'
//! ```

use super::closest::did_you_mean;
use super::{Filters, Malformed, Pattern, Rule, Section};

/// What can stand around a regular expression, opening and closing.
pub const DELIMITERS: [(char, char); 10] = [
    ('/', '/'),
    ('[', ']'),
    ('{', '}'),
    ('(', ')'),
    ('<', '>'),
    ('"', '"'),
    ('\'', '\''),
    ('|', '|'),
    ('#', '#'),
    ('$', '$'),
];

/// Reads a filter file.
pub fn parse(bytes: &[u8]) -> Result<Filters, Malformed> {
    let bytes = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(bytes);
    let mut filters = Filters::default();
    let mut section = None;
    for (number, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let number = number + 1;
        let at = |wrong: Wrong| Malformed { line: number, problem: wrong.0, hint: wrong.1 };
        let text = text(line).map_err(at)?;
        if text.is_empty() || text.starts_with([';', '#']) {
            continue;
        }
        if let Some(header) = text.strip_prefix('[') {
            section = Some(section_named(header).map_err(at)?);
            continue;
        }
        let Some(section) = section else {
            return Err(at(Wrong::new(format!("\"{text}\" stands before the first section"))
                .hint("Begin with a section such as [exclude-table].")));
        };
        let rule = Rule { line: Some(number), ..rule(section, text).map_err(at)? };
        if let Some(line) = repeated_condition(&filters, &rule) {
            return Err(at(Wrong::new(format!("{rule} has a condition in line {line} already"))
                .hint("Combine both into one with AND.")));
        }
        filters.rules.push(rule);
    }
    filters.check()?;
    Ok(filters)
}

/// What is wrong with a line, and what to do.
struct Wrong(String, Option<String>);

impl Wrong {
    fn new(problem: impl Into<String>) -> Wrong {
        Wrong(problem.into(), None)
    }

    fn hint(self, hint: impl Into<String>) -> Wrong {
        Wrong(self.0, Some(hint.into()))
    }
}

fn text(line: &[u8]) -> Result<&str, Wrong> {
    let text = std::str::from_utf8(line).map_err(|_| {
        Wrong::new("the line is not UTF-8").hint("Save the file in the encoding UTF-8.")
    })?;
    if text.contains('\0') {
        return Err(Wrong::new("the line holds a zero byte"));
    }
    Ok(text.trim_matches(|letter: char| letter.is_ascii_whitespace()))
}

/// Reads a header from behind its bracket.
fn section_named(header: &str) -> Result<Section, Wrong> {
    let Some((name, rest)) = header.split_once(']') else {
        return Err(Wrong::new(format!("section \"[{header}\" has no closing bracket"))
            .hint("Put a name that begins with a bracket in double quotes."));
    };
    let (name, rest) = (name.trim(), rest.trim_start());
    if !rest.is_empty() && !rest.starts_with([';', '#']) {
        return Err(Wrong::new(format!("\"{rest}\" stands behind section [{name}]"))
            .hint("Give each name a line of its own."));
    }
    let known = Section::ALL.into_iter().find(|section| section.name() == name);
    known.ok_or_else(|| {
        let names = Section::ALL.map(Section::name);
        let all = || format!("The sections are {}.", names.join(", "));
        Wrong::new(format!("there is no section [{name}]"))
            .hint(did_you_mean(name, names).unwrap_or_else(all))
    })
}

fn repeated_condition(filters: &Filters, rule: &Rule) -> Option<usize> {
    let same = |other: &&Rule| {
        other.section == Section::TableWhere
            && (&other.namespace, &other.name) == (&rule.namespace, &rule.name)
    };
    let is_condition = rule.section == Section::TableWhere;
    filters.rules.iter().filter(|_| is_condition).find(same).and_then(|rule| rule.line)
}

fn rule(section: Section, text: &str) -> Result<Rule, Wrong> {
    let (namespace, name, condition) = match section {
        Section::IncludeOnlySchema | Section::ExcludeSchema => (None, whole(text)?, None),
        Section::ExcludeExtension | Section::IncludeOnlyExtension => {
            let name = whole(text)?;
            if let Pattern::Regex(_) = name {
                return Err(Wrong::new(format!("\"{text}\" is a pattern"))
                    .hint("Extensions are named one by one."));
            }
            (None, name, None)
        }
        Section::IncludeOnlyTable
        | Section::ExcludeTable
        | Section::ExcludeTableData
        | Section::ExcludeIndex => {
            let (namespace, name) = qualified(text)?;
            (Some(namespace), name, None)
        }
        Section::TableWhere => {
            let (namespace, name, condition) = conditional(text)?;
            (Some(namespace), name, Some(condition))
        }
    };
    Ok(Rule { section, namespace, name, condition, line: None })
}

/// A line that is one name.
fn whole(text: &str) -> Result<Pattern, Wrong> {
    let (name, rest) = part(text, |_| false)?;
    nothing_left(rest)?;
    Ok(name)
}

/// A line that is a namespace, a dot and a name.
fn qualified(text: &str) -> Result<(Pattern, Pattern), Wrong> {
    let (namespace, rest) = namespace(text)?;
    let (name, rest) = part(rest, |_| false)?;
    nothing_left(rest)?;
    Ok((namespace, name))
}

/// A line that is a namespace, a dot, a name, an equals sign and a condition.
fn conditional(text: &str) -> Result<(Pattern, Pattern, String), Wrong> {
    let (namespace, rest) = namespace(text)?;
    let (name, rest) = part(rest, |letter| letter == '=')?;
    let Some(condition) = rest.trim_start().strip_prefix('=') else {
        let problem = match rest.trim() {
            "" => format!("\"{text}\" has no condition"),
            rest => format!("\"{rest}\" stands behind the name"),
        };
        return Err(Wrong::new(problem).hint("Write schema.table = condition."));
    };
    match condition.trim() {
        "" => Err(Wrong::new(format!("\"{text}\" has an empty condition"))),
        condition => Ok((namespace, name, condition.to_owned())),
    }
}

/// The namespace at the beginning of a qualified name, and what is behind the dot.
fn namespace(text: &str) -> Result<(Pattern, &str), Wrong> {
    if text.starts_with('.') {
        return Err(Wrong::new(format!("\"{text}\" begins with a dot")).hint("Write schema.name."));
    }
    let (namespace, rest) = part(text, |letter| letter == '.')?;
    let Some(rest) = rest.strip_prefix('.') else {
        return Err(match rest {
            "" => Wrong::new(format!("\"{text}\" has no schema"))
                .hint(format!("Write schema.name: did you mean \"public.{text}\"?")),
            rest => Wrong::new(format!("\"{rest}\" stands where a dot must follow the schema")),
        });
    };
    if rest.is_empty() {
        return Err(Wrong::new(format!("\"{text}\" has no name behind the dot")));
    }
    Ok((namespace, rest))
}

/// One part of a name, and what is behind it: quoted, a pattern, or everything up to the end or a
/// letter that ends it.
fn part(text: &str, ends: impl Fn(char) -> bool) -> Result<(Pattern, &str), Wrong> {
    if text.starts_with('"') {
        return quoted(text);
    }
    if let Some(found) = regex(text)? {
        return Ok(found);
    }
    let end = text.find(ends).unwrap_or(text.len());
    // Only a condition may have blanks in front of what ends the name.
    let name = match text[end..].starts_with('=') {
        true => text[..end].trim_end(),
        false => &text[..end],
    };
    if name.is_empty() {
        return Err(Wrong::new(format!("\"{text}\" has no name")));
    }
    if name.contains('"') {
        let quoted = format!("\"{}\"", name.replace('"', "\"\""));
        return Err(Wrong::new(format!("unbalanced quote in \"{name}\""))
            .hint(format!("A name that holds quotes is quoted as a whole, as in {quoted}.")));
    }
    Ok((Pattern::Exact(name.to_owned()), &text[end..]))
}

/// A name in double quotes, as SQL has it.
fn quoted(text: &str) -> Result<(Pattern, &str), Wrong> {
    let mut name = String::new();
    let mut rest = &text[1..];
    loop {
        let Some((before, behind)) = rest.split_once('"') else {
            return Err(Wrong::new(format!("unbalanced quote in {text}")));
        };
        name.push_str(before);
        rest = behind;
        match rest.strip_prefix('"') {
            Some(behind) => {
                name.push('"');
                rest = behind;
            }
            None if name.is_empty() => {
                return Err(Wrong::new(format!("empty name in {text}")));
            }
            None => return Ok((Pattern::Exact(name), rest)),
        }
    }
}

/// A regular expression of one or more segments; none if the text begins with no pattern.
fn regex(text: &str) -> Result<Option<(Pattern, &str)>, Wrong> {
    let mut pattern = String::new();
    let mut rest = text;
    while let Some((close, behind)) = opened(rest) {
        let Some((segment, behind)) = behind.split_once(close) else {
            return Err(Wrong::new(format!(
                "unterminated pattern: no closing '{close}' in {text}"
            ))
            .hint(format!("Write ~{}pattern{close}.", opening(close))));
        };
        pattern.push_str(segment);
        rest = behind;
    }
    match (rest.len() == text.len(), pattern.is_empty()) {
        (true, _) => Ok(None),
        (false, true) => Err(Wrong::new(format!("empty pattern in {text}"))),
        (false, false) => Ok(Some((Pattern::Regex(pattern), rest))),
    }
}

/// What closes the segment that a text begins with, and the text behind its opening.
fn opened(text: &str) -> Option<(char, &str)> {
    let mut letters = text.strip_prefix('~')?.chars();
    let first = letters.next()?;
    let (_, close) = DELIMITERS.into_iter().find(|(open, _)| *open == first)?;
    Some((close, letters.as_str()))
}

fn opening(close: char) -> char {
    DELIMITERS.into_iter().find(|pair| pair.1 == close).map_or('/', |pair| pair.0)
}

fn nothing_left(rest: &str) -> Result<(), Wrong> {
    match rest {
        "" => Ok(()),
        rest => Err(Wrong::new(format!("\"{rest}\" stands behind the name")).hint(
            "Give each name and each comment a line of its own; a pattern ends at the first of its \
             closing delimiters.",
        )),
    }
}

#[cfg(test)]
#[path = "ini/tests.rs"]
mod tests;
