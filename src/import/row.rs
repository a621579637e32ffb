//! A row of a file of orders, read: every mapped cell before any of them counts.

use super::csv::Cells;
use super::customers::{granted, time};
use super::mapping::Key;
use super::money::{Sign, currency_of, money};
use super::permission::{self, Topic, Word};
use super::rows::Dialect;
use super::status::{self, RowKind, Status};
use super::values::name;
use crate::base::{Decimal, Timestamp};
use crate::message::Reason;
use crate::normalize::consent::ConsentStatus;
use std::borrow::Cow;

/// One row, read.
pub(super) struct Read<'a> {
    pub(super) id: &'a str,
    pub(super) time: Option<Timestamp>,
    /// What came back, told beside the order and not as lines of it.
    pub(super) is_refund: bool,
    /// It names its order beside a number of its own: a payment of the shop, which is not the buyer.
    pub(super) is_sent_back: bool,
    pub(super) cancelled_at: Option<Timestamp>,
    pub(super) currency: Option<Cow<'a, str>>,
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

impl<'a> Read<'a> {
    /// Reads every mapped cell before any of them counts: a row stands as a whole or not at all. The checks come in the
    /// order in which those of messages do: types, what is missing, times, ranges.
    pub(super) fn row(cells: Cells<'a>, dialect: &'a Dialect) -> std::result::Result<Self, Reason> {
        let mapping = &dialect.mapping;
        let mut numbers = Numbers { cells, dialect, beyond: false, signs: Vec::new() };
        let line = Line {
            price: numbers.read(Key::Price)?,
            quantity: numbers.read(Key::Quantity)?,
            total: numbers.read(Key::LineTotal)?,
        };
        let total = numbers.read(Key::Total)?;
        // Some exports write what is taken off with a minus.
        let discount = numbers.read(Key::Discount)?.map(absolute);
        let refunded = numbers.read(Key::Refunded)?;
        let currency = numbers.currency()?;
        let beyond = numbers.beyond;
        if mapping.names_somebody_in_short(cells) {
            return Err(Reason::WrongType);
        }
        let consents = granted(cells, dialect)?;
        let kind = mapping.get(&Key::RowKind, cells).and_then(status::row_kind);
        let refund_of = mapping.get(&Key::RefundOf, cells).filter(|_| kind == Some(RowKind::Refund));
        let id = name(refund_of.or(mapping.get(&Key::OrderId, cells)).ok_or(Reason::MissingField)?);
        let required = if mapping.has(&Key::LineTotal) { Key::LineTotal } else { Key::Price };
        // What comes back may be told without a price: it has that of its order.
        let returns = kind == Some(RowKind::Refund) || line.quantity.is_some_and(Decimal::is_negative);
        let by_lines = !mapping.has(&Key::Total);
        let unpriced = mapping.get(&required, cells).is_none();
        if by_lines && unpriced && !returns {
            return Err(Reason::MissingField);
        }
        let time = mapping.get(&Key::Time, cells).map(|_| time(cells, dialect)).transpose()?;
        if time.is_none() && kind == Some(RowKind::Refund) {
            return Err(Reason::MissingField);
        }
        let (cancelled_at, is_cancelled) = cancelled(mapping.get(&Key::CancelledAt, cells), dialect)?;
        if beyond || (by_lines && !unpriced && line.amount().is_none()) {
            return Err(Reason::NumberOutOfRange);
        }
        if kind == Some(RowKind::Other) {
            return Err(Reason::NotAnOrder);
        }
        let status = status::of_all(&mapping.all(&Key::Status, cells));
        let status = if is_cancelled { Some(Status::Cancelled) } else { status };
        let is_refund = kind == Some(RowKind::Refund);
        let is_sent_back = refund_of.is_some();
        Ok(Self {
            id,
            time,
            is_refund,
            is_sent_back,
            cancelled_at,
            currency,
            line,
            total,
            discount,
            refunded,
            status,
            consents,
        })
    }
}

/// When an order was cancelled, or that it was, by a cell that says the one or the other.
fn cancelled(cell: Option<&str>, dialect: &Dialect) -> std::result::Result<(Option<Timestamp>, bool), Reason> {
    let Some(cell) = cell else { return Ok((None, false)) };
    if let Some(time) = dialect.clock.instant(cell) {
        return Ok((Some(time), false));
    }
    match permission::word(cell) {
        Some(Word::Consent(ConsentStatus::Granted)) => Ok((None, true)),
        Some(Word::Consent(ConsentStatus::Denied) | Word::Nothing) => Ok((None, false)),
        _ if status::read(cell) == Status::Cancelled => Ok((None, true)),
        _ => Err(Reason::InvalidTimestamp),
    }
}

/// The numbers of a row, and what stands around them.
struct Numbers<'a> {
    cells: Cells<'a>,
    dialect: &'a Dialect,
    /// One of them is beyond every currency.
    beyond: bool,
    signs: Vec<Sign>,
}

impl<'a> Numbers<'a> {
    fn read(&mut self, key: Key) -> std::result::Result<Option<Decimal>, Reason> {
        let Some(cell) = self.dialect.mapping.get(&key, self.cells) else { return Ok(None) };
        match money(cell, self.dialect.decimal_comma) {
            // So many dollars of a thing are no number of them.
            Ok((_, Some(_))) if key == Key::Quantity => Err(Reason::WrongType),
            Ok((number, sign)) => {
                self.signs.extend(sign);
                Ok(Some(number))
            }
            Err(Reason::NumberOutOfRange) => {
                self.beyond = true;
                Ok(None)
            }
            Err(reason) => Err(reason),
        }
    }

    /// The currency of the row: of its cell, else of the file, else as the signs say; none of them may contradict it.
    fn currency(&self) -> std::result::Result<Option<Cow<'a, str>>, Reason> {
        let Dialect { mapping, near, .. } = self.dialect;
        let cell = mapping.get(&Key::Currency, self.cells);
        let said = cell.and_then(currency_of);
        let known = said.or(self.dialect.currency.filter(|_| cell.is_none()));
        let first = self.signs.first().and_then(|sign| sign.currency(*near));
        if let Some(currency) = known.or(first.filter(|_| cell.is_none()))
            && !self.signs.iter().all(|sign| sign.may_be(currency))
        {
            return Err(Reason::WrongType);
        }
        Ok(match (known, cell) {
            (Some(currency), _) => Some(Cow::Owned(currency.code().to_owned())),
            // A word that names no currency stays what it is: an amount of it is unknown.
            (None, Some(word)) => Some(Cow::Borrowed(word)),
            (None, None) => first.map(|currency| Cow::Owned(currency.code().to_owned())),
        })
    }
}

pub(super) fn absolute(number: Decimal) -> Decimal {
    if number.is_negative() { number.negated() } else { number }
}
