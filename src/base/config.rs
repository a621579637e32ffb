//! What decides the meaning of a store: namespaces, blocked values, limits, sources, shops, traits.
//!
//! Stored when the store is created; the serde form is the contract (unknown fields are refused, so that a misspelled
//! option is heard of).

use super::doc::Doc;
use super::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

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
    #[serde(deserialize_with = "super::given::namespaces")]
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
        super::given::config(json)
    }
}

/// How identifiers of one namespace behave; see the identity chapter of ARCHITECTURE.md.
///
/// A namespace named `mailbox`, which no store has unless it is created so, is filled from every e-mail address: what
/// stands behind a `+`, and the dots of Gmail, left out. So it is evidence, which can be explained and denied, that
/// `a.nn+shop@gmail.com` and `ann@gmail.com` are one person's.
///
/// ```
/// let rule: regulars::NamespaceRule = serde_json::from_str(r#"{"rank":2,"limit":5,"glue":2,"person":true}"#)?;
/// assert_eq!(rule.limit, Some(5));
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NamespaceRule {
    /// Strength: 0 is strongest; all ranks of a store are distinct. Those of the defaults stand ten apart, in the order
    /// `user_id`, `customer_id`, `loyalty_card`, `email`, `phone`, `device`, `anonymous_id`.
    pub rank: u16,
    /// How many distinct values one profile may hold; none: no limit.
    #[serde(default)]
    pub limit: Option<u32>,
    /// Count the limit inside a sliding window of this length (`"7d"`) only.
    #[serde(default)]
    pub window: Option<Span>,
    /// How many people an identifier may be seen with and still join them; none: no cap.
    #[serde(default)]
    pub glue: Option<u32>,
    /// Weaker namespace -> how many distinct neighbors there before the identifier counts as shared.
    #[serde(default)]
    pub fan: BTreeMap<String, u32>,
    /// Session length for attribution through a shared identifier; none: sticky.
    #[serde(default)]
    pub ttl: Option<Span>,
    /// A profile that holds such an identifier is a known person.
    #[serde(default)]
    pub person: bool,
    /// Values are per shop, not per company.
    #[serde(default)]
    pub per_shop: bool,
}

impl NamespaceRule {
    /// The rule of a namespace that every store has; `None` for another name. What a host changes of it starts here.
    ///
    /// ```
    /// use regulars::NamespaceRule;
    /// let email = NamespaceRule::default_of("email").expect("every store has it");
    /// let stronger = NamespaceRule { rank: 15, ..email };
    /// assert_eq!((stronger.limit, stronger.glue, stronger.person), (Some(5), Some(2), true));
    /// ```
    #[must_use]
    pub fn default_of(name: &str) -> Option<Self> {
        default_namespaces().into_iter().find(|(known, _)| *known == name).map(|(_, rule)| rule)
    }
}

/// A length of time in milliseconds; in text a whole number and one of `ms s m h d w`, for example `"30m"`.
///
/// ```
/// let span: regulars::Span = serde_json::from_str("\"30m\"")?;
/// assert_eq!(span.as_millisecond(), 1_800_000);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(i64);

impl Span {
    /// A span of `ms` milliseconds.
    ///
    /// ```
    /// assert_eq!(regulars::Span::from_millisecond(1000).to_string(), "1s");
    /// ```
    #[must_use]
    pub const fn from_millisecond(ms: i64) -> Self {
        Self(ms)
    }

    /// A span of rolling days of 86,400 s.
    ///
    /// ```
    /// assert_eq!(regulars::Span::days(30).as_millisecond(), 2_592_000_000);
    /// ```
    #[must_use]
    pub const fn days(days: u32) -> Self {
        // u32 days in milliseconds stay below 2^59.
        Self(days as i64 * super::time::DAY_MS)
    }

    /// The length in milliseconds.
    ///
    /// ```
    /// assert_eq!(regulars::Span::days(1).as_millisecond(), 86_400_000);
    /// ```
    #[must_use]
    pub const fn as_millisecond(self) -> i64 {
        self.0
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&super::time::span_text(self.0))
    }
}

impl std::str::FromStr for Span {
    type Err = crate::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        super::time::parse_span_ms(text).map(Self).ok_or_else(|| {
            crate::Error::invalid("a span is a whole number and one of ms, s, m, h, d, w: for example 30d")
        })
    }
}

impl Serialize for Span {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("expected a span such as \"30d\" (ms, s, m, h, d, w)"))
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

/// No longer value is ever an identifier, nor kept as a blocked one.
const BLOCKED_BYTES_MAX: usize = 4096;

/// One namespace with its code, as the store uses it: defaults and overrides merged.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Namespace {
    pub(crate) name: String,
    pub(crate) rule: NamespaceRule,
}

