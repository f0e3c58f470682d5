use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::model::change::Truncate;
use crate::model::{Lsn, QualifiedName};

fn column(type_name: &str) -> ReplicaColumn {
    ReplicaColumn {
        type_name: type_name.to_owned(),
        is_generated: false,
        is_identity_always: false,
        array_type: Some(format!("{type_name}[]")),
        equality: (type_name != "json").then(|| "operator(pg_catalog.=)".to_owned()),
    }
}

/// A table with columns id (integer, key), doc (json) and "N" (text).
fn table() -> ReplicaTable {
    let columns = [("id", "integer"), ("doc", "json"), ("N", "text")];
    ReplicaTable {
        name: QualifiedName::new("public", "t"),
        is_partitioned: false,
        columns: columns.iter().map(|(name, kind)| ((*name).to_owned(), column(kind))).collect(),
    }
}

fn relation(is_full: bool) -> Arc<Relation> {
    Arc::new(Relation {
        name: QualifiedName::new("public", "t"),
        columns: ["id", "doc", "N"].map(str::to_owned).to_vec(),
        key: if is_full { vec![true; 3] } else { vec![true, false, false] },
        is_full,
        types: vec![23, 114, 25],
    })
}

fn text(text: &'static str) -> Value {
    Value::Text(Bytes::from_static(text.as_bytes()))
}

fn of(is_full: bool, kind: RowChangeKind, table: &ReplicaTable) -> Option<Statement> {
    let change = RowChange { relation: relation(is_full), kind };
    statement(&change, table, NoOpUpdates::Skipped).unwrap()
}

fn values(statement: &Statement) -> Vec<Option<&str>> {
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::Text(text) => Some(&*String::from_utf8(text.to_vec()).unwrap().leak()),
        Value::Unchanged | Value::Binary(_) => panic!("{value:?}"),
    };
    statement.parameters.iter().map(text).collect()
}

#[test]
fn an_insert_names_its_columns() {
    let new = vec![text("1"), Value::Null, text("x")];
    let statement = of(false, RowChangeKind::Insert { new }, &table()).unwrap();
    let wanted =
        "insert into public.t (id, doc, \"N\") overriding system value values ($1, $2, $3)";
    assert_eq!(statement.text, wanted);
    assert_eq!(values(&statement), [Some("1"), None, Some("x")]);
}

#[test]
fn computed_columns_are_left_out_wherever_they_are() {
    let mut table = table();
    table.columns.get_mut("id").unwrap().is_generated = true;
    let new = vec![text("1"), Value::Null, text("x")];
    let statement = of(false, RowChangeKind::Insert { new }, &table).unwrap();
    let wanted = "insert into public.t (doc, \"N\") overriding system value values ($1, $2)";
    assert_eq!(statement.text, wanted);
}

#[test]
fn an_update_by_key_leaves_unchanged_values_alone() {
    let new = vec![text("1"), Value::Unchanged, Value::Null];
    let statement = of(false, RowChangeKind::Update { old: None, new }, &table()).unwrap();
    let wanted = "update only public.t set \"N\" = $1 where id operator(pg_catalog.=) $2::integer";
    assert_eq!(statement.text, wanted);
    assert_eq!(values(&statement), [None, Some("1")]);
}

#[test]
fn an_update_of_the_key_finds_the_row_by_the_old_one() {
    let old = Some(vec![text("1"), Value::Null, Value::Null]);
    let new = vec![text("2"), Value::Unchanged, Value::Unchanged];
    let statement = of(false, RowChangeKind::Update { old, new }, &table()).unwrap();
    let wanted = "update only public.t set id = $1 where id operator(pg_catalog.=) $2::integer";
    assert_eq!(statement.text, wanted);
    assert_eq!(values(&statement), [Some("2"), Some("1")]);
}

#[test]
fn one_of_several_equal_rows_is_meant_and_json_is_compared_by_its_text() {
    let old = vec![text("1"), text("{}"), Value::Null];
    let statement = of(true, RowChangeKind::Delete { old }, &table()).unwrap();
    let wanted = "delete from only public.t where ctid = (select ctid from only public.t where \
                  id operator(pg_catalog.=) $1::integer and doc::pg_catalog.text = \
                  $2::pg_catalog.text and \"N\" is null limit 1)";
    assert_eq!(statement.text, wanted);
}

#[test]
fn of_equal_rows_the_one_with_the_same_text_is_meant() {
    let old = vec![text("1"), Value::Null, text("x")];
    let statement = of(true, RowChangeKind::Delete { old }, &table()).unwrap();
    let wanted = " order by (\"N\"::pg_catalog.text collate \"C\" = $2::text::pg_catalog.text) \
                  desc limit 1)";
    assert!(statement.text.ends_with(wanted), "{}", statement.text);
}

