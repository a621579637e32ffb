//! What columns are that nobody declared: by the headers that shops' exports have, and by what stands in their cells.

use super::dates::is_time_of_day;
use super::header::Header;
use super::mapping::{Key, Mapping};
use super::money::without_sign;
use super::{names, permission, status};
use ahash::AHashMap;

/// The first rows of a file, and its headers.
pub(super) struct Guesses<'s> {
    headers: &'s [Header],
    /// The headers that are written as keys: `trait.city`, `consent.email.marketing`.
    keys: Vec<(Key, usize)>,
    rows: &'s [Vec<String>],
}

impl<'s> Guesses<'s> {
    pub(super) fn new(headers: &'s [Header], rows: &'s [Vec<String>]) -> Self {
        let keys = headers.iter().enumerate().filter_map(|(at, header)| Some((Key::parse(&header.text)?, at)));
        Self { keys: keys.collect(), headers, rows }
    }

    /// Maps what is not mapped yet.
    pub(super) fn complete(&self, mapping: &mut Mapping, orders: bool) {
        let total_said = mapping.has(&Key::Total);
        for (key, at) in &self.keys {
            // A header such as `status` or `name` says less than the kind of the file.
            if matches!(key, Key::Trait(_) | Key::Consent(..)) || (!orders && key.channel().is_some()) {
                mapping.offer(key.clone(), &[*at]);
            }
        }
        if orders {
            self.complete_orders(mapping);
        } else {
            self.complete_customers(mapping);
        }
        if !total_said && self.totals_are_of_lines(mapping) {
            mapping.forget(&Key::Total).into_iter().for_each(|at| mapping.offer(Key::LineTotal, &[at]));
        }
    }

    fn complete_orders(&self, mapping: &mut Mapping) {
        // Shopify calls the order's number `Name`, and the products' names `Lineitem name`.
        let shopify = self.headers.iter().any(|header| header.full() == "lineitemname");
        if shopify {
            self.first(mapping, Key::OrderId, &["name"]);
            self.first(mapping, Key::Name, &["lineitemname"]);
        }
        self.first(mapping, Key::OrderId, &[names::ORDER_ID]);
        self.times(mapping);
        self.people(mapping);
        self.first(mapping, Key::OrderId, &[names::ORDER_ID_SHORT]);
        for (key, words) in [
            (Key::ProductId, names::PRODUCT_ID),
            (Key::Brand, names::BRAND),
            (Key::Category, names::CATEGORY),
            (Key::Price, names::PRICE),
            (Key::Quantity, names::QUANTITY),
            (Key::LineTotal, names::LINE_TOTAL),
        ] {
            self.first(mapping, key, &[words]);
        }
        self.first(mapping, Key::Total, &[names::ORDER_TOTAL, names::TOTAL]);
        for (key, words) in [
            (Key::Discount, names::DISCOUNT),
            (Key::Refunded, names::REFUNDED),
            (Key::CancelledAt, names::CANCELLED_AT),
            (Key::Currency, names::CURRENCY),
            (Key::RowKind, names::ROW_KIND),
            (Key::RefundOf, names::REFUND_OF),
            (marketing("email"), names::CONSENT_EMAIL),
            (marketing("sms"), names::CONSENT_SMS),
            (marketing("whatsapp"), names::CONSENT_WHATSAPP),
        ] {
            self.first(mapping, key, &[words]);
        }
        self.fallbacks(mapping, Key::Status, &[names::STATUS, names::PAYMENT_STATUS]);
        self.names_in_orders(mapping);
    }

    fn people(&self, mapping: &mut Mapping) {
        self.first(mapping, Key::UserId, &[names::USER_ID]);
        self.first(mapping, Key::CustomerId, &[names::CUSTOMER_ID, names::OPEN]);
        self.fallbacks(mapping, Key::Email, &[names::EMAIL, names::EMAIL_BILLING, names::EMAIL_SHIPPING]);
        self.first(mapping, Key::Email, &[names::OPEN]);
        self.fallbacks(mapping, Key::Phone, &[names::PHONE, names::PHONE_BILLING, names::PHONE_SHIPPING]);
        self.first(mapping, Key::LoyaltyCard, &[names::LOYALTY_CARD]);
        self.first(mapping, Key::Country, &[names::COUNTRY]);
    }

