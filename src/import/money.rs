//! Amounts as files write them: with a currency's sign or code around the number.

use super::values::amount;
use crate::base::{Currency, Decimal};
use crate::message::Reason;

/// What stands around a number and says its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Sign {
    /// One currency: its code, or a sign that no other has.
    Sure(Currency),
    /// A sign that several currencies share: `$`, `kr`, `¥`. Its place in [`SHARED`].
    Shared(usize),
}

/// Signs of one currency, by code.
const SURE: [(&str, &str); 39] = [
    ("€", "EUR"),
    ("£", "GBP"),
    ("US$", "USD"),
    ("CA$", "CAD"),
    ("C$", "CAD"),
    ("A$", "AUD"),
    ("AU$", "AUD"),
    ("NZ$", "NZD"),
    ("HK$", "HKD"),
    ("S$", "SGD"),
    ("R$", "BRL"),
    ("MX$", "MXN"),
    ("₹", "INR"),
    ("Rs.", "INR"),
    ("₩", "KRW"),
    ("₺", "TRY"),
    ("₴", "UAH"),
    ("₪", "ILS"),
    ("₫", "VND"),
    ("฿", "THB"),
    ("zł", "PLN"),
    ("Kč", "CZK"),
    ("Ft", "HUF"),
    ("Fr.", "CHF"),
    ("SFr.", "CHF"),
    ("lei", "RON"),
    ("лв", "BGN"),
    ("₽", "RUB"),
    ("Rs", "INR"),
    ("NT$", "TWD"),
    ("AR$", "ARS"),
    ("RD$", "DOP"),
    ("S/", "PEN"),
    ("RM", "MYR"),
    ("₱", "PHP"),
    ("Rp", "IDR"),
    ("zl", "PLN"),
    ("Kc", "CZK"),
    ("R", "ZAR"),
];

/// Signs that several currencies share; the first is meant unless something tells.
const SHARED: [(&str, &[&str]); 4] = [
    ("$", &["USD", "CAD", "AUD", "NZD", "HKD", "SGD", "MXN", "ARS", "CLP", "COP", "TWD"]),
    ("kr.", &["DKK", "SEK", "NOK", "ISK"]),
    ("kr", &["SEK", "DKK", "NOK", "ISK"]),
    ("¥", &["JPY", "CNY"]),
];

impl Sign {
    /// Whether an amount of that currency may be written with it.
    pub(super) fn may_be(self, currency: Currency) -> bool {
        match self {
            Self::Sure(own) => own == currency,
            Self::Shared(at) => codes(at).contains(&currency.code()),
        }
    }

    /// The currency that is meant, where `near` is the one that is likely.
    pub(super) fn currency(self, near: Option<Currency>) -> Option<Currency> {
        match self {
            Self::Sure(own) => Some(own),
            Self::Shared(at) => {
                near.filter(|near| codes(at).contains(&near.code())).or_else(|| Currency::from_code(codes(at).first()?))
            }
        }
    }
}

fn codes(at: usize) -> &'static [&'static str] {
    SHARED.get(at).map_or(&[], |(_, codes)| codes)
}

/// The number of a cell, and what stands around it. A sign may stand on either side of the number, and on either side of
/// its minus.
pub(super) fn without_sign(cell: &str) -> (String, Option<Sign>) {
    let cell = cell.trim();
    // Most cells are digits.
    if cell.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b',' | b'-')) {
        return (cell.to_owned(), None);
    }
    let cell = cell.replace('\u{2212}', "-");
    let (minus, rest) = match cell.strip_prefix('-') {
        Some(rest) => ("-", rest.trim_start()),
        None => ("", cell.as_str()),
    };
    let Some((rest, sign)) = stripped(rest) else { return (cell, None) };
    let (minus, rest) = match rest.strip_prefix('-') {
        Some(rest) if minus.is_empty() => ("-", rest.trim_start()),
        _ => (minus, rest),
    };
    (format!("{minus}{rest}"), Some(sign))
}

fn stripped(text: &str) -> Option<(&str, Sign)> {
    let start = text.find(|c: char| c.is_ascii_digit() || c == '-')?;
    let (before, rest) = text.split_at_checked(start)?;
    let end = rest.rfind(|c: char| c.is_ascii_digit()).map(|at| at + 1)?;
    let (number, behind) = rest.split_at_checked(end)?;
    match (before.trim(), behind.trim()) {
        ("", "") => None,
        ("", behind) => Some((number, signs(behind)?)),
        (before, "") => Some((number, signs(before)?)),
        // `$25.00 USD`
        (before, behind) => Some((number, both(signs(before)?, signs(behind)?)?)),
    }
}

