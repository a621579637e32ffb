//! When can a membership change? By a fact of one of its inputs, or by time passing at known distances from them.

use super::condition::trait_paths;
use crate::base::time::DAY_MS;
use crate::base::{Decimal, Span};
use crate::error::{Error, Result};
use crate::fact::topic::is_commerce;
use crate::rule::compare::{Literal, Test};
use crate::rule::node::{Ask, Condition, Node, OrderMeasure, OrdersNode, Rule, Window};
use std::collections::{BTreeMap, BTreeSet};

/// What a rule reads. When it changes for a person, the rule must be looked at again for that person.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Input {
    /// Events of that name.
    Event(String),
    /// Orders and refunds: every fact that settles one.
    Orders,
    /// A top-level trait.
    Trait(String),
    /// What was said about consent and suppression.
    Consent,
    /// Which identifiers the person has.
    Identity,
    /// What the catalogue says of products.
    Catalogue,
    /// What one currency is worth in another.
    Rates,
    /// Membership of another segment.
    Segment(String),
}

/// Membership can change at the time of a fact of the input plus the offset, and at no other time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Boundary {
    pub(crate) input: Input,
    pub(crate) offset_ms: i64,
}

/// The distinct inputs of a rule, in order.
pub(crate) fn inputs(rule: &Rule) -> Vec<Input> {
    let boundaries = collect(rule).into_iter().map(|boundary| boundary.input);
    boundaries.collect::<BTreeSet<_>>().into_iter().collect()
}

/// The distinct boundaries of a rule, in order.
///
/// Offset 0 is among them for every input that has a time: a fact of the future becomes visible. Identity has no time
/// (the partition is that of all facts), so its boundary says no more than the input does. The boundaries of a segment
/// that is referred to are its own; offset 0 stands for them.
pub(crate) fn boundaries(rule: &Rule) -> Vec<Boundary> {
    collect(rule).into_iter().collect()
}

fn walk<'a>(rule: &'a Rule, visit: &mut dyn FnMut(&'a Node)) {
    let mut open = vec![&rule.0];
    while let Some(node) = open.pop() {
        visit(node);
        open.extend(node.children());
    }
}

fn collect(rule: &Rule) -> BTreeSet<Boundary> {
    let mut found = BTreeSet::new();
    walk(rule, &mut |node| {
        let mut add = |input: Input, offsets: &[i64]| {
            let offsets = offsets.iter().copied().filter(|offset| *offset >= 0);
            found.extend(offsets.map(|offset_ms| Boundary { input: input.clone(), offset_ms }));
        };
        match node {
            Node::And(_) | Node::Or(_) | Node::Not(_) | Node::AtLeast(..) => {}
            Node::Segment(name) => add(Input::Segment(name.clone()), &[0]),
            Node::Trait { path, .. } => {
                for (name, _) in trait_paths(path) {
                    add(Input::Trait(name.to_owned()), &[0]);
                }
            }
            Node::Event(event) => {
                add(Input::Event(event.name.clone()), &of_events(&event.ask));
                add_catalogue(&mut add, event.filter.as_ref().is_some_and(Condition::reads_lines));
                // What orders come to depends on rates anyway.
                if is_commerce(&event.name) && event.reads_money() {
                    add(Input::Rates, &[0]);
                }
            }
            Node::Orders(orders) => {
                add(Input::Orders, &of_orders(orders));
                add_catalogue(&mut add, orders.filter.as_ref().is_some_and(Condition::reads_lines));
            }
            Node::Bought { window, what, .. } => {
                add(Input::Orders, &of_window(*window));
                add_catalogue(&mut add, what.reads_lines());
            }
            Node::BoughtTogether { window, first, second, .. } => {
                add(Input::Orders, &of_window(*window));
                add_catalogue(&mut add, first.reads_lines() || second.reads_lines());
            }
            Node::Consent { .. } | Node::Suppressed { .. } => add(Input::Consent, &[0]),
            Node::Has { .. } | Node::Identifiers { .. } | Node::Anonymous => add(Input::Identity, &[0]),
        }
    });
    found
}

/// An entry has a time, but counts by that of the orders.
fn add_catalogue(add: &mut dyn FnMut(Input, &[i64]), reads: bool) {
    if reads {
        add(Input::Catalogue, &[0]);
    }
}

fn of_window(window: Option<Window>) -> Vec<i64> {
    match window {
        None | Some(Window::Between(..)) => vec![0],
        Some(Window::Last(span)) => vec![0, span.as_millisecond()],
        Some(Window::Ago(from, to)) => vec![0, to.as_millisecond(), from.as_millisecond()],
    }
}

