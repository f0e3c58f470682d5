//! Lists of an archive's entries, in the form that `pg_restore --list` prints and `--use-list`
//! reads.

use std::fmt;

use super::pre_data;
use crate::model::{Entry, Settings};

/// A line of a list that names an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// The entry's number.
    pub id: i32,
    /// The OID of the catalog that its object is in.
    pub catalog: u32,
    /// The OID of its object.
    pub oid: u32,
    /// What it is, its namespace, name and owner.
    pub rest: &'a str,
}

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {} {} {}", self.id, self.catalog, self.oid, self.rest)
    }
}

/// The entries of a list, without comments; the number of the line that is neither otherwise.
pub fn parse(text: &str) -> Result<Vec<Line<'_>>, usize> {
    let lines = (1..).zip(text.lines()).filter(|(_, line)| {
        let line = line.trim_start();
        !line.is_empty() && !line.starts_with(';')
    });
    lines.map(|(number, line)| entry(line).ok_or(number)).collect()
}

fn entry(line: &str) -> Option<Line<'_>> {
    let (id, rest) = line.trim().split_once(';')?;
    let (catalog, rest) = rest.trim_start().split_once(' ')?;
    let (oid, rest) = rest.trim_start().split_once(' ')?;
    let rest = rest.trim();
    (!rest.is_empty()).then_some(Line {
        id: id.trim().parse().ok()?,
        catalog: catalog.parse().ok()?,
        oid: oid.parse().ok()?,
        rest,
    })
}

/// Which entries a list is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Those that come before the rows.
    PreData,
    /// Those that come after.
    PostData,
}

impl Part {
    /// Its name.
    pub fn word(self) -> &'static str {
        match self {
            Part::PreData => "pre-data",
            Part::PostData => "post-data",
        }
    }
}

/// A list of all entries of one part; those that are not restored are commented out.
pub fn write(entries: &[Entry], settings: &Settings, part: Part) -> String {
    let wanted = entries.iter().filter(|entry| entry.is_pre_data == (part == Part::PreData));
    let lines = wanted.map(|entry| {
        let mark = if pre_data::is_wanted(entry, settings) { "" } else { ";" };
        let [namespace, owner] = [&entry.namespace, &entry.owner].map(|name| name.as_deref());
        let rest = format!(
            "{} {} {} {}",
            entry.description,
            on_one_line(namespace.unwrap_or("-")),
            on_one_line(&entry.tag),
            on_one_line(owner.unwrap_or(""))
        );
        let line = Line {
            id: entry.id,
            catalog: entry.catalog.0,
            oid: entry.oid.0,
            rest: rest.trim_end(),
        };
        format!("{mark}{line}\n")
    });
    lines.collect()
}

/// Line breaks in names become spaces, as `pg_restore` has it.
fn on_one_line(name: &str) -> String {
    name.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Oid;

    #[test]
    fn entries_are_told_from_comments() {
        let text = ";\n; Archive created at 2024-01-01\n;     dbname: app\n\n\
                    216; 1259 16962 TABLE public t postgres\n\
                    ;217; 1259 16963 TABLE public left_out postgres\n\
                    3321;   0   0 ACL - SCHEMA s me  \n";
        let lines: Vec<String> = parse(text).unwrap().iter().map(ToString::to_string).collect();
        assert_eq!(
            lines,
            ["216; 1259 16962 TABLE public t postgres", "3321; 0 0 ACL - SCHEMA s me"]
        );
    }

    #[test]
    fn a_line_of_something_else_is_named() {
        for text in ["x", "216 1259 16962 TABLE public t me", "216; 1259 TABLE t", "1; 2 3 "] {
            assert_eq!(parse(&format!("; a list\n{text}\n")), Err(2), "{text}");
        }
        assert_eq!(parse(""), Ok(Vec::new()));
    }

    #[test]
    fn what_is_left_out_is_commented_out() {
        let entry = |id, description: &str, tag: &str| Entry {
            id,
            catalog: Oid(1259),
            oid: Oid(7),
            description: description.into(),
            tag: tag.into(),
            namespace: Some("public".into()),
            owner: Some("me".into()),
            is_pre_data: description != "INDEX",
            definition: String::new(),
            drop: String::new(),
            tablespace: None,
            rewrite: None,
            dependencies: Vec::new(),
        };
        let entries = [
            entry(1, "TABLE", "two\nlines"),
            entry(2, "COMMENT", "TABLE t"),
            entry(3, "INDEX", "i"),
        ];
        let settings = Settings { no_comments: true, ..Settings::default() };
        assert_eq!(
            write(&entries, &settings, Part::PreData),
            "1; 1259 7 TABLE public two lines me\n;2; 1259 7 COMMENT public TABLE t me\n"
        );
        assert_eq!(write(&entries, &settings, Part::PostData), "3; 1259 7 INDEX public i me\n");
    }
}
