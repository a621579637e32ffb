//! What a cell says: an amount, an instant, a name; exactly, or not at all.

use crate::base::time::{DAY_MS, days_from_civil};
use crate::base::zone::Zone;
use crate::base::{Decimal, Timestamp};
use crate::message::Reason;
use serde::Serialize;

/// Which of two numbers of a date is the day, where the year does not come first.
///
/// ```
/// use regulars::import::{DateOrder, OrdersCsv};
/// let file = OrdersCsv::new(&b"order_id,date,total,email\n"[..]).date_order(DateOrder::MonthFirst);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum DateOrder {
    /// 31/12/2026
    DayFirst,
    /// 12/31/2026
    MonthFirst,
}

impl std::fmt::Display for DateOrder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::DayFirst => "day first",
            Self::MonthFirst => "month first",
        })
    }
}

/// An amount: digits with a decimal point (or comma, where the file writes so). Separators of thousands are read where
/// they cannot be anything else: in front of a decimal mark, or several of them.
///
/// A cell is what a program printed, and programs print what is left of a subtraction as `4.440892e-16`: a small number
/// with an exponent is read, exactly. A large one (`1.23457E+12`) is what a spreadsheet makes of long numbers. It has
/// lost digits and is not an amount, like everything else: [`Reason::WrongType`].
///
/// # Errors
/// `NumberOutOfRange` for what no currency could count in minor units.
pub(super) fn amount(text: &str, decimal_comma: bool) -> Result<Decimal, Reason> {
    // Most cells are written plainly already.
    let is_plain = !decimal_comma && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-'));
    let number = match Some(text).filter(|_| is_plain).and_then(Decimal::parse) {
        Some(number) => number,
        None => {
            let plain = plain_number(text, decimal_comma).ok_or(Reason::WrongType)?;
            Decimal::parse_near(&plain).ok_or(Reason::NumberOutOfRange)?
        }
    };
    // Minor units are at least the number itself, whatever the currency.
    number.to_units(0).map(|_| number).ok_or(Reason::NumberOutOfRange)
}

/// The number as JSON would write it.
fn plain_number(text: &str, decimal_comma: bool) -> Option<String> {
    let (point, thousands) = if decimal_comma { (',', '.') } else { ('.', ',') };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (text, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => {
            let small = exponent.strip_prefix('-').is_some_and(|digits| digits.len() <= 3 && all_digits(digits));
            (mantissa, Some(exponent).filter(|_| small)?)
        }
        None => (text, "0"),
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = match digits.split_once(point) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    let separators = whole.matches(thousands).count();
    let grouped = separators > 1 || (separators == 1 && fraction.is_some());
    if grouped && !is_grouped(whole, thousands) {
        return None;
    }
    let whole = if grouped { whole.replace(thousands, "") } else { whole.to_owned() };
    let good = all_digits(&whole) && fraction.is_none_or(all_digits);
    good.then(|| format!("{sign}{whole}.{}e{exponent}", fraction.unwrap_or("0")))
}

/// `1.23457E+12`: what a spreadsheet makes of a long number. Many customers' ids would look so, and be one person.
pub(super) fn is_rounded_id(text: &str) -> bool {
    text.split_once(['e', 'E']).is_some_and(|(mantissa, exponent)| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        exponent.strip_prefix('+').is_some_and(digits) && digits(&mantissa.replace(['.', ','], ""))
    })
}

/// `1.234` and `12.345.678`, but not `1.23`.
fn is_grouped(whole: &str, mark: char) -> bool {
    let mut groups = whole.split(mark);
    groups.next().is_some_and(|first| (1..=3).contains(&first.len())) && groups.all(|group| group.len() == 3)
}

/// A name: spreadsheets write the integer 17850 as `17850.0`.
pub(super) fn name(text: &str) -> &str {
    match text.split_once('.') {
        Some((whole, zeros))
            if !whole.is_empty()
                && whole.bytes().all(|byte| byte.is_ascii_digit())
                && !zeros.is_empty()
                && zeros.bytes().all(|byte| byte == b'0') =>
        {
            whole
        }
        _ => text,
    }
}

/// The first two numbers of a date that ends with its year, if the text starts with one, and what stands between them.
pub(super) fn unordered(text: &str) -> Option<(char, u32, u32)> {
    let date = text.split([' ', 'T']).next()?;
    let mark = date.chars().find(|c| matches!(c, '/' | '-' | '.'))?;
    let mut parts = date.split(mark);
    let (first, second, year) = (parts.next()?, parts.next()?, parts.next()?);
    let short = |part: &str| (1..=2).contains(&part.len());
    let good = short(first) && short(second) && year.len() == 4 && parts.next().is_none();
    good.then_some(())?;
    Some((mark, first.parse().ok()?, second.parse().ok()?))
}

