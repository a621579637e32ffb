//! Orders, settled from all facts about them up to an instant.

use super::message::{Action, Body, Line, Message, Order, Said};
use super::world::World;
use std::collections::{BTreeMap, BTreeSet};

/// Cents and currency.
pub(crate) type Money = (i64, &'static str);

/// An order, or a refund that names an order nobody knows.
#[derive(Clone, Debug)]
pub(crate) struct Settled {
    pub(crate) owner: Option<usize>,
    pub(crate) ts: i64,
    pub(crate) lone_refund: bool,
    pub(crate) amount: Option<Money>,
    pub(crate) refunded: Option<Money>,
    /// Refunds in another currency than the order's: no rate is recorded here.
    pub(crate) unconverted: Vec<Money>,
    pub(crate) lines: Vec<Line>,
}

enum Amount {
    Unknown,
    Whole,
    Known(Money),
}

fn amount(order: &Order) -> Amount {
    if order.action == Action::Cancelled {
        return Amount::Whole;
    }
    let refund = order.action == Action::Refunded;
    match order.said {
        Said::Unreadable => Amount::Unknown,
        Said::Cents(_, cents) if refund => Amount::Known((cents.abs(), order.currency)),
        Said::Cents(_, cents) if cents < 0 => Amount::Unknown,
        Said::Cents(_, cents) => Amount::Known((cents, order.currency)),
        Said::Nothing if order.lines.is_empty() && refund => Amount::Whole,
        Said::Nothing if order.lines.is_empty() => Amount::Unknown,
        Said::Nothing => {
            Amount::Known((order.lines.iter().map(|line| line.cents * line.quantity).sum(), order.currency))
        }
    }
}

type Fact<'w> = (&'w Message, &'w Order, Option<usize>);

/// All orders and lone refunds by the facts up to `at`.
pub(crate) fn settle(world: &World, at: i64) -> Vec<Settled> {
    let facts: Vec<Fact<'_>> = world
        .messages
        .iter()
        .filter(|(message, _)| message.ts <= at)
        .filter_map(|(message, owner)| match &message.body {
            Body::Order(order) => Some((message, order, *owner)),
            _ => None,
        })
        .collect();
    let key = |(message, order, _): &Fact<'_>| match order.order_id {
        Some(id) => (true, id.to_owned()),
        None => (false, message.id.clone()),
    };
    let keys: BTreeSet<(bool, String)> = facts.iter().map(key).collect();
    let about = |wanted: &(bool, String)| facts.iter().filter(|fact| key(fact) == *wanted).copied().collect::<Vec<_>>();
    keys.iter().flat_map(|key| settle_one(&about(key))).collect()
}

/// `facts` are sorted by (time, message id).
fn settle_one(facts: &[Fact<'_>]) -> Vec<Settled> {
    let first = |action| facts.iter().find(|(_, order, _)| order.action == action);
    let is_refund = |order: &Order| matches!(order.action, Action::Refunded | Action::Cancelled);
    let refunds = || facts.iter().filter(|(_, order, _)| is_refund(order));
    let Some((placed, _, owner)) = first(Action::Completed).or_else(|| first(Action::Updated)) else {
        return refunds().map(lone_refund).collect();
    };
    let own = facts.iter().filter(|(_, order, sender)| !is_refund(order) && sender == owner);
    let (_, winner, _) =
        own.max_by_key(|(message, order, _)| (message.ts, order.lines.len(), &message.id)).expect("one");
    let amount_known = match amount(winner) {
        Amount::Known(money) => Some(money),
        Amount::Unknown | Amount::Whole => None,
    };
    let refunded = amount_known.map(|(cents, currency)| {
        let one = |(_, refund, _): &Fact<'_>| match amount(refund) {
            Amount::Whole => cents,
            Amount::Known((minor, other)) if other == currency => minor,
            Amount::Known(_) | Amount::Unknown => 0,
        };
        (refunds().map(one).sum::<i64>().min(cents), currency)
    });
    let unconverted = refunds().filter_map(|(_, refund, _)| match (amount(refund), amount_known) {
        (Amount::Known((minor, other)), Some((_, currency))) if other != currency => Some((minor, other)),
        _ => None,
    });
    vec![Settled {
        owner: *owner,
        ts: placed.ts,
        lone_refund: false,
        amount: amount_known,
        refunded,
        unconverted: unconverted.collect(),
        lines: winner.lines.clone(),
    }]
}

fn lone_refund((message, order, owner): &Fact<'_>) -> Settled {
    let refunded = match amount(order) {
        Amount::Known(money) => Some(money),
        Amount::Unknown | Amount::Whole => None,
    };
    Settled {
        owner: *owner,
        ts: message.ts,
        lone_refund: true,
        amount: None,
        refunded,
        unconverted: Vec::new(),
        lines: Vec::new(),
    }
}

/// What a profile says about its orders, in the store's currency, which is EUR.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Summary {
    pub(crate) count: u64,
    pub(crate) gross: i64,
    pub(crate) refunded: i64,
    pub(crate) first: Option<i64>,
    pub(crate) last: Option<i64>,
    pub(crate) others: BTreeMap<String, i64>,
}

pub(crate) fn summary(world: &World, person: usize, at: i64) -> Summary {
    let mut sum = Summary::default();
    for order in settle(world, at).iter().filter(|order| order.owner == Some(person)) {
        if !order.lone_refund {
            sum.count += 1;
            sum.first = Some(sum.first.map_or(order.ts, |first| first.min(order.ts)));
            sum.last = Some(sum.last.map_or(order.ts, |last| last.max(order.ts)));
        }
        for (cents, currency) in &order.unconverted {
            *sum.others.entry((*currency).to_owned()).or_default() -= cents;
        }
        for (money, sign) in [(order.amount, 1), (order.refunded, -1)] {
            match money {
                Some((cents, "EUR")) if sign > 0 => sum.gross += cents,
                Some((cents, "EUR")) => sum.refunded += cents,
                Some((cents, other)) => *sum.others.entry(other.to_owned()).or_default() += sign * cents,
                None => {}
            }
        }
    }
    sum
}
