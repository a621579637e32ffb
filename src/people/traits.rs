//! A trait of everybody: the winning value, as a code of a dictionary, and one set of people a value where values are few.

use super::bits::Bits;
use super::codes::Codes;
use super::dictionary::{Building, Dictionary, Verdict};
use super::late::Late;
use super::run::Population;
use crate::Result;
use crate::base::Timestamp;
use crate::base::config::{TraitPick, TraitRule};
use crate::base::doc::Doc;
use crate::base::name::nfc;
use crate::column::blocks::BlockCache;
use crate::event::row::At;
use crate::fact::kind::Kind;
use crate::profile::person::{Person, TraitSetting, pick};
use crate::profile::records::Records;
use crate::rule::compare::{Test, Value};

/// Up to so many distinct values have a set of people each.
const SETS_MAX: usize = 64;

/// The winning values of one top-level trait, by ordinal.
pub(crate) struct TraitColumn {
    dictionary: Dictionary,
    codes: Codes,
    /// By code; empty where values are many.
    sets: Vec<Bits>,
    /// When anything was said of it.
    pub(crate) late: Late,
}

/// What the test says of a trait, or of a path inside it.
pub(crate) struct Said {
    /// Who has something there.
    pub(crate) found: Bits,
    /// For whom of them the test holds.
    pub(crate) holds: Bits,
}

impl TraitColumn {
    /// Reads the values that win among those that were set up to `at`.
    pub(crate) fn read(records: &Records, people: &Population, name: &str, at: Timestamp) -> Result<Self> {
        let name = nfc(name);
        let mut filling = Filling { building: Building::default(), codes: Vec::new(), late: Vec::new() };
        filling.codes = vec![filling.building.add(Value::Missing); people.len() as usize];
        if people.is_whole() {
            filling.scan(records, people, &name, at)?;
        } else {
            filling.ask(records, people, &name, at)?;
        }
        Ok(filling.finish())
    }

    /// For whom the test holds, a missing value counting as such.
    pub(crate) fn matching(&self, test: &Test) -> Bits {
        self.of(&self.dictionary.verdict(test))
    }

    /// What the test says of the value at a path inside the trait, or of the trait as a whole.
    pub(crate) fn said(&self, tail: Option<&str>, test: &Test) -> Said {
        let Some(path) = tail else {
            let found = self.of(&self.dictionary.verdict(&Test::Set { negated: false }));
            let mut holds = self.matching(test);
            holds.and(&found);
            return Said { found, holds };
        };
        let (found, holds) = self.dictionary.verdict_inside(path, test);
        Said { found: self.of(&Verdict::Table(found)), holds: self.of(&Verdict::Table(holds)) }
    }

    fn of(&self, verdict: &Verdict) -> Bits {
        if self.sets.is_empty() {
            return self.codes.matching(verdict);
        }
        let (mut within, mut without) = (Vec::new(), Vec::new());
        for (code, set) in (0u32..).zip(&self.sets) {
            if verdict.holds(code) { &mut within } else { &mut without }.push(set);
        }
        let union = |sets: &[&Bits]| {
            let mut all = Bits::none(self.sets.first().map_or(0, Bits::len));
            sets.iter().for_each(|set| all.or(set));
            all
        };
        if within.len() <= without.len() { union(&within) } else { union(&without).complement() }
    }

    pub(crate) fn bytes(&self) -> usize {
        let sets: usize = self.sets.iter().map(Bits::bytes).sum();
        self.dictionary.bytes() + self.codes.bytes() + self.late.bytes() + sets
    }
}

struct Filling {
    building: Building,
    codes: Vec<u32>,
    late: Vec<(Timestamp, u32)>,
}

/// One value that was set.
struct Setting {
    owner: u32,
    ts: Timestamp,
    at: At,
    value: Box<[u8]>,
}

impl Filling {
    fn put(&mut self, ordinal: u32, value: Option<&[u8]>) {
        let code = self.building.add(Value::of(value.map(Doc::new)));
        if let Some(slot) = self.codes.get_mut(ordinal as usize) {
            *slot = code;
        }
    }