/// The instant of a cell; `None` for what is ambiguous, impossible or a serial number.
pub(super) fn instant(text: &str, order: Option<DateOrder>, zone: &Zone) -> Option<Timestamp> {
    let (date, time) = match text.find([' ', 'T']) {
        Some(at) => (text.get(..at)?, Some(text.get(at + 1..)?.trim())),
        None => (text, None),
    };
    let day = date_of(date, order)?;
    let (of_day, offset_ms) = match time {
        Some(time) => time_of(time)?,
        None => (0, None),
    };
    let local_ms = day * DAY_MS + of_day;
    match offset_ms {
        Some(offset_ms) => Some(Timestamp::from_millisecond(local_ms - offset_ms)),
        None => zone.instant(local_ms),
    }
}

/// Days since 1970-01-01.
fn date_of(date: &str, order: Option<DateOrder>) -> Option<i64> {
    let mark = date.chars().find(|c| matches!(c, '-' | '/' | '.'))?;
    let parts: Vec<&str> = date.split(mark).collect();
    let [first, second, third] = parts.as_slice() else { return None };
    let number = |part: &str, most: usize| {
        let digits = (1..=most).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if digits { part.parse::<i64>().ok() } else { None }
    };
    if first.len() == 4 {
        return days_from_civil(number(first, 4)?, number(second, 2)?, number(third, 2)?);
    }
    if third.len() != 4 {
        return None;
    }
    let (first, second, year) = (number(first, 2)?, number(second, 2)?, number(third, 4)?);
    // Dots are written behind the day, then behind the month, unless the file or whoever knows it says otherwise.
    let order = if mark == '.' { order.or(Some(DateOrder::DayFirst)) } else { order };
    match order {
        Some(DateOrder::DayFirst) => days_from_civil(year, second, first),
        Some(DateOrder::MonthFirst) => days_from_civil(year, first, second),
        None if first == second || first > 12 => days_from_civil(year, second, first),
        None if second > 12 => days_from_civil(year, first, second),
        None => None,
    }
}

/// Milliseconds of the day, and the offset east of UTC if the text names one.
fn time_of(text: &str) -> Option<(i64, Option<i64>)> {
    let (clock, rest) =
        text.split_at(text.find(|c: char| !(c.is_ascii_digit() || c == ':' || c == '.')).unwrap_or(text.len()));
    let mut rest = rest.trim_start();
    let mut parts = clock.split(':');
    let digits = |part: &str| {
        let good = (1..=2).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
        if good { part.parse::<i64>().ok() } else { None }
    };
    let (hour, minute) = (digits(parts.next()?)?, digits(parts.next()?)?);
    let (second, ms) = match parts.next() {
        None => (0, 0),
        Some(seconds) => match seconds.split_once('.') {
            None => (digits(seconds)?, 0),
            Some((whole, fraction)) => (digits(whole)?, milliseconds(fraction)?),
        },
    };
    if parts.next().is_some() || minute > 59 {
        return None;
    }
    // A leap second is the last millisecond before it, as in messages.
    let (second, ms) = match second {
        60 if (hour, minute) == (23, 59) => (59, 999),
        0..60 => (second, ms),
        _ => return None,
    };
    let half = rest.get(..2).map(str::to_ascii_uppercase);
    let hour = match half.as_deref() {
        Some("AM" | "PM") if !(1..=12).contains(&hour) => return None,
        Some("AM") => hour % 12,
        Some("PM") => hour % 12 + 12,
        _ => hour,
    };
    if matches!(half.as_deref(), Some("AM" | "PM")) {
        rest = rest.get(2..).unwrap_or_default().trim_start();
    }
    if hour > 23 {
        return None;
    }
    Some((((hour * 60 + minute) * 60 + second) * 1000 + ms, offset(rest)?))
}

fn milliseconds(fraction: &str) -> Option<i64> {
    let good = (1..=9).contains(&fraction.len()) && fraction.bytes().all(|byte| byte.is_ascii_digit());
    good.then_some(())?;
    format!("{fraction}00").get(..3)?.parse().ok()
}

