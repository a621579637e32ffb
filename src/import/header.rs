//! What the first line calls a column: headers compare without case, blanks, punctuation, accents, a required mark and
//! brackets that hold a unit or a format.

use super::zones::{Place, place};
use crate::base::Currency;
use unicode_normalization::UnicodeNormalization;

/// One header of a file.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) text: String,
    /// How it may be spelled in a table of headers, the fullest first.
    pub(super) names: Vec<String>,
    /// The zone that it says its times are in, as in `Created (UTC)`.
    pub(super) zone: Option<Place>,
    /// The currency that it says its amounts are in, as in `Total (EUR)`.
    pub(super) currency: Option<Currency>,
}

/// Currencies that headers end with: `total_eur`. Of three letters behind a name most are none.
const COMMON_CURRENCIES: [&str; 18] = [
    "EUR", "USD", "GBP", "CHF", "DKK", "SEK", "NOK", "PLN", "CZK", "HUF", "CAD", "AUD", "NZD", "JPY", "BRL", "MXN",
    "INR", "ZAR",
];

impl Header {
    pub(super) fn new(text: &str) -> Self {
        let full = folded(text);
        let (bare, brackets) = without_units(text);
        let mut header = Self { text: text.to_owned(), names: vec![full], zone: None, currency: None };
        for said in &brackets {
            header.zone = header.zone.take().or_else(|| zone_of(said));
            header.currency = header.currency.or_else(|| currency_of(said));
        }
        header.call(folded(&bare));
        if let Some((rest, last)) = bare.trim().rsplit_once(|c: char| !c.is_alphanumeric()) {
            let code = last.to_uppercase();
            if COMMON_CURRENCIES.contains(&code.as_str()) {
                header.currency = header.currency.or_else(|| Currency::from_code(&code));
                header.call(folded(rest));
            } else if matches!(code.as_str(), "UTC" | "GMT") {
                header.zone = header.zone.take().or_else(|| zone_of(last));
                header.call(folded(rest));
            }
        }
        header
    }

    fn call(&mut self, name: String) {
        if !name.is_empty() && !self.names.contains(&name) {
            self.names.push(name);
        }
    }

    /// The fullest of its names.
    pub(super) fn full(&self) -> &str {
        self.names.first().map_or("", String::as_str)
    }

    pub(super) fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|own| own == name)
    }
}

fn zone_of(text: &str) -> Option<Place> {
    place(text)
}

fn currency_of(text: &str) -> Option<Currency> {
    Currency::from_code(&text.trim().to_uppercase()).or(match text.trim() {
        "€" => Currency::from_code("EUR"),
        "£" => Currency::from_code("GBP"),
        _ => None,
    })
}

/// Letters and digits, small and without accents: `Order ID`, `order_id` and `OrderId` are one header.
pub(super) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.nfkd().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase) {
        match c {
            'ß' => out.push_str("ss"),
            'æ' => out.push_str("ae"),
            'œ' => out.push_str("oe"),
            'ø' => out.push('o'),
            'ł' => out.push('l'),
            'ı' => out.push('i'),
            'đ' => out.push('d'),
            other => out.push(other),
        }
    }
    out
}

/// The header without the brackets that hold a unit or a format, and what those hold.
fn without_units(text: &str) -> (String, Vec<String>) {
    let (mut bare, mut units) = (String::new(), Vec::new());
    let mut rest = text;
    while let Some(open) = rest.find(['(', '[', '{', '<']) {
        let close = match rest.get(open..).and_then(|tail| tail.chars().next()) {
            Some('(') => ')',
            Some('[') => ']',
            Some('{') => '}',
            _ => '>',
        };
        let Some((before, tail)) = rest.split_at_checked(open) else { break };
        let Some(end) = tail.find(close) else { break };
        let inner = tail.get(1..end).unwrap_or_default();
        bare.push_str(before);
        if is_unit(inner) {
            units.push(inner.to_owned());
            bare.push(' ');
        } else {
            bare.push_str(tail.get(..end + close.len_utf8()).unwrap_or_default());
        }
        rest = tail.get(end + close.len_utf8()..).unwrap_or_default();
    }
    bare.push_str(rest);
    (bare, units)
}

