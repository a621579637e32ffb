//! Rows -> orders: rows of one order are grouped wherever they stand.

use super::Sink;
use super::csv::Cells;
use super::mapping::{Key, Mapping};
use super::message::{Topic, row_hash, status_of_consent};
use super::order::Order;
use super::rows::Dialect;
use super::status::{self, Status};
use super::values::{amount, instant, name};
use crate::Result;
use crate::base::{Decimal, Timestamp};
use crate::error::Error;
use crate::message::Reason;
use crate::normalize::consent::ConsentStatus;
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

/// One row, read.
pub(super) struct Read<'a> {
    pub(super) id: &'a str,
    pub(super) time: Option<Timestamp>,
    pub(super) line: Line,
    pub(super) total: Option<Decimal>,
    pub(super) discount: Option<Decimal>,
    pub(super) refunded: Option<Decimal>,
    pub(super) status: Option<Status>,
    pub(super) consents: Vec<(Topic, ConsentStatus)>,
}

/// What a row says of its line.
pub(super) struct Line {
    pub(super) price: Option<Decimal>,
    pub(super) quantity: Option<Decimal>,
    pub(super) total: Option<Decimal>,
}

impl Line {
    /// What the line comes to.
    pub(super) fn amount(&self) -> Option<Decimal> {
        match (self.total, self.price, self.quantity) {
            (Some(total), ..) => Some(total),
            (None, Some(price), Some(quantity)) => price.checked_mul(quantity),
            (None, price, None) => price,
            (None, None, _) => None,
        }
    }
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

    /// Takes a row in, or says why not.
    ///
    /// # Errors
    /// `Invalid` when the file's orders do not fit into the bound.
    pub(super) fn take(
        &mut self,
        line: u64,
        cells: Cells<'_>,
        dialect: &Dialect,
        sink: &dyn Sink,
    ) -> Result<std::result::Result<(), Reason>> {
        let row = match Read::row(cells, dialect) {
            Ok(row) => row,
            Err(reason) => return Ok(Err(reason)),
        };
        let at = match usable_id(row.id, sink) {
            Some(id) => self.of(&id),
            None => {
                let ordinal = self.equals.entry(row_hash(cells, dialect)).or_default();
                *ordinal += 1;
                let order = Order::unnamed(row.id, *ordinal);
                self.push(order)
            }
        };
        self.held_bytes += self.all.get_mut(at).map_or(0, |order| order.add(line, cells, dialect, row));
        if self.held_bytes > self.held_bytes_max {
            return Err(Error::invalid(format!(
                "the orders of the file need more than {} MiB of memory; split the file between orders, or raise memory_bytes",
                self.held_bytes_max >> 20
            )));
        }
        Ok(Ok(()))
    }

    /// The place of the order with that id.
    fn of(&mut self, id: &str) -> usize {
        if let Some(at) = self.by_id.get(id) {
            return *at;
        }
        self.by_id.insert(id.into(), self.all.len());
        self.held_bytes += id.len();
        self.push(Order::new(id))
    }

    fn push(&mut self, order: Order) -> usize {
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

impl<'a> Read<'a> {
    /// Reads every mapped cell before any of them counts: a row stands as a whole or not at all. The checks come in the
    /// order in which those of messages do: types, what is missing, times, ranges.
    fn row(cells: Cells<'a>, dialect: &'a Dialect) -> std::result::Result<Self, Reason> {
        let mapping = &dialect.mapping;
        let mut beyond = false;
        let mut number = |key: Key| match mapping.get(&key, cells).map(|text| amount(text, dialect.decimal_comma)) {
            Some(Err(Reason::NumberOutOfRange)) => {
                beyond = true;
                Ok(None)
            }
            read => read.transpose(),
        };
        let line =
            Line { price: number(Key::Price)?, quantity: number(Key::Quantity)?, total: number(Key::LineTotal)? };
        let (total, discount, refunded) = (number(Key::Total)?, number(Key::Discount)?, number(Key::Refunded)?);
        if mapping.names_somebody_in_short(cells) {
            return Err(Reason::WrongType);
        }
        let consents = said_consents(mapping, cells)?;
        let id = name(mapping.get(&Key::OrderId, cells).ok_or(Reason::MissingField)?);
        let required = if mapping.has(&Key::LineTotal) { Key::LineTotal } else { Key::Price };
        let by_lines = !mapping.has(&Key::Total);
        if by_lines && mapping.get(&required, cells).is_none() {
            return Err(Reason::MissingField);
        }
        let at = |text| instant(text, dialect.date_order, &dialect.zone).ok_or(Reason::InvalidTimestamp);
        let time = mapping.get(&Key::Time, cells).map(at).transpose()?;
        if beyond || (by_lines && line.amount().is_none()) {
            return Err(Reason::NumberOutOfRange);
        }
        let status = mapping.get(&Key::Status, cells).map(status::read);
        Ok(Self { id, time, line, total, discount, refunded, status, consents })
    }
}

fn said_consents(mapping: &Mapping, cells: Cells<'_>) -> std::result::Result<Vec<(Topic, ConsentStatus)>, Reason> {
    let mut said = Vec::new();
    for (key, value) in mapping.traits(cells) {
        if let Key::Consent(channel, purpose) = key {
            said.push(((channel.clone(), purpose.clone()), status_of_consent(value).ok_or(Reason::WrongType)?));
        }
    }
    Ok(said)
}
