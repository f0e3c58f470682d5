use std::sync::Arc;

use super::*;
use crate::model::change::{Relation, RowChange, RowChangeKind, Truncate};

/// What a server of version 15 wrote for a table and columns with names, types and values that are
/// hard to tell apart.
const INSERT: &str = r#"table "S x"."T"":[a": INSERT: "Id"[integer]:1 "select"[text]:'it''s a ''quoted'' 
 new \ line new-tuple: x[integer]:5 null''' "a.b"["My.Type"]:'a[b' "x[y]:z"["My.Type"[]]:'{a[b,c''d}' " sp"[character varying[]]:'{"a b",NULL,"NULL"}' ts[timestamp with time zone]:'2020-01-01 00:00:00+00' bits[bit varying]:B'10' bo[boolean]:true n[numeric]:1.50 f[double precision]:-Infinity by[bytea]:'\x00ff' "old-key"[text]:'unchanged-toast-datum' "char"["char"]:'q' o[oid]:4000000000 e[text]:'' w[text]:'null' z[text]:null"#;

fn table(name: &str, columns: &[&str], is_full: bool) -> (QualifiedName, Arc<Relation>) {
    let name = QualifiedName::new("public", name);
    let columns: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
    let key = (0..columns.len()).map(|place| is_full || place == 0).collect();
    (name.clone(), Arc::new(Relation { name, columns, key, is_full, types: Vec::new() }))
}

/// Reads a message about tables that are known.
fn read(text: &str, tables: &[(&str, &[&str], bool)]) -> Result<Message, Malformed> {
    let mut described = Described::default();
    for (name, columns, is_full) in tables {
        let (name, relation) = table(name, columns, *is_full);
        described.describe(name, Some(relation));
    }
    message(&mut described, &Bytes::copy_from_slice(text.as_bytes()))
}

fn row(text: &str, tables: &[(&str, &[&str], bool)]) -> RowChange {
    match read(text, tables).unwrap() {
        Message::Row(change) => change,
        other => panic!("{other:?}"),
    }
}

fn text(text: &str) -> Value {
    Value::Text(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn begins_commits_and_messages() {
    let begin = |xid| Message::Begin { xid, commit_lsn: None };
    assert_eq!(read("BEGIN 724", &[]).unwrap(), begin(724));
    assert_eq!(read("BEGIN", &[]).unwrap(), begin(0));
    assert_eq!(read("COMMIT 724", &[]).unwrap(), Message::Commit { committed_at: None });
    let emitted = "message: transactional: 1 prefix: pre:fix, sz: 11 content:con tent\n:x";
    assert_eq!(read(emitted, &[]).unwrap(), Message::Other);
    let stray = "aborting streamed (sub)transaction TXN 725";
    assert_eq!(read(stray, &[]).unwrap(), Message::Other);
}

#[test]
fn names_types_and_values_that_look_like_something_else() {
    let mut described = Described::default();
    let payload = Bytes::from_static(INSERT.as_bytes());
    let name = QualifiedName::new("S x", "T\":[a");
    let asked = message(&mut described, &payload).unwrap();
    assert_eq!(asked, Message::Undescribed(name.clone()));
    let columns = [
        "Id", "select", "a.b", "x[y]:z", " sp", "ts", "bits", "bo", "n", "f", "by", "old-key",
        "char", "o", "e", "w", "z",
    ];
    let (_, relation) = table("", &columns, false);
    let relation = Relation { name: name.clone(), ..(*relation).clone() };
    described.describe(name, Some(Arc::new(relation)));
    let Message::Row(change) = message(&mut described, &payload).unwrap() else { panic!() };
    let quoted = "it's a 'quoted' \n new \\ line new-tuple: x[integer]:5 null'";
    let mut new: Vec<Value> = [
        "1",
        quoted,
        "a[b",
        "{a[b,c'd}",
        "{\"a b\",NULL,\"NULL\"}",
        "2020-01-01 00:00:00+00",
        "10",
        "true",
        "1.50",
        "-Infinity",
        "\\x00ff",
        "unchanged-toast-datum",
        "q",
        "4000000000",
        "",
        "null",
    ]
    .map(text)
    .into();
    new.push(Value::Null);
    assert_eq!(change.kind, RowChangeKind::Insert { new });
}

#[test]
fn rows_before_and_after() {
    let nk: &[(&str, &[&str], bool)] = &[("nk", &["a", "g"], false)];
    let f: &[(&str, &[&str], bool)] = &[("f", &["a", "b", "big"], true)];
    let update = "table public.nk: UPDATE: old-key: a[integer]:1 new-tuple: a[integer]:5 \
                  g[integer]:10";
    let old = Some(vec![text("1"), Value::Null]);
    let new = vec![text("5"), text("10")];
    assert_eq!(row(update, nk).kind, RowChangeKind::Update { old, new });
    let update = "table public.nk: UPDATE: a[integer]:5 g[integer]:unchanged-toast-datum";
    let new = vec![text("5"), Value::Unchanged];
    assert_eq!(row(update, nk).kind, RowChangeKind::Update { old: None, new });
    // Of a whole row, what was NULL is left out.
    let update = "table public.f: UPDATE: old-key: new-tuple: a[integer]:null b[text]:'q' \
                  big[text]:null";
    let old = Some(vec![Value::Null; 3]);
    let new = vec![Value::Null, text("q"), Value::Null];
    assert_eq!(row(update, f).kind, RowChangeKind::Update { old, new });
    let old = vec![Value::Null, text("q"), Value::Null];
    assert_eq!(row("table public.f: DELETE: b[text]:'q'", f).kind, RowChangeKind::Delete { old });
    let change = row("table public.z: INSERT:", &[("z", &[], true)]);
    assert_eq!(change.kind, RowChangeKind::Insert { new: Vec::new() });
    let change = row("table public.nk: DELETE: (no-tuple-data)", nk);
    assert_eq!(change.relation.key, [false, false]);
}

#[test]
fn tables_emptied_together_with_their_flags() {
    let known: &[(&str, &[&str], bool)] = &[("f", &[], true), ("nk", &[], true)];
    let flags = |text: &str| match read(text, known).unwrap() {
        Message::Truncate(Truncate { relations, cascade, restart_identity }) => {
            (relations.len(), restart_identity, cascade)
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(flags("table public.f, public.nk: TRUNCATE: (no-flags)"), (2, false, false));
    assert_eq!(flags("table public.nk: TRUNCATE: restart_seqs cascade"), (1, true, true));
    assert_eq!(flags("table public.f: TRUNCATE: restart_seqs"), (1, true, false));
    assert_eq!(flags("table public.f: TRUNCATE: cascade"), (1, false, true));
}

#[test]
fn what_is_cut_or_not_written_by_the_plugin_is_an_error() {
    for text in [
        "",
        "BEGIN x",
        "BEGIN 1 2",
        "COMMIT 99999999999",
        "table public.t INSERT:",
        "table public: INSERT: a[integer]:1",
        "table public.t: UPSERT: a[integer]:1",
        "table public.t: INSERT: a[integer]:",
        "table public.t: INSERT: a[integer]:'x",
        "table public.t: INSERT: a[integer]:'x'y",
        "table public.t: INSERT: a[integer:1",
        "table public.t: INSERT: a:1",
        "table public.t: UPDATE: old-key: a[integer]:1",
        "table public.t: INSERT: a[integer]:1 new-tuple: a[integer]:1",
        "table public.t, public.u: INSERT: a[integer]:1",
        "table public.t: TRUNCATE: quickly",
        "table public.\"t: INSERT: a[integer]:1",
    ] {
        assert!(read(text, &[("t", &["a"], false)]).is_err(), "{text}");
    }
    for end in 0..INSERT.len() {
        let mut described = Described::default();
        // Whatever it is, it is no panic.
        let _ = message(&mut described, &Bytes::copy_from_slice(&INSERT.as_bytes()[..end]));
    }
}
