//! Tables for plugins whose messages name columns but do not say which of them identify a row:
//! somebody looks the table up on the source, once, and again when its columns have changed.

use std::collections::HashMap;
use std::sync::Arc;

use super::Malformed;
use crate::model::QualifiedName;
use crate::model::change::{Message, Relation, RowChange, RowChangeKind, Truncate, Tuple, Value};

/// The columns of a message by name, and their values.
pub(super) type Fields = Vec<(String, Value)>;

/// A change as its message tells it.
#[derive(Debug)]
pub(super) enum Told {
    Insert(Fields),
    Update {
        old: Option<Fields>,
        new: Fields,
        /// Whether columns whose values did not change may be left out.
        is_partial: bool,
    },
    Delete(Fields),
    /// A row is gone, and nothing says which.
    DeleteOfSome,
}

/// What was looked up of a table.
#[derive(Debug)]
struct Known {
    /// `None` for one whose changes are not wanted.
    relation: Option<Arc<Relation>>,
    /// Looked up for the message in hand: asking again tells nothing new.
    is_fresh: bool,
}

/// The tables that were looked up so far.
#[derive(Debug, Default)]
pub(super) struct Described {
    tables: HashMap<QualifiedName, Known>,
}

impl Described {
    /// Takes in what a table looks like; `None` if its changes are not wanted.
    pub(super) fn describe(&mut self, name: QualifiedName, relation: Option<Arc<Relation>>) {
        self.tables.insert(name, Known { relation, is_fresh: true });
    }

    /// Makes the message of a change, or asks for the table.
    pub(super) fn row(&mut self, name: QualifiedName, told: Told) -> Result<Message, Malformed> {
        let Some(known) = self.tables.get_mut(&name) else {
            return Ok(Message::Undescribed(name));
        };
        let Some(relation) = &mut known.relation else { return Ok(Message::Other) };
        if !fits(relation, &told) {
            if !known.is_fresh {
                return Ok(Message::Undescribed(name));
            }
            *relation = Arc::new(adapted(relation, &told));
        }
        known.is_fresh = false;
        let relation = relation.clone();
        let (relation, kind) = match told {
            Told::Insert(new) => {
                let new = tuple(&relation, new, &Value::Null)?;
                (relation, RowChangeKind::Insert { new })
            }
            Told::Update { old, new, .. } => {
                let old = old.map(|old| tuple(&relation, old, &Value::Null)).transpose()?;
                let new = tuple(&relation, new, &Value::Unchanged)?;
                (relation, RowChangeKind::Update { old, new })
            }
            Told::Delete(old) => {
                let old = tuple(&relation, old, &Value::Null)?;
                (relation, RowChangeKind::Delete { old })
            }
            Told::DeleteOfSome => {
                let columns = relation.columns.len();
                let relation =
                    Relation { key: vec![false; columns], is_full: false, ..(*relation).clone() };
                let old = vec![Value::Null; columns];
                (Arc::new(relation), RowChangeKind::Delete { old })
            }
        };
        Ok(Message::Row(RowChange { relation, kind }))
    }

    /// Makes the message of tables that were emptied, or asks for one of them.
    pub(super) fn truncate(
        &mut self,
        names: Vec<QualifiedName>,
        cascade: bool,
        restart_identity: bool,
    ) -> Message {
        let mut relations = Vec::new();
        for name in names {
            match self.tables.get(&name) {
                None => return Message::Undescribed(name),
                Some(known) => relations.extend(known.relation.clone()),
            }
        }
        match relations.is_empty() {
            true => Message::Other,
            false => Message::Truncate(Truncate { relations, cascade, restart_identity }),
        }
    }
}

/// Whether a table that was looked up has the columns of a change.
fn fits(relation: &Relation, told: &Told) -> bool {
    let has = |fields: &Fields| {
        fields.iter().all(|(name, _)| relation.columns.iter().any(|column| column == name))
    };
    let is = |fields: &Fields| {
        fields.len() == relation.columns.len()
            && (fields.iter().map(|(name, _)| name).eq(&relation.columns) || has(fields))
    };
    match told {
        Told::Insert(new) => is(new),
        Told::Update { old, new, is_partial } => {
            old.as_ref().is_none_or(has) && if *is_partial { has(new) } else { is(new) }
        }
        Told::Delete(old) => has(old),
        Told::DeleteOfSome => true,
    }
}

