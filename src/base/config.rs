//! What decides the meaning of a store: namespaces, blocked values, limits, sources, shops, traits.
//!
//! Stored when the store is created; the serde form is the contract (unknown fields are refused, so that a misspelled
//! option is heard of).

use super::doc::Doc;
use super::given;
use super::namespace::NamespaceRule;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The meaning-deciding options of a store, as stored at its creation.
///
/// ```
/// let config: regulars::Config = serde_json::from_str(r#"{"currency":"EUR","default_region":"DK"}"#)?;
/// assert_eq!(config.currency.as_deref(), Some("EUR"));
/// assert_eq!(config.limits.depth, 32);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct Config {
    /// IANA time zone of the shop's calendar; UTC when absent.
    pub time_zone: Option<String>,
    /// ISO 4217 currency of amounts that name none, and of every sum.
    pub currency: Option<String>,
    /// ISO 3166 region for phone numbers without a country code.
    pub default_region: Option<String>,
    /// Identifier namespaces that differ from, or come beside, the defaults. In JSON a rule may be given in part: it starts
    /// from the default of its name.
    #[serde(deserialize_with = "given::namespaces")]
    pub namespaces: BTreeMap<String, NamespaceRule>,
    /// Values that never identify anybody.
    pub blocked: Blocked,
    /// Where a message becomes too much.
    pub limits: Limits,
    /// What a message without messageId gets.
    pub message_id: MessageIdPolicy,
    /// Refuse later messages that name an erased identifier, too.
    pub suppress: bool,
    /// Shops of the company; messages belong to the one of their source.
    pub shops: BTreeMap<String, Shop>,
    /// Further identifiers: namespace <- JSON path in the message, e.g. `properties.loyalty_card`.
    pub mapping: BTreeMap<String, String>,
    /// Declared traits: type and the rule that picks the profile's value.
    pub traits: BTreeMap<String, TraitRule>,
    /// Declared sources.
    pub sources: BTreeMap<String, Source>,
    /// Where sources are declared: how far one is believed that is not, by its misspelled name perhaps. What comes from it
    /// is flagged `unknown_source`.
    pub undeclared: Undeclared,
}

impl Config {
    /// Reads options from JSON, as serde does, with errors that name the place and repeat no value.
    ///
    /// # Errors
    /// `Invalid` names the option and what it may be.
    ///
    /// ```
    /// use regulars::{Config, NamespaceRule};
    /// let config = Config::from_json(r#"{"namespaces":{"email":{"rank":15}}}"#)?;
    /// // Its limit, glue, fan and person are those of every store.
    /// let email = NamespaceRule::default_of("email").expect("every store has it");
    /// assert_eq!(config.namespaces["email"], NamespaceRule { rank: 15, ..email });
    /// let error = Config::from_json(r#"{"curency":"EUR"}"#).expect_err("misspelled");
    /// assert!(error.to_string().contains("curency"));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn from_json(json: &str) -> crate::Result<Self> {
        given::readable(json, &|value| given::read(value))
    }
}

/// The values that identify nobody: the built-in list, extended or replaced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Blocked {
    /// Whole values to block besides the built-in ones, in any case.
    pub add: Vec<String>,
    /// Start from an empty list instead of the built-in one.
    pub replace: bool,
}

/// Where a message becomes too much. Over a limit is a typed reject, never a truncation.
///
/// ```
/// assert_eq!(regulars::Limits::default().message_bytes, 1 << 20);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Bytes of one message.
    pub message_bytes: usize,
    /// Bytes of one line (any number of messages). The context of an envelope, which is copied into messages that have
    /// none, may add sixteen times as much; a message beyond that is `too_large`.
    pub line_bytes: usize,
    /// Nesting; the message itself is 0.
    pub depth: usize,
    /// Keys of one object.
    pub keys: usize,
    /// Bytes of a key or an event name.
    pub key_bytes: usize,
    /// Characters of an identifier or a message id.
    pub identifier_chars: usize,
    /// Products of one message.
    pub products: usize,
    /// Distinct event names of the store.
    pub event_names: usize,
    /// Distinct trait names of the store.
    pub trait_names: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes: 1 << 20,
            line_bytes: 4 << 20,
            depth: 32,
            keys: 500,
            key_bytes: 256,
            identifier_chars: 400,
            products: 2000,
            event_names: 10_000,
            trait_names: 2000,
        }
    }
}