    /// A date and the time of day beside it are one time; so is a column that holds both, whatever it is called.
    fn times(&self, mapping: &mut Mapping) {
        let clock = self.find(mapping, &Key::TimeOfDay, names::TIME_OR_CLOCK);
        let is_clock = |at: usize| self.cells(at).all(is_time_of_day);
        let date = self.find(mapping, &Key::Time, names::TIME);
        match (date, clock) {
            (Some(date), Some(clock)) if is_clock(clock) => {
                mapping.offer(Key::Time, &[date]);
                mapping.offer(Key::TimeOfDay, &[clock]);
            }
            (_, Some(clock)) => mapping.offer(Key::Time, &[clock]),
            (date, None) => date.into_iter().for_each(|at| mapping.offer(Key::Time, &[at])),
        }
        self.first(mapping, Key::TimeZone, &[names::ZONE]);
    }

    /// `name` beside an e-mail is the buyer's; beside what only a line has it is the product's.
    fn names_in_orders(&self, mapping: &mut Mapping) {
        self.first(mapping, Key::Name, &[names::PRODUCT_NAME]);
        for (name, words) in [("firstName", names::FIRST_NAME), ("lastName", names::LAST_NAME)] {
            self.first(mapping, Key::Trait(name.to_owned()), &[words]);
        }
        if let Some(at) = self.find(mapping, &Key::Name, names::SHORT_NAME) {
            let of_line = [Key::ProductId, Key::Price, Key::Quantity, Key::LineTotal, Key::Brand, Key::Category];
            let beside =
                |keys: &[Key]| keys.iter().filter_map(|key| mapping.column(key)).any(|other| other.abs_diff(at) == 1);
            let buyers =
                mapping.has(&Key::Name) || (mapping.has(&Key::Email) && (beside(&[Key::Email]) || !beside(&of_line)));
            let split = mapping.has(&Key::Trait("firstName".to_owned()));
            let key = match (buyers, split) {
                (false, _) => Key::Name,
                (true, true) => Key::Trait("lastName".to_owned()),
                (true, false) => Key::Trait("name".to_owned()),
            };
            mapping.offer(key, &[at]);
        }
        self.first(mapping, Key::Trait("name".to_owned()), &[names::FULL_NAME, names::OPEN, "customerid"]);
    }

    fn complete_customers(&self, mapping: &mut Mapping) {
        self.people(mapping);
        self.first(mapping, Key::Country, &[names::COUNTRY_OF_CUSTOMER]);
        self.first(mapping, Key::Time, &[names::STATED_AT]);
        self.permissions(mapping);
        let first = |name: &str, words: &[&str], mapping: &mut Mapping| {
            self.first(mapping, Key::Trait(name.to_owned()), words);
        };
        first("firstName", &[names::FIRST_NAME], mapping);
        first("lastName", &[names::LAST_NAME], mapping);
        if let Some(at) = self.find(mapping, &Key::Name, names::SHORT_NAME) {
            // `Prénom` and `Nom`, `Nombre` and `Apellidos`: the short one is the half that has no word of its own.
            let has = |name: &str| mapping.has(&Key::Trait(name.to_owned()));
            let name = match (has("firstName"), has("lastName")) {
                (true, false) => "lastName",
                (false, true) => "firstName",
                _ => "name",
            };
            mapping.offer(Key::Trait(name.to_owned()), &[at]);
        }
        first("name", &[names::FULL_NAME, names::OPEN, "customerid"], mapping);
        for (name, words) in [
            ("city", names::CITY),
            ("postal_code", names::POSTAL_CODE),
            ("birthday", names::BIRTHDAY),
            ("gender", names::GENDER),
            ("company", names::COMPANY),
            ("tags", names::TAGS),
            ("createdAt", names::REGISTERED),
        ] {
            first(name, &[words], mapping);
        }
    }

