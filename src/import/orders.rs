//! Rows -> orders: rows of one order are grouped wherever they stand.

use super::csv::Cells;
use super::message::row_hash;
use super::order::Order;
use super::row::Read;
use super::rows::Dialect;
use super::sink::Sink;
use crate::Result;
use crate::error::Error;
use ahash::AHashMap;
use std::borrow::Cow;

/// All orders of a file, in the order of their first rows.
pub(super) struct Orders {
    source: String,
    by_id: AHashMap<Box<str>, usize>,
    /// How often each row without a usable id came so far.
    equals: AHashMap<[u8; 16], u32>,
    all: Vec<Order>,
    held_bytes: usize,
    held_bytes_max: usize,
}

impl Orders {
    pub(super) fn new(source: &str, held_bytes_max: usize) -> Self {
        Self {
            source: source.to_owned(),
            by_id: AHashMap::new(),
            equals: AHashMap::new(),
            all: Vec::new(),
            held_bytes: 0,
            held_bytes_max,
        }
    }

    /// Takes a row in, or tells why not.
    ///
    /// # Errors
    /// `Invalid` when the file's orders do not fit into the bound.
    pub(super) fn take(&mut self, line: u64, cells: Cells<'_>, dialect: &Dialect, sink: &mut dyn Sink) -> Result<()> {
        let row = match Read::row(cells, dialect) {
            Ok(row) => row,
            Err(reason) => {
                sink.reject(line, reason.into());
                return Ok(());
            }
        };
        let at = match usable_id(row.id, sink) {
            Some(id) => self.of(&id, dialect),
            None => {
                let ordinal = self.equals.entry(row_hash(cells, dialect)).or_default();
                *ordinal += 1;
                let order = Order::unnamed(row.id, *ordinal);
                self.push(order, dialect)
            }
        };
        self.held_bytes += self.all.get_mut(at).map_or(0, |order| order.add(line, cells, dialect, row));
        if self.held_bytes > self.held_bytes_max {
            return Err(Error::invalid(format!(
                "the orders of the file need more than {} MiB of memory; split the file between orders, or raise memory_bytes",
                self.held_bytes_max >> 20
            )));
        }
        Ok(())
    }

    /// The place of the order with that id.
    fn of(&mut self, id: &str, dialect: &Dialect) -> usize {
        if let Some(at) = self.by_id.get(id) {
            return *at;
        }
        self.by_id.insert(id.into(), self.all.len());
        self.held_bytes += id.len();
        self.push(Order::new(id), dialect)
    }

    fn push(&mut self, mut order: Order, dialect: &Dialect) -> usize {
        order.declared.clone_from(&dialect.declared);
        self.held_bytes += Order::BYTES + order.id().len();
        self.all.push(order);
        self.all.len() - 1
    }

    /// Hands out every order as messages.
    pub(super) fn emit(self, sink: &mut dyn Sink) -> Result<()> {
        self.all.iter().try_for_each(|order| order.emit(&self.source, sink))
    }
}

/// The id under which rows are one order; `None` for a placeholder, which many orders have.
///
/// In a file that numbers its orders, 1111 is an order like the one before and the one after, though a number of equal
/// digits is no id where people are asked for one: with a mark in front it is no such number.
fn usable_id<'a>(id: &'a str, sink: &dyn Sink) -> Option<Cow<'a, str>> {
    if sink.names_order(id) {
        return Some(Cow::Borrowed(id));
    }
    let numbered = id.bytes().all(|byte| byte.is_ascii_digit()) && id.bytes().any(|byte| byte != b'0');
    Some(Cow::Owned(format!("#{id}"))).filter(|marked| numbered && sink.names_order(marked))
}
