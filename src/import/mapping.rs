//! Which column is what: as the host says, or by the headers that shops' exports have.

use super::csv::Cells;
use super::header::{Header, folded};
use super::values::{address, is_rounded_id, name};
use crate::Result;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a value comes from: a column, by its header, or the same for all rows.
///
/// In JSON a header is a string, several are a list, and a constant is `{"const": value}`.
///
/// ```
/// use regulars::import::From;
/// let from: From = serde_json::from_str(r#"{"const":"GBP"}"#)?;
/// assert_eq!(from, From::Const("GBP".into()));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum From {
    /// The column of that header.
    Column(String),
    /// The first of these columns whose cell is not blank.
    Columns(Vec<String>),
    /// This value, in every row.
    Const(String),
}

impl std::fmt::Display for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Column(header) => write!(f, "{header:?}"),
            Self::Columns(headers) => {
                let headers: Vec<String> = headers.iter().map(|header| format!("{header:?}")).collect();
                f.write_str(&headers.join(" else "))
            }
            Self::Const(value) => write!(f, "the constant {value:?}"),
        }
    }
}

impl Serialize for From {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Column(header) => serializer.serialize_str(header),
            Self::Columns(headers) => headers.serialize(serializer),
            Self::Const(value) => BTreeMap::from([("const", value)]).serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for From {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Written {
            Column(String),
            Columns(Vec<String>),
            Const {
                #[serde(rename = "const")]
                value: serde_json::Value,
            },
        }
        let text = |value: serde_json::Value| match value {
            serde_json::Value::String(text) => Ok(text),
            serde_json::Value::Number(number) => Ok(number.to_string()),
            serde_json::Value::Bool(value) => Ok(value.to_string()),
            _ => Err(serde::de::Error::custom("a constant is a string, a number, true or false")),
        };
        match Written::deserialize(deserializer)? {
            Written::Column(header) => Ok(Self::Column(header)),
            Written::Columns(headers) => Ok(Self::Columns(headers)),
            Written::Const { value } => text(value).map(Self::Const),
        }
    }
}

/// What a column can be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    OrderId,
    /// The instant, or the date of it.
    Time,
    /// The time of day, where it stands beside the date.
    TimeOfDay,
    /// The zone of both.
    TimeZone,
    UserId,
    CustomerId,
    Email,
    Phone,
    LoyaltyCard,
    ProductId,
    Name,
    Brand,
    Category,
    Price,
    Quantity,
    LineTotal,
    Total,
    Discount,
    Refunded,
    Currency,
    Country,
    Status,
    /// Whether the row is a payment or a refund.
    RowKind,
    /// The order that a refund with a number of its own came back of.
    RefundOf,
    /// When, or that, it was cancelled.
    CancelledAt,
    Trait(String),
    /// What they said, by channel and purpose.
    Consent(String, String),
    /// Of a channel: since when that holds.
    ConsentTime(String),
    /// When they said yes to marketing.
    OptedIn(String),
    /// That, when or why they said no to it.
    Unsubscribed(String),
    /// That or when messages came back for good.
    Bounced(String),
    /// That or when they called a message spam.
    Complained(String),
    /// What a mailing tool says of them in a word.
    ContactStatus(String),
}

const PLAIN: [(Key, &str); 25] = [
    (Key::OrderId, "order_id"),
    (Key::Time, "time"),
    (Key::TimeOfDay, "time_of_day"),
    (Key::TimeZone, "time_zone"),
    (Key::UserId, "user_id"),
    (Key::CustomerId, "customer_id"),
    (Key::Email, "email"),
    (Key::Phone, "phone"),
    (Key::LoyaltyCard, "loyalty_card"),
    (Key::ProductId, "product_id"),
    (Key::Name, "name"),
    (Key::Brand, "brand"),
    (Key::Category, "category"),
    (Key::Price, "price"),
    (Key::Quantity, "quantity"),
    (Key::LineTotal, "line_total"),
    (Key::Total, "total"),
    (Key::Discount, "discount"),
    (Key::Refunded, "refunded"),
    (Key::Currency, "currency"),
    (Key::Country, "country"),
    (Key::Status, "status"),
    (Key::RowKind, "row_kind"),
    (Key::RefundOf, "refund_of"),
    (Key::CancelledAt, "cancelled_at"),
];

/// A key of a channel's name.
type OfChannel = fn(String) -> Key;

/// The keys that speak of a channel.
const OF_CHANNELS: [(OfChannel, &str); 6] = [
    (Key::ConsentTime, "consent_time"),
    (Key::OptedIn, "opted_in"),
    (Key::Unsubscribed, "unsubscribed"),
    (Key::Bounced, "bounced"),
    (Key::Complained, "complained"),
    (Key::ContactStatus, "contact_status"),
];

/// The keys that name somebody.
pub(super) const PEOPLE: [Key; 5] = [Key::UserId, Key::CustomerId, Key::Email, Key::Phone, Key::LoyaltyCard];