    /// What a file of customers says of consent, in columns that no other kind of file has.
    fn permissions(&self, mapping: &mut Mapping) {
        let channel = |name: &str| name.to_owned();
        for (name, words) in
            [("email", names::CONSENT_EMAIL), ("sms", names::CONSENT_SMS), ("whatsapp", names::CONSENT_WHATSAPP)]
        {
            let Some(at) = self.find(mapping, &marketing(name), words) else { continue };
            // A yes that is written as the time of it.
            let dated = self.cells(at).next().is_some() && self.cells(at).all(is_dated);
            mapping.offer(if dated { Key::OptedIn(channel(name)) } else { marketing(name) }, &[at]);
        }
        // Beside a newsletter of its own, such a box is about somebody else's offers.
        let partners = Key::Consent("email".to_owned(), "partner_offers".to_owned());
        self.first(mapping, partners, &["optin optedin"]);
        for (key, words) in [
            (Key::ConsentTime(channel("email")), names::SINCE_EMAIL),
            (Key::ConsentTime(channel("sms")), names::SINCE_SMS),
            (Key::OptedIn(channel("email")), names::OPTED_IN_EMAIL),
            (Key::OptedIn(channel("sms")), names::OPTED_IN_SMS),
            (Key::Unsubscribed(channel("email")), names::UNSUBSCRIBED_EMAIL),
            (Key::Unsubscribed(channel("sms")), names::UNSUBSCRIBED_SMS),
            (Key::Unsubscribed(channel("whatsapp")), names::UNSUBSCRIBED_WHATSAPP),
            (Key::Bounced(channel("email")), names::BOUNCED),
            (Key::Complained(channel("email")), names::COMPLAINED),
            (Key::ContactStatus(channel("email")), names::CONTACT_STATUS),
            (Key::ContactStatus(channel("sms")), names::CONTACT_STATUS_SMS),
        ] {
            let called = |header: &Header, word: &str| {
                header.is_called(word)
                    // `Opted out of email: Newsletter`, one column for each kind of mail.
                    || (word == "optedoutofemail" && header.full().starts_with(word))
            };
            let all: Vec<usize> = words
                .split_whitespace()
                .flat_map(|word| self.headers.iter().enumerate().filter(move |(_, own)| called(own, word)))
                .map(|(at, _)| at)
                .collect();
            mapping.offer(key, &deduplicated(all));
        }
        self.permissions_by_stems(mapping);
    }

    /// Headers that no table has, by how their words begin: what somebody said must not be lost for how a tool puts it.
    fn permissions_by_stems(&self, mapping: &mut Mapping) {
        for (at, header) in self.headers.iter().enumerate() {
            let has = |stems: &str| stems.split_whitespace().any(|stem| header.full().contains(stem));
            let neither = header.words.iter().any(|word| {
                is_one_of(word, names::STEMS_OF_NEITHER)
                    || ["url", "link", "token", "count", "rate"].iter().any(|end| word.ends_with(end))
            });
            if !mapping.is_free(at) || neither || self.cells(at).next().is_none() {
                continue;
            }
            let channel = self.channel_of(header).to_owned();
            let known = || self.cells(at).all(|cell| permission::word(cell).is_some());
            if has(names::STEMS_OF_LEAVING) {
                mapping.join(Key::Unsubscribed(channel), at);
            } else if has(names::STEMS_OF_BOUNCES) {
                mapping.join(Key::Bounced(channel), at);
            } else if has(names::STEMS_OF_COMPLAINTS) {
                mapping.join(Key::Complained(channel), at);
            } else if has(names::STEMS_OF_JOINING) && self.cells(at).all(is_dated) {
                mapping.join(Key::OptedIn(channel), at);
            } else if has(names::STEMS_OF_JOINING) && known() {
                mapping.offer(marketing(&channel), &[at]);
            }
        }
    }