    /// Reads a trait of everybody from its projection in the parts.
    fn scan(&mut self, records: &Records, people: &Population, name: &str, at: Timestamp) -> Result<()> {
        let codes = (records.trait_names.code(name), records.names.code(Kind::Identify.name()));
        let (Some(code), Some(identify)) = codes else { return Ok(()) };
        let (mut settings, mut nodes) = (Vec::new(), Vec::new());
        records.events.trait_rows(code, name, identify, &mut |row| {
            let ts = records.events.head(row.at)?.ts;
            records.events.nodes(row.at, &mut nodes)?;
            if let Some(owner) = people.owner(records, row.at, &nodes)? {
                self.late.push((ts, owner));
                if ts <= at {
                    settings.push(Setting { owner, ts, at: row.at, value: row.value.into() });
                }
            }
            Ok(())
        })?;
        settings.sort_unstable_by_key(|setting| (setting.owner, setting.ts, setting.at));
        let rule = records.reading.traits.get(name);
        for of_one in settings.chunk_by_mut(|a, b| a.owner == b.owner) {
            self.settle(records, name, rule, of_one)?;
        }
        Ok(())
    }

    /// The value that wins among one person's settings, by time.
    fn settle(
        &mut self,
        records: &Records,
        name: &str,
        rule: Option<&TraitRule>,
        settings: &mut [Setting],
    ) -> Result<()> {
        by_message_within_an_instant(records, settings)?;
        let Some(owner) = settings.first().map(|setting| setting.owner) else { return Ok(()) };
        let plain = rule.is_none_or(|rule| rule.rule == TraitPick::Latest && rule.kind.is_none());
        if plain {
            let last = settings.last().map(|setting| &*setting.value);
            self.put(owner, last);
            return Ok(());
        }
        let mut cache = BlockCache::default();
        let mut read = Vec::with_capacity(settings.len());
        for Setting { ts, at, value, .. } in settings {
            let source = records.events.fact(*at, &mut cache)?.source.into();
            read.push(TraitSetting { name: name.into(), ts: *ts, source, value: std::mem::take(value) });
        }
        let value = pick(&read.iter().collect::<Vec<_>>(), rule);
        self.put(owner, value.as_deref());
        Ok(())
    }

    /// Reads a trait person by person.
    fn ask(&mut self, records: &Records, people: &Population, name: &str, at: Timestamp) -> Result<()> {
        for (ordinal, row) in (0u32..).zip(people.rows()) {
            let person = Person::read(records, *row)?;
            let settings = person.trait_settings()?.iter().filter(|setting| *setting.name == *name);
            self.late.extend(settings.map(|setting| (setting.ts, ordinal)));
            let value = person.trait_value(name, at)?;
            self.put(ordinal, value.as_deref());
        }
        Ok(())
    }

    fn finish(self) -> TraitColumn {
        let (dictionary, new_codes) = self.building.finish();
        let code = |old: &u32| new_codes.get(*old as usize).copied().unwrap_or(0);
        let codes: Vec<u32> = self.codes.iter().map(code).collect();
        let mut sets = Vec::new();
        if dictionary.len() <= SETS_MAX {
            let len = crate::base::bytes::row32(codes.len());
            sets.resize(dictionary.len(), Bits::none(len));
            for (ordinal, code) in (0u32..).zip(&codes) {
                if let Some(set) = sets.get_mut(*code as usize) {
                    set.insert(ordinal);
                }
            }
        }
        TraitColumn { codes: Codes::new(codes, dictionary.len()), dictionary, sets, late: Late::new(self.late) }
    }
}

/// Settings of one instant count in the order of their messages' ids.
fn by_message_within_an_instant(records: &Records, settings: &mut [Setting]) -> Result<()> {
    for tied in settings.chunk_by_mut(|a, b| a.ts == b.ts).filter(|tied| tied.len() > 1) {
        let mut keyed = Vec::with_capacity(tied.len());
        for setting in tied.iter_mut() {
            let value = std::mem::take(&mut setting.value);
            keyed.push((records.message_id(setting.at)?, setting.at, value));
        }
        keyed.sort();
        for (setting, (_, at, value)) in tied.iter_mut().zip(keyed) {
            (setting.at, setting.value) = (at, value);
        }
    }
    Ok(())
}
