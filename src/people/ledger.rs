//! What the facts of an input say: their properties, shops and product lines, each a column beside the entries.

use super::bits::Bits;
use super::codes::Codes;
use super::dictionary::{Building, Dictionary, Verdict};
use super::entries::Entries;
use super::entry::{EventRef, LineView, exchange, lines};
use super::money::{self, Exchange, Inside};
use super::run::Population;
use crate::Result;
use crate::base::Timestamp;
use crate::base::bytes::row32;
use crate::base::doc::Doc;
use crate::column::blocks::BlockCache;
use crate::event::history::History;
use crate::event::part::EventPart;
use crate::fact::topic::is_commerce;
use crate::profile::person::Person;
use crate::profile::records::Records;
use crate::rule::compare::{Test, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};

/// A ledger keeps no more paths than this: what a rule asks for bounds no memory.
const PATHS_MAX: usize = 32;

/// What is read of the facts of an input beside their times.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wanted {
    pub(crate) shops: bool,
    /// Paths inside the properties.
    pub(crate) properties: BTreeSet<String>,
    /// Paths inside the product lines; `None` where no line is read.
    pub(crate) lines: Option<BTreeSet<String>>,
}

impl Wanted {
    /// Whether all of this is among the other's.
    fn is_within(&self, other: &Self) -> bool {
        let lines = |own: &BTreeSet<String>| other.lines.as_ref().is_some_and(|others| own.is_subset(others));
        self.shops <= other.shops
            && self.properties.is_subset(&other.properties)
            && self.lines.as_ref().is_none_or(lines)
    }

    fn and(mut self, other: &Self) -> Self {
        self.shops |= other.shops;
        self.properties.extend(other.properties.iter().cloned());
        if let Some(lines) = &other.lines {
            self.lines.get_or_insert_default().extend(lines.iter().cloned());
        }
        self
    }

    /// Whether it is more than a ledger keeps at a time.
    pub(crate) fn is_much(&self) -> bool {
        self.properties.len() + self.lines.as_ref().map_or(0, BTreeSet::len) > PATHS_MAX
    }

    fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

/// A property of every entry or line.
pub(crate) struct Property {
    dictionary: Dictionary,
    codes: Codes,
}

impl Property {
    fn new(building: Building, codes: &[u32]) -> Self {
        let (dictionary, new_codes) = building.finish();
        let codes = codes.iter().map(|old| new_codes.get(*old as usize).copied().unwrap_or(0)).collect();
        Self { codes: Codes::new(codes, dictionary.len()), dictionary }
    }

    pub(crate) fn code(&self, place: usize) -> u32 {
        self.codes.get(place)
    }

    pub(crate) fn value(&self, place: usize) -> Value<'_> {
        self.dictionary.value(self.codes.get(place))
    }

    /// The codes whose value passes the test.
    pub(crate) fn verdict(&self, test: &Test) -> Verdict {
        self.dictionary.verdict(test)
    }

    /// The places whose code the verdict is true of.
    pub(crate) fn matching(&self, verdict: &Verdict) -> Bits {
        self.codes.matching(verdict)
    }

    /// A property of values that come in the order of places.
    pub(crate) fn of_values<'v>(values: impl Iterator<Item = Value<'v>>) -> Self {
        let mut building = Building::default();
        let codes: Vec<u32> = values.map(|value| building.add(value)).collect();
        Self::new(building, &codes)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.dictionary.bytes() + self.codes.bytes()
    }
}

/// The shop of every entry.
struct Shops {
    names: Vec<Box<str>>,
    codes: Codes,
}

/// The product lines of every entry.
pub(crate) struct Lines {
    /// Where each entry's begin, and where the last one's end.
    starts: Vec<u32>,
    /// The entry of each line.
    entries: Vec<u32>,
    properties: BTreeMap<String, Property>,
}

impl Lines {
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The lines of an entry.
    pub(crate) fn of(&self, entry: usize) -> std::ops::Range<usize> {
        let bound = |at: usize| self.starts.get(at).copied().unwrap_or(0) as usize;
        bound(entry)..bound(entry + 1)
    }

    /// The entry that a line is of.
    pub(crate) fn entry(&self, line: usize) -> usize {
        self.entries.get(line).copied().unwrap_or(u32::MAX) as usize
    }

    pub(crate) fn property(&self, path: &str) -> Option<&Property> {
        self.properties.get(path)
    }
}