/// `Some(None)` for nothing.
fn offset(text: &str) -> Option<Option<i64>> {
    if text.is_empty() {
        return Some(None);
    }
    if matches!(text, "Z" | "z" | "UTC" | "GMT") {
        return Some(Some(0));
    }
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let digits: String = text.get(1..)?.chars().filter(|c| *c != ':').collect();
    if !matches!(digits.len(), 2 | 4) || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) =
        (digits.get(..2)?.parse::<i64>().ok()?, digits.get(2..).and_then(|m| m.parse().ok()).unwrap_or(0));
    (hours < 24 && minutes < 60).then_some(Some(sign * (hours * 60 + minutes) * 60_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, comma: bool) -> Option<String> {
        amount(text, comma).ok().map(|amount| amount.to_string())
    }

    #[test]
    fn amounts_are_exact_or_nothing() {
        for (text, comma, expected) in [
            ("2.55", false, Some("2.55")),
            ("-11062.06", false, Some("-11062.06")),
            ("+7", false, Some("7")),
            ("1,234.50", false, Some("1234.5")),
            ("1234,50", true, Some("1234.5")),
            ("1.234,50", true, Some("1234.5")),
            ("4.440892e-16", false, Some("0.0000000000000004440892")),
            ("4,440892e-16", true, Some("0.0000000000000004440892")),
            ("1e-7", false, Some("0.0000001")),
            ("1,234,567", false, Some("1234567")),
            ("1.234.567", true, Some("1234567")),
            ("1.5E+03", false, None),
            ("1.23457E+12", false, None),
            ("1,23,456", false, None),
            ("1,234,56", false, None),
            ("1,234", false, None),
            ("19,99", false, None),
            ("12,34.5", false, None),
            ("$5", false, None),
            ("5 EUR", false, None),
            ("1e3", false, None),
            (".5", false, None),
            ("5.", false, None),
            ("", false, None),
            ("NaN", false, None),
            ("e-5", false, None),
            ("1e-", false, None),
            ("1.5e-0x1", false, None),
            ("1 234.50", false, None),
            ("--5", false, None),
        ] {
            assert_eq!(read(text, comma).as_deref(), expected, "{text}");
        }
        for large in ["9223372036854775808", "-92233720368547758080", &"9".repeat(60)] {
            assert_eq!(amount(large, false).err(), Some(Reason::NumberOutOfRange), "{large}");
        }
        assert_eq!(amount("5 EUR", false).err(), Some(Reason::WrongType));
        for (text, rounded) in
            [("1.23457E+12", true), ("1,2E+5", true), ("12E5", false), ("1E+", false), ("E+5", false)]
        {
            assert_eq!(is_rounded_id(text), rounded, "{text}");
        }
    }

    #[test]
    fn instants_are_sure_or_nothing() {
        let utc = Zone::default();
        let at = |text: &str, order| instant(text, order, &utc).map(|ts| ts.to_string());
        for (text, expected) in [
            ("2010-12-01 08:26:00", "2010-12-01T08:26:00.000Z"),
            ("2024-01-15 10:30:00 -0500", "2024-01-15T15:30:00.000Z"),
            ("2024-01-15T10:30:00.1234+01:00", "2024-01-15T09:30:00.123Z"),
            ("2024/1/5", "2024-01-05T00:00:00.000Z"),
            ("31.12.2024 9:05", "2024-12-31T09:05:00.000Z"),
            ("05.06.2024", "2024-06-05T00:00:00.000Z"),
            ("31/12/2024", "2024-12-31T00:00:00.000Z"),
            ("12/31/2024 3:04 PM", "2024-12-31T15:04:00.000Z"),
            ("12/31/2024 12:04 am", "2024-12-31T00:04:00.000Z"),
            ("05/05/2024", "2024-05-05T00:00:00.000Z"),
        ] {
            assert_eq!(at(text, None).as_deref(), Some(expected), "{text}");
        }
        assert_eq!(at("05/06/2024", Some(DateOrder::DayFirst)).as_deref(), Some("2024-06-05T00:00:00.000Z"));
        assert_eq!(at("05/06/2024", Some(DateOrder::MonthFirst)).as_deref(), Some("2024-05-06T00:00:00.000Z"));
        for text in [
            "05/06/2024",
            "2024-02-30",
            "45292",
            "45292.5",
            "20240115",
            "1/2/24",
            "2024-01-15 24:00",
            "2024-01-15 10:60",
            "yesterday",
            "2024-13-01",
            "32/01/2024",
            "2024-01-15 10",
            "2024-01-15 13:00 PM",
            "2024-01-15 10:00 XYZ",
        ] {
            assert_eq!(at(text, None), None, "{text}");
        }
    }

    #[test]
    fn an_hour_that_is_missing_or_twice_there_is_no_instant() {
        let zone = Zone::named("Europe/Copenhagen").unwrap();
        let at = |text: &str| instant(text, None, &zone).map(|ts| ts.to_string());
        assert_eq!(at("2026-07-01 12:00").as_deref(), Some("2026-07-01T10:00:00.000Z"));
        assert_eq!((at("2026-03-29 02:30"), at("2026-10-25 02:30")), (None, None));
    }

    #[test]
    fn names_lose_the_decimals_of_spreadsheets_only() {
        assert_eq!(
            ["17850.0", "17850", "1.50", "a.0", ".0", "7."].map(name),
            ["17850", "17850", "1.50", "a.0", ".0", "7."]
        );
    }
}
