//! Orders, settled: what a set of order facts means, whatever their order of arrival.
//!
//! An order belongs to the person of its earliest Order Completed. Later facts of that person replace its amount and
//! lines, those of anybody else are conflicts. Refunds lower the order that they name, whoever sent them, and never
//! below zero; a refund of an order nobody knows stands alone and lowers the net of its sender.

use crate::base::rates::Rates;
use crate::base::{Currency, MessageId, Money, Timestamp};
use crate::event::history::At;
use crate::normalize::fact::{Amount, OrderAction};

/// One fact about an order.
#[derive(Clone, Debug)]
pub(crate) struct OrderEntry {
    pub(crate) at: At,
    pub(crate) ts: Timestamp,
    pub(crate) id: MessageId,
    /// Row of the profile that the fact belongs to.
    pub(crate) owner: Option<u32>,
    pub(crate) action: OrderAction,
    pub(crate) amount: Amount,
    pub(crate) discount_minor: Option<i64>,
    pub(crate) lines: u32,
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
    /// Completed or Updated facts of other people.
    pub(crate) conflicts: u32,
}

/// Settles the facts of one order as known at `at`: one order, or its refunds standing alone.
pub(crate) fn settle(entries: &[OrderEntry], at: Timestamp, rates: &Rates) -> Vec<Settled> {
    let visible = || entries.iter().filter(|entry| entry.ts <= at);
    let placing = |action: OrderAction| {
        visible().filter(|entry| entry.action == action).min_by_key(|entry| (entry.ts, &entry.id))
    };
    let refunds = || visible().filter(|e| matches!(e.action, OrderAction::Refunded | OrderAction::Cancelled));
    match placing(OrderAction::Completed).or_else(|| placing(OrderAction::Updated)) {
        Some(placed) => vec![settle_order(placed, visible().collect(), refunds().collect(), rates)],
        None => refunds().map(lone_refund).collect(),
    }
}

fn settle_order(placed: &OrderEntry, visible: Vec<&OrderEntry>, refunds: Vec<&OrderEntry>, rates: &Rates) -> Settled {
    let states = || {
        let is_state = |e: &&&OrderEntry| matches!(e.action, OrderAction::Completed | OrderAction::Updated);
        visible.iter().filter(is_state)
    };
    let own = states().filter(|entry| entry.owner == placed.owner);
    let winner = own.max_by_key(|entry| (entry.ts, entry.lines, &entry.id)).map_or(placed, |entry| entry);
    let conflicts = states().filter(|entry| entry.owner != placed.owner).count();
    let amount = match winner.amount {
        Amount::Known(money) => Some(money),
        Amount::Unknown | Amount::Whole => None,
    };
    let converts = |refund: &&OrderEntry| match (refund.amount, amount) {
        (Amount::Known(money), Some(amount)) if refund.action == OrderAction::Refunded => {
            rates.convert(money, amount.currency, refund.ts).is_none().then_some(money)
        }
        _ => None,
    };
    let unconverted = refunds.iter().filter_map(converts).collect();
    let refunded = amount.map(|amount| {
        let sum = refunds.iter().map(|refund| refund_minor(refund, amount, rates)).sum::<i128>();
        let capped = sum.min(i128::from(amount.minor));
        Money::new(i64::try_from(capped).unwrap_or(amount.minor), amount.currency)
    });
    let conflicts = crate::base::bytes::row32(conflicts);
    let order = Placed { amount, discount_minor: winner.discount_minor, conflicts };
    Settled { owner: placed.owner, ts: placed.ts, at: winner.at, order: Some(order), refunded, unconverted }
}

/// What a refund takes off an order, in the order's minor units; nothing where no recorded rate converts it.
fn refund_minor(refund: &OrderEntry, order: Money, rates: &Rates) -> i128 {
    match (refund.action, refund.amount) {
        (OrderAction::Cancelled, _) | (_, Amount::Whole) => i128::from(order.minor),
        (_, Amount::Known(money)) => rates.convert(money, order.currency, refund.ts).map_or(0, i128::from),
        (_, Amount::Unknown) => 0,
    }
}

fn lone_refund(refund: &OrderEntry) -> Settled {
    let refunded = match refund.amount {
        Amount::Known(money) => Some(money),
        Amount::Unknown | Amount::Whole => None,
    };
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
