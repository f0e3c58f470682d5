use proptest::prelude::*;

use super::*;

fn rules(text: &str) -> Vec<String> {
    let filters = parse(text.as_bytes()).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    filters
        .rules
        .iter()
        .map(|rule| {
            let condition = rule.condition.as_ref().map(|c| format!(" = {c}")).unwrap_or_default();
            format!("{}: {rule}{condition}", rule.section.name())
        })
        .collect()
}

fn wrong(text: &str) -> Malformed {
    parse(text.as_bytes()).expect_err(text)
}

fn exact(section: &str, line: &str) -> Rule {
    let filters = parse(format!("[{section}]\n{line}").as_bytes());
    let mut filters = filters.unwrap_or_else(|wrong| panic!("{line}: {wrong:?}"));
    filters.rules.remove(0)
}

fn name(text: &str) -> Option<Pattern> {
    Some(Pattern::Exact(text.to_owned()))
}

#[test]
fn sections_in_any_order_repeated_with_comments_and_without_a_last_newline() {
    assert_eq!(
        rules(
            "\u{feff}; a comment\r\n  # another\r\n\r\n[exclude-table-data]\r\n  public.log \t\r\n\
             [exclude-table] ; of old things\npublic.orders\n[exclude-table-data]\npublic.audit\n\
             [ exclude-schema ]\nscratch"
        ),
        [
            "exclude-table-data: public.log",
            "exclude-table: public.orders",
            "exclude-table-data: public.audit",
            "exclude-schema: scratch",
        ]
    );
    assert_eq!(rules(""), [""; 0]);
    assert_eq!(rules("[exclude-table]\n[include-only-table]\npublic.t\n").len(), 1);
}

#[test]
fn names_are_exact_and_quotes_are_those_of_sql() {
    for (line, namespace, table) in [
        ("public.Two Words", "public", "Two Words"),
        ("Sch.T2", "Sch", "T2"),
        ("\"Sch\".T2", "Sch", "T2"),
        ("\"Sch\".\"T2\"", "Sch", "T2"),
        ("\"a.b\".c.d", "a.b", "c.d"),
        ("sch3.do.t", "sch3", "do.t"),
        ("\"x\"\"y\".\"\"\"\"", "x\"y", "\""),
        ("\"[odd\".t", "[odd", "t"),
        ("public.t ; note", "public", "t ; note"),
        ("public.a=b#c:d", "public", "a=b#c:d"),
        ("public.~tmp", "public", "~tmp"),
        ("~x.t", "~x", "t"),
        ("\u{e9}t\u{e9}.漢字", "\u{e9}t\u{e9}", "漢字"),
    ] {
        let rule = exact("exclude-table", line);
        assert_eq!((rule.namespace, Some(rule.name)), (name(namespace), name(table)), "{line}");
    }
    for line in ["My Schema", "a.b", "\"a.b\"", "Audit"] {
        let rule = exact("exclude-schema", line);
        assert_eq!((rule.namespace, Some(rule.name)), (None, name(line.trim_matches('"'))));
    }
    assert_eq!(Some(exact("exclude-extension", "uuid-ossp").name), name("uuid-ossp"));
    assert_eq!(Some(exact("include-only-extension", "\"uuid-ossp\"").name), name("uuid-ossp"));
}

#[test]
fn patterns_with_every_delimiter() {
    for (open, close) in DELIMITERS {
        let rule = exact("exclude-table", &format!("public.~{open}^a=.,\\\\?;x{close}"));
        assert_eq!(rule.name, Pattern::Regex("^a=.,\\\\?;x".to_owned()), "{open}{close}");
        let rule = exact("exclude-schema", &format!("~{open}x{close}"));
        assert_eq!(rule.name, Pattern::Regex("x".to_owned()));
    }
    let rule = exact("exclude-index", "~/^a\\.b/.~/_idx$/");
    assert_eq!(rule.namespace, Some(Pattern::Regex("^a\\.b".to_owned())));
    assert_eq!(rule.name, Pattern::Regex("_idx$".to_owned()));
    let rule = exact("include-only-table", "\"a\".~/^b{2}/~[c]");
    assert_eq!(rule.name, Pattern::Regex("^b{2}c".to_owned()));
    let rule = exact("include-only-table", "~|x|.t");
    assert_eq!((rule.namespace, Some(rule.name)), (Some(Pattern::Regex("x".into())), name("t")));
}

#[test]
fn conditions_are_everything_behind_the_equals_sign() {
    for (line, table, condition) in [
        ("a.t = id > 5", "t", "id > 5"),
        ("a.t=x='a=b'", "t", "x='a=b'"),
        ("a.Two Words  =  true ; x", "Two Words", "true ; x"),
        ("\"a\".\"t=\" = \"odd\" is null", "t=", "\"odd\" is null"),
        ("a.b.c = x", "b.c", "x"),
    ] {
        let rule = exact("table-where", line);
        assert_eq!((Some(rule.name), rule.condition.as_deref()), (name(table), Some(condition)));
    }
    let rule = exact("table-where", "a.~/x=y/ = z");
    assert_eq!(rule.name, Pattern::Regex("x=y".to_owned()));
}

