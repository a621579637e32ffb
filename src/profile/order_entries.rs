//! The facts about orders, with their owners, and with what refunds lean on.

use super::orders::{OrderEntry, Settled, settle};
use super::records::Records;
use super::refunds::Refund;
use crate::Result;
use crate::base::doc::Doc;
use crate::base::{Decimal, Timestamp};
use crate::column::blocks::BlockCache;
use crate::event::keys::{order_key, product_key};
use crate::event::row::At;
use crate::fact::kind::Bits;
use crate::fact::order::{Amount, OrderBrief};
use crate::fact::props::{Props, currency_of, decimal};
use crate::fact::refund::{Said, prices, said};
use crate::fact::view::Fact;
use std::collections::BTreeSet;

impl Records {
    /// One fact about an order, with its owner.
    pub(crate) fn order_entry(&self, at: At, brief: OrderBrief) -> Result<OrderEntry> {
        let OrderBrief { action, amount, discount_minor, lines } = brief;
        let (head, owner, id) = (self.events.head(at)?, self.owner(at)?.profile(), self.message_id(at)?);
        let (ts, claimed) = (head.ts, head.bits.has(Bits::CLAIMED));
        let (refund, prices) = (None, Vec::new());
        Ok(OrderEntry { at, ts, id, owner, claimed, action, amount, discount_minor, lines, refund, prices })
    }

    /// Visits the facts of every order and of every lone refund, whoever they belong to, an order each. Cost: one look at
    /// every order fact.
    pub(crate) fn visit_order_entries(&self, visit: &mut dyn FnMut(&[OrderEntry])) -> Result<()> {
        let mut facts = self.events.all_orders()?;
        facts.sort_unstable_by_key(|(key, at, _)| (*key, *at));
        for order in facts.chunk_by(|a, b| a.0 == b.0) {
            let facts: Vec<(At, OrderBrief)> = order.iter().map(|(_, at, brief)| (*at, *brief)).collect();
            visit(&self.order_entries(&facts)?);
        }
        Ok(())
    }

    /// Visits every order and lone refund as known at `at`.
    pub(crate) fn visit_settled(&self, at: Timestamp, visit: &mut dyn FnMut(Settled)) -> Result<()> {
        self.visit_order_entries(&mut |entries| settle(entries, at, &self.rates).into_iter().for_each(&mut *visit))
    }

    /// The facts about one order, with their owners.
    pub(crate) fn order_entries(&self, facts: &[(At, OrderBrief)]) -> Result<Vec<OrderEntry>> {
        let entries = facts.iter().map(|(at, brief)| self.order_entry(*at, *brief));
        let mut entries: Vec<OrderEntry> = entries.collect::<Result<_>>()?;
        if !entries.iter().any(|entry| leans(entry, &entries)) {
            return Ok(entries);
        }
        let mut cache = BlockCache::default();
        for entry in &mut entries {
            let fact = self.events.fact(entry.at, &mut cache)?;
            let properties = fact.doc.get("properties");
            if entry.is_state() {
                entry.prices = properties.map(prices).unwrap_or_default();
            } else if matches!(entry.amount, Amount::Assumed(_) | Amount::OfOrder) {
                entry.refund = self.refund(&fact, properties)?.map(Box::new);
            }
        }
        Ok(entries)
    }

    fn refund(&self, fact: &Fact<'_>, properties: Option<Doc<'_>>) -> Result<Option<Refund>> {
        let props = Props::read(properties);
        let Some(said) = said(&props) else { return Ok(None) };
        let shop = self.reading.currency_at(fact.shop);
        let named = props.currency.and_then(|currency| currency_of(Some(currency), None));
        let mut catalogue = Vec::new();
        if let Said::Lines(lines) = &said {
            for line in lines {
                let unpriced = line.product.product_id.as_ref().filter(|_| line.price.is_none());
                catalogue.push(unpriced.map_or(Ok(Vec::new()), |product| self.listed_prices(fact.shop, product))?);
            }
        }
        Ok(Some(Refund { named, shop, said, catalogue }))
    }

    /// What each entry of the catalogue says of a product's price, by time.
    fn listed_prices(&self, shop: &str, product_id: &str) -> Result<Vec<(Timestamp, Option<Decimal>)>> {
        let mut all = Vec::new();
        let mut cache = BlockCache::default();
        for (entry, _) in self.events.of_order(&product_key(shop, product_id))? {
            let fact = self.events.fact(entry, &mut cache)?;
            all.push(((fact.ts, fact.id()), fact.doc.get("price").and_then(decimal)));
        }
        all.sort();
        Ok(all.into_iter().map(|((ts, _), price)| (ts, price)).collect())
    }

    /// Owners of orders that the catalogue can tell something of: whose refunds do not name all of their prices.
    pub(crate) fn owners_of_leaning(&self) -> Result<BTreeSet<u32>> {
        let facts = self.events.all_orders()?.into_iter().filter(|(_, _, brief)| brief.amount == Amount::OfOrder);
        let mut owners = BTreeSet::new();
        let mut cache = BlockCache::default();
        for (_, at, _) in facts {
            let Some(key) = order_key(&self.events.fact(at, &mut cache)?) else { continue };
            for (sibling, _) in self.events.of_order(&key)? {
                owners.extend(self.owner(sibling)?.profile());
            }
        }
        Ok(owners)
    }
}

/// Whether more must be read of a refund than its brief: an amount without a currency is the same number of minor units in
/// every currency with as many decimals.
fn leans(entry: &OrderEntry, entries: &[OrderEntry]) -> bool {
    match entry.amount {
        Amount::OfOrder => true,
        Amount::Assumed(assumed) => {
            let amounts = entries.iter().filter(|entry| entry.is_state()).filter_map(|entry| entry.amount.known());
            amounts.into_iter().any(|amount| amount.currency.decimals() != assumed.currency.decimals())
        }
        Amount::Unknown | Amount::Whole | Amount::Known(_) => false,
    }
}
