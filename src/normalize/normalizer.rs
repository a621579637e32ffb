//! A store's configuration, checked and compiled once; and what one call adds to it.

use super::blocked::BlockedValues;
use super::ident::{Bad, Env, Identifiers};
use super::phone;
use crate::base::config::Undeclared;
use crate::base::name::nfc;
use crate::base::namespaces::Namespaces;
use crate::base::zone::Zone;
use crate::base::{Config, Currency, Id, Limits, MessageIdPolicy, Source, Timestamp, TraitKind, Trust};
use crate::fact::kind::Kind;
use crate::message::wire::WireRules;
use crate::{Error, Result};
use phonenumber::country::Id as Region;
use std::collections::BTreeMap;

/// Deeper documents could exhaust the stack of whoever walks them.
const DEPTH_MAX: usize = 256;

/// Everything of a [`Config`] that decides what a message becomes.
pub(crate) struct Normalizer {
    pub(crate) identifiers: Identifiers,
    pub(crate) codes: Codes,
    pub(crate) wire: WireRules,
    pub(crate) message_id: MessageIdPolicy,
    /// Namespace <- dotted path.
    pub(crate) mapping: Vec<(u8, String)>,
    /// The traits whose type is declared, by their names in NFC.
    pub(crate) trait_kinds: BTreeMap<String, TraitKind>,
    home: Place,
    shops: BTreeMap<String, Place>,
    sources: BTreeMap<String, Source>,
    undeclared: Undeclared,
}

/// The codes of the namespaces that documented fields belong to.
#[derive(Clone, Copy)]
pub(crate) struct Codes {
    pub(crate) user_id: u8,
    pub(crate) anonymous_id: u8,
    pub(crate) email: u8,
    pub(crate) phone: u8,
    pub(crate) device: u8,
    /// Only where the host configured it.
    pub(crate) mailbox: Option<u8>,
}

/// What a shop decides about its messages.
#[derive(Clone, Copy, Default)]
struct Place {
    currency: Option<Currency>,
    region: Option<Region>,
}

impl Normalizer {
    /// Checks and compiles a configuration.
    ///
    /// # Errors
    /// `Invalid` names the option and what it may be.
    pub(crate) fn new(config: &Config) -> Result<Self> {
        let namespaces = Namespaces::new(&config.namespaces)?;
        check_zone("", config.time_zone.as_deref())?;
        let home = place("", config.currency.as_deref(), config.default_region.as_deref(), Place::default())?;
        let mut shops = BTreeMap::new();
        for (name, shop) in &config.shops {
            check_zone(name, shop.time_zone.as_deref())?;
            let place = place(name, shop.currency.as_deref(), shop.default_region.as_deref(), home)?;
            shops.insert(name.clone(), place);
        }
        check_limits(&config.limits)?;
        check_sources(config, &namespaces)?;
        let mapping = mapping(config, &namespaces)?;
        let code = |name| namespaces.code(name).ok_or_else(|| Error::invalid(format!("namespace {name} is missing")));
        let codes = Codes {
            user_id: code("user_id")?,
            anonymous_id: code("anonymous_id")?,
            email: code("email")?,
            phone: code("phone")?,
            device: code("device")?,
            mailbox: namespaces.code("mailbox"),
        };
        let named = config.sources.values().map(|source| source.shop.clone());
        let all_shops = shops.keys().cloned().chain(named).filter(|shop| !shop.is_empty()).collect();
        Ok(Self {
            codes,
            wire: WireRules {
                limits: config.limits.clone(),
                mapped: mapping.iter().map(|(_, path)| path.clone()).collect(),
            },
            identifiers: Identifiers::new(namespaces, BlockedValues::new(&config.blocked), all_shops),
            message_id: config.message_id,
            mapping,
            trait_kinds: kinds(config),
            home,
            shops,
            sources: config.sources.clone(),
            undeclared: config.undeclared,
        })
    }

    pub(crate) fn namespaces(&self) -> &Namespaces {
        &self.identifiers.namespaces
    }

    /// Namespace code, under the rules in force, and normal form of an identifier as a host names it.
    ///
    /// # Errors
    /// `Invalid` for a namespace that is not configured.
    pub(crate) fn normalized(&self, id: &Id, in_force: &Namespaces) -> Result<std::result::Result<(u8, String), Bad>> {
        // What was asked for is not repeated: it may be an identifier, given in the place of its namespace.
        let unknown = || {
            let known: Vec<&str> = in_force.iter().map(|(_, namespace)| namespace.name.as_str()).collect();
            Error::invalid(format!("the store has no such namespace; it has {}", known.join(", ")))
        };
        let code = in_force.code(id.namespace()).ok_or_else(unknown)?;
        Ok(self.identifiers.lookup(id.namespace(), id.value(), self.env("")).map(|value| (code, value)))
    }