/// All namespaces of a store. The index is the namespace code, and is ordered by rank: a smaller code is stronger.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Namespaces {
    all: Vec<Namespace>,
    /// Values that identify nobody, besides those that the store was created with: lower case, sorted, distinct.
    blocked: Vec<String>,
    /// How often rules and blocked values were changed since the store was created.
    version: u64,
}

impl Namespaces {
    /// The defaults with the overrides of `config`, by rank.
    ///
    /// # Errors
    /// `Invalid` for two namespaces of one rank, a fan of an unknown namespace, a bad name, or more than 64.
    pub(crate) fn new(overrides: &BTreeMap<String, NamespaceRule>) -> crate::Result<Self> {
        let mut merged: BTreeMap<String, NamespaceRule> =
            default_namespaces().into_iter().map(|(name, rule)| (name.to_owned(), rule)).collect();
        // A namespace given by the host may take a rank inside the defaults: those of the host are inserted before.
        merged.extend(overrides.iter().map(|(name, rule)| (name.clone(), rule.clone())));
        let mut all: Vec<Namespace> = merged.into_iter().map(|(name, rule)| Namespace { name, rule }).collect();
        all.sort_by_key(|ns| ns.rule.rank);
        Self::check(&all)?;
        Ok(Self { all, blocked: Vec::new(), version: 0 })
    }

    /// The next version: these namespaces have other rules, the others stay as they are. The same one where nothing is
    /// different.
    ///
    /// # Errors
    /// `Invalid` for a namespace that is not there and for another `per_shop`: by these values were normalized, which is
    /// decided when a store is created.
    pub(crate) fn with(&self, rules: &BTreeMap<String, NamespaceRule>) -> crate::Result<Self> {
        let mut all = self.all.clone();
        for (name, rule) in rules {
            let Some(old) = all.iter_mut().find(|known| known.name == *name) else {
                let text = format!("there is no namespace {name:?}; namespaces are decided when a store is created");
                return Err(crate::Error::invalid(text));
            };
            if rule.per_shop != old.rule.per_shop {
                let text = format!("per_shop of namespace {name:?} is decided when a store is created");
                return Err(crate::Error::invalid(text));
            }
            old.rule = rule.clone();
        }
        all.sort_by_key(|of| of.rule.rank);
        Self::check(&all)?;
        let version = self.version + u64::from(all != self.all);
        Ok(Self { all, version, blocked: self.blocked.clone() })
    }

    /// Whether facts look the same under both: the namespaces stand in one order, and the same ones name persons.
    pub(crate) fn has_form_of(&self, other: &Self) -> bool {
        let same = |(a, b): (&Namespace, &Namespace)| a.name == b.name && a.rule.person == b.rule.person;
        self.all.len() == other.all.len() && self.all.iter().zip(&other.all).all(same)
    }

    /// The next version: these values identify nobody, too. The same one where none is new.
    ///
    /// # Errors
    /// `Invalid` for a blank value, and for one that no identifier can have.
    pub(crate) fn with_blocked(&self, values: &[String]) -> crate::Result<Self> {
        let words: BTreeSet<String> = values.iter().map(|value| value.trim().to_lowercase()).collect();
        if words.iter().any(|word| word.is_empty() || word.len() > BLOCKED_BYTES_MAX) {
            return Err(crate::Error::invalid("a blocked value is a text of 1 to 4,096 bytes"));
        }
        let all: BTreeSet<String> = words.into_iter().chain(self.blocked.iter().cloned()).collect();
        let version = self.version + u64::from(all.len() != self.blocked.len());
        Ok(Self { all: self.all.clone(), blocked: all.into_iter().collect(), version })
    }

    /// What a store wrote down of its rules.
    pub(crate) fn restored(
        &self,
        rules: &BTreeMap<String, NamespaceRule>,
        blocked: &[String],
        version: u64,
    ) -> crate::Result<Self> {
        Ok(Self { version, ..self.with(rules)?.with_blocked(blocked)? })
    }

    /// Values blocked since the store was created.
    pub(crate) fn blocked(&self) -> &[String] {
        &self.blocked
    }

