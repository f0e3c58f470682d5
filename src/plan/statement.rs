//! Statements made from what the archive says: taken apart where a constraint is built in two
//! moves, or a foreign key in two.

use crate::model::{Constraint, ConstraintKind, Index, QualifiedName, quote_identifier};

/// The statements of a text, each without its semicolon. Knows strings, quoted names, dollar quotes
/// and comments; the texts it is used for hold no SQL-standard function bodies.
pub fn split(sql: &str) -> Vec<&str> {
    let bytes = sql.as_bytes();
    let mut statements = Vec::new();
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        at = match bytes[at] {
            b'\'' => {
                let escapes = at > 0
                    && matches!(bytes[at - 1], b'E' | b'e')
                    && !(at > 1 && is_word(bytes[at - 2]));
                after_quote(bytes, at, escapes)
            }
            b'"' => after_quote(bytes, at, false),
            b'$' if at == 0 || !is_word(bytes[at - 1]) => after_dollar_quote(sql, at),
            b'-' if bytes[at..].starts_with(b"--") => {
                bytes[at..].iter().position(|&b| b == b'\n').map_or(bytes.len(), |n| at + n)
            }
            b'/' if bytes[at..].starts_with(b"/*") => after_comment(bytes, at),
            b';' => {
                push_statement(&mut statements, &sql[start..at]);
                start = at + 1;
                start
            }
            _ => at + 1,
        };
    }
    push_statement(&mut statements, &sql[start..]);
    statements
}

fn push_statement<'a>(statements: &mut Vec<&'a str>, text: &'a str) {
    let text = text.trim();
    if !text.is_empty() {
        statements.push(text);
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | 0x80..)
}

/// Just behind the quote that closes the one at `at`; a doubled quote opens at once again, which
/// comes to the same.
fn after_quote(bytes: &[u8], at: usize, escapes: bool) -> usize {
    let quote = bytes[at];
    let mut at = at + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' if escapes => at += 2,
            byte if byte == quote => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn after_dollar_quote(sql: &str, at: usize) -> usize {
    let rest = &sql[at + 1..];
    let Some(tag_end) = rest.find('$') else { return at + 1 };
    let tag = &rest[..tag_end];
    let is_tag = tag.bytes().all(|b| is_word(b) && b != b'$')
        && !tag.bytes().next().is_some_and(|b| b.is_ascii_digit());
    if !is_tag {
        return at + 1;
    }
    let delimiter = &sql[at..at + tag_end + 2];
    let body = at + delimiter.len();
    sql[body..].find(delimiter).map_or(sql.len(), |end| body + end + delimiter.len())
}

fn after_comment(bytes: &[u8], at: usize) -> usize {
    let (mut at, mut depth) = (at + 2, 1);
    while at < bytes.len() && depth > 0 {
        if bytes[at..].starts_with(b"/*") {
            (at, depth) = (at + 2, depth + 1);
        } else if bytes[at..].starts_with(b"*/") {
            (at, depth) = (at + 2, depth - 1);
        } else {
            at += 1;
        }
    }
    at.min(bytes.len())
}

/// How an index and what hangs on it are made: first the part that several indexes of a table may
/// do side by side, then the part that needs the table alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexStatements {
    /// `CREATE INDEX`; none where the constraint makes its own index.
    pub build: Option<String>,
    /// The constraint, REPLICA IDENTITY, CLUSTER ON, statistics targets.
    pub finish: Vec<String>,
}

/// Takes apart what the archive holds for an index or for the constraint on it.
pub fn index_statements(index: &Index, table: &QualifiedName, entry: &str) -> IndexStatements {
    let mut statements = split(entry).into_iter().map(str::to_owned);
    let first = statements.next();
    match &index.constraint {
        None => IndexStatements { build: first, finish: statements.collect() },
        Some(constraint) => {
            let in_two_moves = !index.is_partitioned && !index.builds_with_constraint();
            let (build, add) = if in_two_moves {
                (Some(index.definition.clone()), Some(add_constraint(constraint, table)))
            } else {
                (None, first)
            };
            IndexStatements { build, finish: add.into_iter().chain(statements).collect() }
        }
    }
}

/// Which moves an index takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moves {
    /// Whether there is a `CREATE INDEX`.
    pub builds: bool,
    /// Whether something needs the table alone.
    pub finishes: bool,
}

/// The same as [`index_statements`] without their texts, for an entry of that many statements.
pub fn index_moves(index: &Index, statements: usize) -> Moves {
    match index.constraint {
        None => Moves { builds: statements > 0, finishes: statements > 1 },
        Some(_) if index.is_partitioned || index.builds_with_constraint() => {
            Moves { builds: false, finishes: statements > 0 }
        }
        Some(_) => Moves { builds: true, finishes: true },
    }
}