#[test]
fn a_row_of_nulls_has_an_identity_too() {
    let old = vec![Value::Null, Value::Null, Value::Null];
    let statement = of(true, RowChangeKind::Delete { old }, &table()).unwrap();
    assert!(statement.parameters.is_empty());
    assert!(statement.text.ends_with("id is null and doc is null and \"N\" is null limit 1)"));
}

#[test]
fn an_update_that_changes_nothing_is_left_out_unless_wanted() {
    let row = || vec![text("1"), text("{}"), Value::Null];
    let kind = RowChangeKind::Update { old: Some(row()), new: row() };
    assert_eq!(of(true, kind.clone(), &table()), None);
    let change = RowChange { relation: relation(true), kind };
    let replayed = statement(&change, &table(), NoOpUpdates::Replayed).unwrap().unwrap();
    assert!(
        replayed.text.starts_with("update only public.t set id = $1, doc = $2, \"N\" = $3 where")
    );
}

#[test]
fn an_identity_column_that_changes_makes_the_row_anew() {
    let mut table = table();
    table.columns.get_mut("id").unwrap().is_identity_always = true;
    let old = Some(vec![text("1"), Value::Null, Value::Null]);
    let new = vec![text("2"), Value::Unchanged, text("x")];
    let statement = of(false, RowChangeKind::Update { old, new }, &table).unwrap();
    let wanted = "with old as (delete from only public.t where id operator(pg_catalog.=) $1::integer \
                  returning *) insert into public.t (id, doc, \"N\") overriding system value \
                  select $2::integer, old.doc, $3::text from old";
    assert_eq!(statement.text, wanted);
}

#[test]
fn an_identity_column_beside_the_key_is_compared_not_set() {
    let mut table = table();
    let identity = ReplicaColumn { is_identity_always: true, ..column("bigint") };
    table.columns.insert("N".to_owned(), identity);
    let new = vec![text("1"), text("{}"), text("7")];
    let statement = of(false, RowChangeKind::Update { old: None, new }, &table).unwrap();
    let wanted = "update only public.t set doc = $1 where id operator(pg_catalog.=) $2::integer \
                  and \"N\" operator(pg_catalog.=) $3::bigint";
    assert_eq!(statement.text, wanted);
}

#[test]
fn what_cannot_be_repeated_is_said() {
    let mut table = table();
    table.columns.remove("doc");
    let new = vec![text("1"), Value::Null, Value::Null];
    let change = |relation: Arc<Relation>, kind| RowChange { relation, kind };
    let insert = change(relation(false), RowChangeKind::Insert { new: new.clone() });
    let unfit = statement(&insert, &table, NoOpUpdates::Skipped).unwrap_err();
    assert_eq!(unfit, Unfit::MissingColumn("doc".into()));
    let keyless = Arc::new(Relation { key: vec![false; 3], ..(*relation(false)).clone() });
    let delete = change(keyless, RowChangeKind::Delete { old: new });
    let unfit = statement(&delete, &super::tests::table(), NoOpUpdates::Skipped).unwrap_err();
    assert_eq!(unfit, Unfit::NoIdentity);
}

#[test]
fn tables_are_emptied_together() {
    let (first, mut second) = (table(), table());
    second.name = QualifiedName::new("public", "u");
    second.is_partitioned = true;
    let change = Truncate { relations: Vec::new(), cascade: true, restart_identity: true };
    let emptied = [
        Emptied { name: &first.name, table: &first },
        Emptied { name: &second.name, table: &second },
    ];
    let statement = truncate(&change, &emptied).unwrap().unwrap();
    let wanted = "truncate table only public.t, public.u restart identity cascade";
    assert_eq!(statement.text, wanted);
    let other = QualifiedName::new("public", "t_1");
    let moved = [Emptied { name: &other, table: &second }];
    assert!(truncate(&change, &moved).is_err());
    let whole =
        [Emptied { name: &other, table: &second }, Emptied { name: &second.name, table: &second }];
    let statement = truncate(&change, &whole).unwrap().unwrap();
    assert_eq!(statement.text, "truncate table public.u restart identity cascade");
}

/// Adds changes to what waits, and gives back what is sent at last; before that, nothing may be.
fn together(changes: &[RowChangeKind]) -> Vec<Many> {
    let layout = Arc::new(Layout::new(relation(false), Arc::new(table())));
    let mut pending = Pending::new(Order::Free);
    for kind in changes {
        let change = RowChange { relation: relation(false), kind: kind.clone() };
        let shape = layout.shape(kind).expect("a change that can go with others");
        assert!(pending.add(0, &layout, shape, change, (Lsn(1), 10)).is_empty());
    }
    pending.take_all().into_iter().map(Batch::many).collect()
}