/// One sign or several that say the same: `USD $`.
fn signs(text: &str) -> Option<Sign> {
    sign(text).or_else(|| {
        let mut all = text.split_whitespace().map(sign);
        let first = all.next()??;
        all.try_fold(first, |known, next| both(known, next?))
    })
}

/// What two signs say together; nothing, where they contradict each other.
fn both(one: Sign, other: Sign) -> Option<Sign> {
    match (one, other) {
        (Sign::Sure(currency), other) if other.may_be(currency) => Some(one),
        (one, Sign::Sure(currency)) if one.may_be(currency) => Some(other),
        (Sign::Shared(_), Sign::Shared(_)) if one == other => Some(one),
        _ => None,
    }
}

fn sign(text: &str) -> Option<Sign> {
    let same = |own: &&str| own.eq_ignore_ascii_case(text) || own.to_lowercase() == text.to_lowercase();
    if let Some((_, code)) = SURE.iter().find(|(own, _)| same(own)) {
        return Currency::from_code(code).map(Sign::Sure);
    }
    if let Some(at) = SHARED.iter().position(|(own, _)| same(own)) {
        return Some(Sign::Shared(at));
    }
    Currency::from_code(&text.to_ascii_uppercase()).filter(|_| text.len() == 3).map(Sign::Sure)
}

/// The currency of a cell that names one, by its code or by a sign of its own.
pub(super) fn currency_of(cell: &str) -> Option<Currency> {
    Currency::from_code(&cell.trim().to_ascii_uppercase()).or_else(|| match sign(cell.trim())? {
        Sign::Sure(currency) => Some(currency),
        Sign::Shared(_) => None,
    })
}

/// An amount and what it says of its currency.
///
/// # Errors
/// As [`amount`].
pub(super) fn money(cell: &str, decimal_comma: bool) -> Result<(Decimal, Option<Sign>), Reason> {
    let (number, sign) = without_sign(cell);
    Ok((amount(&number, decimal_comma)?, sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_stand_anywhere_around_a_number() {
        for (cell, number, code) in [
            ("$25.00", "25.00", "USD"),
            ("-$3.00", "-3.00", "USD"),
            ("$-3.00", "-3.00", "USD"),
            ("$ 3", "3", "USD"),
            ("- $3", "-3", "USD"),
            ("\u{2212}3,50 €", "-3,50", "EUR"),
            ("€20,00", "20,00", "EUR"),
            ("20,00 €", "20,00", "EUR"),
            ("20,00\u{a0}€", "20,00", "EUR"),
            ("EUR 5", "5", "EUR"),
            ("5 eur", "5", "EUR"),
            ("5EUR", "5", "EUR"),
            ("£1,020.00", "1,020.00", "GBP"),
            ("CA$5", "5", "CAD"),
            ("US$ 5", "5", "USD"),
            ("120 kr", "120", "SEK"),
            ("kr. 120", "120", "DKK"),
            ("12,50 zł", "12,50", "PLN"),
            ("R$ 7,90", "7,90", "BRL"),
            ("CHF 5", "5", "CHF"),
            ("¥500", "500", "JPY"),
            ("$25.00 USD", "25.00", "USD"),
            ("$ 25.00 CAD", "25.00", "CAD"),
            ("-$25.00 USD", "-25.00", "USD"),
            ("USD $25.00", "25.00", "USD"),
            ("US$25.00 USD", "25.00", "USD"),
            ("kr 120 DKK", "120", "DKK"),
            ("Rs 500", "500", "INR"),
            ("R 250.00", "250.00", "ZAR"),
            ("NT$ 300", "300", "TWD"),
        ] {
            let (read, sign) = without_sign(cell);
            let sign = sign.and_then(|sign| sign.currency(None)).map(|currency| currency.code().to_owned());
            assert_eq!((read.as_str(), sign.as_deref()), (number, Some(code)), "{cell}");
        }
        for cell in [
            "cheap", "5 apples", "EURO 5", "XXX 5", "5-", "(5)", "$", "", "1e3", "$5 off", "5 $ 6", "$$5", "€5 USD",
            "$5 EUR", "$ € 5",
        ] {
            assert!(money(cell, false).is_err(), "{cell}");
        }
        assert_eq!(money("- 5", false).err(), Some(Reason::WrongType));
    }

    #[test]
    fn a_shared_sign_means_the_likely_currency() {
        let (_, dollars) = without_sign("$5");
        let code = |near: &str| {
            let currency = dollars.and_then(|sign| sign.currency(Currency::from_code(near)));
            currency.map(|currency| currency.code().to_owned())
        };
        assert_eq!([code("CAD"), code("EUR")].map(Option::unwrap), ["CAD", "USD"]);
        let may =
            |near: &str| dollars.is_some_and(|sign| Currency::from_code(near).is_some_and(|near| sign.may_be(near)));
        assert!(may("AUD") && !may("EUR"));
    }
}