/// The facts of an input with what is read of them.
pub(crate) struct Ledger {
    pub(crate) entries: Arc<Entries>,
    /// Which layers of the store the places of the entries are in.
    layers: Layers,
    wanted: Wanted,
    shops: Option<Shops>,
    properties: BTreeMap<String, Property>,
    lines: Option<Lines>,
}

/// The layers of a history: places in them stay good while there are the same ones.
struct Layers {
    /// Keeps the list's address from being another one's, and none of its parts.
    parts: Weak<Vec<Arc<EventPart>>>,
    tails: usize,
}

impl Layers {
    fn of(history: &History) -> Self {
        Self { parts: Arc::downgrade(&history.parts), tails: history.tails.len() }
    }

    fn are_those_of(&self, history: &History) -> bool {
        let now = Self::of(history);
        Weak::ptr_eq(&self.parts, &now.parts) && self.tails == now.tails
    }
}

/// How the amounts of an input's facts are read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amounts {
    /// In the store's currency.
    Exchanged,
    /// As they were sent.
    Sent,
}

impl Ledger {
    /// The events of a name.
    pub(crate) fn of_events(records: &Records, people: &Population, name: &str, wanted: &Wanted) -> Result<Self> {
        let mut facts = Vec::new();
        if let Some(code) = records.names.code(name) {
            if people.is_whole() {
                let mut nodes = Vec::new();
                for at in records.events.in_window(code, Timestamp::MIN, Timestamp::MAX)? {
                    records.events.nodes(at, &mut nodes)?;
                    if let Some(ordinal) = people.owner(records, at, &nodes)? {
                        facts.push(super::entries::Entry { ts: records.events.head(at)?.ts, ordinal, at });
                    }
                }
            } else {
                for (ordinal, row) in (0u32..).zip(people.rows()) {
                    let person = Person::read(records, *row)?;
                    let events = person.events.iter().filter(|event| event.name == code);
                    facts.extend(events.map(|event| super::entries::Entry { ts: event.ts, ordinal, at: event.at }));
                }
            }
        }
        let entries = Arc::new(Entries::new(records, people.len(), facts)?);
        Self::of_entries(records, entries, amounts_of(name), wanted)
    }

    /// These facts, with what is wanted of them.
    pub(crate) fn of_entries(
        records: &Records,
        entries: Arc<Entries>,
        amounts: Amounts,
        wanted: &Wanted,
    ) -> Result<Self> {
        let mut reading = Reading::new(wanted, entries.len());
        if !wanted.is_nothing() {
            reading.read(records, &entries, amounts)?;
        }
        let layers = Layers::of(&records.events);
        let Reading { shops, properties, lines, .. } = reading;
        let lines = lines.map(|lines| lines.finish(&entries));
        let properties =
            properties.into_iter().map(|(path, (building, codes))| (path, Property::new(building, &codes)));
        let shops = shops.map(|(names, codes)| Shops { codes: Codes::new(codes, names.len()), names });
        Ok(Self { entries, layers, wanted: wanted.clone(), shops, properties: properties.collect(), lines })
    }

    /// Whether all that is wanted was read.
    pub(crate) fn has(&self, wanted: &Wanted) -> bool {
        wanted.is_within(&self.wanted)
    }

    /// What was read, and this; only this where both are much.
    pub(crate) fn wanted_and(&self, wanted: &Wanted) -> Wanted {
        let both = self.wanted.clone().and(wanted);
        if both.is_much() { wanted.clone() } else { both }
    }

    /// Whether the places of the entries are good in this history.
    pub(crate) fn is_of(&self, history: &History) -> bool {
        self.layers.are_those_of(history)
    }

    /// Whether an entry is of a shop. False where shops were not read.
    pub(crate) fn is_of_shop(&self, shop: &str) -> impl Fn(usize) -> bool + '_ {
        let code = self.shops.as_ref().and_then(|shops| shops.names.iter().position(|name| **name == *shop));
        let code = code.map(row32);
        move |entry| code.is_some() && self.shops.as_ref().map(|shops| shops.codes.get(entry)) == code
    }

    pub(crate) fn property(&self, path: &str) -> Option<&Property> {
        self.properties.get(path)
    }

    pub(crate) fn lines(&self) -> Option<&Lines> {
        self.lines.as_ref()
    }

    pub(crate) fn bytes(&self) -> usize {
        let lines = self.lines.as_ref().map_or(0, |lines| {
            (lines.starts.len() + lines.entries.len()) * 4
                + lines.properties.values().map(Property::bytes).sum::<usize>()
        });
        let shops = self.shops.as_ref().map_or(0, |shops| shops.codes.bytes());
        self.entries.bytes() + self.properties.values().map(Property::bytes).sum::<usize>() + lines + shops
    }
}

