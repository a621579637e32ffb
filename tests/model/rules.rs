//! Rules in the shapes that the model understands: how they print to JSON, and what they mean.

#![expect(clippy::indexing_slicing, reason = "the model names its people by their places; a panic fails the test")]

use super::consent;
use super::message::{Body, COMPOSED, DAY, DECOMPOSED, MINUTE, Message};
use super::orders::{Settled, average, settle};
use super::world::World;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// `(t - far, t - near]`, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    far: i64,
    near: i64,
}

#[derive(Clone, Debug)]
pub(crate) enum Shape {
    TraitIs(&'static str, Value),
    TraitIsNot(&'static str, Value),
    TraitSet(&'static str),
    /// At least so many events, of that plan if one is named.
    Count(&'static str, Option<&'static str>, Option<Window>, i64),
    DidNot(&'static str, Window),
    Days(&'static str, i64),
    /// The sum of prices is at least this.
    Sum(&'static str, Option<Window>, i64),
    LastPlan(&'static str, &'static str),
    FirstTimeIn(&'static str, Window),
    Stopped(&'static str, i64, i64),
    Restarted(&'static str, i64, i64),
    Regularly(&'static str, i64, i64, i64),
    Orders(Option<Window>, i64),
    /// Net of at least so many cents.
    Net(Option<Window>, i64),
    /// Of at least so many cents.
    Average(Option<Window>, i64),
    DaysSinceLast(i64, i64),
    DaysSinceFirst(i64),
    Bought(&'static str, Option<Window>),
    /// An Order Completed with a line of that product of at least that quantity.
    Line(&'static str, i64),
    /// Channel (none: the purpose alone), purpose, and the answer.
    Consent(Option<&'static str>, &'static str, &'static str),
    Suppressed(&'static str),
    Has(&'static str),
    Identifiers(&'static str, i64),
    Anonymous,
    Not(Box<Shape>),
    And(Box<Shape>, Box<Shape>),
    Or(Box<Shape>, Box<Shape>),
}

fn span(ms: i64) -> String {
    if ms % DAY == 0 { format!("{}d", ms / DAY) } else { format!("{}m", ms / MINUTE) }
}

fn with_window(mut rule: Value, window: Option<Window>) -> Value {
    if let (Some(window), Some(members)) = (window, rule.as_object_mut()) {
        let printed = match window {
            Window { far, near: 0 } => json!({"last": span(far)}),
            Window { far, near } => json!({"ago": [span(far), span(near)]}),
        };
        members.insert("window".to_owned(), printed);
    }
    rule
}

fn with_plan(mut rule: Value, plan: Option<&str>) -> Value {
    if let (Some(plan), Some(members)) = (plan, rule.as_object_mut()) {
        members.insert("where".to_owned(), json!({"property": "plan", "is": plan}));
    }
    rule
}

fn money(cents: i64) -> Value {
    // Whole and half units only: exact as f64.
    json!(cents as f64 / 100.0)
}

impl Shape {
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::TraitIs(name, value) => json!({"trait": name, "is": value}),
            Self::TraitIsNot(name, value) => json!({"trait": name, "is_not": value}),
            Self::TraitSet(name) => json!({"trait": name, "is_set": true}),
            Self::Count(event, plan, window, least) => {
                with_window(with_plan(json!({"event": event, "measure": "count", "gte": least}), *plan), *window)
            }
            Self::DidNot(event, window) => json!({"not": with_window(json!({"event": event}), Some(*window))}),
            Self::Days(event, least) => json!({"event": event, "measure": "days", "gte": least}),
            Self::Sum(event, window, least) => {
                with_window(json!({"event": event, "measure": "sum(price)", "gte": least}), *window)
            }
            Self::LastPlan(event, plan) => json!({"event": event, "measure": "last(plan)", "is": plan}),
            Self::FirstTimeIn(event, window) => json!({"event": event, "first_time_in": {"last": span(window.far)}}),
            Self::Stopped(event, long, short) => json!({"event": event, "stopped": [span(*long), span(*short)]}),
            Self::Restarted(event, gap, window) => json!({"event": event, "restarted": [span(*gap), span(*window)]}),
            Self::Regularly(event, period, n, m) => json!({"event": event, "regularly": [span(*period), n, m]}),
            Self::Orders(window, is) => with_window(json!({"orders": "count", "is": is}), *window),
            Self::Net(window, least) => with_window(json!({"orders": "net", "gte": money(*least)}), *window),
            Self::Average(window, least) => with_window(json!({"orders": "average", "gte": money(*least)}), *window),
            Self::DaysSinceLast(low, high) => json!({"orders": "days_since_last", "between": [low, high]}),
            Self::DaysSinceFirst(over) => json!({"orders": "days_since_first", "gt": over}),
            Self::Bought(product, window) => with_window(json!({"bought": {"product": product}}), *window),
            Self::Line(product, least) => {
                let same_line =
                    json!([{"property": "product_id", "is": product}, {"property": "quantity", "gte": least}]);
                json!({"event": "Order Completed", "where": {"line": "any", "where": {"and": same_line}}})
            }
            Self::Consent(Some(channel), purpose, is) => json!({"consent": [channel, purpose], "is": is}),
            Self::Consent(None, purpose, is) => json!({"consent": [purpose], "is": is}),
            Self::Suppressed(channel) => json!({"suppressed": channel}),
            Self::Has(namespace) => json!({"identity": "has", "namespace": namespace}),
            Self::Identifiers(namespace, least) => {
                json!({"identity": "count", "namespace": namespace, "gte": least})
            }
            Self::Anonymous => json!({"identity": "is_anonymous"}),
            Self::Not(rule) => json!({"not": rule.to_json()}),
            Self::And(a, b) => json!({"and": [a.to_json(), b.to_json()]}),
            Self::Or(a, b) => json!({"or": [a.to_json(), b.to_json()]}),
        }
    }

    pub(crate) fn holds(&self, world: &World, person: usize, at: i64) -> bool {
        let events = |name: &str| -> Vec<&Message> {
            world.events(person, at).filter(|message| message.event() == composed(name)).collect()
        };
        let inside = |ts: i64, window: Window| at - window.far < ts && ts <= at - window.near;
        let within = |ts: i64, window: Option<Window>| window.is_none_or(|window| inside(ts, window));
        let did = |name: &str, far, near| events(name).iter().any(|message| inside(message.ts, Window { far, near }));
        let holds_namespace =
            |namespace: &str| world.people[person].group.iter().filter(|name| name.0 == namespace).count() as i64;
        match self {
            Self::TraitIs(name, value) => world.traits(person, at).get(composed(name)) == Some(value),
            Self::TraitIsNot(name, value) => world.traits(person, at).get(*name) != Some(value),
            Self::TraitSet(name) => world.traits(person, at).contains_key(*name),
            Self::Count(event, plan, window, least) => {
                let of_plan = |message: &&Message| plan.is_none_or(|wanted| track(message).0 == Some(wanted));
                let all = events(event);
                let counted = all.into_iter().filter(of_plan).filter(|message| within(message.ts, *window));
                counted.count() as i64 >= *least
            }
            Self::DidNot(event, window) => !did(event, window.far, window.near),
            Self::Days(event, least) => {
                let days: BTreeSet<i64> = events(event).iter().map(|message| message.ts.div_euclid(DAY)).collect();
                days.len() as i64 >= *least
            }
            Self::Sum(event, window, least) => {
                let all = events(event);
                let prices =
                    all.iter().filter(|message| within(message.ts, *window)).filter_map(|message| track(message).1);
                prices.sum::<i64>() >= *least
            }
            Self::LastPlan(event, plan) => events(event).last().and_then(|message| track(message).0) == Some(*plan),
            Self::FirstTimeIn(event, window) => events(event).first().is_some_and(|first| inside(first.ts, *window)),
            Self::Stopped(event, long, short) => did(event, *long, *short) && !did(event, *short, 0),
            Self::Restarted(event, gap, window) => {
                let all: Vec<i64> = events(event).iter().map(|message| message.ts).collect();
                let first = all.iter().find(|ts| inside(**ts, Window { far: *window, near: 0 }));
                first.is_some_and(|first| {
                    let in_the_gap = |ts: &i64| first - gap < *ts && ts < first;
                    !all.iter().any(in_the_gap) && all.iter().any(|ts| *ts <= first - gap)
                })
            }
            Self::Regularly(event, period, n, m) => {
                (0..*m).filter(|nth| did(event, (nth + 1) * period, nth * period)).count() as i64 >= *n
            }
            Self::Consent(channel, purpose, is) => {
                let status = consent::status(world, person, *channel, purpose, at);
                match *is {
                    "denied" => matches!(status, Some("denied" | "withdrawn")),
                    "never_asked" => status.is_none(),
                    _ => status == Some(*is),
                }
            }
            Self::Suppressed(channel) => consent::suppressed(world, person, channel, at),
            Self::Has(namespace) => holds_namespace(namespace) > 0,
            Self::Identifiers(namespace, least) => holds_namespace(namespace) >= *least,
            Self::Anonymous => !world.people[person].known,
            Self::Not(rule) => !rule.holds(world, person, at),
            Self::And(a, b) => a.holds(world, person, at) && b.holds(world, person, at),
            Self::Or(a, b) => a.holds(world, person, at) || b.holds(world, person, at),
            Self::Line(product, least) => events("Order Completed").iter().any(|message| match &message.body {
                Body::Order(order) => {
                    order.lines.iter().any(|line| line.product == *product && line.quantity >= *least)
                }
                _ => false,
            }),
            _ => {
                let orders: Vec<Settled> =
                    settle(world, at).into_iter().filter(|order| order.owner == Some(person)).collect();
                self.holds_for(&orders, at, &within)
            }
        }
    }

    fn holds_for(&self, all: &[Settled], at: i64, within: &dyn Fn(i64, Option<Window>) -> bool) -> bool {
        let orders = || all.iter().filter(|order| !order.lone_refund);
        let days_since = |ts: i64| (at - ts).div_euclid(DAY);
        match self {
            Self::Orders(window, is) => orders().filter(|order| within(order.ts, *window)).count() as i64 == *is,
            Self::Net(window, least) => {
                let euro =
                    |money: Option<(i64, &str)>| money.filter(|money| money.1 == "EUR").map_or(0, |money| money.0);
                let inside = all.iter().filter(|order| within(order.ts, *window));
                inside.map(|order| euro(order.amount) - euro(order.refunded)).sum::<i64>() >= *least
            }
            Self::Average(window, least) => {
                let inside: Vec<&Settled> = orders().filter(|order| within(order.ts, *window)).collect();
                average(&inside).is_some_and(|(net, count)| net >= least * count)
            }
            Self::DaysSinceLast(low, high) => {
                orders().map(|order| order.ts).max().is_some_and(|last| (*low..=*high).contains(&days_since(last)))
            }
            Self::DaysSinceFirst(over) => {
                orders().map(|order| order.ts).min().is_some_and(|first| days_since(first) > *over)
            }
            Self::Bought(product, window) => orders()
                .filter(|order| within(order.ts, *window))
                .any(|order| order.lines.iter().any(|line| line.product == *product)),
            _ => unreachable!("not a rule about orders"),
        }
    }
}

/// A name of a rule as it compares.
fn composed(name: &str) -> &str {
    if name == DECOMPOSED { COMPOSED } else { name }
}

/// Plan and price.
fn track(message: &Message) -> (Option<&'static str>, Option<i64>) {
    match &message.body {
        Body::Track { plan, price, .. } => (*plan, *price),
        _ => (None, None),
    }
}

/// The rules that the laws are tested with.
pub(crate) fn shapes() -> Vec<Shape> {
    let last = |far| Window { far, near: 0 };
    let ago = |far, near| Window { far, near };
    let boxed = Box::new;
    let gold = || Shape::TraitIs("tier", json!("gold"));
    vec![
        gold(),
        Shape::TraitIs("tier", json!(7)),
        Shape::TraitIsNot("city", json!("silver")),
        Shape::TraitSet("city"),
        Shape::TraitIs(COMPOSED, json!("gold")),
        Shape::TraitIs(DECOMPOSED, json!("silver")),
        Shape::Count(COMPOSED, None, None, 2),
        Shape::Count(DECOMPOSED, Some("paid"), Some(last(2 * DAY)), 1),
        Shape::Stopped(DECOMPOSED, 3 * DAY, DAY),
        Shape::Count("View", None, None, 2),
        Shape::Count("View", Some("paid"), Some(last(DAY)), 1),
        Shape::Count("View", None, Some(last(20 * MINUTE)), 1),
        Shape::Count("Add", None, Some(ago(3 * DAY, DAY)), 1),
        Shape::DidNot("View", last(2 * DAY)),
        Shape::Days("View", 2),
        Shape::Sum("View", Some(last(2 * DAY)), 3),
        Shape::LastPlan("View", "paid"),
        Shape::FirstTimeIn("Add", last(DAY)),
        Shape::Stopped("View", 3 * DAY, DAY),
        Shape::Restarted("View", DAY, DAY),
        Shape::Regularly("View", DAY, 2, 4),
        Shape::Orders(None, 1),
        Shape::Orders(Some(last(2 * DAY)), 0),
        Shape::Orders(Some(ago(4 * DAY, 10 * MINUTE)), 1),
        Shape::Net(None, 1000),
        Shape::Net(Some(last(2 * DAY)), 50),
        Shape::Not(boxed(Shape::Net(None, 0))),
        Shape::Average(None, 750),
        Shape::Average(Some(last(2 * DAY)), 0),
        Shape::DaysSinceLast(1, 2),
        Shape::DaysSinceFirst(2),
        Shape::Bought("A", None),
        Shape::Bought("B", Some(last(DAY))),
        Shape::Line("A", 2),
        Shape::Consent(Some("email"), "marketing", "granted"),
        Shape::Consent(Some("email"), "marketing", "denied"),
        Shape::Consent(Some("sms"), "marketing", "never_asked"),
        Shape::Consent(Some("Email "), "MARKETING", "withdrawn"),
        Shape::Consent(Some("call"), "gro\u{df}es", "granted"),
        Shape::Consent(Some("push"), "marketing", "denied"),
        Shape::Consent(Some("post"), "marketing", "granted"),
        Shape::Consent(None, "ads", "granted"),
        Shape::Consent(None, "Marketing", "denied"),
        Shape::Suppressed("email"),
        Shape::Suppressed("EMAIL"),
        Shape::Suppressed("sms"),
        Shape::Suppressed("push"),
        Shape::Suppressed("post"),
        Shape::Has("phone"),
        Shape::Identifiers("email", 2),
        Shape::Identifiers("anonymous_id", 2),
        Shape::Anonymous,
        Shape::And(boxed(gold()), boxed(Shape::DidNot("View", last(DAY)))),
        Shape::Or(boxed(Shape::Has("loyalty_card")), boxed(Shape::Bought("B", Some(last(2 * DAY))))),
    ]
}