    /// The channel that a header speaks of: mail is a letter where another header speaks of e-mail.
    fn channel_of(&self, header: &Header) -> &'static str {
        let letters = self.headers.iter().any(|other| other.full().contains("email"));
        let called = |name: &&str| header.full().contains(*name) || header.words.iter().any(|word| word == *name);
        let channels: [(&str, &[&str]); 5] = [
            ("whatsapp", &["whatsapp"]),
            ("sms", &["sms", "textmessage"]),
            ("email", &["email", "newsletter"]),
            ("call", &["phone", "telephone", "telefon", "anruf"]),
            ("post", &["postal", "postmail", "letter", "brief", "courrier"]),
        ];
        let found = channels.into_iter().find(|(_, names)| names.iter().any(called));
        let word = |name: &str| header.words.iter().any(|word| word == name);
        match found {
            Some((channel, _)) => channel,
            None if word("call") || word("calls") => "call",
            None if word("post") || (letters && word("mail")) => "post",
            None => "email",
        }
    }

    /// Offers the first column that one of the words names.
    fn first(&self, mapping: &mut Mapping, key: Key, words: &[&str]) {
        if mapping.has(&key) {
            return;
        }
        if let Some(at) = words.iter().find_map(|words| self.find(mapping, &key, words)) {
            mapping.offer(key, &[at]);
        }
    }

    /// Offers the first column of each list: where the first cell is blank the next stands in.
    fn fallbacks(&self, mapping: &mut Mapping, key: Key, lists: &[&str]) {
        let columns: Vec<usize> = lists.iter().filter_map(|words| self.find(mapping, &key, words)).collect();
        mapping.offer(key, &columns);
    }

    /// The free column that the first of the words names; by its whole header before by part of it.
    fn find(&self, mapping: &Mapping, key: &Key, words: &str) -> Option<usize> {
        let fits = |at: &usize| mapping.is_free(*at) && self.fits(key, *at);
        let whole = |word: &str| self.headers.iter().position(|own| own.full() == word).filter(fits);
        let part = |word: &str| self.headers.iter().position(|own| own.is_called(word)).filter(fits);
        words.split_whitespace().find_map(whole).or_else(|| words.split_whitespace().find_map(part))
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str).filter(|cell| !cell.is_empty())
    }

    /// Whether cells may be what their header says. A name taken for an id would make one person of all who bear it.
    fn fits(&self, key: &Key, column: usize) -> bool {
        let Some(header) = self.headers.get(column) else { return false };
        let open = is_one_of(header.full(), names::OPEN);
        match key {
            Key::UserId | Key::CustomerId | Key::LoyaltyCard if open => self.cells(column).all(is_surely_an_id),
            Key::UserId | Key::CustomerId | Key::LoyaltyCard => !self.cells(column).any(is_several_words),
            Key::Email if open => self.cells(column).all(|cell| cell.contains('@')),
            Key::Phone if matches!(header.full(), "sms" | "whatsapp") => {
                self.cells(column).next().is_some() && self.cells(column).all(is_like_a_phone)
            }
            Key::OrderId if is_one_of(header.full(), names::ORDER_ID_SHORT) => self.cells(column).all(is_surely_an_id),
            Key::Refunded => self.cells(column).all(|cell| rough(cell).is_some()),
            Key::CancelledAt => self.cells(column).all(|cell| {
                !cell.starts_with(|c: char| c.is_ascii_digit()) || is_dated(cell) || matches!(cell, "0" | "1")
            }),
            Key::RowKind => self.cells(column).any(|cell| status::row_kind(cell).is_some()),
            _ => true,
        }
    }

    /// Headers that nothing is read from, though their cells are amounts and dates: what an orders file has whose
    /// language is not known here, and a customers file has only of sums and last visits.
    pub(super) fn looks_like_unread_orders(&self, mapping: &Mapping) -> bool {
        let sums = |header: &Header| {
            names::SUMS_OF_CUSTOMERS.iter().any(|word| header.full().contains(word))
                || header.full().starts_with("total")
        };
        let unread =
            |(at, header): &(usize, &Header)| mapping.is_free(*at) && !sums(header) && self.cells(*at).next().is_some();
        let all_are =
            |is: fn(&str) -> bool| self.headers.iter().enumerate().filter(unread).any(|(at, _)| self.cells(at).all(is));
        all_are(is_like_money) && all_are(is_dated)
    }

    /// Whether what looks like the order's total is the line's: by what the rows of one order say together.
    fn totals_are_of_lines(&self, mapping: &Mapping) -> bool {
        let column = |key| mapping.column(&key);
        let (Some(id), Some(total)) = (column(Key::OrderId), column(Key::Total)) else { return false };
        if self.headers.get(total).is_some_and(|header| is_one_of(header.full(), names::ORDER_TOTAL)) {
            return false;
        }
        let (price, quantity) = (column(Key::Price), column(Key::Quantity));
        let mut orders: AHashMap<&str, Vec<Priced>> = AHashMap::new();
        for row in self.rows.iter().filter(|row| row.len() == self.headers.len()) {
            let number = |at: Option<usize>| row.get(at?).and_then(|cell| rough(cell));
            let line = number(price).zip(number(quantity).or(quantity.is_none().then_some(1.0)));
            let Some(id) = row.get(id).filter(|id| !id.is_empty()) else { continue };
            orders.entry(id).or_default().push(Priced { total: number(Some(total)), line: line.map(|(p, q)| p * q) });
        }
        let votes: Vec<Vote> = orders.values().filter_map(|rows| vote(rows)).collect();
        let count = |which| votes.iter().filter(|vote| **vote == which).count();
        match (count(Vote::SurelyLines), count(Vote::SurelyOrder)) {
            // Equal lines say little, different totals much.
            (0, 0) => count(Vote::Lines) > 0 && count(Vote::Lines) >= count(Vote::Order),
            (lines, order) => lines > order,
        }
    }
}

