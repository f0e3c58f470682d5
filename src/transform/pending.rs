//! Changes that wait to be sent together. Changes of one row stay in their order, and so do
//! changes that go alone; others may pass each other, since nothing on the target looks from one
//! row at another while changes are applied. Where something does (triggers, foreign keys), all
//! stay in their order.

use std::sync::Arc;

use bytes::Bytes;

use super::batch::Batch;
use super::layout::{Form, Layout, Shape};
use crate::model::Lsn;
use crate::model::change::{RowChange, RowChangeKind};

/// Shapes of one table that wait at a time.
const SHAPES_MAX: usize = 4;

/// Whether changes of different rows may pass each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// They may.
    Free,
    /// They may not.
    Kept,
}

/// Changes that wait. Tables are numbers of the caller's.
#[derive(Debug)]
pub struct Pending {
    order: Order,
    /// The tables, each with its batches in the order of their beginnings.
    tables: Vec<Vec<Batch>>,
    rows: usize,
    bytes: usize,
}

impl Pending {
    /// Nothing waits.
    pub fn new(order: Order) -> Pending {
        Pending { order, tables: Vec::new(), rows: 0, bytes: 0 }
    }

    /// How many changes came since nothing waited.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// How many bytes these had.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes in a change of `bytes` bytes. What has to be sent before is given back: then the
    /// change begins a new batch.
    pub fn add(
        &mut self,
        table: usize,
        layout: &Arc<Layout>,
        shape: Shape,
        change: RowChange,
        (lsn, bytes): (Lsn, usize),
    ) -> Vec<Batch> {
        if self.tables.len() <= table {
            self.tables.resize_with(table + 1, Vec::new);
        }
        let key = match &change.kind {
            RowChangeKind::Insert { new } | RowChangeKind::Update { new, .. } => layout.key_of(new),
            RowChangeKind::Delete { old } => layout.key_of(old),
        };
        let form = Form::of(&change.kind);
        let before = self.in_the_way(table, layout, (&shape, form), key.as_ref());
        self.rows += 1;
        self.bytes += bytes;
        let batches = &mut self.tables[table];
        match batches.iter_mut().find(|batch| batch.fits(layout, &shape, form)) {
            Some(batch) => batch.add(change.kind, key),
            None => batches.push(Batch::new(layout.clone(), (shape, form), change, lsn, key)),
        }
        before
    }

    fn in_the_way(
        &mut self,
        table: usize,
        layout: &Arc<Layout>,
        (shape, form): (&Shape, Form),
        key: Option<&Bytes>,
    ) -> Vec<Batch> {
        let fits = |batch: &Batch| batch.fits(layout, shape, form);
        if self.order == Order::Kept {
            let others = self.tables.iter().enumerate().filter(|(number, _)| *number != table);
            let is_last = others.clone().all(|(_, batches)| batches.is_empty());
            if !is_last || !self.tables[table].iter().all(fits) {
                return self.take_all();
            }
        }
        let batches = &self.tables[table];
        let is_in_the_way = |batch: &Batch| match key {
            // A key has other bytes in another form.
            Some(_) if !batch.is_in(form) => true,
            Some(key) => {
                batch.has(key)
                    && !(fits(batch) && batch.replaces() && self.order == Order::Free)
                    // Another description may have other keys.
                    || !std::ptr::eq(batch.layout(), &**layout)
            }
            // Which row it is about is not known.
            None => !fits(batch),
        };
        let is_new = !batches.iter().any(fits);
        let is_full = is_new && batches.len() >= SHAPES_MAX;
        match is_full || batches.iter().any(is_in_the_way) {
            true => self.take(table),
            false => Vec::new(),
        }
    }

    /// Everything of a table that waits, in the order it is to be sent; with an order to be kept,
    /// of all tables.
    pub fn take(&mut self, table: usize) -> Vec<Batch> {
        match self.order {
            Order::Kept => self.take_all(),
            Order::Free => self.tables.get_mut(table).map(std::mem::take).unwrap_or_default(),
        }
    }

    /// Everything that waits, in the order it is to be sent.
    pub fn take_all(&mut self) -> Vec<Batch> {
        (self.rows, self.bytes) = (0, 0);
        self.tables.iter_mut().flat_map(std::mem::take).collect()
    }
}
