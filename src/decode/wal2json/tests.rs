use std::sync::Arc;

use super::*;
use crate::model::change::{Relation, RowChange, RowChangeKind, Truncate};

const COLUMNS: [&str; 4] = ["id", "n", "t", "by"];

/// What wal2json 2.5 wrote on a server of version 15.
const INSERT: &str = r#"{"action":"I","xid":773,"schema":"S x","table":"T\":[a","columns":[{"name":"id","type":"bigint","value":9007199254740993},{"name":"n","type":"numeric(40,9)","value":12345678901234567890.123456789},{"name":"t","type":"text","value":"é\t\u0001\"\\/ it's \n"},{"name":"by","type":"bytea","value":"00ff"}]}"#;

fn read_as(numbers: Numbers, is_full: bool, text: &str) -> Result<Message, Malformed> {
    let name = QualifiedName::new("S x", "T\":[a");
    let key = (0..COLUMNS.len()).map(|place| is_full || place == 0).collect();
    let columns = COLUMNS.map(str::to_owned).to_vec();
    let relation =
        Arc::new(Relation { name: name.clone(), columns, key, is_full, types: Vec::new() });
    let mut described = Described::default();
    described.describe(name, Some(relation));
    message(&mut described, numbers, &Bytes::copy_from_slice(text.as_bytes()))
}

fn read(text: &str) -> Result<Message, Malformed> {
    read_as(Numbers::Plain, false, text)
}

fn row(text: &str) -> RowChange {
    match read(text).unwrap() {
        Message::Row(change) => change,
        other => panic!("{other:?}"),
    }
}

fn text(text: &str) -> Value {
    Value::Text(Bytes::copy_from_slice(text.as_bytes()))
}

#[test]
fn numbers_keep_every_digit_and_bytes_their_mark() {
    let new = vec![
        text("9007199254740993"),
        text("12345678901234567890.123456789"),
        text("é\t\u{1}\"\\/ it's \n"),
        text("\\x00ff"),
    ];
    assert_eq!(row(INSERT).kind, RowChangeKind::Insert { new });
    for number in ["-0", "1e+308", "1.50", "-Infinity", "NaN"] {
        let line = format!(
            r#"{{"action":"U","xid":1,"schema":"S x","table":"T\":[a","columns":[{{"name":"n","type":"numeric","value":"{number}"}}],"identity":[]}}"#
        );
        let Message::Row(change) = read_as(Numbers::Strings, false, &line).unwrap() else {
            panic!()
        };
        let RowChangeKind::Update { new, .. } = change.kind else { panic!() };
        assert_eq!(new[1], text(number));
    }
}

#[test]
fn a_null_that_may_be_a_number_is_refused() {
    for (kind, is_refused) in [("real", true), ("numeric(4,2)", true), ("numeric[]", false)] {
        let line = format!(
            r#"{{"action":"D","xid":1,"schema":"S x","table":"T\":[a","identity":[{{"name":"n","type":"{kind}","value":null}}]}}"#
        );
        assert_eq!(read(&line).is_err(), is_refused, "{kind}");
        assert!(read_as(Numbers::Strings, true, &line).is_ok());
    }
}

#[test]
fn what_is_left_out_of_an_update_has_not_changed() {
    let change = row(
        r#"{"action":"U","xid":7,"schema":"S x","table":"T\":[a","columns":[{"name":"id","type":"integer","value":2},{"name":"n","type":"integer","value":null}],"identity":[{"name":"id","type":"integer","value":1}]}"#,
    );
    let old = Some(vec![text("1"), Value::Null, Value::Null, Value::Null]);
    let new = vec![text("2"), Value::Null, Value::Unchanged, Value::Unchanged];
    assert_eq!(change.kind, RowChangeKind::Update { old, new });
}

#[test]
fn other_actions() {
    let begin = read(r#"{"action":"B","xid":724}"#).unwrap();
    assert_eq!(begin, Message::Begin { xid: 724, commit_lsn: None });
    let commit = read(r#"{"action":"C","xid":724}"#).unwrap();
    assert_eq!(commit, Message::Commit { committed_at: None });
    let emitted =
        r#"{"action":"M","xid":null,"transactional":false,"prefix":"p","content":"nontrans"}"#;
    assert_eq!(read(emitted).unwrap(), Message::Other);
    let truncate = read(r#"{"action":"T","xid":757,"schema":"S x","table":"T\":[a"}"#).unwrap();
    let Message::Truncate(Truncate { relations, .. }) = truncate else { panic!() };
    assert_eq!(relations.len(), 1);
}

#[test]
fn what_is_cut_or_not_written_by_the_plugin_is_an_error() {
    for end in 0..INSERT.len() {
        let cut = String::from_utf8_lossy(&INSERT.as_bytes()[..end]).into_owned();
        assert!(read(&cut).is_err(), "{cut}");
    }
    for line in [
        r#"{"action":"X","xid":1}"#,
        r#"{"action":"I","xid":1,"schema":"S x","table":"T\":[a"}"#,
        r#"{"action":"I","xid":1,"columns":[]}"#,
        r#"{"action":"T","xid":1,"schema":"s","table":"t","columns":[]}"#,
        r#"{"action":"D","xid":1,"schema":"S x","table":"T\":[a","identity":[{"name":"id","type":"integer","value":[1]}]}"#,
        r#"{"action":"D","xid":1,"schema":"S x","table":"T\":[a","identity":[{"name":"gone","type":"integer","value":1}]}"#,
    ] {
        assert!(read(line).is_err(), "{line}");
    }
}
