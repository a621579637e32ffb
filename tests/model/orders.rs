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
    /// Facts that changed nothing of it.
    pub(crate) conflicts: usize,
    pub(crate) lines: Vec<Line>,
}

/// What a fact comes to by itself, in cents; of a refund without a currency none is named.
enum Amount {
    Unknown,
    Whole,
    Known(i64),
}

/// `price` tells what one of a line costs, where the line does not say it.
fn amount(order: &Order, price: &dyn Fn(&str) -> Option<i64>) -> Amount {
    if order.action == Action::Cancelled {
        return Amount::Whole;
    }
    let refund = order.action == Action::Refunded;
    match order.said {
        Said::Unreadable => Amount::Unknown,
        Said::Cents(_, cents) if refund => Amount::Known(cents.abs()),
        Said::Cents(_, cents) if cents < 0 => Amount::Unknown,
        Said::Cents(_, cents) => Amount::Known(cents),
        Said::Nothing if order.lines.is_empty() && refund => Amount::Whole,
        Said::Nothing if order.lines.is_empty() => Amount::Unknown,
        Said::Nothing => {
            let cost = |line: &Line| Some(line.cents.or_else(|| price(line.product))? * line.quantity);
            order.lines.iter().map(cost).sum::<Option<i64>>().map_or(Amount::Unknown, Amount::Known)
        }
    }
}

fn unpriced(_: &str) -> Option<i64> {
    None
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
    let is_refund = |order: &Order| matches!(order.action, Action::Refunded | Action::Cancelled);
    // Where a verified fact tells of the order, claims change nothing of it.
    let told = facts.iter().any(|(message, order, _)| !message.claimed && !is_refund(order));
    let counted: Vec<Fact<'_>> = facts.iter().filter(|(message, ..)| !(told && message.claimed)).copied().collect();
    let first = |action| counted.iter().find(|(_, order, _)| order.action == action);
    let refunds = || counted.iter().filter(|(_, order, _)| is_refund(order));
    let states = || counted.iter().filter(|(_, order, _)| !is_refund(order));
    let Some((placed, _, owner)) = first(Action::Completed).or_else(|| first(Action::Updated)) else {
        return refunds().map(lone_refund).collect();
    };
    let own = states().filter(|(_, _, sender)| sender == owner);
    let (_, winner, _) =
        own.max_by_key(|(message, order, _)| (message.ts, order.lines.len(), &message.id)).expect("one");
    let amount_known = match amount(winner, &unpriced) {
        Amount::Known(cents) => Some((cents, winner.currency.unwrap_or("EUR"))),
        Amount::Unknown | Amount::Whole => None,
    };
    let (mut sum, mut unconverted) = (0, Vec::new());
    if let Some((cents, currency)) = amount_known {
        for (_, refund, _) in refunds() {
            for (minor, of) in taken_off(refund, winner, (cents, currency)) {
                // No rate is recorded here.
                if of == currency {
                    sum += minor;
                } else {
                    unconverted.push((minor, of));
                }
            }
        }
    }
    let conflicts = facts.len() - counted.len() + states().filter(|(_, _, sender)| sender != owner).count();
    vec![Settled {
        owner: *owner,
        ts: placed.ts,
        lone_refund: false,
        amount: amount_known,
        refunded: amount_known.map(|(cents, currency)| (sum.min(cents), currency)),
        unconverted,
        conflicts,
        lines: winner.lines.clone(),
    }]
}

/// What a refund takes off an order: in its own currency what it says, and in the order's what that says of its lines.
fn taken_off(refund: &Order, order: &Order, whole: Money) -> Vec<Money> {
    let own = refund.currency.unwrap_or(whole.1);
    let priced = |line: &Line| line.cents.is_some();
    let mixed = refund.said == Said::Nothing && own != whole.1 && !refund.lines.iter().all(priced);
    let price = |product: &str| {
        let of_product = |line: &&Line| line.product == product && line.cents.is_some();
        order.lines.iter().find(of_product).and_then(|line| line.cents)
    };
    match amount(refund, &price) {
        Amount::Whole => vec![whole],
        Amount::Unknown => Vec::new(),
        Amount::Known(cents) if !mixed => vec![(cents, own)],
        // Some of its lines say what they cost, and the order says it of the others.
        Amount::Known(_) => {
            let of = |said: bool, currency| {
                let mut lines = refund.lines.iter().filter(|line| priced(line) == said).peekable();
                lines.peek()?;
                let cost = |line: &Line| line.cents.or_else(|| price(line.product)).expect("known") * line.quantity;
                Some((lines.map(cost).sum(), currency))
            };
            [of(true, own), of(false, whole.1)].into_iter().flatten().collect()
        }
    }
}

fn lone_refund((message, order, owner): &Fact<'_>) -> Settled {
    let refunded = match amount(order, &unpriced) {
        Amount::Known(cents) => Some((cents, order.currency.unwrap_or("EUR"))),
        Amount::Unknown | Amount::Whole => None,
    };
    Settled {
        owner: *owner,
        ts: message.ts,
        lone_refund: true,
        amount: None,
        refunded,
        unconverted: Vec::new(),
        conflicts: 0,
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
    pub(crate) conflicts: usize,
    pub(crate) average: Option<i64>,
}

/// The net of the orders whose amount is known in EUR, and their number.
pub(crate) fn average(orders: &[&Settled]) -> Option<(i64, i64)> {
    let of =
        |order: &&&Settled| Some((order.amount.filter(|of| of.1 == "EUR")?.0, order.refunded.map_or(0, |of| of.0)));
    let known: Vec<(i64, i64)> =
        orders.iter().filter(|order| !order.lone_refund).filter_map(|order| of(&order)).collect();
    (!known.is_empty()).then(|| (known.iter().map(|(gross, refunded)| gross - refunded).sum(), known.len() as i64))
}

/// Half to even.
fn rounded((sum, count): (i64, i64)) -> i64 {
    let (whole, rest) = (sum.div_euclid(count), sum.rem_euclid(count));
    whole + i64::from(2 * rest > count || 2 * rest == count && whole % 2 != 0)
}

pub(crate) fn summary(world: &World, person: usize, at: i64) -> Summary {
    let mut sum = Summary::default();
    let settled = settle(world, at);
    let own: Vec<&Settled> = settled.iter().filter(|order| order.owner == Some(person)).collect();
    sum.average = average(&own).map(rounded);
    for order in own {
        sum.conflicts += order.conflicts;
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