impl Key {
    pub(super) fn parse(text: &str) -> Option<Self> {
        if let Some((key, _)) = PLAIN.into_iter().find(|(_, name)| *name == text) {
            return Some(key);
        }
        if let Some(name) = text.strip_prefix("trait.") {
            return Some(Self::Trait(name.to_owned())).filter(|_| !name.is_empty());
        }
        if let Some((word, channel)) = text.split_once('.')
            && let Some((key, _)) = OF_CHANNELS.iter().find(|(_, name)| *name == word)
        {
            return Some(key(channel.to_owned())).filter(|_| !channel.is_empty());
        }
        let (channel, purpose) = text.strip_prefix("consent.")?.split_once('.')?;
        let good = !channel.is_empty() && !purpose.is_empty();
        good.then(|| Self::Consent(channel.to_owned(), purpose.to_owned()))
    }

    /// The channel that it speaks of; consent by a purpose of its own is no such key.
    pub(super) fn channel(&self) -> Option<&str> {
        match self {
            Self::ConsentTime(channel)
            | Self::OptedIn(channel)
            | Self::Unsubscribed(channel)
            | Self::Bounced(channel)
            | Self::Complained(channel)
            | Self::ContactStatus(channel) => Some(channel),
            _ => None,
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Trait(name) => format!("trait.{name}"),
            Self::Consent(channel, purpose) => format!("consent.{channel}.{purpose}"),
            Self::ConsentTime(channel) => format!("consent_time.{channel}"),
            Self::OptedIn(channel) => format!("opted_in.{channel}"),
            Self::Unsubscribed(channel) => format!("unsubscribed.{channel}"),
            Self::Bounced(channel) => format!("bounced.{channel}"),
            Self::Complained(channel) => format!("complained.{channel}"),
            Self::ContactStatus(channel) => format!("contact_status.{channel}"),
            plain => PLAIN.iter().find(|(key, _)| key == plain).map_or("", |(_, name)| name).to_owned(),
        }
    }
}

/// A mapped value of one file.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// The first of these whose cell is not blank.
    Columns(Vec<usize>),
    Const(String),
}

/// The keys that are numbers.
pub(super) const AMOUNTS: [Key; 6] =
    [Key::Price, Key::LineTotal, Key::Total, Key::Discount, Key::Refunded, Key::Quantity];

/// The mapping of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping(BTreeMap<Key, Place>);

impl Mapping {
    /// What the host said.
    pub(super) fn declared(said: &BTreeMap<String, From>, headers: &[Header]) -> Result<Self> {
        Self::said(said, headers).map(Self)
    }

    fn said(said: &BTreeMap<String, From>, headers: &[Header]) -> Result<BTreeMap<Key, Place>> {
        let mut places = BTreeMap::new();
        for (text, from) in said {
            let key = Key::parse(text).ok_or_else(|| {
                let plain = PLAIN.iter().map(|(_, name)| (*name).to_owned());
                let of_channels = OF_CHANNELS.iter().map(|(_, name)| format!("{name}.CHANNEL"));
                let keys: Vec<String> = plain.chain(of_channels).collect();
                Error::invalid(format!(
                    "a mapping knows {}, trait.NAME and consent.CHANNEL.PURPOSE; it has no {text:?}",
                    keys.join(", ")
                ))
            })?;
            let column = |header: &String| {
                column_of(header, headers).ok_or_else(|| {
                    Error::invalid(format!("the mapping of {text} names a column that the file does not have"))
                })
            };
            let place = match from {
                From::Const(value) => Place::Const(value.clone()),
                From::Column(header) => Place::Columns(vec![column(header)?]),
                From::Columns(all) => Place::Columns(all.iter().map(column).collect::<Result<_>>()?),
            };
            places.insert(key, place);
        }
        Ok(places)
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    pub(super) fn keys(&self) -> impl Iterator<Item = &Key> {
        self.0.keys()
    }

    /// The value of a key in a row; blank is `None`.
    pub(super) fn get<'a>(&'a self, key: &Key, cells: Cells<'a>) -> Option<&'a str> {
        match self.0.get(key)? {
            Place::Columns(columns) => columns.iter().map(|at| cells.get(*at)).find(|cell| !cell.is_empty()),
            Place::Const(value) => Some(value.trim()).filter(|value| !value.is_empty()),
        }
    }

    /// Every value of a key in a row that is not blank.
    pub(super) fn all<'a>(&'a self, key: &Key, cells: Cells<'a>) -> Vec<&'a str> {
        match self.0.get(key) {
            Some(Place::Columns(columns)) => {
                columns.iter().map(|at| cells.get(*at)).filter(|cell| !cell.is_empty()).collect()
            }
            _ => self.get(key, cells).into_iter().collect(),
        }
    }

    /// What names somebody in a row, in the order of [`PEOPLE`].
    pub(super) fn people<'a>(&'a self, cells: Cells<'a>) -> [Option<&'a str>; 5] {
        PEOPLE.each_ref().map(|key| {
            let cell = self.get(key, cells)?;
            Some(if *key == Key::Email { address(cell) } else { name(cell) })
        })
    }

