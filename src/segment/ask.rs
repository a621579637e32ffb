//! What is asked of somebody's events of one name: counts, days, sums, extremes, the property of the nth, and how they lie in
//! time. Whoever reads them, person by person or in columns, is asked the same.

use super::condition::count_value;
use crate::base::name::nfc;
use crate::base::{Decimal, Span, Timestamp};
use crate::error::Result;
use crate::rule::compare::{Test, Value, name};
use crate::rule::node::{Ask, Measure, Window};
use std::collections::HashSet;
use std::ops::ControlFlow::{self, Break, Continue};

/// Takes the time of an event, and the value at the path that was asked for.
pub(super) type Visit<'v> = dyn FnMut(Timestamp, Value<'_>) -> ControlFlow<()> + 'v;

/// One person's events of a name that pass a filter.
pub(super) trait Events {
    /// Visits those in the window by time, with the value at a path of their properties, until the visitor breaks.
    fn visit(&self, window: Option<Window>, path: Option<&str>, visit: &mut Visit<'_>) -> Result<()>;

    /// The calendar day of an instant in the store's zone, as any number that differs from day to day.
    fn calendar_day(&self, ts: Timestamp) -> i64;
}

/// Whether what is asked is true of the events, by those up to `at`.
pub(super) fn holds(ask: &Ask, events: &dyn Events, at: Timestamp) -> Result<bool> {
    match ask {
        Ask::Did(window) => did(events, *window),
        Ask::Measure(measure, window, test) => measured(events, measure, *window, test),
        Ask::FirstTimeIn(window) => {
            let (after, to) = Window::bounds(Some(*window), at);
            let mut first = None;
            events.visit(None, None, &mut |ts, _| {
                first = Some(ts);
                Break(())
            })?;
            Ok(first.is_some_and(|first| after < first && first <= to))
        }
        Ask::Stopped(long, short) => {
            Ok(did(events, Some(Window::Ago(*long, *short)))? && !did(events, Some(Window::Last(*short)))?)
        }
        Ask::Restarted { gap, window } => restarted(events, *gap, *window, at),
        Ask::Regularly { period, needed, periods } => regularly(events, *period, *needed, *periods, at),
    }
}

fn did(events: &dyn Events, window: Option<Window>) -> Result<bool> {
    let mut found = false;
    events.visit(window, None, &mut |_, _| {
        found = true;
        Break(())
    })?;
    Ok(found)
}

/// The event before the first of the window is at least `gap` older than it.
fn restarted(events: &dyn Events, gap: Span, window: Span, at: Timestamp) -> Result<bool> {
    let (start, _) = Window::bounds(Some(Window::Last(window)), at);
    let (mut before, mut first) = (None, None);
    events.visit(None, None, &mut |ts, _| {
        if ts > start {
            first = Some(ts);
            return Break(());
        }
        before = Some(ts);
        Continue(())
    })?;
    let silence = |first: Timestamp, before: Timestamp| {
        first.as_millisecond().saturating_sub(before.as_millisecond()) >= gap.as_millisecond()
    };
    Ok(first.zip(before).is_some_and(|(first, before)| silence(first, before)))
}

fn regularly(events: &dyn Events, period: Span, needed: u32, periods: u32, at: Timestamp) -> Result<bool> {
    let whole = Span::from_millisecond(period.as_millisecond().saturating_mul(i64::from(periods)));
    let (mut hit, mut current) = (0, None);
    events.visit(Some(Window::Last(whole)), None, &mut |ts, _| {
        // Events come in the order of time, so a period is over for good when the next one starts.
        let age = at.as_millisecond().saturating_sub(ts.as_millisecond());
        let period = age.div_euclid(period.as_millisecond().max(1));
        if current != Some(period) {
            hit += 1;
            current = Some(period);
        }
        if hit >= needed { Break(()) } else { Continue(()) }
    })?;
    Ok(hit >= needed)
}

/// Whether a measure of the events passes the test.
fn measured(events: &dyn Events, measure: &Measure, window: Option<Window>, test: &Test) -> Result<bool> {
    let events = Within { events, window };
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

/// The events that a measure is taken of.
#[derive(Clone, Copy)]
struct Within<'a> {
    events: &'a dyn Events,
    window: Option<Window>,
}

impl Within<'_> {
    fn visit(self, path: Option<&str>, visit: &mut Visit<'_>) -> Result<()> {
        self.events.visit(self.window, path, visit)
    }
}

fn count(events: Within<'_>, test: &Test) -> Result<bool> {
    // Above the largest number that the test names, one count is like another.
    let largest = test.largest_number().and_then(|number| number.to_units(0)).map(|(units, _)| units);
    let enough =
        largest.and_then(|largest| usize::try_from(largest.max(0)).ok()).map_or(usize::MAX, |n| n.saturating_add(2));
    let mut count = 0;
    events.visit(None, &mut |_, _| {
        count += 1;
        if count >= enough { Break(()) } else { Continue(()) }
    })?;
    Ok(test.holds(count_value(count)))
}

fn days(events: Within<'_>) -> Result<usize> {
    let mut days = HashSet::new();
    events.visit(None, &mut |ts, _| {
        days.insert(events.events.calendar_day(ts));
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

fn total(events: Within<'_>, path: &str) -> Result<Total> {
    let mut total = Total::default();
    events.visit(Some(path), &mut |_, value| {
        if let Some(number) = value.as_decimal() {
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

fn extreme(events: Within<'_>, path: &str, better: fn(Decimal, Decimal) -> Decimal) -> Result<Value<'static>> {
    let mut best: Option<Decimal> = None;
    events.visit(Some(path), &mut |_, value| {
        if let Some(number) = value.as_decimal() {
            best = Some(best.map_or(number, |best| better(best, number)));
        }
        Continue(())
    })?;
    Ok(best.map_or(Value::Missing, Value::Number))
}

fn distinct(events: Within<'_>, path: &str) -> Result<usize> {
    let mut seen = HashSet::new();
    events.visit(Some(path), &mut |_, value| {
        seen.extend(identity(value));
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

fn nth(events: Within<'_>, nth: u32, path: &str, test: &Test) -> Result<bool> {
    let (mut left, mut held) = (nth, None);
    events.visit(Some(path), &mut |_, value| {
        left = left.saturating_sub(1);
        if left > 0 {
            return Continue(());
        }
        held = Some(test.holds(value));
        Break(())
    })?;
    Ok(held.unwrap_or_else(|| test.holds(Value::Missing)))
}

fn last(events: Within<'_>, path: &str, test: &Test) -> Result<bool> {
    let mut held = None;
    events.visit(Some(path), &mut |_, value| {
        held = Some(test.holds(value));
        Continue(())
    })?;
    Ok(held.unwrap_or_else(|| test.holds(Value::Missing)))
}
