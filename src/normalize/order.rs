//! What a commerce event says about money: exact minor units or unknown, never a guess.

use crate::base::doc::Doc;
use crate::base::wide::WideSum;
use crate::base::{Currency, Decimal, Money};
use crate::fact::order::{Amount, OrderAction};
use crate::fact::props::{Props, currency_of, exact, is_positive, number_text};
use crate::fact::refund;
use crate::fact::topic::Topic;
use crate::message::reason::Flags;
use crate::message::{Flag, Reason};
use std::borrow::Cow;

/// The money of an order event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct OrderMoney {
    pub(crate) amount: Amount,
    pub(crate) discount_minor: Option<i64>,
    pub(crate) lines: u32,
}

/// Minor units, as far as they are said; the flag tells that rounding was needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Units {
    Absent,
    Unreadable,
    Known(i64, bool),
}

/// Reads the amount of an order event.
///
/// # Errors
/// `NumberOutOfRange` for minor units beyond `i64`.
pub(crate) fn read(
    action: OrderAction,
    props: &Props<'_>,
    default_currency: Option<Currency>,
    flags: &mut Flags,
) -> Result<OrderMoney, Reason> {
    let currency = currency_of(props.currency, default_currency);
    let lines = Lines::read(props, currency.map(|currency| currency.decimals()))?;
    lines.note(flags);
    let mut money =
        OrderMoney { amount: Amount::Unknown, discount_minor: None, lines: crate::base::bytes::row32(lines.count) };
    if let Some(currency) = currency {
        let decimals = currency.decimals();
        lines.prices.with(props, Some(decimals))?.note(flags);
        if let Units::Known(minor, _) = field(props.discount, decimals)? {
            money.discount_minor = Some(minor);
        }
        money.amount = match total(props, decimals, &lines)? {
            Units::Known(minor, rounded) => {
                note_rounding(rounded, flags);
                let assumed = action == OrderAction::Refunded && props.currency.is_none();
                let known = if assumed { Amount::Assumed } else { Amount::Known };
                signed(action, minor)?.map_or(Amount::Unknown, |minor| known(Money::new(minor, currency)))
            }
            Units::Absent if action == OrderAction::Refunded => Amount::Whole,
            Units::Unreadable if action == OrderAction::Refunded => leaning(props),
            Units::Absent | Units::Unreadable => Amount::Unknown,
        };
    } else if action == OrderAction::Refunded && says_nothing(props) {
        money.amount = Amount::Whole;
    } else if action == OrderAction::Refunded && props.currency.is_none() {
        money.amount = leaning(props);
    }
    if action == OrderAction::Cancelled {
        money.amount = Amount::Whole;
    }
    if money.amount == Amount::Unknown {
        flags.set(Flag::AmountUnknown);
    }
    Ok(money)
}

/// The amount of a refund that its order, or the catalogue, can tell.
fn leaning(props: &Props<'_>) -> Amount {
    refund::said(props).map_or(Amount::Unknown, |_| Amount::OfOrder)
}

fn note_rounding(rounded: bool, flags: &mut Flags) {
    if rounded {
        flags.set(Flag::AmountRounded);
    }
}

/// A refund that names neither an amount nor lines: the whole order, whatever its currency.
fn says_nothing(props: &Props<'_>) -> bool {
    let amounts = [props.total, props.revenue, props.value, props.subtotal];
    let lines = props.products.is_some_and(|products| products.items().any(Doc::is_object));
    amounts.iter().all(Option::is_none) && !lines
}

/// The amount as it counts: an order's may not be negative, a refund's may be written so.
fn signed(action: OrderAction, minor: i64) -> Result<Option<i64>, Reason> {
    if action == OrderAction::Refunded {
        return minor.checked_abs().map(Some).ok_or(Reason::NumberOutOfRange);
    }
    Ok((minor >= 0).then_some(minor))
}

