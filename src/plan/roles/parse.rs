//! Reads `roles.sql`: what this program writes, and what `pg_dumpall --roles-only` writes.

use crate::model::role::{GrantOption, RoleAttribute, RoleFlag, RoleStatement};
use crate::plan::statement::split;

/// The statements about roles of a script. Commands of psql and settings of the session are left
/// out; what is not known is passed on as it stands.
pub fn parse(text: &str) -> Vec<RoleStatement> {
    // A line of psql is no part of a statement. No statement of these scripts has a line that begins
    // like one, since names and comments on several lines are the only ones with lines of their own.
    let lines = text.lines().filter(|line| !is_command(line));
    let text = lines.collect::<Vec<_>>().join("\n");
    let statements = split(&text).into_iter().map(without_comments);
    let statements = statements.filter(|statement| !statement.is_empty());
    statements.filter_map(statement).collect()
}

fn is_command(line: &str) -> bool {
    ["\\restrict ", "\\unrestrict ", "\\connect "].iter().any(|command| line.starts_with(command))
}

/// A statement without the comment lines in front of it.
fn without_comments(statement: &str) -> &str {
    let mut rest = statement.trim_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest).trim_start();
    }
    rest.trim_end()
}

/// One statement; none if it is about the session.
fn statement(text: &str) -> Option<RoleStatement> {
    let words = Words { rest: text };
    if ["SET ", "SELECT "].iter().any(|first| text.len() > 7 && text[..first.len()] == **first) {
        return None;
    }
    let parsed = create(words).or_else(|| alter(words)).or_else(|| grant(words));
    let parsed = parsed.or_else(|| comment(words));
    Some(parsed.unwrap_or_else(|| RoleStatement::Other(text.to_owned())))
}

fn create(mut words: Words) -> Option<RoleStatement> {
    words.keywords(&["CREATE", "ROLE"])?;
    let role = words.name()?;
    words.end()?;
    Some(RoleStatement::Create { role })
}

fn alter(mut words: Words) -> Option<RoleStatement> {
    words.keywords(&["ALTER", "ROLE"])?;
    let role = words.name()?;
    if words.keyword("SET").is_some() {
        return Some(RoleStatement::Set { role, setting: words.rest.trim().to_owned() });
    }
    words.keyword("WITH")?;
    let mut attributes = Vec::new();
    while words.end().is_none() {
        attributes.push(attribute(&mut words)?);
    }
    Some(RoleStatement::Alter { role, attributes })
}

fn attribute(words: &mut Words) -> Option<RoleAttribute> {
    if words.keywords(&["CONNECTION", "LIMIT"]).is_some() {
        return words.word()?.parse().ok().map(RoleAttribute::ConnectionLimit);
    }
    if words.keyword("PASSWORD").is_some() {
        return words.literal().map(|secret| RoleAttribute::Password(secret.into()));
    }
    if words.keywords(&["VALID", "UNTIL"]).is_some() {
        return words.literal().map(RoleAttribute::ValidUntil);
    }
    let word = words.word()?.to_ascii_uppercase();
    let flag = |name: &str| RoleFlag::ALL.into_iter().find(|flag| flag.word() == name);
    let on = flag(&word).map(|flag| RoleAttribute::Flag(flag, true));
    on.or_else(|| Some(RoleAttribute::Flag(flag(word.strip_prefix("NO")?)?, false)))
}

fn grant(mut words: Words) -> Option<RoleStatement> {
    words.keyword("GRANT")?;
    let role = words.name()?;
    words.keyword("TO")?;
    let member = words.name()?;
    let mut options = Vec::new();
    if words.keyword("WITH").is_some() {
        loop {
            let word = words.word()?.to_ascii_uppercase();
            let option = GrantOption::ALL.into_iter().find(|option| option.word() == word)?;
            let value = match words.word()?.to_ascii_uppercase().as_str() {
                "OPTION" | "TRUE" => true,
                "FALSE" => false,
                _ => return None,
            };
            options.push((option, value));
            if !words.comma() {
                break;
            }
        }
    }
    let grantor = match words.keywords(&["GRANTED", "BY"]) {
        Some(()) => Some(words.name()?),
        None => None,
    };
    words.end()?;
    Some(RoleStatement::Grant { role, member, options, grantor })
}

fn comment(mut words: Words) -> Option<RoleStatement> {
    words.keywords(&["COMMENT", "ON", "ROLE"])?;
    let role = words.name()?;
    words.keyword("IS")?;
    let text = words.literal()?;
    words.end()?;
    Some(RoleStatement::Comment { role, text })
}

/// A statement that is read from the left.
#[derive(Clone, Copy)]
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    /// The next word, if it is a bare one.
    fn word(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '$' | '-' | '.')))
            .unwrap_or(rest.len());
        self.rest = &rest[end..];
        (end > 0).then_some(&rest[..end])
    }

    /// Takes a keyword if it is the next word.
    fn keyword(&mut self, keyword: &str) -> Option<()> {
        let mut ahead = *self;
        let word = ahead.word()?;
        word.eq_ignore_ascii_case(keyword).then(|| *self = ahead)
    }

    /// Takes some keywords if they are all there.
    fn keywords(&mut self, keywords: &[&str]) -> Option<()> {
        let mut ahead = *self;
        for keyword in keywords {
            ahead.keyword(keyword)?;
        }
        *self = ahead;
        Some(())
    }

    /// An identifier, quoted or not.
    fn name(&mut self) -> Option<String> {
        if self.rest.trim_start().starts_with('"') {
            return self.quoted('"');
        }
        self.word().map(str::to_lowercase)
    }

    /// A string constant.
    fn literal(&mut self) -> Option<String> {
        let rest = self.rest.trim_start();
        if let Some(escaped) = rest.strip_prefix(['E', 'e']) {
            self.rest = escaped;
            // A backslash is written twice there, and nothing else is escaped.
            return self.quoted('\'').map(|text| text.replace("\\\\", "\\"));
        }
        self.quoted('\'')
    }

    /// What stands between quotes, which are doubled inside.
    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut rest = self.rest.trim_start().strip_prefix(quote)?;
        let mut text = String::new();
        loop {
            let (before, after) = rest.split_once(quote)?;
            text.push_str(before);
            match after.strip_prefix(quote) {
                Some(after) => {
                    text.push(quote);
                    rest = after;
                }
                None => {
                    self.rest = after;
                    return Some(text);
                }
            }
        }
    }

    fn comma(&mut self) -> bool {
        match self.rest.trim_start().strip_prefix(',') {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    /// Whether nothing is left.
    fn end(&self) -> Option<()> {
        self.rest.trim().is_empty().then_some(())
    }
}
