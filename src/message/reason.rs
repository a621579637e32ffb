//! Why a message was refused, and what was noticed about one that was accepted.

use std::fmt;

/// Why a message was not accepted. Each message is refused for the first check that it fails.
///
/// Prints, parses and serializes as the documented word.
///
/// ```
/// use regulars::{Limit, Reason};
/// assert_eq!(Reason::Limit(Limit::Keys).to_string(), "limit(keys)");
/// assert_eq!("no_identifier".parse::<Reason>()?, Reason::NoIdentifier);
/// assert_eq!(serde_json::to_string(&Reason::InvalidJson).unwrap(), "\"invalid_json\"");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Reason {
    /// The line is not JSON.
    InvalidJson,
    /// The line (or the row of a file) is not UTF-8.
    InvalidUtf8,
    /// Nested deeper than the limit.
    TooDeep,
    /// The line, the message or the cell has more bytes than the limit.
    TooLarge,
    /// A known field came twice with different values.
    DuplicateField,
    /// `type` is none of identify, track, page, screen, group, alias.
    UnknownType,
    /// A required field is absent.
    MissingField,
    /// A field holds another JSON type than it can.
    WrongType,
    /// `timestamp` is no instant.
    InvalidTimestamp,
    /// Every identifier field is absent.
    NoIdentifier,
    /// A number beyond what can be computed with.
    NumberOutOfRange,
    /// More of something than the store's limits allow.
    Limit(Limit),
    /// The message names somebody who was erased.
    Suppressed,
    /// The message, with that content, was taken back.
    Retracted,
    /// A row of a file is not CSV.
    InvalidCsv,
    /// A row of a file is not an order.
    NotAnOrder,
}

/// What there was too much of.
///
/// ```
/// assert_eq!(regulars::Limit::EventNames.name(), "event_names");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Limit {
    /// Keys of one object.
    Keys,
    /// Bytes of one key.
    Key,
    /// Characters of an identifier.
    Identifier,
    /// Characters of a message id.
    MessageId,
    /// Bytes of an event's name.
    EventName,
    /// Products of one message.
    Products,
    /// Distinct event names of the store.
    EventNames,
    /// Distinct trait names of the store.
    TraitNames,
}

impl Limit {
    /// The limit's name as options and reasons spell it.
    ///
    /// ```
    /// assert_eq!(regulars::Limit::Keys.name(), "keys");
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Keys => "keys",
            Self::Key => "key",
            Self::Identifier => "identifier",
            Self::MessageId => "message_id",
            Self::EventName => "event_name",
            Self::Products => "products",
            Self::EventNames => "event_names",
            Self::TraitNames => "trait_names",
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl Reason {
    /// All reasons, in the order of the documentation.
    ///
    /// ```
    /// assert!(regulars::Reason::ALL.iter().all(|reason| reason.to_string().parse().is_ok_and(|back: regulars::Reason| back == *reason)));
    /// ```
    pub const ALL: [Self; 23] = [
        Self::InvalidJson,
        Self::InvalidUtf8,
        Self::TooDeep,
        Self::TooLarge,
        Self::DuplicateField,
        Self::UnknownType,
        Self::MissingField,
        Self::WrongType,
        Self::InvalidTimestamp,
        Self::NoIdentifier,
        Self::NumberOutOfRange,
        Self::Limit(Limit::Keys),
        Self::Limit(Limit::Key),
        Self::Limit(Limit::Identifier),
        Self::Limit(Limit::MessageId),
        Self::Limit(Limit::EventName),
        Self::Limit(Limit::Products),
        Self::Limit(Limit::EventNames),
        Self::Limit(Limit::TraitNames),
        Self::Suppressed,
        Self::Retracted,
        Self::InvalidCsv,
        Self::NotAnOrder,
    ];

    /// The documented word.
    ///
    /// ```
    /// assert_eq!(regulars::Reason::Limit(regulars::Limit::Key).name(), "limit(key)");
    /// ```
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::InvalidJson => "invalid_json",
            Self::InvalidUtf8 => "invalid_utf8",
            Self::TooDeep => "too_deep",
            Self::TooLarge => "too_large",
            Self::DuplicateField => "duplicate_field",
            Self::UnknownType => "unknown_type",
            Self::MissingField => "missing_field",
            Self::WrongType => "wrong_type",
            Self::InvalidTimestamp => "invalid_timestamp",
            Self::NoIdentifier => "no_identifier",
            Self::NumberOutOfRange => "number_out_of_range",
            Self::Limit(Limit::Keys) => "limit(keys)",
            Self::Limit(Limit::Key) => "limit(key)",
            Self::Limit(Limit::Identifier) => "limit(identifier)",
            Self::Limit(Limit::MessageId) => "limit(message_id)",
            Self::Limit(Limit::EventName) => "limit(event_name)",
            Self::Limit(Limit::Products) => "limit(products)",
            Self::Limit(Limit::EventNames) => "limit(event_names)",
            Self::Limit(Limit::TraitNames) => "limit(trait_names)",
            Self::Suppressed => "suppressed",
            Self::Retracted => "retracted",
            Self::InvalidCsv => "invalid_csv",
            Self::NotAnOrder => "not_an_order",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl std::str::FromStr for Reason {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = Self::ALL.into_iter().find(|reason| reason.name() == text);
        known.ok_or_else(|| crate::Error::invalid("no such reason; see the documentation of Reason for the list"))
    }
}

impl serde::Serialize for Reason {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> serde::Deserialize<'de> for Reason {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("expected a reason such as \"no_identifier\""))
    }
}

