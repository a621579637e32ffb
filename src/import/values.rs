//! What a cell says: a number, a name, an address; exactly, or not at all.

use crate::base::Decimal;
use crate::message::Reason;

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

/// What stands between thousands beside points and commas.
const SEPARATORS: [char; 6] = [' ', '\u{a0}', '\u{202f}', '\u{2009}', '\'', '\u{2019}'];

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
    // A blank or an apostrophe between digits can be nothing but a separator.
    let other = whole.chars().find(|c| SEPARATORS.contains(c));
    let separators = whole.matches(thousands).count();
    let grouped = other.is_some() || separators > 1 || (separators == 1 && fraction.is_some());
    let mark = other.unwrap_or(thousands);
    if grouped && !is_grouped(whole, mark) {
        return None;
    }
    let whole = if grouped { whole.replace(mark, "") } else { whole.to_owned() };
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

/// An e-mail address as cells hold it: `Ann <ann@example.com>`, `mailto:ann@example.com`, `<ann@example.com>`.
pub(super) fn address(text: &str) -> &str {
    let inner = match (text.rfind('<'), text.strip_suffix('>')) {
        (Some(open), Some(body)) => body.get(open + 1..).unwrap_or(text),
        _ => text,
    };
    let inner = inner.trim();
    let scheme = inner.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("mailto:"));
    let bare = if scheme { inner.get(7..).unwrap_or(inner) } else { inner };
    // What a link asks for beside the address: `?subject=Hello`.
    let bare = if scheme { bare.split('?').next().unwrap_or(bare) } else { bare };
    bare.trim()
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
            ("1 234.50", false, Some("1234.5")),
            ("1\u{202f}234,50", true, Some("1234.5")),
            ("1'234.50", false, Some("1234.5")),
            ("12 345 678", false, Some("12345678")),
            ("12 34", false, None),
            ("1 234 5", false, None),
            ("5 ", false, None),
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
    fn addresses_lose_what_stands_around_them() {
        for text in [
            "ann@example.com",
            "Ann <ann@example.com>",
            "\"Ann, of Aarhus\" <ann@example.com>",
            "<ann@example.com>",
            "mailto:ann@example.com",
            "MAILTO:ann@example.com?subject=Hi",
            "Ann <mailto:ann@example.com>",
        ] {
            assert_eq!(address(text), "ann@example.com", "{text}");
        }
        assert_eq!(["ann", "a > b", "<>", "ann@example"].map(address), ["ann", "a > b", "", "ann@example"]);
    }

    #[test]
    fn names_lose_the_decimals_of_spreadsheets_only() {
        assert_eq!(
            ["17850.0", "17850", "1.50", "a.0", ".0", "7."].map(name),
            ["17850", "17850", "1.50", "a.0", ".0", "7."]
        );
    }
}