fn insert_of(id: &'static str) -> RowChangeKind {
    RowChangeKind::Insert { new: vec![text(id), Value::Null, text("a\tb\\")] }
}

fn update_of(id: &'static str, value: &'static str) -> RowChangeKind {
    let new = vec![text(id), Value::Unchanged, text(value)];
    RowChangeKind::Update { old: None, new }
}

fn delete_of(id: &'static str) -> RowChangeKind {
    RowChangeKind::Delete { old: vec![text(id), Value::Null, Value::Null] }
}

#[test]
fn new_rows_are_copied() {
    let many = together(&[insert_of("1"), insert_of("2")]);
    let rows = Values::Rows(Bytes::from_static(b"1\t\\N\ta\\tb\\\\\n2\t\\N\ta\\tb\\\\\n"));
    let text = "copy public.t (id, doc, \"N\") from stdin".to_owned();
    assert_eq!(many, [Many { text, values: rows, rows: 2 }]);
}

#[test]
fn the_last_values_of_a_row_are_sent() {
    let many = together(&[update_of("1", "x"), update_of("2", "\"\\"), update_of("1", "z")]);
    let text = "update only public.t as t set \"N\" = v.v1 from rows from \
                (pg_catalog.unnest($1::integer[]), pg_catalog.unnest($2::text[])) as v (v0, v1) \
                where t.id operator(pg_catalog.=) v.v0"
        .to_owned();
    let one_dimension = |oid| [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, oid, 0, 0, 0, 2, 0, 0, 0, 1];
    let ids = [&one_dimension(23)[..], b"\0\0\0\x04\0\0\0\x01\0\0\0\x04\0\0\0\x02"];
    let values = [&one_dimension(25)[..], b"\0\0\0\x01z\0\0\0\x02\"\\"];
    let [ids, values] = [ids, values].map(|parts| Array::Binary(parts.concat().into()));
    assert_eq!(many, [Many { text, values: Values::Arrays(vec![ids, values]), rows: 2 }]);
}

#[test]
fn changes_of_other_rows_may_pass_but_those_of_one_row_stay_in_order() {
    let many = together(&[insert_of("1"), delete_of("2"), insert_of("3"), delete_of("4")]);
    assert_eq!(many.iter().map(|many| many.rows).collect::<Vec<_>>(), [2, 2]);

    let layout = Arc::new(Layout::new(relation(false), Arc::new(table())));
    let mut sent = Vec::new();
    let mut pending = Pending::new(Order::Free);
    for kind in [delete_of("1"), insert_of("1"), update_of("1", "x"), delete_of("1")] {
        let shape = layout.shape(&kind).unwrap();
        let change = RowChange { relation: relation(false), kind };
        sent.extend(pending.add(0, &layout, shape, change, (Lsn(1), 10)));
    }
    sent.extend(pending.take_all());
    let kinds = sent.iter().map(|batch| batch.alone().unwrap().kind);
    let kinds: Vec<&str> = kinds
        .map(|kind| match kind {
            RowChangeKind::Insert { .. } => "insert",
            RowChangeKind::Update { .. } => "update",
            RowChangeKind::Delete { .. } => "delete",
        })
        .collect();
    assert_eq!(kinds, ["delete", "insert", "update", "delete"]);
}

#[test]
fn where_the_order_counts_nothing_passes_and_nothing_is_left_out() {
    let layout = Arc::new(Layout::new(relation(false), Arc::new(table())));
    let mut pending = Pending::new(Order::Kept);
    let mut sent = Vec::new();
    let changes = [
        (0, update_of("1", "a")),
        (0, update_of("1", "b")),
        (1, insert_of("1")),
        (0, insert_of("2")),
    ];
    for (table, kind) in changes {
        let shape = layout.shape(&kind).unwrap();
        let change = RowChange { relation: relation(false), kind };
        sent.push(pending.add(table, &layout, shape, change, (Lsn(1), 10)).len());
    }
    assert_eq!(sent, [0, 1, 1, 1]);
    assert_eq!(pending.take_all().len(), 1);
}

