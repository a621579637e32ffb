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
    /// Its words, each folded.
    pub(super) words: Vec<String>,
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
        let words = words_of(text);
        let mut header = Self { text: text.to_owned(), names: vec![full], words, zone: None, currency: None };
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
        header.call_plainly(&words_of(&bare));
        header
    }

    /// The same without what is said beside the name: that taxes are in it, whose address it is; and a number for `nr.`.
    fn call_plainly(&mut self, words: &[String]) {
        let rest = |left_out: &dyn Fn(&str) -> bool| {
            words.iter().map(String::as_str).filter(|word| !left_out(word)).collect::<String>()
        };
        if words.iter().any(|word| WITH_TAXES.contains(&word.as_str())) {
            self.call(rest(&|word| WITH_TAXES.contains(&word) || TAXES.contains(&word)));
        }
        let contact = rest(&|word| WHOSE.contains(&word));
        if CONTACTS.contains(&contact.as_str()) {
            self.call(contact);
        }
        if self.text.trim_end().ends_with('#') {
            self.call(format!("{}number", self.full()));
        }
        if let Some(before) = self.full().strip_suffix("nr").filter(|before| before.len() > 2).map(str::to_owned) {
            self.call(format!("{before}nummer"));
        }
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

/// Words that say that taxes are in an amount, and what those are called.
const WITH_TAXES: [&str; 16] = [
    "incl",
    "inkl",
    "inc",
    "including",
    "includes",
    "inclusive",
    "inclusief",
    "inklusive",
    "inklusiv",
    "incluido",
    "incluida",
    "compris",
    "comprise",
    "ttc",
    "brutto",
    "gross",
];
const TAXES: [&str; 13] =
    ["tax", "taxes", "vat", "gst", "btw", "moms", "mva", "mwst", "ust", "tva", "iva", "dph", "shipping"];
/// Words beside an address that say whose it is: in a file of orders or customers it is theirs.
const WHOSE: [&str; 34] = [
    "customer",
    "customers",
    "client",
    "clients",
    "buyer",
    "buyers",
    "kunde",
    "kunden",
    "kundens",
    "kunder",
    "klant",
    "klanten",
    "cliente",
    "clientes",
    "klienta",
    "klient",
    "kupujacego",
    "kund",
    "zakaznika",
    "comprador",
    "acheteur",
    "acquirente",
    "du",
    "de",
    "del",
    "della",
    "do",
    "der",
    "des",
    "van",
    "of",
    "the",
    "s",
    "l",
];
const CONTACTS: [&str; 30] = [
    "email",
    "emailaddress",
    "mail",
    "mailaddress",
    "emailadresse",
    "emailadres",
    "epost",
    "eposta",
    "epostadress",
    "epostadresse",
    "adressemail",
    "adresseemail",
    "adresemail",
    "courriel",
    "correo",
    "correoelectronico",
    "indirizzoemail",
    "phone",
    "phonenumber",
    "telephone",
    "telephonenumber",
    "telefon",
    "telefonnummer",
    "telefoon",
    "telefoonnummer",
    "telefono",
    "telefone",
    "mobile",
    "mobil",
    "mobilnummer",
];

/// The words of a header, each folded.
fn words_of(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric()).map(folded).filter(|word| !word.is_empty()).collect()
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
            ("Total incl. VAT", "total"),
            ("Totaal incl. btw", "totaal"),
            ("Beløb inkl. moms", "belob"),
            ("Order Total (inc tax)", "ordertotal"),
            ("Prix unitaire TTC", "prixunitaire"),
            ("Kundens e-mail", "email"),
            ("E-mailadres klant", "emailadres"),
            ("Customer's email address", "emailaddress"),
            ("Téléphone du client", "telephone"),
            ("Bestel-nr.", "bestelnummer"),
            ("Ticket #", "ticketnumber"),
            ("Quantity (- Refund)", "quantityrefund"),
        ] {
            assert!(Header::new(text).is_called(name), "{text}");
        }
        for (text, name) in [
            ("Email (Shipping)", "email"),
            ("Supplier email", "email"),
            ("Total tax", "total"),
            ("Total excl. VAT", "total"),
            ("Customer ID", "id"),
            ("Customer name", "name"),
        ] {
            assert!(!Header::new(text).is_called(name), "a part of the name stays: {text}");
        }
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
