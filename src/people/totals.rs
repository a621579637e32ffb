//! What orders add up to, net of refunds unless the measure says gross.

use super::entry::OrderView;
use crate::base::time::DAY_MS;
use crate::base::{Decimal, Timestamp};
use crate::rule::compare::Value;
use crate::rule::node::OrderMeasure;

/// Sums in minor units: a person's orders would have to number 2^64 to overflow them.
#[derive(Clone, Default)]
pub(crate) struct Totals {
    count: usize,
    /// Orders whose amount is known: only they enter amounts, averages and shares.
    priced: usize,
    gross: i128,
    refunded: i128,
    /// Of that, refunds that name an order nobody knows: they lower the person's net, not the average order's.
    refunded_alone: i128,
    discount: i128,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Totals {
    pub(crate) fn add(&mut self, order: &OrderView<'_>) {
        if order.lone_refund {
            self.refunded += i128::from(order.refunded_minor);
            self.refunded_alone += i128::from(order.refunded_minor);
            return;
        }
        self.count += 1;
        self.first = Some(self.first.map_or(order.ts, |first| first.min(order.ts)));
        self.last = Some(self.last.map_or(order.ts, |last| last.max(order.ts)));
        if let Some(gross) = order.gross_minor {
            self.priced += 1;
            self.gross += i128::from(gross);
            self.refunded += i128::from(order.refunded_minor);
            self.discount += i128::from(order.discount_minor.unwrap_or(0));
        }
    }

    pub(crate) fn measure(&self, measure: OrderMeasure, at: Timestamp, decimals: u8) -> Value<'static> {
        let net = self.gross - self.refunded;
        let per_order = |minor: i128| match self.priced {
            0 => Value::Missing,
            priced => ratio(Decimal::new(minor, decimals), integer(priced)),
        };
        let share = |part: i128, whole: i128| {
            if whole > 0 { ratio(Decimal::new(part, 0), Decimal::new(whole, 0)) } else { Value::Missing }
        };
        let moment = |ts: Option<Timestamp>| ts.map_or(Value::Missing, Value::Instant);
        let days_since = |ts: Option<Timestamp>| ts.map_or(Value::Missing, |ts| days_since(ts, at));
        match measure {
            OrderMeasure::Count => Value::Number(integer(self.count)),
            OrderMeasure::Net => Value::Number(Decimal::new(net, decimals)),
            OrderMeasure::Gross => Value::Number(Decimal::new(self.gross, decimals)),
            OrderMeasure::Average => per_order(net + self.refunded_alone),
            OrderMeasure::AverageGross => per_order(self.gross),
            OrderMeasure::FirstAt => moment(self.first),
            OrderMeasure::LastAt => moment(self.last),
            OrderMeasure::DaysSinceFirst => days_since(self.first),
            OrderMeasure::DaysSinceLast => days_since(self.last),
            OrderMeasure::AverageDaysBetween => self.average_days_between(),
            OrderMeasure::DiscountShare => share(self.discount, net + self.discount),
            OrderMeasure::RefundShare => share(self.refunded, self.gross),
        }
    }

    fn average_days_between(&self) -> Value<'static> {
        let (Some(first), Some(last)) = (self.first, self.last) else { return Value::Missing };
        if self.count < 2 {
            return Value::Missing;
        }
        let gaps = Decimal::from(DAY_MS).checked_mul(integer(self.count - 1));
        let between = i128::from(last.as_millisecond()) - i128::from(first.as_millisecond());
        gaps.map_or(Value::Missing, |gaps| ratio(Decimal::new(between, 0), gaps))
    }
}

fn ratio(numerator: Decimal, denominator: Decimal) -> Value<'static> {
    Value::Ratio(numerator, denominator)
}

fn integer(count: usize) -> Decimal {
    Decimal::from(i64::try_from(count).unwrap_or(i64::MAX))
}

fn days_since(ts: Timestamp, at: Timestamp) -> Value<'static> {
    Value::Number(Decimal::from(at.as_millisecond().saturating_sub(ts.as_millisecond()).div_euclid(DAY_MS)))
}
