//! One person as rules see them: what the store's history implements.

use super::money::{self, Exchange, Inside};
use crate::base::Timestamp;
use crate::base::doc::Doc;
use crate::error::Result;
use crate::normalize::consent::ConsentStatus;
use crate::rule::compare::Value;
use crate::rule::node::Topic;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// Read access to one person, as of the instants that the caller names. Bytes are those of a [`Doc`].
pub(crate) trait Person {
    /// The winning value of one top-level trait among those set at or before `at`; `None` where missing or cleared.
    fn trait_value(&self, name: &str, at: Timestamp) -> Result<Option<Cow<'_, [u8]>>>;

    /// The events of that name with `after < ts <= to`, in the order of (ts, message id), until the visitor breaks.
    fn visit_events(
        &self,
        name: &str,
        after: Timestamp,
        to: Timestamp,
        visit: &mut dyn FnMut(EventRef<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()>;

    /// The orders by the facts up to `at`, in the order of time, and the refunds that name no known order.
    fn orders(&self, at: Timestamp) -> Result<Vec<OrderView<'_>>>;

    /// The product lines of one of the person's events: what they say, and else what the catalogue said at that time.
    fn lines(&self, event: &EventRef<'_>) -> Result<Vec<LineView>>;

    /// What the person answered when asked, by the facts up to `at`; `None` where nobody asked.
    fn consent(&self, topic: &Topic, at: Timestamp) -> Result<Option<ConsentStatus>>;

    /// Whether a channel must not be used for the person, by the facts up to `at`.
    fn is_suppressed(&self, channel: &str, at: Timestamp) -> Result<bool>;

    /// How many identifiers of a namespace the person has.
    fn count_identifiers(&self, namespace: &str) -> Result<usize>;

    /// Whether the person has an identifier of a person.
    fn is_known(&self) -> Result<bool>;

    /// Decimals of the store's currency.
    fn currency_decimals(&self) -> u8;

    /// The calendar day of an instant in the store's zone, as any number that differs from day to day.
    fn calendar_day(&self, ts: Timestamp) -> i64;

    /// Whether the person is a member of another segment at `at`.
    fn is_member(&self, segment: &str, at: Timestamp) -> Result<bool>;
}

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
