//! The conditions of events and lines, and what they and every measure of events stand on.

use super::person::Person;
use crate::base::doc::Doc;
use crate::base::{Decimal, Timestamp};
use crate::error::Result;
use crate::people::entry::{EventRef, LineView};
use crate::people::money::{self, Exchange, Inside};
use crate::rule::compare::{Test, Value};
use crate::rule::node::{Condition, EventNode, Quantifier, Window, is_of_shop};
use std::ops::ControlFlow;

pub(super) fn count_value(count: usize) -> Value<'static> {
    Value::Number(Decimal::from(i64::try_from(count).unwrap_or(i64::MAX)))
}

/// A trait whose own name holds the dot wins; else each dot is tried as the border between trait and path.
pub(super) fn trait_value_holds<'v>(
    heads: impl Iterator<Item = (Option<&'v str>, Option<&'v [u8]>)>,
    test: &Test,
) -> bool {
    for (tail, value) in heads {
        let Some(bytes) = value else { continue };
        let whole = Doc::new(bytes);
        let value = Value::of(tail.map_or(Some(whole), |tail| whole.path(tail)));
        if !matches!(value, Value::Missing) {
            return test.holds(value);
        }
    }
    test.holds(Value::Missing)
}

/// The top-level traits that a dotted path may start in, each with the path inside.
pub(super) fn trait_paths(path: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    let split = |(dot, _): (usize, &str)| {
        let (head, tail) = path.split_at_checked(dot)?;
        Some((head, tail.get(1..)))
    };
    // A path is a few names long; the bound keeps a hostile one from asking for thousands of traits.
    std::iter::once((path, None)).chain(path.match_indices('.').take(32).filter_map(split))
}

/// Visits the person's events of the rule's name, in the window, that pass the filter.
pub(super) fn visit_matching(
    event: &EventNode,
    window: Option<Window>,
    person: &dyn Person,
    at: Timestamp,
    visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>,
) -> Result<()> {
    let (after, to) = Window::bounds(window, at);
    if after >= to {
        return Ok(());
    }
    person.visit_events(&event.name, after, to, &mut |seen| {
        let passes = is_of_shop(&event.shop, seen.shop) && passes(event.filter.as_ref(), &seen, person)?;
        Ok(if passes { visit(seen) } else { ControlFlow::Continue(()) })
    })
}

/// Whether an event passes a filter.
pub(super) fn passes(filter: Option<&Condition>, seen: &EventRef<'_>, person: &dyn Person) -> Result<bool> {
    let Some(filter) = filter else { return Ok(true) };
    let lines = if filter.reads_lines() { person.lines(seen)? } else { Vec::new() };
    let EventRef { properties: object, exchange, .. } = *seen;
    Ok(condition_holds(filter, Scope { object, inside: Inside::Event, lines: &lines, exchange }))
}

/// What a condition looks at: an event, an order or a product line.
#[derive(Clone, Copy)]
pub(super) struct Scope<'a> {
    /// The properties, or the line.
    object: Doc<'a>,
    inside: Inside,
    /// The product lines of an event; lines do not nest.
    lines: &'a [LineView],
    exchange: Option<Exchange<'a>>,
}

impl<'a> Scope<'a> {
    /// One of the lines of an event.
    pub(super) fn line(line: &'a LineView, exchange: Option<Exchange<'a>>) -> Self {
        let inside = Inside::Line { listed: line.price_listed };
        Self { object: Doc::new(&line.bytes), inside, lines: &[], exchange }
    }

    pub(super) fn value(self, path: &str) -> Value<'a> {
        money::value(self.object, path, self.inside, self.exchange)
    }
}

/// As deep as the condition, which parsing and definition bound.
pub(super) fn condition_holds(condition: &Condition, scope: Scope<'_>) -> bool {
    match condition {
        Condition::And(inner) => inner.iter().all(|one| condition_holds(one, scope)),
        Condition::Or(inner) => inner.iter().any(|one| condition_holds(one, scope)),
        Condition::Not(inner) => !condition_holds(inner, scope),
        Condition::Property { path, test } => test.holds(scope.value(path)),
        Condition::Line(quantifier, inner) => quantified(*quantifier, inner, scope),
    }
}

fn quantified(quantifier: Quantifier, inner: &Condition, scope: Scope<'_>) -> bool {
    let mut lines = scope.lines.iter();
    let mut test = |line| condition_holds(inner, Scope::line(line, scope.exchange));
    match quantifier {
        Quantifier::Any => lines.any(test),
        Quantifier::None => !lines.any(test),
        // Of no lines nothing positive is true: an order without lines is not one "of brand A only".
        Quantifier::All => lines.next().is_some_and(&mut test) && lines.all(test),
    }
}