#[test]
fn changes_that_must_be_seen_go_alone() {
    let layout = |relation: Arc<Relation>, table| Layout::new(relation, Arc::new(table));
    let plain = layout(relation(false), table());
    let moved = Some(vec![text("1"), Value::Null, Value::Null]);
    let new = vec![text("2"), Value::Unchanged, text("x")];
    assert_eq!(plain.shape(&RowChangeKind::Update { old: moved, new: new.clone() }), None);
    assert_eq!(layout(relation(true), table()).shape(&delete_of("1")), None);
    let mut lacking = table();
    lacking.columns.remove("doc");
    assert_eq!(layout(relation(false), lacking).shape(&insert_of("1")), None);
    let mut hidden = table();
    hidden.columns.get_mut("N").unwrap().is_identity_always = true;
    assert_eq!(layout(relation(false), hidden).shape(&update_of("1", "2")), None);
}

fn binary(bytes: &'static [u8]) -> Value {
    Value::Binary(Bytes::from_static(bytes))
}

/// A row of which the key is 1, in binary form.
fn binary_row() -> Vec<Value> {
    vec![binary(&[0, 0, 0, 1]), Value::Null, binary(b"x\t")]
}

#[test]
fn binary_values_say_their_type() {
    let row = binary_row();
    let insert = of(false, RowChangeKind::Insert { new: row.clone() }, &table()).unwrap();
    assert!(insert.text.ends_with("values ($1::integer, $2, $3::text)"), "{}", insert.text);
    assert_eq!(insert.parameters, row);
    let old = vec![row[0].clone(), binary(b"{}"), row[2].clone()];
    let statement = of(true, RowChangeKind::Delete { old }, &table()).unwrap();
    let wanted = "id operator(pg_catalog.=) $1::integer::integer and doc::pg_catalog.text = \
                  $2::json::pg_catalog.text and \"N\" operator(pg_catalog.=) $3::text::text \
                  order by (\"N\"::pg_catalog.text collate \"C\" = \
                  $3::text::text::pg_catalog.text) desc limit 1)";
    assert!(statement.text.ends_with(wanted), "{}", statement.text);
}

#[test]
fn a_target_of_another_type_reads_the_text_of_binary_values() {
    let mut other = table();
    other.columns.insert("id".to_owned(), column("bigint"));
    let insert = RowChangeKind::Insert { new: binary_row() };
    let layout = Layout::new(relation(false), Arc::new(other.clone()));
    assert_eq!(layout.shape(&insert), None);
    assert!(layout.is_slow_in_binary(&insert) && !layout.is_slow_in_binary(&insert_of("1")));
    let statement = of(false, insert, &other).unwrap();
    let wanted = "values (pg_catalog.format('%s', $1::integer)::bigint, $2, $3::text)";
    assert!(statement.text.ends_with(wanted), "{}", statement.text);
}

#[test]
fn binary_values_of_no_known_type_are_refused() {
    let relation = Arc::new(Relation { types: Vec::new(), ..(*relation(false)).clone() });
    let insert = RowChange { relation, kind: RowChangeKind::Insert { new: binary_row() } };
    let unfit = statement(&insert, &table(), NoOpUpdates::Skipped).unwrap_err();
    assert_eq!(unfit, Unfit::UnknownForm("id".to_owned()));
}

#[test]
fn binary_values_are_copied_and_put_into_arrays_as_they_are() {
    let delete =
        RowChangeKind::Delete { old: vec![binary(b"\0\0\0\x02"), Value::Null, Value::Null] };
    let many = together(&[RowChangeKind::Insert { new: binary_row() }, delete]);
    assert_eq!(many[0].text, "copy public.t (id, doc, \"N\") from stdin (format binary)");
    let rows = [
        &b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0"[..],
        b"\0\x03\0\0\0\x04\0\0\0\x01\xff\xff\xff\xff\0\0\0\x02x\t",
        b"\xff\xff",
    ];
    assert_eq!(many[0].values, Values::Rows(rows.concat().into()));
    let ids = [0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 4, 0, 0, 0, 2];
    assert_eq!(many[1].values, Values::Arrays(vec![Array::Binary(ids.to_vec().into())]));
}

#[test]
fn changes_of_two_forms_stay_in_their_order() {
    let layout = Arc::new(Layout::new(relation(false), Arc::new(table())));
    let mut pending = Pending::new(Order::Free);
    let mut sent = Vec::new();
    // Of one row, whose key looks different.
    let insert = RowChangeKind::Insert { new: binary_row() };
    for kind in [insert, update_of("1", "y"), delete_of("2")] {
        let shape = layout.shape(&kind).unwrap();
        let change = RowChange { relation: relation(false), kind };
        sent.push(pending.add(0, &layout, shape, change, (Lsn(1), 10)).len());
    }
    assert_eq!(sent, [0, 1, 0]);
    // One by itself.
    let new = vec![binary(b"\0\0\0\x01"), Value::Null, text("x")];
    assert_eq!(layout.shape(&RowChangeKind::Insert { new }), None);
}
