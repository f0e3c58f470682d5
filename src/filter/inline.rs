//! Defaults and checks that are written inside CREATE TABLE. When what one uses is left out, it is
//! taken out of the statement, if it can be found there beyond doubt.

use crate::model::{Object, Rewrite, quote_identifier};

/// A default or a check that is no entry of its own in the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The default or check.
    pub object: Object,
    /// The table or domain it belongs to.
    pub owner: Object,
    /// The name of the column or constraint.
    pub name: String,
    /// What it is.
    pub kind: PartKind,
}

/// What a part is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PartKind {
    /// The default of a column, with the expression as the server writes it.
    Default(String),
    /// A check, with its definition as the server writes it.
    Check(String),
    /// What its owner cannot be made without.
    Essential,
    /// Written down with another object: a key that came from a partitioned table, a check that came
    /// from a parent.
    Inherited,
}

/// A name as a tool may have written it: with quotes where they are needed, or where it thought so.
fn spellings(name: &str) -> [String; 2] {
    [quote_identifier(name), format!("\"{}\"", name.replace('"', "\"\""))]
}

/// What the archive calls the comment on a constraint of a table.
pub fn constraint_tags(constraint: &str, table: &str) -> Vec<String> {
    let tables = spellings(table);
    let with = |constraint: String| {
        tables.clone().map(|table| format!("CONSTRAINT {constraint} ON {table}"))
    };
    spellings(constraint).into_iter().flat_map(with).collect()
}

/// Takes a check out of a CREATE TABLE statement; none if it is not found, or found twice.
pub fn without_check(rewrite: Rewrite, name: &str, definition: &str) -> Option<Rewrite> {
    let statement = &rewrite.reduced;
    let mut found = None;
    let [plain, quoted] = spellings(name);
    let others = (quoted != plain).then_some(quoted);
    for name in [plain].into_iter().chain(others) {
        let line = format!("\n    CONSTRAINT {name} {definition}");
        for (at, _) in statement.match_indices(&line) {
            let behind = &statement[at + line.len()..];
            let is_first = !statement[..at].ends_with(',');
            let range = match (behind.starts_with(",\n"), behind.starts_with('\n'), is_first) {
                (true, ..) => at..at + line.len() + 1,
                (_, true, false) => at - 1..at + line.len(),
                (_, true, true) => at..at + line.len(),
                (false, false, _) => continue,
            };
            if found.replace(range).is_some() {
                return None;
            }
        }
    }
    let range = found?;
    let reduced = format!("{}{}", &statement[..range.start], &statement[range.end..]);
    Some(Rewrite { reduced, ..rewrite })
}

/// Takes a column's default out of a CREATE TABLE statement; none if it is not found, or found
/// twice.
pub fn without_default(rewrite: Rewrite, column: &str, expression: &str) -> Option<Rewrite> {
    let statement = &rewrite.reduced;
    let default = format!(" DEFAULT {expression}");
    let mut found = None;
    for start in spellings(column) {
        let line = format!("\n    {start} ");
        for (at, _) in statement.match_indices(&line) {
            let rest = &statement[at + line.len()..];
            let Some(offset) = rest.find(&default) else { continue };
            let place = at + line.len() + offset;
            let behind = &statement[place + default.len()..];
            let ends = [",\n", "\n)", " NOT NULL", " CONSTRAINT "];
            // Another column's line lies between.
            let is_near = !rest[..offset].contains(",\n");
            if is_near && ends.iter().any(|end| behind.starts_with(end)) {
                if found.is_some_and(|other| other != place) {
                    return None;
                }
                found = Some(place);
            }
        }
    }
    let place = found?;
    let reduced = format!("{}{}", &statement[..place], &statement[place + default.len()..]);
    Some(Rewrite { reduced, ..rewrite })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENT: &str = "CREATE TABLE public.t (\n    id integer DEFAULT nextval('s.q'::regclass) \
                             NOT NULL,\n    \"Odd id\" bigint DEFAULT nextval('s.q'::regclass),\n    \
                             note text COLLATE s.c DEFAULT s.f(1, 'a, b')\n);\n";

    fn reduced(statement: &str, column: &str, expression: &str) -> Option<String> {
        let rewrite = Rewrite { original: statement.into(), reduced: statement.into() };
        without_default(rewrite, column, expression).map(|rewrite| rewrite.reduced)
    }

    #[test]
    fn a_default_is_taken_out_of_its_own_column() {
        let next = "nextval('s.q'::regclass)";
        let text = reduced(STATEMENT, "id", next).unwrap();
        assert!(text.contains("\n    id integer NOT NULL,\n"), "{text}");
        assert!(text.contains(&format!("\"Odd id\" bigint DEFAULT {next},\n")), "{text}");
        let text = reduced(STATEMENT, "Odd id", next).unwrap();
        assert!(text.contains(&format!("\n    id integer DEFAULT {next} NOT NULL,\n")), "{text}");
        assert!(text.contains("\n    \"Odd id\" bigint,\n"), "{text}");
        let text = reduced(STATEMENT, "note", "s.f(1, 'a, b')").unwrap();
        assert!(text.ends_with("\n    note text COLLATE s.c\n);\n"), "{text}");
    }

    #[test]
    fn a_check_is_taken_out_with_its_comma() {
        let statement = "CREATE TABLE s.t (\n    a integer,\n    CONSTRAINT b CHECK ((a > 0)),\n    \
                         CONSTRAINT \"C\" CHECK (s.f(a))\n);\n";
        let without = |statement: &str, name, definition| {
            let rewrite = Rewrite { original: statement.into(), reduced: statement.into() };
            without_check(rewrite, name, definition).map(|rewrite| rewrite.reduced)
        };
        let less = without(statement, "C", "CHECK (s.f(a))").unwrap();
        assert!(less.ends_with("CHECK ((a > 0))\n);\n"), "{less}");
        let less = without(&less, "b", "CHECK ((a > 0))").unwrap();
        assert_eq!(less, "CREATE TABLE s.t (\n    a integer\n);\n");
        let less = without(statement, "b", "CHECK ((a > 0))").unwrap();
        assert!(less.contains("a integer,\n    CONSTRAINT \"C\""), "{less}");
        let alone = "CREATE TABLE s.t (\n    CONSTRAINT b CHECK (f())\n)\nINHERITS (s.u);\n";
        let less = without(alone, "b", "CHECK (f())").unwrap();
        assert_eq!(less, "CREATE TABLE s.t (\n)\nINHERITS (s.u);\n");
        assert_eq!(without(statement, "b", "CHECK ((a > 1))"), None);
        assert_eq!(without(statement, "c", "CHECK (s.f(a))"), None);
        assert!(constraint_tags("a", "B").contains(&"CONSTRAINT a ON \"B\"".to_owned()));
    }

    #[test]
    fn what_is_not_there_is_not_taken_out() {
        assert_eq!(reduced(STATEMENT, "id", "nextval('s.q')"), None);
        assert_eq!(reduced(STATEMENT, "note", "nextval('s.q'::regclass)"), None);
        assert_eq!(reduced(STATEMENT, "ID", "nextval('s.q'::regclass)"), None);
        assert_eq!(reduced(STATEMENT, "missing", "1"), None);
    }
}