/// One row: what stands in the column in question, and price times quantity.
struct Priced {
    total: Option<f64>,
    line: Option<f64>,
}

/// What an order of several rows says of the column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Vote {
    SurelyLines,
    SurelyOrder,
    Lines,
    Order,
}

/// Rows of different signs tell nothing: what came back has a total of its own.
fn vote(rows: &[Priced]) -> Option<Vote> {
    let totals: Vec<f64> = rows.iter().filter_map(|row| row.total).collect();
    let near = |a: f64, b: f64| (a - b).abs() <= 0.011 + a.abs() * 1e-6;
    if rows.len() < 2 || totals.is_empty() || rows.iter().any(|row| row.line.or(row.total).is_some_and(|it| it < 0.0)) {
        return None;
    }
    let lines: Option<Vec<f64>> = rows.iter().map(|row| row.line).collect();
    let sum = lines.as_ref().map(|lines| lines.iter().sum::<f64>());
    let is_own = |row: &Priced| row.total.zip(row.line).is_some_and(|(total, line)| near(total, line));
    let equal = totals.iter().all(|total| near(*total, totals.first().copied().unwrap_or_default()));
    if rows.iter().all(is_own) {
        return Some(Vote::SurelyLines);
    }
    // On the first row of an order only, or on all of them.
    let of_order = equal || totals.iter().filter(|total| total.abs() > 0.0).count() == 1;
    if !of_order {
        return Some(Vote::Lines);
    }
    let is_sum = sum.is_some_and(|sum| totals.iter().any(|total| near(*total, sum)));
    Some(if is_sum { Vote::SurelyOrder } else { Vote::Order })
}

/// About what number a cell is, whichever mark stands before the decimals.
fn rough(cell: &str) -> Option<f64> {
    let (number, _) = without_sign(cell);
    let cell = number.as_str();
    let last = cell.rfind([',', '.']).filter(|at| cell.len() - at != 4 || cell.matches([',', '.']).count() == 1);
    let digits =
        |text: &str| text.chars().filter(|c| !matches!(c, ',' | '.' | ' ' | '\u{a0}' | '\'')).collect::<String>();
    let plain = match last {
        Some(at) => format!("{}.{}", digits(cell.get(..at)?), digits(cell.get(at + 1..)?)),
        None => digits(cell),
    };
    plain.parse().ok().filter(|number: &f64| number.is_finite())
}