#[test]
fn what_is_not_understood_is_an_error_with_its_line() {
    for (text, line, problem, hint) in [
        ("public.t", 1, "before the first section", "[exclude-table]"),
        ("\n[exclude-tables]\n", 2, "there is no section [exclude-tables]", "\"exclude-table\"?"),
        ("[EXCLUDE-TABLE]", 1, "no section [EXCLUDE-TABLE]", "\"exclude-table\"?"),
        ("[nonsense]", 1, "no section [nonsense]", "include-only-extension, table-where."),
        ("[exclude-table", 1, "no closing bracket", "quotes"),
        ("[exclude-table] a.b", 1, "behind section", "line of its own"),
        ("[exclude-table]\n\norders", 3, "\"orders\" has no schema", "\"public.orders\"?"),
        ("[exclude-table]\n.t", 2, "begins with a dot", "schema.name"),
        ("[exclude-table]\na.", 2, "no name behind the dot", ""),
        ("[exclude-table]\n\"a.b", 2, "unbalanced quote", ""),
        ("[exclude-table]\na.\"b", 2, "unbalanced quote", ""),
        ("[exclude-table]\na.b\"c", 2, "unbalanced quote", "\"b\"\"c\""),
        ("[exclude-table]\na.\"b\"c", 2, "\"c\" stands behind the name", "line of its own"),
        ("[exclude-table]\n\"a\"b.c", 2, "where a dot must follow", ""),
        ("[exclude-table]\n\"\".c", 2, "empty name", ""),
        ("[exclude-table]\na.~/b", 2, "closing '/'", "~/pattern/"),
        ("[exclude-table]\na.~[b", 2, "closing ']'", "~[pattern]"),
        ("[exclude-table]\na.~/b/c", 2, "\"c\" stands behind", "line of its own"),
        ("[exclude-table]\na.~//", 2, "empty pattern", ""),
        ("[exclude-extension]\n~/post/", 2, "is a pattern", "one by one"),
        ("[table-where]\na.t", 2, "has no condition", "schema.table = condition"),
        ("[table-where]\na.t =", 2, "empty condition", ""),
        ("[table-where]\na.\"t\" x = 1", 2, "\"x = 1\" stands behind", "schema.table ="),
        ("[table-where]\na.t = 1\na.u = 1\na.t = 2", 4, "in line 2 already", "AND"),
        ("[table-where]\na. = 1", 2, "has no name", ""),
        ("[exclude-table]\na.b\0c", 2, "zero byte", ""),
    ] {
        let wrong = wrong(text);
        assert_eq!(wrong.line, line, "{text}");
        assert!(wrong.problem.contains(problem), "{text}: {}", wrong.problem);
        let found = wrong.hint.clone().unwrap_or_default();
        assert!(found.contains(hint), "{text}: {found}");
    }
    assert_eq!(parse(b"[exclude-table]\na.\xff").unwrap_err().line, 2);
}

#[test]
fn sections_that_exclude_each_other() {
    for (one, other) in [
        ("include-only-schema", "exclude-schema"),
        ("include-only-table", "exclude-table"),
        ("include-only-extension", "exclude-extension"),
    ] {
        let [one_line, other_line] =
            if one.ends_with("table") { ["a.~/x/", "a.y"] } else { ["x", "y"] };
        let wrong = wrong(&format!("[{other}]\n{other_line}\n[{one}]\n{one_line}\n"));
        assert_eq!(wrong.line, 4);
        assert!(wrong.problem.contains("exclude each other"), "{wrong:?}");
        assert!(wrong.hint.unwrap().contains("use only one of these sections"));
    }
    let text = "[include-only-table]\na.b\n[exclude-schema]\nc\n[exclude-table-data]\na.b\n\
                [exclude-index]\na.i\n[include-only-schema]";
    assert_eq!(parse(text.as_bytes()).unwrap().rules.len(), 4);
}

proptest! {
    #[test]
    fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn no_line_panics(section in 0usize..9, line in "[~\"'./=;#\\[\\](){}<>|$ a-c\u{e9}\t]{0,30}") {
        let _ = parse(format!("[{}]\n{line}\n", Section::ALL[section].name()).as_bytes());
    }

    #[test]
    fn a_quoted_name_is_read_as_it_is(namespace in "[^\0\n]{1,20}", table in "[^\0\n]{1,20}") {
        let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
        let line = format!("{}.{}", quoted(&namespace), quoted(&table));
        let rule = exact("exclude-table", &line);
        prop_assert_eq!((rule.namespace, Some(rule.name)), (name(&namespace), name(&table)));
    }
}
