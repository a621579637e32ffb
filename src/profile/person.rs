//! One person's facts, read once and asked often.

use super::contacts::Consents;
use super::orders::{OrderEntry, Settled, settle};
use super::owned::{Owned, PersonEvent};
use super::records::Records;
use crate::Result;
use crate::base::canon;
use crate::base::config::{TraitKind, TraitPick, TraitRule};
use crate::base::doc::{Doc, DocWriter};
use crate::base::name::nfc;
use crate::base::zone::Zone;
use crate::base::{Currency, Timestamp};
use crate::column::blocks::BlockCache;
use crate::event::keys::{order_key, traits_of};
use crate::event::row::At;
use crate::fact::kind::{Bits, Kind};
use crate::fact::view::Fact;
use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

/// One value that an identify event gave a trait.
pub(crate) struct TraitSetting {
    pub(crate) name: Box<str>,
    pub(crate) ts: Timestamp,
    pub(crate) source: Box<str>,
    /// Document bytes; `null` clears.
    pub(crate) value: Box<[u8]>,
}

/// One person; see the module.
pub(crate) struct Person<'r> {
    pub(crate) records: &'r Records,
    /// The node of the eldest identifier.
    pub(crate) profile: u32,
    pub(crate) members: Vec<u32>,
    /// By (time, message id).
    pub(crate) events: Vec<PersonEvent>,
    traits: OnceCell<Vec<TraitSetting>>,
    orders: OnceCell<Vec<Vec<OrderEntry>>>,
    consents: OnceCell<Consents>,
    cache: RefCell<BlockCache>,
}

impl<'r> Person<'r> {
    /// Reads who the person is and which events are theirs. Cost: their events' columns, not the facts.
    pub(crate) fn read(records: &'r Records, profile: u32) -> Result<Self> {
        let Owned { members, events } = Owned::read(records, profile)?;
        Ok(Self {
            records,
            profile,
            members,
            events,
            traits: OnceCell::new(),
            orders: OnceCell::new(),
            consents: OnceCell::new(),
            cache: RefCell::default(),
        })
    }