/// `total`, else `revenue`, else `value`, else `subtotal - discount`, else the lines. A field that is there but cannot
/// be read ends the search: falling through would be a guess.
fn total(props: &Props<'_>, decimals: u8, lines: &Lines) -> Result<Units, Reason> {
    let mut first = Units::Absent;
    for value in [props.total, props.revenue, props.value] {
        let units = field(value, decimals)?;
        if first == Units::Absent {
            first = units;
        }
    }
    let subtotal = field(props.subtotal, decimals)?;
    if first != Units::Absent {
        return Ok(first);
    }
    match (subtotal, props.discount) {
        (Units::Absent, _) => lines.total(props, decimals),
        (subtotal, None) => Ok(subtotal),
        (_, Some(discount)) => {
            let sides = props.subtotal.and_then(exact).zip(exact(discount));
            match sides.and_then(|(subtotal, discount)| subtotal.checked_add(discount.negated())) {
                Some(difference) => rounded(difference, decimals),
                None => {
                    let sides = [(props.subtotal, "1"), (Some(discount), "-1")];
                    let signed = |(value, sign): (Option<_>, &'static str)| {
                        value.and_then(number_text).zip(Some(Cow::Borrowed(sign)))
                    };
                    wide(sides.into_iter().map(signed), decimals)
                }
            }
        }
    }
}

/// What the lines of an event say together.
struct Lines {
    count: usize,
    /// `products` is no list, or holds something that is no object.
    malformed: bool,
    quantities_known: bool,
    prices: Prices,
    /// Price times quantity, summed exactly; `None` where it is not known of every line.
    sum: Option<Decimal>,
}

/// How money could be read.
#[derive(Clone, Copy, Default)]
struct Prices {
    unknown: bool,
    rounded: bool,
}

impl Prices {
    /// The same, and whatever else of the event is money.
    fn with(mut self, props: &Props<'_>, decimals: Option<u8>) -> Result<Self, Reason> {
        props.money().try_for_each(|value| self.read(value, decimals))?;
        Ok(self)
    }

    fn note(self, flags: &mut Flags) {
        if self.unknown {
            flags.set(Flag::AmountUnknown);
        }
        note_rounding(self.rounded, flags);
    }

    /// Holds one amount against the range of its currency, if there is one.
    fn read(&mut self, value: Doc<'_>, decimals: Option<u8>) -> Result<(), Reason> {
        let Some(decimals) = decimals else {
            self.unknown = true;
            return Ok(());
        };
        match field(Some(value), decimals)? {
            Units::Known(_, rounded) => self.rounded |= rounded,
            Units::Absent | Units::Unreadable => self.unknown = true,
        }
        Ok(())
    }
}

impl Lines {
    /// Reads every line once.
    fn read(props: &Props<'_>, decimals: Option<u8>) -> Result<Self, Reason> {
        let prices = Prices::default();
        let mut all = Self { count: 0, malformed: false, quantities_known: true, prices, sum: Some(Decimal::from(0)) };
        let Some(products) = props.products else { return Ok(all) };
        all.malformed = !products.is_list();
        for item in products.items() {
            if !item.is_object() {
                all.malformed = true;
                continue;
            }
            let (price, quantity) = price_and_quantity(item);
            if let Some(price) = price {
                all.prices.read(price, decimals)?;
            }
            all.count += 1;
            all.quantities_known &= quantity.is_none_or(is_positive);
            let count = quantity.map_or(Some(Decimal::from(1)), |count| exact(count).filter(|_| is_positive(count)));
            let amount = price.and_then(exact).zip(count).and_then(|(price, count)| price.checked_mul(count));
            all.sum = all.sum.zip(amount).and_then(|(sum, amount)| sum.checked_add(amount));
        }
        Ok(all)
    }

    fn note(&self, flags: &mut Flags) {
        if self.malformed {
            flags.set(Flag::ProductsMalformed);
        }
        if !self.quantities_known {
            flags.set(Flag::QuantityUnknown);
        }
    }

    /// The sum, rounded once.
    fn total(&self, props: &Props<'_>, decimals: u8) -> Result<Units, Reason> {
        match self.sum {
            _ if self.count == 0 => Ok(Units::Absent),
            None => unsummed(props, decimals),
            Some(sum) => rounded(sum, decimals),
        }
    }
}

/// Lines that have no sum of 38 digits: one of them is unknown, or they have more.
fn unsummed(props: &Props<'_>, decimals: u8) -> Result<Units, Reason> {
    let lines = props.products.into_iter().flat_map(Doc::items).filter(|line| line.is_object());
    let factors = lines.map(|line| {
        let (price, quantity) = price_and_quantity(line);
        let quantity =
            quantity.map_or(Some(Cow::Borrowed("1")), |count| number_text(count).filter(|_| is_positive(count)));
        price.and_then(number_text).zip(quantity)
    });
    wide(factors, decimals)
}

