//! Which column is what: as the host says, or by the headers that shops' exports have.

use super::csv::Cells;
use super::guess::Guesses;
use super::values::is_rounded_id;
use crate::Result;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a value comes from: a column, by its header, or the same for all rows.
///
/// In JSON a header is a string and a constant is `{"const": value}`.
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
    /// This value, in every row.
    Const(String),
}

impl std::fmt::Display for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Column(header) => write!(f, "{header:?}"),
            Self::Const(value) => write!(f, "the constant {value:?}"),
        }
    }
}

impl Serialize for From {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> std::result::Result<S::Ok, S::Error> {
        match self {
            Self::Column(header) => serializer.serialize_str(header),
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
            Written::Const { value } => text(value).map(Self::Const),
        }
    }
}

/// What a column can be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    OrderId,
    Time,
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
    Trait(String),
    Consent(String, String),
}

const PLAIN: [(Key, &str); 20] = [
    (Key::OrderId, "order_id"),
    (Key::Time, "time"),
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
        let (channel, purpose) = text.strip_prefix("consent.")?.split_once('.')?;
        let good = !channel.is_empty() && !purpose.is_empty();
        good.then(|| Self::Consent(channel.to_owned(), purpose.to_owned()))
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Trait(name) => format!("trait.{name}"),
            Self::Consent(channel, purpose) => format!("consent.{channel}.{purpose}"),
            plain => PLAIN.iter().find(|(key, _)| key == plain).map_or("", |(_, name)| name).to_owned(),
        }
    }
}

/// A mapped value of one file.
#[derive(Clone, Debug)]
pub(super) enum Place {
    Column(usize),
    Const(String),
}

/// The mapping of one file.
#[derive(Clone, Debug, Default)]
pub(super) struct Mapping(BTreeMap<Key, Place>);

impl Mapping {
    /// What the host said, with guesses for the rest where that is not enough to read the file.
    pub(super) fn new(
        said: &BTreeMap<String, From>,
        headers: &[String],
        orders: bool,
        guesses: &Guesses<'_>,
    ) -> Result<Self> {
        let mut places = BTreeMap::new();
        for (text, from) in said {
            let key = Key::parse(text).ok_or_else(|| {
                let keys: Vec<&str> = PLAIN.iter().map(|(_, name)| *name).collect();
                Error::invalid(format!(
                    "a mapping knows {}, trait.NAME and consent.CHANNEL.PURPOSE; it has no {text:?}",
                    keys.join(", ")
                ))
            })?;
            let place = match from {
                From::Const(value) => Place::Const(value.clone()),
                From::Column(header) => {
                    let at = headers.iter().position(|own| own == header.trim()).ok_or_else(|| {
                        Error::invalid(format!("the mapping of {text} names a column that the file does not have"))
                    })?;
                    Place::Column(at)
                }
            };
            places.insert(key, place);
        }
        let mut mapping = Self(places);
        if !mapping.is_enough(orders) {
            guesses.complete(&mut mapping, orders);
        }
        mapping.check(orders)?;
        Ok(mapping)
    }

    pub(super) fn has(&self, key: &Key) -> bool {
        self.0.contains_key(key)
    }

    /// The value of a key in a row; blank is `None`.
    pub(super) fn get<'a>(&'a self, key: &Key, cells: Cells<'a>) -> Option<&'a str> {
        let value = match self.0.get(key)? {
            Place::Column(at) => cells.get(*at),
            Place::Const(value) => value.trim(),
        };
        Some(value).filter(|value| !value.is_empty())
    }

    /// The traits by name, then the consents, with their values in a row; blank ones are left out.
    pub(super) fn traits<'a>(&'a self, cells: Cells<'a>) -> impl Iterator<Item = (&'a Key, &'a str)> {
        let rich = self.0.keys().filter(|key| matches!(key, Key::Trait(_) | Key::Consent(..)));
        rich.filter_map(move |key| Some((key, self.get(key, cells)?)))
    }

    /// Whether an id is `1.23457E+12`. A phone number of that kind is none, and harms nobody.
    pub(super) fn names_somebody_in_short(&self, cells: Cells<'_>) -> bool {
        let ids = PEOPLE.iter().filter(|key| **key != Key::Phone);
        ids.filter_map(|key| self.get(key, cells)).any(is_rounded_id)
    }

    /// The column of a key.
    pub(super) fn column(&self, key: &Key) -> Option<usize> {
        match self.0.get(key)? {
            Place::Column(at) => Some(*at),
            Place::Const(_) => None,
        }
    }

    /// What a column is.
    pub(super) fn key_of(&self, column: usize) -> Option<&Key> {
        let reads = |place: &Place| matches!(place, Place::Column(own) if *own == column);
        self.0.iter().find(|(_, place)| reads(place)).map(|(key, _)| key)
    }

    /// As a report shows it.
    pub(super) fn shown(&self, headers: &[String]) -> BTreeMap<String, From> {
        let from = |place: &Place| match place {
            Place::Column(at) => From::Column(headers.get(*at).cloned().unwrap_or_default()),
            Place::Const(value) => From::Const(value.clone()),
        };
        self.0.iter().map(|(key, place)| (key.text(), from(place))).collect()
    }

    /// The headers that nothing was read from.
    pub(super) fn unmapped(&self, headers: &[String]) -> Vec<String> {
        let used = |at: usize| self.0.values().any(|place| matches!(place, Place::Column(own) if *own == at));
        let rest = headers.iter().enumerate().filter(|(at, header)| !header.is_empty() && !used(*at));
        rest.map(|(_, header)| header.clone()).collect()
    }

    fn is_enough(&self, orders: bool) -> bool {
        if orders {
            return self.has(&Key::OrderId) && self.has(&Key::Time);
        }
        PEOPLE.iter().any(|key| self.has(key))
    }

    pub(super) fn has_amount(&self) -> bool {
        self.has(&Key::Total) || self.has(&Key::LineTotal) || self.has(&Key::Price)
    }

    /// Reads a key from a column, unless the key is mapped or the column read already.
    pub(super) fn offer(&mut self, key: Key, column: usize) {
        if self.is_free(column) {
            self.0.entry(key).or_insert(Place::Column(column));
        }
    }

    /// Whether nothing is read from a column.
    pub(super) fn is_free(&self, column: usize) -> bool {
        !self.0.values().any(|place| matches!(place, Place::Column(own) if *own == column))
    }

    /// Takes a key back.
    pub(super) fn forget(&mut self, key: &Key) -> Option<usize> {
        let column = self.column(key);
        self.0.remove(key);
        column
    }

    /// Whether what is needed to read the file at all is there. The headers are not told: a file without any has a row of
    /// data in their place.
    fn check(&self, orders: bool) -> Result<()> {
        let missing = |what: &str| {
            let text =
                format!("no column looks like {what}; name one so in the file's first line, or map it to a header");
            Err(Error::invalid(text))
        };
        match orders {
            true if !self.has(&Key::OrderId) => missing("the order id (order_id)"),
            true if !self.has(&Key::Time) => missing("the time of the order (time)"),
            true if !self.has_amount() => missing("an amount (total, line_total or price)"),
            false if !PEOPLE.iter().any(|key| self.has(key)) => {
                missing("an identifier (user_id, customer_id, email, phone or loyalty_card)")
            }
            _ => Ok(()),
        }
    }
}