    /// Runs `read` on the whole fact of one of the person's events.
    pub(crate) fn with_fact<T>(&self, at: At, read: impl FnOnce(&Fact<'_>) -> T) -> Result<T> {
        let mut cache = self.cache.borrow_mut();
        Ok(read(&self.records.events.fact(at, &mut cache)?))
    }

    /// Everything that was said about consent and suppression of the person's contacts.
    pub(crate) fn consents(&self) -> Result<&Consents> {
        if let Some(consents) = self.consents.get() {
            return Ok(consents);
        }
        let consents = Consents::read(self.records, self.profile, &self.members, &self.events)?;
        Ok(self.consents.get_or_init(|| consents))
    }

    /// The zone that the person was last in, by the events up to `at`: the latest one that the calendar knows.
    pub(crate) fn time_zone(&self, at: Timestamp) -> Result<Option<String>> {
        for event in self.events.iter().rev().filter(|event| event.ts <= at) {
            if !self.records.events.head(event.at)?.bits.has(Bits::ZONE) {
                continue;
            }
            let said = self
                .with_fact(event.at, |fact| Some(fact.doc.get("context")?.get("timezone")?.as_str()?.into_owned()))?;
            if let Some(name) = said.filter(|name| Zone::named(name).is_some()) {
                return Ok(Some(name));
            }
        }
        Ok(None)
    }

    /// Every value that was set for any trait, by (time, message id).
    pub(crate) fn trait_settings(&self) -> Result<&[TraitSetting]> {
        if let Some(traits) = self.traits.get() {
            return Ok(traits);
        }
        let mut all = Vec::new();
        for event in self.events.iter().filter(|event| event.kind == Kind::Identify) {
            self.with_fact(event.at, |fact| {
                let setting = |(name, value): (Cow<'_, str>, Doc<'_>)| TraitSetting {
                    name: name.into(),
                    ts: event.ts,
                    source: fact.source.into(),
                    value: value.bytes().into(),
                };
                all.extend(traits_of(fact.doc).into_iter().map(setting));
            })?;
        }
        Ok(self.traits.get_or_init(|| all))
    }

    /// The winning value of a trait among those set up to `at`; `None` where it is missing or cleared.
    pub(crate) fn trait_value(&self, name: &str, at: Timestamp) -> Result<Option<Vec<u8>>> {
        let name = nfc(name);
        let settings: Vec<&TraitSetting> =
            self.trait_settings()?.iter().filter(|setting| *setting.name == *name && setting.ts <= at).collect();
        Ok(pick(&settings, self.records.reading.traits.get(&*name)))
    }

    /// The names of the traits that anything was said about up to `at`, sorted.
    pub(crate) fn trait_names(&self, at: Timestamp) -> Result<BTreeSet<&str>> {
        Ok(self.trait_settings()?.iter().filter(|setting| setting.ts <= at).map(|setting| &*setting.name).collect())
    }

    /// The person's orders and lone refunds as known at `at`, by (time, position).
    pub(crate) fn orders(&self, at: Timestamp) -> Result<Vec<Settled>> {
        let mut settled: Vec<Settled> = self
            .order_entries()?
            .iter()
            .flat_map(|entries| settle(entries, at, &self.records.rates))
            .filter(|order| order.owner == Some(self.profile))
            .collect();
        settled.sort_by_key(|order| order.ts);
        Ok(settled)
    }

    /// The facts of every order that the person said anything about, whoever sent them, an order each.
    pub(crate) fn order_entries(&self) -> Result<&[Vec<OrderEntry>]> {
        if let Some(orders) = self.orders.get() {
            return Ok(orders);
        }
        let mut keys = BTreeSet::new();
        for event in &self.events {
            if event.kind == Kind::Track && is_order(self.records.names.name(event.name)) {
                keys.extend(self.with_fact(event.at, order_key)?);
            }
        }
        let mut all = Vec::new();
        for key in keys {
            all.push(self.records.order_entries(&self.records.events.of_order(&key)?)?);
        }
        Ok(self.orders.get_or_init(|| all))
    }
}

/// Whether an event name can be one of an order: a quick no for everything else.
pub(crate) fn is_order(name: &str) -> bool {
    name.len() > 6 && name.get(..6).is_some_and(|head| head.eq_ignore_ascii_case("order "))
}

/// The value that a trait's rule picks from its settings, which are sorted by (time, message id).
pub(crate) fn pick(settings: &[&TraitSetting], rule: Option<&TraitRule>) -> Option<Vec<u8>> {
    let typed: Vec<&TraitSetting>;
    let settings = match rule.and_then(|rule| rule.kind) {
        // A value of another type than the declared one is history, never the profile's.
        Some(kind) => {
            typed = settings.iter().filter(|setting| kind.covers(Doc::new(&setting.value))).copied().collect();
            typed.as_slice()
        }
        None => settings,
    };
    let is_null = |setting: &TraitSetting| Doc::new(&setting.value).is_null();
    let since = settings.iter().rposition(|setting| is_null(setting)).map_or(0, |at| at + 1);
    // What was said before the trait was cleared counts no more, whatever the rule.
    let standing = settings.get(since..).unwrap_or_default();
    let default = TraitPick::Latest;
    let kind = rule.and_then(|rule| rule.kind);
    let by_value = |a: &&&TraitSetting, b: &&&TraitSetting| compare(Doc::new(&a.value), Doc::new(&b.value), kind);
    let winner = match rule.map_or(&default, |rule| &rule.rule) {
        TraitPick::Latest => standing.last(),
        TraitPick::Earliest => standing.first(),
        TraitPick::Max => standing.iter().max_by(by_value),
        TraitPick::Min => standing.iter().min_by(by_value),
        TraitPick::Union => return union(standing),
        // Each source speaks for itself: one of less weight clears nothing.
        TraitPick::BySource(sources) => {
            let of = |source: &String| settings.iter().rfind(|setting| *setting.source == **source);
            sources.iter().find_map(of).or_else(|| settings.last()).filter(|setting| !is_null(setting))
        }
    };
    winner.map(|setting| setting.value.to_vec())
}

/// Numbers by value, before the rest; declared instants by time; everything else by its text or bytes.
fn compare(a: Doc<'_>, b: Doc<'_>, kind: Option<TraitKind>) -> Ordering {
    let instant = |value: Doc<'_>| value.as_str().and_then(|text| text.parse::<Timestamp>().ok());
    if kind == Some(TraitKind::Timestamp) {
        return instant(a).cmp(&instant(b));
    }
    match (a.as_number(), b.as_number()) {
        (Some(x), Some(y)) => canon::compare_numbers(&x, &y),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => match (a.as_str(), b.as_str()) {
            (Some(x), Some(y)) => x.cmp(&y),
            _ => a.bytes().cmp(b.bytes()),
        },
    }
}

/// The distinct members of all lists: numbers are one by value, however they are spelled.
fn union(settings: &[&TraitSetting]) -> Option<Vec<u8>> {
    let values: Vec<Doc<'_>> = settings.iter().map(|setting| Doc::new(&setting.value)).collect();
    if values.is_empty() {
        return None;
    }
    let mut items: BTreeMap<Vec<u8>, &[u8]> = BTreeMap::new();
    for item in values.iter().filter(|value| value.is_list()).flat_map(|list| list.items()) {
        let mut said = Vec::new();
        canon::bytes(item, &mut said);
        let spelled = items.entry(said).or_insert(item.bytes());
        *spelled = item.bytes().min(*spelled);
    }
    let items: BTreeSet<&[u8]> = items.into_values().collect();
    let mut out = Vec::new();
    let mut doc = DocWriter::new(&mut out);
    let list = doc.list();
    items.into_iter().for_each(|item| doc.copy(Doc::new(item)));
    doc.close(list);
    Some(out)
}

impl Person<'_> {
    /// The currency that the person's sums are in.
    pub(crate) fn currency(&self, orders: &[Settled]) -> Option<Currency> {
        currency_of(self.records, orders)
    }
}

/// The currency of sums: the store's, else that of the latest order. `orders` by time.
pub(crate) fn currency_of(records: &Records, orders: &[Settled]) -> Option<Currency> {
    let latest = || {
        let amount = |order: &Settled| order.order.as_ref().and_then(|placed| placed.amount).or(order.refunded);
        orders.iter().rev().find_map(amount).map(|money| money.currency)
    };
    records.reading.currency.or_else(latest)
}
