//! What rules read of one event, order or product line.

use super::money::{self, Exchange, Inside};
use crate::Result;
use crate::base::doc::Doc;
use crate::base::rates::Rates;
use crate::base::{Currency, Timestamp};
use crate::fact::props::{currency_of, product_lines};
use crate::profile::orders::{Settled, Worth};
use crate::profile::records::Records;
use crate::rule::compare::Value;
use std::borrow::Cow;

/// One event of a person.
#[derive(Clone, Copy)]
pub(crate) struct EventRef<'a> {
    pub(crate) ts: Timestamp,
    /// The shop that it belongs to.
    pub(crate) shop: &'a str,
    /// The `properties` of the message; any value that is no object reads as empty.
    pub(crate) properties: Doc<'a>,
    /// How its amounts become amounts in the store's currency; `None` where they compare as they were sent.
    pub(crate) exchange: Option<Exchange<'a>>,
}

impl<'a> EventRef<'a> {
    /// The value of a property as rules compare it.
    pub(crate) fn value(&self, path: &str) -> Value<'a> {
        money::value(self.properties, path, Inside::Event, self.exchange)
    }
}

/// One product line.
#[derive(Clone, Debug)]
pub(crate) struct LineView {
    /// A document.
    pub(crate) bytes: Cow<'static, [u8]>,
    /// Its price, if there is one, is the catalogue's.
    pub(crate) price_listed: bool,
}

/// One order, settled by the facts up to an instant, in minor units of the store's currency; or a refund on its own.
#[derive(Clone, Default)]
pub(crate) struct OrderView<'a> {
    pub(crate) ts: Timestamp,
    /// The shop that it was placed in.
    pub(crate) shop: String,
    /// A refund that names an order nobody knows: lowers the net, is no order.
    pub(crate) lone_refund: bool,
    /// The amount before refunds; `None` where unknown or not convertible.
    pub(crate) gross_minor: Option<i64>,
    /// What was refunded of it so far; at most the gross.
    pub(crate) refunded_minor: i64,
    pub(crate) discount_minor: Option<i64>,
    /// The `properties` of the fact that the order stands by.
    pub(crate) properties: Cow<'a, [u8]>,
    /// How the amounts in them become amounts in the store's currency.
    pub(crate) exchange: Option<Exchange<'a>>,
}

impl OrderView<'_> {
    /// The order as the event that it is, at its own time.
    pub(crate) fn event(&self) -> EventRef<'_> {
        let properties = Doc::new(&self.properties);
        EventRef { ts: self.ts, shop: &self.shop, properties, exchange: self.exchange }
    }
}

/// An order's times and amounts, in one currency; what no rate converts counts as unknown.
pub(crate) fn amounts(order: &Settled, currency: Option<Currency>, rates: &Rates) -> OrderView<'static> {
    let Worth { gross_minor, refunded_minor, discount_minor } = order.worth(currency, rates);
    let lone_refund = order.order.is_none();
    OrderView { ts: order.ts, lone_refund, gross_minor, refunded_minor, discount_minor, ..OrderView::default() }
}

/// How the amounts of a commerce event become amounts in the store's currency, if it has one.
pub(crate) fn exchange<'r>(
    records: &'r Records,
    shop: &str,
    properties: Doc<'_>,
    at: Timestamp,
) -> Option<Exchange<'r>> {
    let to = records.reading.currency?;
    let shop = records.reading.currency_at(shop);
    let named = properties.get("currency").filter(|value| !value.is_absent());
    Some(Exchange { own: currency_of(named, shop), shop, to, rates: &records.rates, at })
}

/// The product lines among the properties of an event: what they say, and else what the catalogue said at its time.
pub(crate) fn lines(records: &Records, event: &EventRef<'_>) -> Result<Vec<LineView>> {
    let view = |line: Doc<'_>| {
        let price_listed = line.get("price").is_none_or(Doc::is_absent);
        let whole = records.line(event.shop, line, event.ts)?;
        Ok(LineView { bytes: Cow::Owned(whole.into_owned()), price_listed })
    };
    product_lines(event.properties).map(view).collect()
}