    /// Where a value of that shop is read.
    pub(crate) fn env<'c>(&self, shop: &'c str) -> Env<'c> {
        Env { shop, region: self.place(shop).region }
    }

    /// The currency of a shop's amounts that name none.
    pub(crate) fn currency(&self, shop: &str) -> Option<Currency> {
        self.place(shop).currency
    }

    /// How far a call is believed that names none of the declared sources; `None` for one that does, for one that names
    /// no source, and where none are declared.
    ///
    /// # Errors
    /// `Invalid` where such calls are refused.
    fn trust_of_undeclared(&self, name: &str) -> Result<Option<Trust>> {
        if name.is_empty() || self.sources.is_empty() || self.sources.contains_key(name) {
            return Ok(None);
        }
        match self.undeclared {
            Undeclared::Claimed => Ok(Some(Trust::Claimed)),
            Undeclared::Verified => Ok(Some(Trust::Verified)),
            Undeclared::Refuse => {
                let known: Vec<&str> = self.sources.keys().map(String::as_str).collect();
                Err(Error::invalid(format!("no source of that name is declared; declared are {}", known.join(", "))))
            }
        }
    }

    fn place(&self, shop: &str) -> Place {
        self.shops.get(shop).copied().unwrap_or(self.home)
    }
}

fn kinds(config: &Config) -> BTreeMap<String, TraitKind> {
    config.traits.iter().filter_map(|(name, rule)| Some((nfc(name).into_owned(), rule.kind?))).collect()
}

fn subject(shop: &str) -> String {
    if shop.is_empty() { "the store".to_owned() } else { format!("shop {shop}") }
}

fn check_zone(shop: &str, name: Option<&str>) -> Result<()> {
    if name.is_none_or(|name| Zone::named(name).is_some()) {
        return Ok(());
    }
    let text = format!("time_zone of {} is no IANA time zone, for example Europe/Copenhagen", subject(shop));
    Err(Error::invalid(text))
}

fn place(shop: &str, currency: Option<&str>, region: Option<&str>, home: Place) -> Result<Place> {
    let of = subject(shop);
    let currency = match currency {
        Some(code) => Some(Currency::from_code(code).ok_or_else(|| {
            Error::invalid(format!("currency of {of} is no ISO 4217 code in capitals, for example EUR"))
        })?),
        None => home.currency,
    };
    let region = match region {
        Some(code) => Some(phone::region(code).ok_or_else(|| {
            Error::invalid(format!("default_region of {of} is no ISO 3166 code in capitals, for example DK"))
        })?),
        None => home.region,
    };
    Ok(Place { currency, region })
}

fn check_limits(limits: &Limits) -> Result<()> {
    let least_one = [
        ("message_bytes", limits.message_bytes),
        ("line_bytes", limits.line_bytes),
        ("keys", limits.keys),
        ("key_bytes", limits.key_bytes),
        ("identifier_chars", limits.identifier_chars),
    ];
    if let Some((name, _)) = least_one.iter().find(|(_, limit)| *limit == 0) {
        return Err(Error::invalid(format!("limit {name} is 0 and would refuse every message; give at least 1")));
    }
    // A document's containers carry their length in 32 bits.
    if limits.line_bytes > 1 << 28 || limits.message_bytes > 1 << 28 {
        return Err(Error::invalid("limits line_bytes and message_bytes are at most 256 MiB"));
    }
    if limits.depth > DEPTH_MAX {
        return Err(Error::invalid(format!("limit depth is at most {DEPTH_MAX}")));
    }
    Ok(())
}

fn check_sources(config: &Config, namespaces: &Namespaces) -> Result<()> {
    for (name, source) in &config.sources {
        if let Some(kind) = &source.default_type
            && Kind::from_name(kind).is_none()
        {
            let text = format!("default_type of source {name} is none of track, identify, page, screen, group, alias");
            return Err(Error::invalid(text));
        }
        if let Some(namespace) = &source.alias_namespace
            && namespaces.code(namespace).is_none()
        {
            let text = format!("alias_namespace of source {name} is no namespace that is configured");
            return Err(Error::invalid(text));
        }
    }
    let per_shop = namespaces.iter().any(|(_, namespace)| namespace.rule.per_shop);
    let mut shops = config.shops.keys().chain(config.sources.values().map(|source| &source.shop));
    if per_shop && let Some(shop) = shops.find(|shop| shop.contains(':')) {
        return Err(Error::invalid(format!(
            "shop {shop}: the name of a shop holds no colon where identifiers are per shop"
        )));
    }
    Ok(())
}