/// The table as it was when the change was made: with the columns that the change names.
fn adapted(relation: &Relation, told: &Told) -> Relation {
    let names = |fields: &Fields| fields.iter().map(|(name, _)| name.clone()).collect();
    let columns: Vec<String> = match told {
        Told::Insert(new) | Told::Update { new, is_partial: false, .. } => names(new),
        Told::Update { new, is_partial: true, .. } => {
            let unknown = new.iter().map(|(name, _)| name);
            let unknown = unknown.filter(|name| !relation.columns.contains(name)).cloned();
            relation.columns.iter().cloned().chain(unknown).collect()
        }
        Told::Delete(_) | Told::DeleteOfSome => relation.columns.clone(),
    };
    let is_key = |name: &String| {
        let place = relation.columns.iter().position(|column| column == name);
        relation.is_full || place.is_some_and(|place| relation.key.get(place) == Some(&true))
    };
    let key = columns.iter().map(is_key).collect();
    Relation {
        name: relation.name.clone(),
        columns,
        key,
        is_full: relation.is_full,
        types: Vec::new(),
    }
}

/// The values in the order of the table's columns.
fn tuple(relation: &Relation, fields: Fields, absent: &Value) -> Result<Tuple, Malformed> {
    if fields.iter().map(|(name, _)| name).eq(&relation.columns) {
        return Ok(fields.into_iter().map(|(_, value)| value).collect());
    }
    let mut values = vec![None; relation.columns.len()];
    for (name, value) in fields {
        let place = relation.columns.iter().position(|column| *column == name);
        let slot = place.and_then(|place| values.get_mut(place));
        let slot = slot.ok_or_else(|| {
            let table = &relation.name;
            Malformed(format!("table {table} has no column \"{name}\" on the source any more"))
        })?;
        if slot.replace(value).is_some() {
            return Err(Malformed(format!("two values for column \"{name}\"")));
        }
    }
    Ok(values.into_iter().map(|value| value.unwrap_or_else(|| absent.clone())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name() -> QualifiedName {
        QualifiedName::new("public", "t")
    }

    fn relation(columns: &[&str], is_full: bool) -> Arc<Relation> {
        let key = (0..columns.len()).map(|place| is_full || place == 0).collect();
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        Arc::new(Relation { name: name(), columns, key, is_full, types: Vec::new() })
    }

    fn fields(names: &[&str]) -> Fields {
        names
            .iter()
            .map(|name| ((*name).to_owned(), Value::Text(name.as_bytes().to_vec().into())))
            .collect()
    }

    fn columns(message: Message) -> (Vec<String>, Vec<bool>) {
        let Message::Row(change) = message else { panic!("{message:?}") };
        (change.relation.columns.clone(), change.relation.key.clone())
    }

    #[test]
    fn a_table_is_asked_for_once_and_again_when_it_has_other_columns() {
        let mut described = Described::default();
        let insert = |names: &[&str]| Told::Insert(fields(names));
        let asks = |message: &Message| matches!(message, Message::Undescribed(_));
        assert!(asks(&described.row(name(), insert(&["id", "v"])).unwrap()));
        described.describe(name(), Some(relation(&["id", "v"], false)));
        assert!(!asks(&described.row(name(), insert(&["id", "v"])).unwrap()));
        assert!(asks(&described.row(name(), insert(&["id", "v", "w"])).unwrap()));
        // It has changed once more since: what the message says counts.
        described.describe(name(), Some(relation(&["id", "w"], false)));
        let told = described.row(name(), insert(&["v", "id"])).unwrap();
        assert_eq!(columns(told), (vec!["v".into(), "id".into()], vec![false, true]));
        described.describe(name(), None);
        assert_eq!(described.row(name(), insert(&["x"])).unwrap(), Message::Other);
    }

    #[test]
    fn columns_that_are_left_out_are_null_or_unchanged() {
        let mut described = Described::default();
        described.describe(name(), Some(relation(&["id", "v"], true)));
        let told = Told::Delete(fields(&["v"]));
        let Message::Row(change) = described.row(name(), told).unwrap() else { panic!() };
        let text = |text: &'static str| Value::Text(text.as_bytes().into());
        assert_eq!(change.kind, RowChangeKind::Delete { old: vec![Value::Null, text("v")] });
        let told = Told::Update { old: None, new: fields(&["id"]), is_partial: true };
        let Message::Row(change) = described.row(name(), told).unwrap() else { panic!() };
        let new = vec![text("id"), Value::Unchanged];
        assert_eq!(change.kind, RowChangeKind::Update { old: None, new });
    }

    #[test]
    fn a_delete_that_does_not_say_which_row_has_no_key() {
        let mut described = Described::default();
        described.describe(name(), Some(relation(&["id", "v"], true)));
        let told = described.row(name(), Told::DeleteOfSome).unwrap();
        assert_eq!(columns(told).1, [false, false]);
    }
}
