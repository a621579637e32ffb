//! Facts of people by time: when, whose, and where the fact stands.

use crate::Result;
use crate::base::Timestamp;
use crate::base::bytes::row32;
use crate::event::row::At;
use crate::profile::records::Records;
use std::sync::OnceLock;

/// One fact of a person.
#[derive(Clone, Copy)]
pub(crate) struct Entry {
    pub(crate) ts: Timestamp,
    pub(crate) ordinal: u32,
    pub(crate) at: At,
}

/// The facts of an input, by time; those of one person and one instant in the order of their messages' ids.
pub(crate) struct Entries {
    times: Vec<i64>,
    ordinals: Vec<u32>,
    places: Vec<At>,
    /// How many people there are.
    people: u32,
    by_person: OnceLock<ByPerson>,
}

/// The same facts, person by person.
struct ByPerson {
    /// Where each person's begin, and where the last one's end.
    starts: Vec<u32>,
    entries: Vec<u32>,
}

impl Entries {
    pub(crate) fn new(records: &Records, people: u32, mut facts: Vec<Entry>) -> Result<Self> {
        facts.sort_by_key(|entry| (entry.ts, entry.ordinal));
        for tied in facts.chunk_by_mut(|a, b| (a.ts, a.ordinal) == (b.ts, b.ordinal)).filter(|tied| tied.len() > 1) {
            let mut keyed = Vec::with_capacity(tied.len());
            for entry in tied.iter() {
                keyed.push((records.message_id(entry.at)?, *entry));
            }
            keyed.sort_by(|a, b| a.0.cmp(&b.0));
            tied.iter_mut().zip(keyed).for_each(|(slot, (_, entry))| *slot = entry);
        }
        Ok(Self {
            times: facts.iter().map(|entry| entry.ts.as_millisecond()).collect(),
            ordinals: facts.iter().map(|entry| entry.ordinal).collect(),
            places: facts.iter().map(|entry| entry.at).collect(),
            people,
            by_person: OnceLock::new(),
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.times.len()
    }

    /// How many people there are.
    pub(crate) fn people(&self) -> u32 {
        self.people
    }

    pub(crate) fn get(&self, entry: usize) -> Option<Entry> {
        let (ts, ordinal) = (self.times.get(entry)?, self.ordinals.get(entry)?);
        Some(Entry { ts: Timestamp::from_millisecond(*ts), ordinal: *ordinal, at: *self.places.get(entry)? })
    }

    /// The entries with `after < ts <= to`, and whose each is.
    pub(crate) fn window(&self, after: Timestamp, to: Timestamp) -> (std::ops::Range<usize>, &[u32]) {
        let place = |limit: Timestamp| self.times.partition_point(|ts| *ts <= limit.as_millisecond());
        let range = place(after)..place(to).max(place(after));
        (range.clone(), self.ordinals.get(range).unwrap_or_default())
    }

    pub(crate) fn ordinal(&self, entry: usize) -> Option<u32> {
        self.ordinals.get(entry).copied()
    }

    pub(crate) fn ts(&self, entry: usize) -> Option<Timestamp> {
        self.times.get(entry).copied().map(Timestamp::from_millisecond)
    }

    /// The entries of one person, by time.
    pub(crate) fn of(&self, ordinal: u32) -> impl Iterator<Item = usize> + '_ {
        let by_person = self.by_person.get_or_init(|| self.group());
        let bound = |at: usize| by_person.starts.get(at).copied().unwrap_or(0) as usize;
        let range = bound(ordinal as usize)..bound(ordinal as usize + 1);
        by_person.entries.get(range).unwrap_or_default().iter().map(|entry| *entry as usize)
    }

    fn group(&self) -> ByPerson {
        let mut starts = vec![0u32; self.people as usize + 1];
        for ordinal in &self.ordinals {
            if let Some(count) = starts.get_mut(*ordinal as usize + 1) {
                *count += 1;
            }
        }
        let mut sum = 0;
        for start in &mut starts {
            sum += *start;
            *start = sum;
        }
        let (mut next, mut entries) = (starts.clone(), vec![0u32; self.ordinals.len()]);
        for (entry, ordinal) in (0u32..).zip(&self.ordinals) {
            let Some(place) = next.get_mut(*ordinal as usize) else { continue };
            if let Some(slot) = entries.get_mut(*place as usize) {
                *slot = entry;
            }
            *place += 1;
        }
        ByPerson { starts, entries }
    }

    /// The entries in the order of the store, in which facts are read fastest.
    pub(crate) fn in_store_order(&self) -> Vec<(At, usize)> {
        let mut order: Vec<(At, usize)> = self.places.iter().copied().zip(0..).collect();
        order.sort_unstable();
        order
    }

    pub(crate) fn bytes(&self) -> usize {
        let by_person = self.by_person.get().map_or(0, |by| (by.starts.len() + by.entries.len()) * 4);
        self.times.len() * (8 + 4 + size_of::<At>()) + by_person
    }

    /// How many there are, as a place.
    pub(crate) fn count(&self) -> u32 {
        row32(self.len())
    }
}