/// Turns a unique index into the constraint of the same name.
fn add_constraint(constraint: &Constraint, table: &QualifiedName) -> String {
    let kind = match constraint.kind {
        ConstraintKind::PrimaryKey => "PRIMARY KEY",
        ConstraintKind::Unique | ConstraintKind::Exclusion => "UNIQUE",
    };
    let name = quote_identifier(&constraint.name);
    let deferrable = match (constraint.deferrable, constraint.deferred) {
        (true, true) => " DEFERRABLE INITIALLY DEFERRED",
        (true, false) => " DEFERRABLE",
        (false, _) => "",
    };
    format!("ALTER TABLE ONLY {table} ADD CONSTRAINT {name} {kind} USING INDEX {name}{deferrable}")
}

/// The statement that adds a foreign key without checking it, and what follows it in the archive.
pub fn not_valid(entry: &str) -> Vec<String> {
    let mut statements: Vec<String> = split(entry).into_iter().map(str::to_owned).collect();
    if let Some(first) = statements.first_mut() {
        first.push_str(" NOT VALID");
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Oid;

    #[test]
    fn statements_end_where_they_end() {
        let sql = "a 'x;''y' ;b \"q;\"\"\";c $$;$$ $t$ $$;$t$; d -- ;\n e; /* ; /* ; */ */ f;;\n";
        let statements = split(sql);
        assert_eq!(
            statements,
            ["a 'x;''y'", "b \"q;\"\"\"", "c $$;$$ $t$ $$;$t$", "d -- ;\n e", "/* ; /* ; */ */ f"]
        );
        assert_eq!(split(r"a E'\';' ; b '\'; c"), [r"a E'\';'", r"b '\'", "c"]);
        assert_eq!(split("a$b$;c$b$"), ["a$b$", "c$b$"]);
        assert_eq!(split("x $1; y"), ["x $1", "y"]);
        assert_eq!(split("'open ;"), ["'open ;"]);
    }

    fn index(constraint: Option<Constraint>) -> Index {
        Index {
            oid: Oid(1),
            name: QualifiedName::new("public", "t_pkey"),
            table: Oid(2),
            definition: "CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id)".into(),
            columns: "id".into(),
            is_primary: true,
            is_unique: true,
            is_partitioned: false,
            tablespace: None,
            bytes: 0,
            has_collated_text: false,
            constraint,
        }
    }

    #[test]
    fn a_primary_key_is_made_in_two_moves_and_keeps_what_hangs_on_it() {
        let constraint = Constraint {
            oid: Oid(3),
            name: "t_pkey".into(),
            kind: ConstraintKind::PrimaryKey,
            definition: "PRIMARY KEY (id)".into(),
            deferrable: true,
            deferred: true,
        };
        let entry = "ALTER TABLE ONLY public.t\n    ADD CONSTRAINT t_pkey PRIMARY KEY (id);\n\n\
                     ALTER TABLE public.t CLUSTER ON t_pkey;\n";
        let table = QualifiedName::new("public", "t");
        let made = index_statements(&index(Some(constraint)), &table, entry);
        assert_eq!(made.build.unwrap(), "CREATE UNIQUE INDEX t_pkey ON public.t USING btree (id)");
        assert_eq!(
            made.finish,
            [
                "ALTER TABLE ONLY public.t ADD CONSTRAINT t_pkey PRIMARY KEY USING INDEX t_pkey \
                 DEFERRABLE INITIALLY DEFERRED",
                "ALTER TABLE public.t CLUSTER ON t_pkey"
            ]
        );
    }

    #[test]
    fn the_moves_are_known_without_the_texts() {
        let constraint = |kind| Constraint {
            oid: Oid(3),
            name: "t_pkey".into(),
            kind,
            definition: String::new(),
            deferrable: false,
            deferred: false,
        };
        use ConstraintKind::{Exclusion, PrimaryKey, Unique};
        let kinds = [PrimaryKey, Unique, Exclusion].map(|kind| Some(constraint(kind)));
        let table = QualifiedName::new("public", "t");
        for constraint in kinds.into_iter().chain([None]) {
            for is_partitioned in [false, true] {
                let index = Index { is_partitioned, ..index(constraint.clone()) };
                for entry in ["", "a;", "a; b;", "a; 'b;'; c"] {
                    let made = index_statements(&index, &table, entry);
                    let expected =
                        Moves { builds: made.build.is_some(), finishes: !made.finish.is_empty() };
                    let moves = index_moves(&index, split(entry).len());
                    assert_eq!(moves, expected, "{index:?} {entry:?}");
                }
            }
        }
    }

    #[test]
    fn a_foreign_key_is_added_unchecked() {
        let entry = "ALTER TABLE ONLY a\n    ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES b(x);\n";
        assert_eq!(
            not_valid(entry),
            ["ALTER TABLE ONLY a\n    ADD CONSTRAINT f FOREIGN KEY (x) REFERENCES b(x) NOT VALID"]
        );
    }
}