/// How the amounts of events of a name are read.
pub(crate) fn amounts_of(name: &str) -> Amounts {
    if is_commerce(name) { Amounts::Exchanged } else { Amounts::Sent }
}

type Growing = (Building, Vec<u32>);

struct Reading {
    entries: usize,
    shops: Option<(Vec<Box<str>>, Vec<u32>)>,
    properties: BTreeMap<String, Growing>,
    lines: Option<ReadingLines>,
}

/// Lines in the order in which they are read.
struct ReadingLines {
    /// The entry of each.
    entries: Vec<u32>,
    properties: BTreeMap<String, Growing>,
}

impl Reading {
    fn new(wanted: &Wanted, entries: usize) -> Self {
        let growing = |paths: &BTreeSet<String>, len: usize| -> BTreeMap<String, Growing> {
            paths.iter().map(|path| (path.clone(), (Building::default(), vec![0; len]))).collect()
        };
        let lines = |paths: &BTreeSet<String>| ReadingLines { entries: Vec::new(), properties: growing(paths, 0) };
        Self {
            entries,
            shops: wanted.shops.then(|| (Vec::new(), vec![0; entries])),
            properties: growing(&wanted.properties, entries),
            lines: wanted.lines.as_ref().map(lines),
        }
    }

    /// Reads all facts, each once, in the order in which they lie.
    fn read(&mut self, records: &Records, entries: &Entries, amounts: Amounts) -> Result<()> {
        let mut cache = BlockCache::default();
        for (at, entry) in entries.in_store_order() {
            let ts = entries.ts(entry).unwrap_or(Timestamp::MIN);
            let fact = records.events.fact(at, &mut cache)?;
            let properties = fact.doc.get("properties").unwrap_or(Doc::new(&[]));
            let exchange = match amounts {
                Amounts::Exchanged => exchange(records, fact.shop, properties, ts),
                Amounts::Sent => None,
            };
            self.add(entry, &EventRef { ts, shop: fact.shop, properties, exchange }, records)?;
        }
        Ok(())
    }

    fn add(&mut self, entry: usize, event: &EventRef<'_>, records: &Records) -> Result<()> {
        debug_assert!(entry < self.entries);
        if let Some((names, codes)) = &mut self.shops {
            let known = names.iter().position(|name| **name == *event.shop);
            let code = known.unwrap_or_else(|| {
                names.push(event.shop.into());
                names.len() - 1
            });
            put(codes, entry, row32(code));
        }
        for (path, (building, codes)) in &mut self.properties {
            put(codes, entry, building.add(event.value(path)));
        }
        if let Some(reading) = &mut self.lines {
            for line in lines(records, event)? {
                reading.add(entry, &line, event.exchange);
            }
        }
        Ok(())
    }
}

fn put(codes: &mut [u32], place: usize, code: u32) {
    if let Some(slot) = codes.get_mut(place) {
        *slot = code;
    }
}

impl ReadingLines {
    fn add(&mut self, entry: usize, line: &LineView, exchange: Option<Exchange<'_>>) {
        self.entries.push(row32(entry));
        let inside = Inside::Line { listed: line.price_listed };
        for (path, (building, codes)) in &mut self.properties {
            codes.push(building.add(money::value(Doc::new(&line.bytes), path, inside, exchange)));
        }
    }

    /// The lines in the order of their entries.
    fn finish(self, entries: &Entries) -> Lines {
        let mut order: Vec<usize> = (0..self.entries.len()).collect();
        // Stable: lines of one entry stay in their own order.
        order.sort_by_key(|line| self.entries.get(*line).copied());
        let sorted: Vec<u32> = order.iter().filter_map(|line| self.entries.get(*line).copied()).collect();
        let starts = (0..=entries.count()).map(|entry| row32(sorted.partition_point(|of| *of < entry))).collect();
        let property = |(path, (building, codes)): (String, Growing)| {
            let codes: Vec<u32> = order.iter().filter_map(|line| codes.get(*line).copied()).collect();
            (path, Property::new(building, &codes))
        };
        let properties = self.properties.into_iter().map(property).collect();
        Lines { starts, entries: sorted, properties }
    }
}
