//! Refunds that lean on their order: it tells the currency, and the prices of lines that say none; where it does not, the
//! catalogue does.

use super::orders::OrderEntry;
use super::records::Records;
use crate::Result;
use crate::base::doc::Doc;
use crate::base::{Currency, Decimal, Money, Timestamp};
use crate::column::blocks::BlockCache;
use crate::event::keys::{order_key, product_key};
use crate::event::row::At;
use crate::fact::order::{Amount, OrderBrief};
use crate::fact::props::currency_of;
use crate::fact::props::{Props, decimal};
use crate::fact::refund::{ProductName, ReturnedLine, Said, prices, said};
use crate::fact::view::Fact;
use std::collections::BTreeSet;

/// What a refund says itself.
#[derive(Clone, Debug)]
pub(crate) struct Refund {
    /// The currency that it names.
    named: Option<Currency>,
    /// That of its shop.
    shop: Option<Currency>,
    said: Said,
    /// What the catalogue tells of the products of its lines, a line each, by time: prices in the shop's currency.
    catalogue: Vec<Vec<(Timestamp, Option<Decimal>)>>,
}

/// What an order tells its refunds.
pub(crate) struct OfOrder<'a> {
    pub(crate) amount: Money,
    pub(crate) placed_at: Timestamp,
    pub(crate) prices: &'a [(ProductName, Decimal)],
}

impl Refund {
    /// What it takes off its order, an amount a currency; `None` where a price is not known to anybody.
    pub(crate) fn within(&self, order: &OfOrder<'_>) -> Option<Vec<Money>> {
        self.amounts(self.named.unwrap_or(order.amount.currency), Some(order), order.placed_at)
    }

    /// What it comes to where nobody knows its order.
    pub(crate) fn alone(&self, at: Timestamp) -> Option<Money> {
        let amounts = self.amounts(self.named.or(self.shop)?, None, at)?;
        // Two currencies make no one amount.
        if let [money] = amounts.as_slice() { Some(*money) } else { None }
    }

    fn amounts(&self, own: Currency, order: Option<&OfOrder<'_>>, at: Timestamp) -> Option<Vec<Money>> {
        let mut sums: Vec<(Currency, Decimal)> = Vec::new();
        match &self.said {
            Said::Amount(amount) => sums.push((own, *amount)),
            Said::Lines(lines) => {
                for (nth, line) in lines.iter().enumerate() {
                    let (currency, price) = self.price(nth, line, own, order, at)?;
                    let amount = price.checked_mul(line.quantity)?;
                    match sums.iter_mut().find(|(known, _)| *known == currency) {
                        Some((_, sum)) => *sum = sum.checked_add(amount)?,
                        None => sums.push((currency, amount)),
                    }
                }
            }
        }
        // It may be written negative.
        let money = |(currency, sum): (Currency, Decimal)| {
            let (minor, _) = sum.to_units(currency.decimals())?;
            Some(Money::new(minor.checked_abs()?, currency))
        };
        sums.into_iter().map(money).collect()
    }

    /// The price of a line: its own, else that of the order, else that of the catalogue.
    fn price(
        &self,
        nth: usize,
        line: &ReturnedLine,
        own: Currency,
        order: Option<&OfOrder<'_>>,
        at: Timestamp,
    ) -> Option<(Currency, Decimal)> {
        if let Some(price) = line.price {
            return Some((own, price));
        }
        let ordered = order.and_then(|order| {
            let (_, price) = order.prices.iter().find(|(product, _)| line.product.is_that_of(product))?;
            Some((order.amount.currency, *price))
        });
        ordered.or_else(|| {
            let (_, price) = self.catalogue.get(nth)?.iter().rfind(|(ts, _)| *ts <= at)?;
            self.shop.zip(*price)
        })
    }
}

impl Records {
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