fn mapping(config: &Config, namespaces: &Namespaces) -> Result<Vec<(u8, String)>> {
    let compile = |(namespace, path): (&String, &String)| {
        let code = namespaces
            .code(namespace)
            .ok_or_else(|| Error::invalid(format!("mapping names namespace {namespace}, which is not configured")))?;
        if path.is_empty() || path.split('.').any(str::is_empty) {
            return Err(Error::invalid(format!("mapping of {namespace} is no path such as properties.{namespace}")));
        }
        Ok((code, path.clone()))
    };
    config.mapping.iter().map(compile).collect()
}

/// When the messages of a call were received.
#[derive(Clone, Copy, Debug)]
pub(crate) enum ReceivedAt {
    /// At this instant: the clock of the call or of the host.
    At(Timestamp),
    /// When the message says so (an import of archives); else at `fallback`.
    FromMessage {
        /// For messages that do not say it.
        fallback: Timestamp,
    },
}

/// What one call adds to the configuration: the source, its trust, the clock.
pub(crate) struct Intake<'c> {
    pub(crate) normalizer: &'c Normalizer,
    pub(crate) source: &'c str,
    pub(crate) shop: &'c str,
    pub(crate) channel: &'c str,
    pub(crate) claimed: bool,
    /// Sources are declared, and this one is not.
    pub(crate) undeclared: bool,
    pub(crate) operator_alias: bool,
    /// Rows of a file: strong evidence, whatever their type.
    pub(crate) rows: bool,
    pub(crate) alias_namespace: u8,
    pub(crate) default_type: Option<Kind>,
    pub(crate) received_at: ReceivedAt,
    pub(crate) env: Env<'c>,
    pub(crate) currency: Option<Currency>,
}

impl<'c> Intake<'c> {
    /// The context of a call. A source that is not declared has no shop and no channel. It is verified where none are
    /// declared, and else as far as the options say, unless the call says otherwise.
    ///
    /// # Errors
    /// `Invalid` for a source name above 256 bytes, and for a source that has to be declared and is not.
    pub(crate) fn new(
        normalizer: &'c Normalizer,
        source: Option<&'c str>,
        trust_override: Option<Trust>,
        default_type: Option<Kind>,
        received_at: ReceivedAt,
    ) -> Result<Self> {
        let name = source.unwrap_or_default();
        if name.len() > 256 {
            return Err(Error::invalid("the name of a source has at most 256 bytes"));
        }
        let declared = normalizer.sources.get(name);
        let undeclared = normalizer.trust_of_undeclared(name)?;
        let trust = trust_override.or(declared.map(|source| source.trust)).or(undeclared).unwrap_or_default();
        let claimed = trust == Trust::Claimed;
        let shop = declared.map_or("", |source| source.shop.as_str());
        let alias_namespace = declared.and_then(|source| source.alias_namespace.as_deref());
        let declared_type = declared.and_then(|source| source.default_type.as_deref()).and_then(Kind::from_name);
        Ok(Self {
            normalizer,
            source: name,
            shop,
            channel: declared.map_or("", |source| source.channel.as_str()),
            claimed,
            undeclared: undeclared.is_some(),
            operator_alias: !claimed && declared.is_some_and(|source| source.operator_alias),
            alias_namespace: alias_namespace
                .and_then(|namespace| normalizer.namespaces().code(namespace))
                .unwrap_or(normalizer.codes.anonymous_id),
            rows: false,
            default_type: default_type.or(declared_type),
            received_at,
            env: normalizer.env(shop),
            currency: normalizer.currency(shop),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn options_that_cannot_be_meant_are_refused_by_name() {
        for (json, word) in [
            (r#"{"currency":"EURO"}"#, "currency"),
            (r#"{"default_region":"XX"}"#, "default_region"),
            (r#"{"shops":{"dk":{"currency":"kr"}}}"#, "shop dk"),
            (r#"{"time_zone":"Copenhagen"}"#, "time_zone of the store"),
            (r#"{"shops":{"dk":{"time_zone":"CET/CEST"}}}"#, "time_zone of shop dk"),
            (r#"{"mapping":{"planet":"a.b"}}"#, "planet"),
            (r#"{"mapping":{"loyalty_card":"a..b"}}"#, "loyalty_card"),
            (r#"{"sources":{"web":{"default_type":"click"}}}"#, "default_type"),
            (r#"{"sources":{"web":{"alias_namespace":"x"}}}"#, "alias_namespace"),
            (r#"{"limits":{"keys":0}}"#, "keys"),
            (r#"{"limits":{"depth":100000}}"#, "depth"),
            (r#"{"shops":{"a:b":{}},"namespaces":{"user_id":{"rank":0,"per_shop":true}}}"#, "colon"),
        ] {
            let config: Config = serde_json::from_str(json).unwrap();
            let error = Normalizer::new(&config).err().unwrap();
            assert_eq!(error.kind(), ErrorKind::Invalid);
            assert!(error.to_string().contains(word), "{error}");
        }
        assert!(Normalizer::new(&Config::default()).is_ok());
    }
}