/// What a message without messageId gets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MessageIdPolicy {
    /// An id derived from its content: two equal messages without time are one.
    #[default]
    Derive,
    /// A rejection (`missing_field`).
    Refuse,
    /// A fresh random id: every re-send counts again.
    Random,
}

/// Overrides of one shop.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Shop {
    /// IANA time zone.
    pub time_zone: Option<String>,
    /// ISO 4217 currency.
    pub currency: Option<String>,
    /// ISO 3166 region for phone numbers.
    pub default_region: Option<String>,
}

/// A declared trait: its type, and the rule that picks the profile's value from its history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TraitRule {
    /// `bool`, `int`, `float`, `string`, `timestamp`, `list` or `object`; none: any.
    #[serde(rename = "type")]
    pub kind: Option<TraitKind>,
    /// Which value wins.
    pub rule: TraitPick,
}

/// The declared type of a trait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the documentation")]
pub enum TraitKind {
    Bool,
    #[serde(alias = "i64")]
    Int,
    #[serde(alias = "f64")]
    Float,
    String,
    Timestamp,
    List,
    Object,
}

impl TraitKind {
    /// Whether a value has this type; the `null` that clears a trait has every one.
    pub(crate) fn covers(self, value: Doc<'_>) -> bool {
        let is_instant = |value: Doc<'_>| value.as_str().is_some_and(|text| text.parse::<Timestamp>().is_ok());
        value.is_null()
            || match self {
                Self::Bool => value.as_bool().is_some(),
                Self::Int => value.as_i64().is_some(),
                Self::Float => value.is_number(),
                Self::String => value.is_string(),
                Self::Timestamp => is_instant(value),
                Self::List => value.is_list(),
                Self::Object => value.is_object(),
            }
    }
}

/// Which of a trait's values is the profile's: each a function of the set of facts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TraitPick {
    /// The last one by time, then message id.
    #[default]
    Latest,
    /// The first one.
    Earliest,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The union of lists.
    Union,
    /// The first source of the list that said anything, then latest.
    BySource(Vec<String>),
}

/// Where messages come from, and how far they are believed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Source {
    /// How far its messages are believed.
    pub trust: Trust,
    /// The shop that its messages belong to.
    pub shop: String,
    /// web, app, pos, email, call, ...
    pub channel: String,
    /// Its alias messages join two user ids (never for a claimed source).
    pub operator_alias: bool,
    /// The namespace of an alias message's previousId; `anonymous_id` when absent.
    pub alias_namespace: Option<String>,
    /// The type of messages that name none.
    pub default_type: Option<String>,
}

/// How far a source is believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// The host's own systems: what they say joins identifiers.
    #[default]
    Verified,
    /// A public endpoint, where anyone can send anybody's e-mail: dates and feeds, never joins.
    Claimed,
}

/// How far a source is believed that the options do not declare, where they declare others.
///
/// ```
/// use regulars::{Config, Flag, Ingest, Store};
/// let config = Config::from_json(r#"{"sources":{"browser":{"trust":"claimed"}}}"#)?;
/// let store = Store::options().config(config).in_memory()?;
/// let misspelled = Ingest::new().source("brwoser");
/// let receipt = store.ingest(br#"{"type":"page","anonymousId":"a1"}"#, &misspelled)?;
/// assert_eq!(receipt.flags[&Flag::UnknownSource], 1);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Undeclared {
    /// Like a public endpoint: dates and feeds, never joins.
    #[default]
    Claimed,
    /// Like the host's own systems.
    Verified,
    /// Not at all: the call fails.
    Refuse,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn misspelled_options_are_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"curency":"EUR"}"#).is_err());
    }
}
