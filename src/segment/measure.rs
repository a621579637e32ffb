//! What events add up to: counts, days, sums, extremes, and the property of the nth.

use super::condition::{count_value, visit_matching};
use super::person::{EventRef, Person};
use crate::base::name::nfc;
use crate::base::{Decimal, Timestamp};
use crate::error::Result;
use crate::rule::compare::{Test, Value, name};
use crate::rule::node::{EventNode, Measure, Window};
use std::collections::HashSet;
use std::ops::ControlFlow::{self, Break, Continue};

/// The events that a measure is taken of.
#[derive(Clone, Copy)]
struct Events<'a> {
    event: &'a EventNode,
    window: Option<Window>,
    person: &'a dyn Person,
    at: Timestamp,
}

impl Events<'_> {
    fn visit(self, visit: &mut dyn FnMut(EventRef<'_>) -> ControlFlow<()>) -> Result<()> {
        visit_matching(self.event, self.window, self.person, self.at, visit)
    }
}

/// Whether the measure of the events passes the test.
pub(super) fn holds(
    event: &EventNode,
    measure: &Measure,
    window: Option<Window>,
    test: &Test,
    person: &dyn Person,
    at: Timestamp,
) -> Result<bool> {
    let events = Events { event, window, person, at };
    match measure {
        Measure::Count => count(events, test),
        Measure::Days => days(events).map(|days| test.holds(count_value(days))),
        Measure::Sum(path) => total(events, path).map(|total| test.holds(total.sum())),
        Measure::Average(path) => total(events, path).map(|total| test.holds(total.average())),
        Measure::Min(path) => extreme(events, path, Decimal::min).map(|least| test.holds(least)),
        Measure::Max(path) => extreme(events, path, Decimal::max).map(|most| test.holds(most)),
        Measure::Distinct(path) => distinct(events, path).map(|count| test.holds(count_value(count))),
        Measure::First(path) => nth(events, 1, path, test),
        Measure::Nth(nth, path) => self::nth(events, *nth, path, test),
        Measure::Last(path) => last(events, path, test),
    }
}

fn count(events: Events<'_>, test: &Test) -> Result<bool> {
    // Above the largest number that the test names, one count is like another.
    let largest = test.largest_number().and_then(|number| number.to_units(0)).map(|(units, _)| units);
    let enough =
        largest.and_then(|largest| usize::try_from(largest.max(0)).ok()).map_or(usize::MAX, |n| n.saturating_add(2));
    let mut count = 0;
    events.visit(&mut |_| {
        count += 1;
        if count >= enough { Break(()) } else { Continue(()) }
    })?;
    Ok(test.holds(count_value(count)))
}

fn days(events: Events<'_>) -> Result<usize> {
    let mut days = HashSet::new();
    events.visit(&mut |event| {
        days.insert(events.person.calendar_day(event.ts));
        Continue(())
    })?;
    Ok(days.len())
}

/// The sum and number of those values that are numbers.
#[derive(Default)]
struct Total {
    /// `None` once it left 38 digits: no wrong sum, but a missing one.
    overflown: bool,
    sum: Option<Decimal>,
    count: i64,
}

impl Total {
    fn sum(&self) -> Value<'static> {
        if self.overflown { Value::Missing } else { Value::Number(self.sum.unwrap_or(Decimal::from(0))) }
    }

    fn average(&self) -> Value<'static> {
        match self.sum {
            Some(sum) if !self.overflown => Value::Ratio(sum, Decimal::from(self.count)),
            _ => Value::Missing,
        }
    }
}

fn total(events: Events<'_>, path: &str) -> Result<Total> {
    let mut total = Total::default();
    events.visit(&mut |event| {
        if let Some(number) = event.value(path).as_decimal() {
            total.count += 1;
            total.sum = match total.sum {
                None => Some(number),
                Some(sum) => sum.checked_add(number),
            };
            total.overflown = total.sum.is_none();
        }
        if total.overflown { Break(()) } else { Continue(()) }
    })?;
    Ok(total)
}

fn extreme(events: Events<'_>, path: &str, better: fn(Decimal, Decimal) -> Decimal) -> Result<Value<'static>> {
    let mut best: Option<Decimal> = None;
    events.visit(&mut |event| {
        if let Some(number) = event.value(path).as_decimal() {
            best = Some(best.map_or(number, |best| better(best, number)));
        }
        Continue(())
    })?;
    Ok(best.map_or(Value::Missing, Value::Number))
}

fn distinct(events: Events<'_>, path: &str) -> Result<usize> {
    let mut seen = HashSet::new();
    events.visit(&mut |event| {
        seen.extend(identity(event.value(path)));
        Continue(())
    })?;
    Ok(seen.len())
}

/// Bytes that are equal exactly where two values are: 1 is 1.0, but not "1".
fn identity(value: Value<'_>) -> Option<Vec<u8>> {
    if let Some(number) = value.as_decimal() {
        return Some([b"n", number.to_string().as_bytes()].concat());
    }
    let (doc, text) = match value {
        Value::Doc(doc) => (doc, doc.as_str()),
        Value::Name(doc) => (doc, name(doc)),
        _ => return None,
    };
    Some(match text {
        Some(text) => [b"s", nfc(&text).as_bytes()].concat(),
        None => [b"v", doc.bytes()].concat(),
    })
}

fn nth(events: Events<'_>, nth: u32, path: &str, test: &Test) -> Result<bool> {
    let (mut left, mut held) = (nth, None);
    events.visit(&mut |event| {
        left = left.saturating_sub(1);
        if left > 0 {
            return Continue(());
        }
        held = Some(test.holds(event.value(path)));
        Break(())
    })?;
    Ok(held.unwrap_or_else(|| test.holds(Value::Missing)))
}

fn last(events: Events<'_>, path: &str, test: &Test) -> Result<bool> {
    let mut held = None;
    events.visit(&mut |event| {
        held = Some(test.holds(event.value(path)));
        Continue(())
    })?;
    Ok(held.unwrap_or_else(|| test.holds(Value::Missing)))
}