fn is_surely_an_id(cell: &str) -> bool {
    cell.chars().any(|c| c.is_ascii_digit()) && !cell.chars().any(|c| c.is_whitespace() || c == '@')
}

fn is_several_words(cell: &str) -> bool {
    cell.contains(char::is_whitespace) && !cell.contains(|c: char| c.is_ascii_digit())
}

/// Whether a cell of the first line is data rather than a header: an address, a date, or a number of some length.
pub(super) fn looks_like_data(cell: &str) -> bool {
    let digits = cell.chars().filter(char::is_ascii_digit).count();
    let number = digits > 0 && cell.chars().all(|c| c.is_ascii_digit() || " +-/.,:".contains(c));
    (cell.contains('@') && cell.contains('.')) || (number && digits > 4)
}

fn marketing(channel: &str) -> Key {
    Key::Consent(channel.to_owned(), "marketing".to_owned())
}

fn is_one_of(name: &str, words: &str) -> bool {
    words.split_whitespace().any(|word| word == name)
}

fn deduplicated(all: Vec<usize>) -> Vec<usize> {
    let mut out = Vec::new();
    for at in all {
        if !out.contains(&at) {
            out.push(at);
        }
    }
    out
}

fn is_like_a_phone(cell: &str) -> bool {
    cell.chars().filter(char::is_ascii_digit).count() >= 6 && !cell.chars().any(char::is_alphabetic)
}

/// `12.50`, `$5`: with decimals, or with a currency.
fn is_like_money(cell: &str) -> bool {
    let (number, sign) = without_sign(cell);
    let decimals = number.rsplit_once(['.', ',']).is_some_and(|(_, decimals)| decimals.len() == 2);
    (decimals || sign.is_some()) && rough(&number).is_some()
}

/// Whether a cell looks like a date, of whatever order.
fn is_dated(cell: &str) -> bool {
    let date = cell.split([' ', 'T']).next().unwrap_or_default();
    let digits = date.chars().filter(char::is_ascii_digit).count();
    (5..=8).contains(&digits)
        && date.chars().all(|c| c.is_ascii_digit() || matches!(c, '-' | '/' | '.'))
        && ['-', '/', '.'].iter().any(|mark| date.matches(*mark).count() == 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_name_a_header_once() {
        let people = [
            names::USER_ID,
            names::CUSTOMER_ID,
            names::OPEN,
            names::EMAIL,
            names::EMAIL_BILLING,
            names::EMAIL_SHIPPING,
            names::PHONE,
            names::PHONE_BILLING,
            names::PHONE_SHIPPING,
            names::LOYALTY_CARD,
            names::COUNTRY,
        ];
        let permissions = [
            names::CONSENT_EMAIL,
            names::CONSENT_SMS,
            names::CONSENT_WHATSAPP,
            names::SINCE_EMAIL,
            names::SINCE_SMS,
            names::OPTED_IN_EMAIL,
            names::OPTED_IN_SMS,
            names::UNSUBSCRIBED_EMAIL,
            names::UNSUBSCRIBED_SMS,
            names::UNSUBSCRIBED_WHATSAPP,
            names::BOUNCED,
            names::COMPLAINED,
            names::CONTACT_STATUS,
        ];
        let orders = [
            names::ORDER_ID,
            names::TIME,
            names::TIME_OR_CLOCK,
            names::ZONE,
            names::PRODUCT_ID,
            names::PRODUCT_NAME,
            names::BRAND,
            names::CATEGORY,
            names::PRICE,
            names::QUANTITY,
            names::LINE_TOTAL,
            names::ORDER_TOTAL,
            names::TOTAL,
            names::DISCOUNT,
            names::REFUNDED,
            names::CANCELLED_AT,
            names::CURRENCY,
        ];
        for tables in [people.iter().chain(&permissions).collect::<Vec<_>>(), people.iter().chain(&orders).collect()] {
            let mut seen = std::collections::BTreeSet::new();
            for word in tables.into_iter().flat_map(|words| words.split_whitespace()) {
                assert_eq!(word, super::super::header::folded(word));
                assert!(seen.insert(word), "{word}");
            }
        }
    }
}
