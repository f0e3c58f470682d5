use std::sync::Arc;

use super::*;
use crate::model::QualifiedName;
use crate::model::change::Truncate;

fn column(type_name: &str) -> ReplicaColumn {
    ReplicaColumn {
        type_name: type_name.to_owned(),
        is_generated: false,
        is_identity_always: false,
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
    let text = |value: &'_ Option<Bytes>| value.as_ref().map(|v| v.to_vec());
    let texts: Vec<Option<Vec<u8>>> = statement.parameters.iter().map(text).collect();
    texts.into_iter().map(|t| t.map(|t| &*String::from_utf8(t).unwrap().leak())).collect()
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
    let wanted = "update public.t set \"N\" = $1 where id operator(pg_catalog.=) $2::integer";
    assert_eq!(statement.text, wanted);
    assert_eq!(values(&statement), [None, Some("1")]);
}

#[test]
fn an_update_of_the_key_finds_the_row_by_the_old_one() {
    let old = Some(vec![text("1"), Value::Null, Value::Null]);
    let new = vec![text("2"), Value::Unchanged, Value::Unchanged];
    let statement = of(false, RowChangeKind::Update { old, new }, &table()).unwrap();
    let wanted = "update public.t set id = $1 where id operator(pg_catalog.=) $2::integer";
    assert_eq!(statement.text, wanted);
    assert_eq!(values(&statement), [Some("2"), Some("1")]);
}

#[test]
fn one_of_several_equal_rows_is_meant_and_json_is_compared_by_its_text() {
    let old = vec![text("1"), text("{}"), Value::Null];
    let statement = of(true, RowChangeKind::Delete { old }, &table()).unwrap();
    let wanted = "delete from public.t where ctid = (select ctid from public.t where \
                  id operator(pg_catalog.=) $1::integer and doc::pg_catalog.text = \
                  $2::pg_catalog.text and \"N\" is null limit 1)";
    assert_eq!(statement.text, wanted);
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
    assert!(replayed.text.starts_with("update public.t set id = $1, doc = $2, \"N\" = $3 where"));
}

#[test]
fn an_identity_column_that_changes_makes_the_row_anew() {
    let mut table = table();
    table.columns.get_mut("id").unwrap().is_identity_always = true;
    let old = Some(vec![text("1"), Value::Null, Value::Null]);
    let new = vec![text("2"), Value::Unchanged, text("x")];
    let statement = of(false, RowChangeKind::Update { old, new }, &table).unwrap();
    let wanted = "with old as (delete from public.t where id operator(pg_catalog.=) $1::integer \
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
    let wanted = "update public.t set doc = $1 where id operator(pg_catalog.=) $2::integer \
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
}
