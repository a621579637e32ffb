//! Does a rule hold for one person at one instant?

use super::ask::{self, Events, Visit};
use super::condition::{Scope, condition_holds, count_value, trait_paths, trait_value_holds, visit_matching};
use super::orders;
use super::person::Person;
use crate::base::Timestamp;
use crate::error::Result;
use crate::people::entry::{LineView, OrderView};
use crate::people::money::Exchange;
use crate::rule::compare::{Literal, Test, Value};
use crate::rule::node::{EventNode, LineMatch, Node, Rule, Segment, Shop, Universe, Window, is_of_shop};

/// Whether the rule holds for the person by the facts up to `at`, whatever the universe.
pub(crate) fn matches(rule: &Rule, person: &dyn Person, at: Timestamp) -> Result<bool> {
    holds(&rule.0, person, at)
}

/// Whether the person is a member of the segment at `at`: in its universe, and the rule holds.
pub(crate) fn is_member(segment: &Segment, person: &dyn Person, at: Timestamp) -> Result<bool> {
    Ok((segment.universe() == Universe::All || person.is_known()?) && matches(segment.rule(), person, at)?)
}

/// As deep as the rule, which parsing and definition bound.
pub(super) fn holds(node: &Node, person: &dyn Person, at: Timestamp) -> Result<bool> {
    match node {
        Node::And(rules) => any(rules, false, person, at).map(|broken| !broken),
        Node::Or(rules) => any(rules, true, person, at),
        Node::Not(rule) => holds(rule, person, at).map(|held| !held),
        Node::AtLeast(needed, rules) => at_least(*needed, rules, person, at),
        Node::Segment(name) => person.is_member(name, at),
        Node::Trait { path, test } => trait_holds(path, test, person, at),
        Node::Event(event) => ask::holds(&event.ask, &OfPerson { event, person, at }, at),
        Node::Orders(node) => orders::holds(node, person, at),
        Node::Bought { what, shop, window } => some_order(shop, *window, person, at, |lines, exchange| {
            lines.iter().any(|line| line_matches(what, line, exchange))
        }),
        Node::BoughtTogether { first, second, shop, window } => {
            some_order(shop, *window, person, at, |lines, exchange| bought_together(lines, exchange, first, second))
        }
        Node::Consent { topic, answer } => person.consent(topic, at).map(|status| answer.holds(status)),
        Node::Suppressed { channel } => person.is_suppressed(channel, at),
        Node::Has { namespace } => person.count_identifiers(namespace).map(|count| count > 0),
        Node::Identifiers { namespace, test } => {
            person.count_identifiers(namespace).map(|count| test.holds(count_value(count)))
        }
        Node::Anonymous => person.is_known().map(|known| !known),
    }
}

/// Whether any of the rules comes out as `wanted`; later ones are not looked at.
fn any(rules: &[Node], wanted: bool, person: &dyn Person, at: Timestamp) -> Result<bool> {
    for rule in rules {
        if holds(rule, person, at)? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

fn at_least(needed: u32, rules: &[Node], person: &dyn Person, at: Timestamp) -> Result<bool> {
    let mut held = 0;
    for rule in rules {
        if held >= needed {
            break;
        }
        held += u32::from(holds(rule, person, at)?);
    }
    Ok(held >= needed)
}

fn trait_holds(path: &str, test: &Test, person: &dyn Person, at: Timestamp) -> Result<bool> {
    let mut values = Vec::new();
    for (head, tail) in trait_paths(path) {
        values.push((tail, person.trait_value(head, at)?));
    }
    Ok(trait_value_holds(values.iter().map(|(tail, value)| (*tail, value.as_deref())), test))
}

/// The events of one person, read from the person.
struct OfPerson<'a> {
    event: &'a EventNode,
    person: &'a dyn Person,
    at: Timestamp,
}

impl Events for OfPerson<'_> {
    fn visit(&self, window: Option<Window>, path: Option<&str>, visit: &mut Visit<'_>) -> Result<()> {
        visit_matching(self.event, window, self.person, self.at, &mut |seen| {
            visit(seen.ts, path.map_or(Value::Missing, |path| seen.value(path)))
        })
    }

    fn calendar_day(&self, ts: Timestamp) -> i64 {
        self.person.calendar_day(ts)
    }
}

fn some_order(
    shop: &Shop,
    window: Option<Window>,
    person: &dyn Person,
    at: Timestamp,
    wanted: impl Fn(&[LineView], Option<Exchange<'_>>) -> bool,
) -> Result<bool> {
    let (after, to) = Window::bounds(window, at);
    let orders = person.orders(at)?;
    let counts = |order: &&OrderView<'_>| !order.lone_refund && after < order.ts && order.ts <= to;
    for order in orders.iter().filter(counts).filter(|order| is_of_shop(shop, &order.shop)) {
        if wanted(&person.lines(&order.event())?, order.exchange) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn line_matches(what: &LineMatch, line: &LineView, exchange: Option<Exchange<'_>>) -> bool {
    let scope = Scope::line(line, exchange);
    let is = |key: &str, wanted: &Option<Literal>| wanted.as_ref().is_none_or(|wanted| scope.value(key).equals(wanted));
    match what {
        LineMatch::Condition(condition) => condition_holds(condition, scope),
        LineMatch::Product { product, brand, category } => {
            is("product_id", product) && is("brand", brand) && is("category", category)
        }
    }
}

/// Two different lines of the order, one for each.
fn bought_together(lines: &[LineView], exchange: Option<Exchange<'_>>, first: &LineMatch, second: &LineMatch) -> bool {
    let (mut firsts, mut seconds, mut either) = (0u32, 0u32, 0u32);
    for line in lines {
        let (is_first, is_second) = (line_matches(first, line, exchange), line_matches(second, line, exchange));
        firsts += u32::from(is_first);
        seconds += u32::from(is_second);
        either += u32::from(is_first || is_second);
    }
    // One line that is both needs a second line to stand beside it.
    firsts > 0 && seconds > 0 && either > 1
}