    /// The rule of each namespace.
    pub(crate) fn rules(&self) -> BTreeMap<String, NamespaceRule> {
        self.all.iter().map(|of| (of.name.clone(), of.rule.clone())).collect()
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    fn check(all: &[Namespace]) -> crate::Result<()> {
        if all.len() > 64 {
            return Err(crate::Error::invalid("a store has at most 64 namespaces"));
        }
        for (one, next) in all.iter().zip(all.iter().skip(1)) {
            if one.rule.rank == next.rule.rank {
                let text = format!(
                    "namespaces {} and {} both have rank {}; give each a rank of its own",
                    one.name, next.name, one.rule.rank
                );
                return Err(crate::Error::invalid(text));
            }
        }
        for ns in all {
            if let Some(unknown) = ns.rule.fan.keys().find(|weaker| !all.iter().any(|ns| ns.name == **weaker)) {
                return Err(crate::Error::invalid(format!(
                    "namespace {} has a fan cap for unknown {unknown}",
                    ns.name
                )));
            }
            if ns.name.is_empty() || ns.name.len() > 256 {
                return Err(crate::Error::invalid("a namespace's name has 1 to 256 bytes"));
            }
        }
        Ok(())
    }

    /// The code of a name.
    pub(crate) fn code(&self, name: &str) -> Option<u8> {
        self.all.iter().position(|ns| ns.name == name).and_then(|at| u8::try_from(at).ok())
    }

    /// The namespace of a code.
    pub(crate) fn get(&self, code: u8) -> Option<&Namespace> {
        self.all.get(usize::from(code))
    }

    /// The name of a code; empty for a code that does not exist.
    pub(crate) fn name(&self, code: u8) -> &str {
        self.get(code).map_or("", |ns| ns.name.as_str())
    }

    /// Whether a profile that holds such an identifier is a known person.
    pub(crate) fn is_person(&self, code: u8) -> bool {
        self.get(code).is_some_and(|ns| ns.rule.person)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u8, &Namespace)> {
        self.all.iter().enumerate().filter_map(|(at, ns)| Some((u8::try_from(at).ok()?, ns)))
    }
}

fn default_namespaces() -> [(&'static str, NamespaceRule); 7] {
    let fan = |caps: &[(&str, u32)]| caps.iter().map(|(name, cap)| ((*name).to_owned(), *cap)).collect();
    let session = Some(Span::from_millisecond(30 * 60_000));
    let base = NamespaceRule::default();
    [
        (
            "user_id",
            NamespaceRule {
                limit: Some(1),
                fan: fan(&[("email", 50), ("phone", 50), ("device", 500), ("anonymous_id", 5000)]),
                person: true,
                ..base.clone()
            },
        ),
        (
            "customer_id",
            NamespaceRule {
                rank: 10,
                limit: Some(1),
                glue: Some(1),
                fan: fan(&[("email", 20), ("phone", 20)]),
                person: true,
                ..base.clone()
            },
        ),
        (
            "loyalty_card",
            NamespaceRule {
                rank: 20,
                limit: Some(5),
                glue: Some(2),
                fan: fan(&[("email", 6), ("phone", 6)]),
                person: true,
                ..base.clone()
            },
        ),
        (
            "email",
            NamespaceRule {
                rank: 30,
                limit: Some(5),
                glue: Some(2),
                fan: fan(&[("phone", 10), ("device", 100), ("anonymous_id", 500)]),
                person: true,
                ..base.clone()
            },
        ),
        (
            "phone",
            NamespaceRule {
                rank: 40,
                limit: Some(5),
                glue: Some(2),
                fan: fan(&[("device", 100), ("anonymous_id", 500)]),
                person: true,
                ..base.clone()
            },
        ),
        ("device", NamespaceRule { rank: 50, glue: Some(1), ttl: session, ..base.clone() }),
        (
            "anonymous_id",
            NamespaceRule {
                rank: 60,
                limit: Some(20),
                window: Some(Span::days(7)),
                glue: Some(1),
                ttl: session,
                ..base
            },
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_table_is_the_documented_one() {
        let all = Namespaces::new(&BTreeMap::new()).unwrap();
        let names: Vec<&str> = all.iter().map(|(_, ns)| ns.name.as_str()).collect();
        assert_eq!(names, ["user_id", "customer_id", "loyalty_card", "email", "phone", "device", "anonymous_id"]);
        let anonymous = all.get(6).unwrap();
        assert_eq!((anonymous.rule.limit, anonymous.rule.window), (Some(20), Some(Span::days(7))));
        assert!(all.is_person(4) && !all.is_person(5));
        let ranks: Vec<u16> = all.iter().map(|(_, ns)| ns.rule.rank).collect();
        assert_eq!(ranks, [0, 10, 20, 30, 40, 50, 60], "a host inserts its own between them");
    }

    #[test]
    fn two_namespaces_of_one_rank_are_refused() {
        let clash = BTreeMap::from([("till".to_owned(), NamespaceRule { rank: 30, ..NamespaceRule::default() })]);
        assert!(Namespaces::new(&clash).unwrap_err().to_string().contains("rank 30"));
    }

    #[test]
    fn misspelled_options_are_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"curency":"EUR"}"#).is_err());
    }
}
