//! Orders, settled: what a set of order facts means, whatever their order of arrival.
//!
//! An order belongs to the person of its earliest Order Completed. Later facts of that person replace its amount and
//! lines, those of anybody else are conflicts. Refunds lower the order that they name, whoever sent them, and never
//! below zero; a refund of an order nobody knows stands alone and lowers the net of its sender. Where a verified fact
//! tells of an order, whatever a public endpoint claims of it changes nothing.

use super::refunds::{OfOrder, Refund};
use crate::base::rates::Rates;
use crate::base::{Currency, Decimal, MessageId, Money, Timestamp};
use crate::event::row::At;
use crate::fact::order::{Amount, OrderAction};
use crate::fact::refund::ProductName;

/// One fact about an order.
#[derive(Clone, Debug)]
pub(crate) struct OrderEntry {
    pub(crate) at: At,
    pub(crate) ts: Timestamp,
    pub(crate) id: MessageId,
    /// Row of the profile that the fact belongs to.
    pub(crate) owner: Option<u32>,
    /// It comes from a public endpoint.
    pub(crate) claimed: bool,
    pub(crate) action: OrderAction,
    pub(crate) amount: Amount,
    pub(crate) discount_minor: Option<i64>,
    pub(crate) lines: u32,
    /// Of a refund that leans on its order: what it says itself.
    pub(crate) refund: Option<Box<Refund>>,
    /// Of an order that a refund leans on: the prices of its lines.
    pub(crate) prices: Vec<(ProductName, Decimal)>,
}

impl OrderEntry {
    /// Whether it tells what was ordered.
    pub(crate) fn is_state(&self) -> bool {
        matches!(self.action, OrderAction::Completed | OrderAction::Updated)
    }

    fn is_refund(&self) -> bool {
        matches!(self.action, OrderAction::Refunded | OrderAction::Cancelled)
    }
}

/// An order or a refund without one, as known at some instant.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) owner: Option<u32>,
    /// When it was placed; of a lone refund, when it was refunded.
    pub(crate) ts: Timestamp,
    /// The fact that gives amount and lines; of a lone refund the refund.
    pub(crate) at: At,
    /// `None` for a lone refund, which is no order.
    pub(crate) order: Option<Placed>,
    /// What came back, at most the order's amount; of a lone refund all of it.
    pub(crate) refunded: Option<Money>,
    /// Refunds of the order in currencies that no recorded rate converts to its own: they lower nothing, and are shown.
    pub(crate) unconverted: Vec<Money>,
}

/// What was ordered.
#[derive(Clone, Debug)]
pub(crate) struct Placed {
    /// Unknown amounts stay unknown.
    pub(crate) amount: Option<Money>,
    pub(crate) discount_minor: Option<i64>,
    /// Facts that changed nothing: Completed and Updated ones of other people, and whatever was claimed of an order that a
    /// verified fact tells of.
    pub(crate) conflicts: u32,
}

/// Settles the facts of one order as known at `at`: one order, or its refunds standing alone.
pub(crate) fn settle(entries: &[OrderEntry], at: Timestamp, rates: &Rates) -> Vec<Settled> {
    let visible = || entries.iter().filter(|entry| entry.ts <= at);
    let told = visible().any(|entry| entry.is_state() && !entry.claimed);
    let (counted, ignored): (Vec<_>, Vec<_>) = visible().partition(|entry| !(told && entry.claimed));
    let placing = |action: OrderAction| {
        let placing = counted.iter().filter(|entry| entry.action == action);
        placing.min_by_key(|entry| (entry.ts, &entry.id)).copied()
    };
    match placing(OrderAction::Completed).or_else(|| placing(OrderAction::Updated)) {
        Some(placed) => vec![settle_order(placed, &counted, ignored.len(), rates)],
        None => counted.into_iter().filter(|entry| entry.is_refund()).map(lone_refund).collect(),
    }
}

fn settle_order(placed: &OrderEntry, counted: &[&OrderEntry], ignored: usize, rates: &Rates) -> Settled {
    let states = || counted.iter().copied().filter(|entry| entry.is_state());
    let own = states().filter(|entry| entry.owner == placed.owner);
    let winner = own.max_by_key(|entry| (entry.ts, entry.lines, &entry.id)).unwrap_or(placed);
    let amount = winner.amount.known();
    let (mut sum, mut unconverted) = (0i128, Vec::new());
    if let Some(amount) = amount {
        let order = OfOrder { amount, placed_at: placed.ts, prices: &winner.prices };
        for refund in counted.iter().filter(|entry| entry.is_refund()) {
            for money in taken_off(refund, &order) {
                match rates.convert(money, amount.currency, refund.ts) {
                    Some(minor) => sum += i128::from(minor),
                    None => unconverted.push(money),
                }
            }
        }
    }
    let refunded = amount.map(|amount| {
        let capped = sum.min(i128::from(amount.minor));
        Money::new(i64::try_from(capped).unwrap_or(amount.minor), amount.currency)
    });
    let conflicts = ignored + states().filter(|entry| entry.owner != placed.owner).count();
    let conflicts = crate::base::bytes::row32(conflicts);
    let order = Placed { amount, discount_minor: winner.discount_minor, conflicts };
    Settled { owner: placed.owner, ts: placed.ts, at: winner.at, order: Some(order), refunded, unconverted }
}

/// What a refund takes off its order, in the currencies that it, the order and the catalogue tell it in.
fn taken_off(refund: &OrderEntry, order: &OfOrder<'_>) -> Vec<Money> {
    let currency = order.amount.currency;
    match (refund.action, refund.amount) {
        (OrderAction::Cancelled, _) | (_, Amount::Whole) => vec![order.amount],
        (_, Amount::Known(money)) => vec![money],
        (_, Amount::Assumed(money)) if money.currency.decimals() == currency.decimals() => {
            vec![Money::new(money.minor, currency)]
        }
        (_, Amount::Assumed(_) | Amount::OfOrder) => {
            refund.refund.as_ref().and_then(|refund| refund.within(order)).unwrap_or_default()
        }
        (_, Amount::Unknown) => Vec::new(),
    }
}

fn lone_refund(refund: &OrderEntry) -> Settled {
    let told = || refund.refund.as_ref().filter(|_| refund.amount == Amount::OfOrder)?.alone(refund.ts);
    let refunded = refund.amount.known().or_else(told);
    Settled { owner: refund.owner, ts: refund.ts, at: refund.at, order: None, refunded, unconverted: Vec::new() }
}

/// An order or a lone refund in one currency, minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Worth {
    /// `None` where the amount is unknown, or no rate converts it.
    pub(crate) gross_minor: Option<i64>,
    pub(crate) refunded_minor: i64,
    pub(crate) discount_minor: Option<i64>,
}

impl Settled {
    /// What it is worth in `currency`, converted at its day. Refunds are converted with their order, so that what is
    /// refunded in full is worth nothing.
    pub(crate) fn worth(&self, currency: Option<Currency>, rates: &Rates) -> Worth {
        let convert = |money: Money| rates.convert(money, currency?, self.ts);
        let amount = self.order.as_ref().and_then(|placed| placed.amount);
        let discount = self.order.as_ref().and_then(|placed| placed.discount_minor).zip(amount);
        Worth {
            gross_minor: amount.and_then(convert),
            refunded_minor: self.refunded.and_then(convert).unwrap_or(0),
            discount_minor: discount.and_then(|(minor, amount)| convert(Money::new(minor, amount.currency))),
        }
    }
}