/// Why a message was refused, and which field it is about, where it is about one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: Reason,
    pub(crate) field: Option<&'static str>,
}

impl Refusal {
    pub(crate) fn missing(field: &'static str) -> Self {
        Self { reason: Reason::MissingField, field: Some(field) }
    }

    pub(crate) fn wrong_type(field: &'static str) -> Self {
        Self { reason: Reason::WrongType, field: Some(field) }
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self { reason, field: None }
    }
}

macro_rules! flags {
    ($($(#[doc = $doc:literal])+ $variant:ident = $name:literal,)+) => {
        /// Something noticed about an accepted message. Flags are counted by kind and never reject.
        ///
        /// ```
        /// assert_eq!(regulars::Flag::AmountUnknown.to_string(), "amount_unknown");
        /// ```
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        #[repr(u8)]
        pub enum Flag {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Flag {
            /// All flags.
            ///
            /// ```
            /// assert!(regulars::Flag::ALL.contains(&regulars::Flag::Future));
            /// ```
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The flag's name in reports.
            ///
            /// ```
            /// assert_eq!(regulars::Flag::ZoneMissing.name(), "zone_missing");
            /// ```
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }
        }
    };
}

flags! {
    /// The event's time is more than 24 h after the message was received.
    Future = "future",
    /// An instant without zone was read as UTC.
    ZoneMissing = "zone_missing",
    /// sentAt, originalTimestamp or receivedAt is no instant and was not used.
    ClockUnreadable = "clock_unreadable",
    /// An identifier is on the list of values that identify nobody.
    BlockedIdentifier = "blocked_identifier",
    /// An identifier could not be normalized and stays data.
    UnusableIdentifier = "unusable_identifier",
    /// An external id names a namespace that is not configured.
    UnknownNamespace = "unknown_namespace",
    /// More identifiers than an event may have; the strongest count.
    IdentifiersCut = "identifiers_cut",
    /// A label of an e-mail's domain mixes scripts that look alike.
    MixedScript = "mixed_script",
    /// A field holds another type than the documented one and stays data.
    TypeMismatch = "type_mismatch",
    /// The message id cannot be used as text; one was derived.
    UnusableMessageId = "unusable_message_id",
    /// The amount of an order or a refund is unknown, or other money of a commerce event, such as the price of a line.
    AmountUnknown = "amount_unknown",
    /// An amount had more decimals than its currency and was rounded half to even.
    AmountRounded = "amount_rounded",
    /// An order without a usable order_id is keyed by its message id.
    OrderIdMissing = "order_id_missing",
    /// products is no list, or holds something that is no object.
    ProductsMalformed = "products_malformed",
    /// The quantity of a line is not a decimal above 0.
    QuantityUnknown = "quantity_unknown",
    /// A statement about consent whose status is none of granted, denied and withdrawn, or whose channel or purpose is no
    /// text.
    ConsentUnreadable = "consent_unreadable",
    /// A bare `NaN`, `Infinity` or `-Infinity` was read as null.
    NotFinite = "not_finite",
    /// Sources are declared, and the one that it came from is not.
    UnknownSource = "unknown_source",
}

impl fmt::Display for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl serde::Serialize for Flag {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// A set of flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u32);

impl Flags {
    pub(crate) fn set(&mut self, flag: Flag) {
        self.0 |= 1 << flag as u32;
    }

    pub(crate) fn has(self, flag: Flag) -> bool {
        self.0 & (1 << flag as u32) != 0
    }

    #[cfg(test)]
    pub(crate) fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The flags that are set.
    pub(crate) fn iter(self) -> impl Iterator<Item = Flag> {
        Flag::ALL.iter().copied().filter(move |flag| self.has(*flag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_parses_back() {
        for reason in Reason::ALL {
            assert_eq!(reason.to_string().parse::<Reason>().unwrap(), reason);
            let json = serde_json::to_string(&reason).unwrap();
            assert_eq!(serde_json::from_str::<Reason>(&json).unwrap(), reason);
        }
        assert!("LIMIT(keys)".parse::<Reason>().is_err());
    }

    #[test]
    fn flags_are_a_set_of_distinct_names() {
        let mut all = Flags::default();
        assert!(all.is_empty() && Flag::ALL.len() <= 32);
        Flag::ALL.iter().for_each(|flag| all.set(*flag));
        assert!(all.iter().eq(Flag::ALL.iter().copied()));
        let mut names: Vec<_> = Flag::ALL.iter().map(|flag| flag.name()).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), Flag::ALL.len());
    }
}