/// The sum of products of numbers, if all of them are known.
fn wide<'a>(
    products: impl Iterator<Item = Option<(Cow<'a, str>, Cow<'a, str>)>>,
    decimals: u8,
) -> Result<Units, Reason> {
    let mut sum = WideSum::new();
    for product in products {
        let Some((one, other)) = product else { return Ok(Units::Unreadable) };
        sum.add(&one, &other).ok_or(Reason::NumberOutOfRange)?;
    }
    let (minor, rounded) = sum.to_units(decimals).ok_or(Reason::NumberOutOfRange)?;
    Ok(Units::Known(minor, rounded))
}

fn rounded(exact: Decimal, decimals: u8) -> Result<Units, Reason> {
    exact.to_units(decimals).map(|(minor, rounded)| Units::Known(minor, rounded)).ok_or(Reason::NumberOutOfRange)
}

/// Reads an event that is about no order: flags products that are no list or no objects, quantities that are not
/// decimals above 0, and the money of commerce events that cannot be read as it stands. What other events call a
/// price or a value is theirs.
///
/// # Errors
/// `NumberOutOfRange` for minor units beyond `i64`.
pub(crate) fn check(
    event: &str,
    props: &Props<'_>,
    default_currency: Option<Currency>,
    flags: &mut Flags,
) -> Result<(), Reason> {
    let topic = Topic::of(event).filter(|topic| *topic != Topic::Campaign);
    if topic == Some(Topic::Product) && !props.quantity.is_none_or(is_positive) {
        flags.set(Flag::QuantityUnknown);
    }
    let currency = topic.and_then(|_| currency_of(props.currency, default_currency));
    let decimals = currency.map(|currency| currency.decimals());
    let lines = Lines::read(props, decimals)?;
    lines.note(flags);
    if topic.is_some() {
        lines.prices.with(props, decimals)?.note(flags);
    }
    Ok(())
}

fn price_and_quantity(line: Doc<'_>) -> (Option<Doc<'_>>, Option<Doc<'_>>) {
    let (mut price, mut quantity) = (None, None);
    for (key, value) in line.members() {
        match key {
            b"price" => price = Some(value),
            b"quantity" => quantity = Some(value),
            _ => {}
        }
    }
    let present = |value: Option<Doc<'_>>| value.is_some_and(|value| !value.is_absent());
    (price.filter(|_| present(price)), quantity.filter(|_| present(quantity)))
}

/// One money field in minor units.
fn field(value: Option<Doc<'_>>, decimals: u8) -> Result<Units, Reason> {
    let Some(value) = value else { return Ok(Units::Absent) };
    if let Some((digits, scale)) = value.as_fixed() {
        return rounded(Decimal::new(i128::from(digits), scale), decimals);
    }
    let Some(text) = number_text(value) else { return Ok(Units::Unreadable) };
    let (minor, rounded) = units(&text, decimals).ok_or(Reason::NumberOutOfRange)?;
    Ok(Units::Known(minor, rounded))
}

/// The number in units of `10^-decimals`, half to even, for any count of digits; `None` beyond `i64`.
fn units(text: &str, decimals: u8) -> Option<(i64, bool)> {
    if let Some(exact) = Decimal::parse(text) {
        return exact.to_units(decimals);
    }
    let mut sum = WideSum::new();
    sum.add(text, "1")?;
    sum.to_units(decimals)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_count_of_digits_is_rounded_half_to_even() {
        for (text, minor, was_rounded) in [
            ("19.90", 1990, false),
            ("0.125", 12, true),
            ("0.135", 14, true),
            ("0.1250000000000000000000000000000000000000000000000001", 13, true),
            ("-0.125", -12, true),
            ("1e-2", 1, false),
            ("5e-3", 0, true),
            ("15e-3", 2, true),
            ("6e-3", 1, true),
            ("6e-4", 0, true),
            ("1e-99999999999999999999999", 0, true),
            ("1.5E+2", 15_000, false),
            ("0e999999", 0, false),
            ("92233720368547758.07", i64::MAX, false),
        ] {
            assert_eq!(units(text, 2), Some((minor, was_rounded)), "{text}");
        }
        assert_eq!(units("92233720368547758.08", 2), None);
        assert_eq!(units("1e300", 0), None);
        assert_eq!(units("1e99999999999999999999", 0), None);
    }
}
