//! What events and lines say of numbers and products as rules compare it: decimals, also where a text spells them, money in
//! the store's currency, and ids of products as texts.

use crate::base::doc::Doc;
use crate::base::rates::Rates;
use crate::base::{Currency, Decimal, Money, Timestamp};
use crate::fact::props::{decimal, is_money};
use crate::rule::compare::Value;

/// How amounts of one commerce event become amounts in the store's currency.
#[derive(Clone, Copy)]
pub(crate) struct Exchange<'a> {
    /// The currency of the event; `None` where it names one that does not exist.
    pub(crate) own: Option<Currency>,
    /// That of its shop, in which the catalogue tells prices.
    pub(crate) shop: Option<Currency>,
    /// The store's.
    pub(crate) to: Currency,
    pub(crate) rates: &'a Rates,
    /// By whose day.
    pub(crate) at: Timestamp,
}

impl Exchange<'_> {
    /// The amount in the store's currency; `None` where no rate tells it.
    fn convert(self, amount: Decimal, from: Option<Currency>) -> Option<Decimal> {
        let from = from?;
        if from == self.to {
            return Some(amount);
        }
        let (minor, _) = amount.to_units(from.decimals())?;
        let converted = self.rates.convert(Money::new(minor, from), self.to, self.at)?;
        Some(Decimal::new(i128::from(converted), self.to.decimals()))
    }
}

/// What a path leads into.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inside {
    /// The properties of an event.
    Event,
    /// A product line.
    Line {
        /// Its price is the catalogue's.
        listed: bool,
    },
}

/// The value at a path of an event or a line. Amounts and quantities are decimals, however they are spelled, and the id of a
/// product is a text; what is none stays as sent. Without an exchange nothing is converted.
pub(crate) fn value<'d>(object: Doc<'d>, path: &str, inside: Inside, exchange: Option<Exchange<'_>>) -> Value<'d> {
    let sent = object.path(path);
    if path == "product_id" {
        let named = |sent: &Doc<'d>| sent.is_string() || sent.as_integer().is_some();
        return sent.filter(named).map_or_else(|| Value::of(sent), Value::Name);
    }
    if path == "quantity" {
        let absent = inside != Inside::Event && sent.is_none_or(Doc::is_absent);
        return if absent { Value::Number(Decimal::from(1)) } else { typed(sent) };
    }
    if !is_money(path) {
        return Value::of(sent);
    }
    match (typed(sent), exchange) {
        (Value::Number(amount), Some(exchange)) => {
            let listed = path == "price" && inside == Inside::Line { listed: true };
            let from = if listed { exchange.shop } else { exchange.own };
            exchange.convert(amount, from).map_or(Value::Missing, Value::Number)
        }
        (value, _) => value,
    }
}

fn typed(sent: Option<Doc<'_>>) -> Value<'_> {
    sent.and_then(decimal).map_or_else(|| Value::of(sent), Value::Number)
}
