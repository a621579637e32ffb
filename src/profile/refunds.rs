//! Refunds that lean on their order: it tells the currency, and the prices of lines that say none; where it does not, the
//! catalogue does.

use crate::base::{Currency, Decimal, Money, Timestamp};
use crate::fact::refund::{ProductName, ReturnedLine, Said};

/// What a refund says itself.
#[derive(Clone, Debug)]
pub(crate) struct Refund {
    /// The currency that it names.
    pub(super) named: Option<Currency>,
    /// That of its shop.
    pub(super) shop: Option<Currency>,
    pub(super) said: Said,
    /// What the catalogue tells of the products of its lines, a line each, by time: prices in the shop's currency.
    pub(super) catalogue: Vec<Vec<(Timestamp, Option<Decimal>)>>,
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
