//! A person of the store as rules see them.

use super::person::Person as Asked;
use crate::Result;
use crate::base::doc::Doc;
use crate::base::name::label;
use crate::base::{Currency, Timestamp};
use crate::fact::topic::is_commerce;
use crate::normalize::consent::ConsentStatus;
use crate::people::entry::{self, EventRef, LineView, OrderView, amounts, exchange};
use crate::profile::orders::Settled;
use crate::profile::person::Person;
use crate::rule::node::{Segment, Topic};
use std::borrow::Cow;
use std::ops::ControlFlow;

/// A person, whether known, and where to look up segments that rules refer to.
pub(crate) struct Subject<'p> {
    person: &'p Person<'p>,
    known: bool,
    find: &'p dyn Fn(&str) -> Option<Segment>,
}

impl<'p> Subject<'p> {
    pub(crate) fn new(person: &'p Person<'p>, known: bool, find: &'p dyn Fn(&str) -> Option<Segment>) -> Self {
        Self { person, known, find }
    }

    fn view(&self, order: &Settled, currency: Option<Currency>) -> Result<OrderView<'_>> {
        let records = self.person.records;
        let (shop, properties, exchange) = self.person.with_fact(order.at, |fact| {
            let properties = fact.doc.get("properties").unwrap_or(Doc::new(&[]));
            (fact.shop.to_owned(), properties.bytes().to_vec(), exchange(records, fact.shop, properties, order.ts))
        })?;
        Ok(OrderView { shop, properties: Cow::Owned(properties), exchange, ..amounts(order, currency, &records.rates) })
    }
}

pub(crate) fn undefined(name: &str) -> crate::Error {
    crate::error::Error::not_found(format!("segment {name:?} is not defined; define it first"))
}

impl Asked for Subject<'_> {
    fn trait_value(&self, name: &str, at: Timestamp) -> Result<Option<Cow<'_, [u8]>>> {
        Ok(self.person.trait_value(name, at)?.map(Cow::Owned))
    }

    fn visit_events(
        &self,
        name: &str,
        after: Timestamp,
        to: Timestamp,
        visit: &mut dyn FnMut(EventRef<'_>) -> Result<ControlFlow<()>>,
    ) -> Result<()> {
        let Some(code) = self.person.records.names.code(name) else { return Ok(()) };
        let commerce = is_commerce(name);
        for event in self.person.events.iter().filter(|event| event.name == code) {
            if event.ts <= after || event.ts > to {
                continue;
            }
            let flow = self.person.with_fact(event.at, |fact| {
                let properties = fact.doc.get("properties").unwrap_or(Doc::new(&[]));
                let exchange = || exchange(self.person.records, fact.shop, properties, event.ts);
                let exchange = commerce.then(exchange).flatten();
                visit(EventRef { ts: event.ts, shop: fact.shop, properties, exchange })
            })??;
            if flow.is_break() {
                break;
            }
        }
        Ok(())
    }

    fn orders(&self, at: Timestamp) -> Result<Vec<OrderView<'_>>> {
        let orders = self.person.orders(at)?;
        let currency = self.person.currency(&orders);
        orders.iter().map(|order| self.view(order, currency)).collect()
    }

    fn lines(&self, event: &EventRef<'_>) -> Result<Vec<LineView>> {
        entry::lines(self.person.records, event)
    }

    fn consent(&self, topic: &Topic, at: Timestamp) -> Result<Option<ConsentStatus>> {
        let (channel, purpose) = topic.names();
        Ok(self.person.consents()?.status(self.person.records, (channel.as_deref(), &purpose), at))
    }

    fn is_suppressed(&self, channel: &str, at: Timestamp) -> Result<bool> {
        Ok(self.person.consents()?.is_suppressed(self.person.records, &label(channel), at))
    }

    fn count_identifiers(&self, namespace: &str) -> Result<usize> {
        let nodes = &self.person.records.nodes;
        let Some(code) = nodes.namespaces.code(namespace) else { return Ok(0) };
        let mut count = 0;
        for member in &self.person.members {
            count += usize::from(nodes.namespace_of(*member)? == code);
        }
        Ok(count)
    }

    fn is_known(&self) -> Result<bool> {
        Ok(self.known)
    }

    fn currency_decimals(&self) -> u8 {
        self.person.records.reading.currency.map_or(2, |currency| currency.decimals())
    }

    fn calendar_day(&self, ts: Timestamp) -> i64 {
        self.person.records.reading.zone.day(ts)
    }

    fn is_member(&self, segment: &str, at: Timestamp) -> Result<bool> {
        // References form a DAG of at most as many segments as are defined, checked when they were.
        match (self.find)(segment) {
            Some(segment) => super::evaluate::is_member(&segment, self, at),
            None => Err(undefined(segment)),
        }
    }
}