    /// The traits by name, with their values in a row; blank ones are left out.
    pub(super) fn traits<'a>(&'a self, cells: Cells<'a>) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.keys().filter_map(move |key| match key {
            Key::Trait(name) => Some((name.as_str(), self.get(key, cells)?)),
            _ => None,
        })
    }

    /// Whether an id is `1.23457E+12`. A phone number of that kind is none, and harms nobody.
    pub(super) fn names_somebody_in_short(&self, cells: Cells<'_>) -> bool {
        let ids = PEOPLE.iter().filter(|key| **key != Key::Phone);
        ids.filter_map(|key| self.get(key, cells)).any(is_rounded_id)
    }

    /// The first column of a key.
    pub(super) fn column(&self, key: &Key) -> Option<usize> {
        self.columns(key).first().copied()
    }

    pub(super) fn columns(&self, key: &Key) -> &[usize] {
        match self.0.get(key) {
            Some(Place::Columns(columns)) => columns,
            _ => &[],
        }
    }

    /// What a column is.
    pub(super) fn key_of(&self, column: usize) -> Option<&Key> {
        self.0.keys().find(|key| self.columns(key).contains(&column))
    }

    /// As a report shows it.
    pub(super) fn shown(&self, headers: &[Header]) -> BTreeMap<String, From> {
        let text = |at: &usize| headers.get(*at).map(|header| header.text.clone()).unwrap_or_default();
        let from = |place: &Place| match place {
            Place::Columns(columns) => match columns.as_slice() {
                [column] => From::Column(text(column)),
                all => From::Columns(all.iter().map(text).collect()),
            },
            Place::Const(value) => From::Const(value.clone()),
        };
        self.0.iter().map(|(key, place)| (key.text(), from(place))).collect()
    }

    /// The headers that nothing was read from.
    pub(super) fn unmapped(&self, headers: &[Header]) -> Vec<String> {
        let rest = headers.iter().enumerate().filter(|(at, header)| !header.text.is_empty() && self.is_free(*at));
        rest.map(|(_, header)| header.text.clone()).collect()
    }

    pub(super) fn is_enough(&self, orders: bool) -> bool {
        if orders {
            return self.has(&Key::OrderId) && self.has(&Key::Time);
        }
        self.names_people()
    }

    pub(super) fn names_people(&self) -> bool {
        PEOPLE.iter().any(|key| self.has(key))
    }

    pub(super) fn has_amount(&self) -> bool {
        self.has(&Key::Total) || self.has(&Key::LineTotal) || self.has(&Key::Price)
    }

    /// Reads a key from columns, as far as nothing else is read from them; unless the key is mapped already.
    pub(super) fn offer(&mut self, key: Key, columns: &[usize]) {
        let free: Vec<usize> = columns.iter().copied().filter(|at| self.is_free(*at)).collect();
        if !free.is_empty() {
            self.0.entry(key).or_insert(Place::Columns(free));
        }
    }

    /// Reads a key from one more column, behind those that it is read from already.
    pub(super) fn join(&mut self, key: Key, column: usize) {
        if self.is_free(column)
            && let Place::Columns(columns) = self.0.entry(key).or_insert(Place::Columns(Vec::new()))
        {
            columns.push(column);
        }
    }

    /// Whether nothing is read from a column.
    pub(super) fn is_free(&self, column: usize) -> bool {
        self.key_of(column).is_none()
    }

    /// Takes a key back.
    pub(super) fn forget(&mut self, key: &Key) -> Option<usize> {
        let column = self.column(key);
        self.0.remove(key);
        column
    }

    /// What a file of that kind needs and this one does not say.
    pub(super) fn missing(&self, orders: bool) -> Vec<&'static str> {
        let needs = match orders {
            true => vec![
                (self.has(&Key::OrderId), "the order's number (order_id)"),
                (self.has(&Key::Time), "the time of the order (time)"),
                (self.has_amount(), "an amount (total, line_total or price)"),
            ],
            false => vec![(self.names_people(), "a person (user_id, customer_id, email, phone or loyalty_card)")],
        };
        needs.into_iter().filter(|(there, _)| !there).map(|(_, what)| what).collect()
    }
}

/// The column that a host calls so: by its very header, else by the one that is spelled otherwise.
fn column_of(said: &str, headers: &[Header]) -> Option<usize> {
    let exact = headers.iter().position(|own| own.text == said.trim());
    let name = folded(said);
    let alike = || -> Vec<usize> {
        let same = |(at, own): (usize, &Header)| (own.is_called(&name) && !name.is_empty()).then_some(at);
        headers.iter().enumerate().filter_map(same).collect()
    };
    exact.or_else(|| match alike().as_slice() {
        [one] => Some(*one),
        _ => None,
    })
}
