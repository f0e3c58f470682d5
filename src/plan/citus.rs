//! How tables that the extension citus has distributed on the source are distributed on the target.

use std::collections::HashMap;

use crate::model::{Distributed, Distribution, Oid, QualifiedName, quote_literal};

/// The statements, given the names of the tables that are made. Those that lie together on the source
/// do so on the target.
pub fn statements(
    distributed: &[Distributed],
    name: impl Fn(Oid) -> Option<QualifiedName>,
) -> Vec<String> {
    let mut statements = Vec::new();
    let mut first: HashMap<u32, String> = HashMap::new();
    for one in distributed {
        let Some(name) = name(one.table) else { continue };
        let name = quote_literal(&name.to_string());
        let column = match &one.how {
            Distribution::Unknown => continue,
            Distribution::Reference => {
                statements.push(format!("select pg_catalog.create_reference_table({name})"));
                continue;
            }
            Distribution::SingleShard => String::from("null"),
            Distribution::Hash { column } => quote_literal(column),
        };
        let with = match first.get(&one.colocation) {
            Some(first) => first.clone(),
            None => {
                first.insert(one.colocation, name.clone());
                if column != "null" {
                    statements.push(format!("set local citus.shard_count = {}", one.shards.max(1)));
                }
                String::from("'none'")
            }
        };
        statements.push(format!(
            "select pg_catalog.create_distributed_table({name}, {column}, colocate_with => {with})"
        ));
    }
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_that_lie_together_do_so_again() {
        let hash = |column: &str| Distribution::Hash { column: column.into() };
        let one = |table: u32, how, colocation| Distributed {
            table: Oid(table),
            how,
            colocation,
            shards: 32,
        };
        let distributed = [
            one(1, Distribution::Reference, 9),
            one(2, hash("Id"), 3),
            one(3, hash("t_id"), 3),
            one(4, Distribution::SingleShard, 5),
            one(5, Distribution::Unknown, 6),
            one(6, hash("left out"), 7),
        ];
        let name =
            |oid: Oid| (oid.0 < 6).then(|| QualifiedName::new("public", format!("T{}", oid.0)));
        assert_eq!(
            statements(&distributed, name),
            [
                "select pg_catalog.create_reference_table('public.\"T1\"')",
                "set local citus.shard_count = 32",
                "select pg_catalog.create_distributed_table('public.\"T2\"', 'Id', \
                 colocate_with => 'none')",
                "select pg_catalog.create_distributed_table('public.\"T3\"', 't_id', \
                 colocate_with => 'public.\"T2\"')",
                "select pg_catalog.create_distributed_table('public.\"T4\"', null, \
                 colocate_with => 'none')",
            ]
        );
    }
}