fn of_events(ask: &Ask) -> Vec<i64> {
    let last = |span: Span| of_window(Some(Window::Last(span)));
    match ask {
        Ask::Did(window) | Ask::Measure(_, window, _) => of_window(*window),
        Ask::FirstTimeIn(window) => of_window(Some(*window)),
        Ask::Stopped(long, short) => vec![0, short.as_millisecond(), long.as_millisecond()],
        // The gap lies between two facts; time passing does not move it.
        Ask::Restarted { window, .. } => last(*window),
        Ask::Regularly { period, periods, .. } => {
            (0..=i64::from(*periods)).map(|nth| period.as_millisecond().saturating_mul(nth)).collect()
        }
    }
}

fn of_orders(orders: &OrdersNode) -> Vec<i64> {
    let mut offsets = of_window(orders.window);
    if matches!(orders.measure, OrderMeasure::DaysSinceFirst | OrderMeasure::DaysSinceLast) {
        offsets.extend(days_that_matter(&orders.test).into_iter().filter_map(|day| day.checked_mul(DAY_MS)));
    }
    offsets
}

/// The whole numbers of days at which the answer of the test can turn, for a day count that grows by one.
fn days_that_matter(test: &Test) -> Vec<i64> {
    use crate::rule::compare::Relation::{Gt, Gte, Lt, Lte};
    let from = |literal: &Literal| number(literal).and_then(ceiling);
    let past = |literal: &Literal| number(literal).and_then(floor).map(|day| day.saturating_add(1));
    match test {
        Test::Compare(Lt | Gte, literal) => from(literal).into_iter().collect(),
        Test::Compare(Gt | Lte, literal) => past(literal).into_iter().collect(),
        Test::Between(low, high) => from(low).into_iter().chain(past(high)).collect(),
        _ => test.literals().iter().flat_map(|literal| from(literal).into_iter().chain(past(literal))).collect(),
    }
}

fn number(literal: &Literal) -> Option<Decimal> {
    if let Literal::Number(number) = literal { Some(*number) } else { None }
}

fn floor(number: Decimal) -> Option<i64> {
    let (near, _) = number.to_units(0)?;
    Some(if Decimal::from(near) > number { near.saturating_sub(1) } else { near })
}

fn ceiling(number: Decimal) -> Option<i64> {
    let floor = floor(number)?;
    Some(if Decimal::from(floor) < number { floor.saturating_add(1) } else { floor })
}

/// The segments that a rule refers to itself.
pub(crate) fn references(rule: &Rule) -> Vec<&str> {
    let mut names = BTreeSet::new();
    walk(rule, &mut |node| {
        if let Node::Segment(name) = node {
            names.insert(name.as_str());
        }
    });
    names.into_iter().collect()
}

/// Refuses a segment that would refer to itself, over whatever detour, or to one that nobody defined.
///
/// `lookup` gives the rules of the segments that are defined; `name` stands for `rule` even if another one has the
/// name.
///
/// # Errors
/// `NotFound` names the missing segment, `Invalid` the circle.
pub(crate) fn check_references<'a>(
    name: &'a str,
    rule: &'a Rule,
    lookup: &dyn Fn(&str) -> Option<&'a Rule>,
) -> Result<()> {
    // Depth first without recursion: chains of segments come from outside. `parents` leads back along the chain.
    let mut parents: BTreeMap<&str, &str> = BTreeMap::new();
    let mut open: Vec<(&str, &Rule)> = vec![(name, rule)];
    while let Some((from, rule)) = open.pop() {
        for to in references(rule) {
            if to == name {
                return Err(Error::invalid(format!(
                    "segments may not refer to each other in a circle: {}",
                    chain(name, from, &parents)
                )));
            }
            if parents.contains_key(to) {
                continue;
            }
            let next = lookup(to).ok_or_else(|| {
                Error::not_found(format!("segment {from:?} refers to {to:?}, which is not defined; define it first"))
            })?;
            parents.insert(to, from);
            open.push((to, next));
        }
    }
    Ok(())
}

fn chain(name: &str, from: &str, parents: &BTreeMap<&str, &str>) -> String {
    let mut names = vec![from];
    let mut at = from;
    while let Some(parent) = parents.get(at) {
        names.push(parent);
        at = parent;
    }
    names.reverse();
    names.push(name);
    names.join(" -> ")
}