/// Words that say how a cell is written, not what it is.
const UNIT_WORDS: [&str; 52] = [
    "yes",
    "no",
    "true",
    "false",
    "ja",
    "nein",
    "oui",
    "non",
    "si",
    "required",
    "optional",
    "mandatory",
    "pflichtfeld",
    "pflicht",
    "obligatoire",
    "facultatif",
    "obligatorio",
    "opcional",
    "verplicht",
    "obbligatorio",
    "kg",
    "g",
    "lb",
    "lbs",
    "oz",
    "cm",
    "mm",
    "m",
    "in",
    "l",
    "ml",
    "pcs",
    "stk",
    "st",
    "iso",
    "unix",
    "text",
    "number",
    "numeric",
    "decimal",
    "string",
    "date",
    "datetime",
    "boolean",
    "bool",
    "integer",
    "int",
    "json",
    "list",
    "csv",
    "local",
    "or",
];

/// Whether brackets hold a unit, a format, a zone or a list of what the cells may be, rather than a part of the name.
fn is_unit(inner: &str) -> bool {
    let inner = inner.trim();
    if inner.contains('=') || !inner.chars().any(char::is_alphabetic) {
        return true;
    }
    if currency_of(inner).is_some() || zone_of(inner).is_some() {
        return true;
    }
    let words = || inner.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    // `yyyy-mm-dd`, `TT.MM.JJJJ hh:mm`, `x,y,z...`: each word is one letter over and over.
    let of_format = |word: &str| {
        let mut letters = word.chars().flat_map(char::to_lowercase);
        let first = letters.next();
        letters.all(|c| Some(c) == first)
    };
    let known = |word: &str| {
        let word = word.to_lowercase();
        UNIT_WORDS.contains(&word.as_str()) || word.bytes().all(|byte| byte.is_ascii_digit())
    };
    words().all(|word| of_format(word) || known(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_header_meet() {
        for text in
            ["Order ID", "order_id", "OrderId", "ORDER-ID *", " order id ", "Order ID (required)", "Order ID [int]"]
        {
            assert!(Header::new(text).is_called("orderid"), "{text}");
        }
        for (text, name) in [
            ("Birthday (yyyy-mm-dd)", "birthday"),
            ("Newsletter (0/1)", "newsletter"),
            ("Titles ID (Mr = 1, Ms = 2, else 0)", "titlesid"),
            ("Groups (x,y,z...)", "groups"),
            ("Geburtsdatum (TT.MM.JJJJ)", "geburtsdatum"),
            ("Währung", "wahrung"),
            ("Téléphone", "telephone"),
            ("Straße", "strasse"),
            ("Beløb", "belob"),
            ("Email *", "email"),
            ("*Email", "email"),
            ("Order Total (inc tax)", "ordertotalinctax"),
            ("Email (Billing)", "emailbilling"),
            ("Quantity (- Refund)", "quantityrefund"),
        ] {
            assert!(Header::new(text).is_called(name), "{text}");
        }
        assert!(!Header::new("Email (Shipping)").is_called("email"), "a part of the name stays");
    }

    #[test]
    fn headers_name_zones_and_currencies() {
        let said = |text: &str| {
            let header = Header::new(text);
            (header.zone.is_some(), header.currency.map(|currency| currency.code().to_owned()))
        };
        assert_eq!(said("Created (UTC)"), (true, None));
        assert_eq!(said("created_at_utc"), (true, None));
        assert_eq!(said("Total (EUR)"), (false, Some("EUR".to_owned())));
        assert_eq!(said("total_usd"), (false, Some("USD".to_owned())));
        assert_eq!(said("Total (inc tax)"), (false, None));
        assert!(Header::new("total_usd").is_called("total"));
    }
}
