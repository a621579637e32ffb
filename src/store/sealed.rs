//! What the writer knows by heart of the sealed parts, so that most look-ups need not ask each of them.
//!
//! New message ids are in no part, and neither are new identifiers: two filters tell so. Identifiers come again and
//! again: the last ones are remembered with their nodes. All of it is kept beside the parts, in memory, and only saves
//! time: whatever it says is verified, or a promise that the parts have nothing.

use super::part::OpenPart;
use crate::Result;
use crate::column::filter::Filter;
use crate::column::recent::Recent;
use crate::column::slots::fingerprint;
use crate::event::layout::message_hash;
use crate::fact::layout::IdRef;
use crate::identity::tail::identifier_hash;

/// See the module.
#[derive(Default)]
pub(super) struct Sealed {
    /// All message ids and identifiers of the parts.
    filters: Knowledge,
    /// By fingerprint: the node that had it last.
    pub(super) recent: Recent<u32, u32, 16>,
}

#[derive(Default)]
enum Knowledge {
    /// Nobody looked yet: the parts have to be asked.
    #[default]
    Unknown,
    Known(Filters),
    /// A table is damaged: the parts have to be asked, and those who need to know what it says report it.
    Damaged,
}

#[derive(Default)]
struct Filters {
    messages: Filter,
    identifiers: Filter,
}

impl Filters {
    fn of(parts: &[OpenPart]) -> Result<Self> {
        let events = parts.iter().map(|part| part.events.len() as usize).sum();
        let nodes = parts.iter().map(|part| part.nodes.len() as usize).sum();
        let mut all = Self { messages: Filter::with_capacity(events), identifiers: Filter::with_capacity(nodes) };
        parts.iter().try_for_each(|part| all.add(part)).map(|()| all)
    }

    fn add(&mut self, part: &OpenPart) -> Result<()> {
        part.events.fingerprints(|key| self.messages.insert(key))?;
        part.nodes.fingerprints(|key, _| self.identifiers.insert(key))
    }
}

impl Sealed {
    /// Learns what the parts hold, unless that is known. **Cost**: two sequential scans of hash tables, once.
    pub(super) fn learn(&mut self, parts: &[OpenPart]) {
        if matches!(self.filters, Knowledge::Unknown) {
            self.filters = Filters::of(parts).map_or(Knowledge::Damaged, Knowledge::Known);
        }
    }

    /// A tail is a part now.
    pub(super) fn add(&mut self, part: &OpenPart) {
        if let Knowledge::Known(filters) = &mut self.filters
            && filters.add(part).is_err()
        {
            self.filters = Knowledge::Damaged;
        }
        let base = part.nodes.base();
        // What cannot be read is not remembered.
        let _ = part.nodes.fingerprints(|key, row| self.recent.insert_new(key, base + row));
    }

    /// Whether a message id may be in a part.
    pub(super) fn may_hold_message(&self, id: IdRef<'_>) -> bool {
        self.may_hold_messages(&[fingerprint(message_hash(id))]).into_iter().any(|held| held)
    }

    /// The same for the message ids of a batch, by [`message_key`](crate::event::layout::message_key).
    pub(super) fn may_hold_messages(&self, keys: &[u32]) -> Vec<bool> {
        self.may_hold(keys, |filters| &filters.messages)
    }

    /// Whether identifiers may be in a part, by their fingerprints.
    pub(super) fn may_hold_identifiers(&self, keys: &[u32]) -> Vec<bool> {
        self.may_hold(keys, |filters| &filters.identifiers)
    }

    fn may_hold(&self, keys: &[u32], filter: impl FnOnce(&Filters) -> &Filter) -> Vec<bool> {
        match &self.filters {
            Knowledge::Known(filters) => filter(filters).may_hold(keys),
            Knowledge::Unknown | Knowledge::Damaged => vec![true; keys.len()],
        }
    }
}

/// An identifier that is looked for, normalized.
pub(super) struct Wanted<'a> {
    pub(super) namespace: u8,
    pub(super) value: &'a str,
    pub(super) key: u32,
    /// Whose it may be.
    pub(super) guess: Option<u32>,
    pub(super) node: Option<u32>,
}

impl<'a> Wanted<'a> {
    pub(super) fn new(namespace: u8, value: &'a str) -> Self {
        Self { namespace, value, key: fingerprint(identifier_hash(namespace, value)), guess: None, node: None }
    }
}
