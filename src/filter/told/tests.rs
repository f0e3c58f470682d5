use super::*;
use crate::filter::dependency::{Bond, Dependencies};
use crate::model::Oid;

fn object(catalog: u32, oid: u32) -> Object {
    Object { catalog: Oid(catalog), oid: Oid(oid) }
}

fn entry(id: EntryId, description: &str, tag: &str, made: Object, needs: &[EntryId]) -> Entry {
    Entry {
        id,
        catalog: made.catalog,
        oid: made.oid,
        description: description.to_owned(),
        tag: tag.to_owned(),
        namespace: Some("s".to_owned()),
        owner: None,
        is_pre_data: true,
        definition: String::new(),
        drop: String::new(),
        tablespace: None,
        rewrite: None,
        dependencies: needs.to_vec(),
    }
}

#[test]
fn each_object_with_the_one_it_needs() {
    const POLICY: u32 = 3256;
    const RULE: u32 = 2618;
    let [base, view, child, kept] = [1, 2, 3, 4].map(|oid| Object::relation(Oid(oid)));
    let rule = object(RULE, 5);
    let policies = [6, 7].map(|oid| object(POLICY, oid));
    let entries = vec![
        entry(1, "TABLE", "base", base, &[]),
        entry(2, "VIEW", "seen", view, &[1]),
        entry(3, "TABLE", "child", child, &[1]),
        entry(4, "TABLE", "kept", kept, &[]),
        entry(6, "POLICY", "kept open", policies[0], &[4, 1]),
        entry(7, "POLICY", "base open", policies[1], &[1]),
        entry(8, "COMMENT", "TABLE base", object(0, 0), &[1]),
        entry(9, "MATERIALIZED VIEW DATA", "m", object(0, 9), &[1]),
    ];
    let dependencies = Dependencies::new([
        (rule, base, Bond::Needs),
        (rule, view, Bond::Implements),
        (child, base, Bond::Needs),
        (policies[0], base, Bond::Needs),
        (policies[0], kept, Bond::Needs),
        (policies[1], base, Bond::Needs),
    ]);
    let mut selection = Selection::default();
    dependencies.leave_out(&mut selection.out, &[base], Cause::Filter);
    let out = HashSet::from([1, 2, 3, 6, 7, 8, 9]);
    let told: Vec<String> = skipped(&entries, &selection, &out)
        .into_iter()
        .map(|skipped| {
            let because = skipped.because.unwrap_or_else(|| "the filter".to_owned());
            format!("{}: {because} {:?}", skipped.label, skipped.weight)
        })
        .collect();
    assert_eq!(
        told,
        [
            "table s.base: the filter Light",
            "view s.seen: table s.base Light",
            "table s.child: table s.base Heavy",
            "policy s.kept open: table s.base Heavy",
            "policy s.base open: table s.base Light",
            "materialized view data s.m: table s.base Light",
        ]
    );
}
