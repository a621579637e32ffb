//! What the writer knows by heart of the sealed parts, so that most look-ups need not ask each of them.
//!
//! New message ids are in no part, and neither are new identifiers: two filters tell so. Identifiers come again and
//! again: the last ones are remembered with their nodes. All of it is kept beside the parts, in memory, and only saves
//! time: whatever it says is verified, or a promise that the parts have nothing.

use super::book::Book;
use super::seal::OpenPart;
use crate::MessageId;
use crate::Result;
use crate::column::filter::Filter;
use crate::column::slots::fingerprint;
use crate::event::part::message_hash;
use crate::identity::part::NodePart;
use crate::identity::tail::identifier_hash;

/// How many identifiers are remembered.
const RECENT: usize = 1 << 16;

/// See the module.
#[derive(Default)]
pub(super) struct Sealed {
    /// All message ids and identifiers of the parts.
    filters: Knowledge,
    /// By fingerprint: it, and the node that had it last.
    recent: Vec<(u32, u32)>,
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
        let _ = part.nodes.fingerprints(|key, row| self.remember(key, base + row));
    }

    /// Whether a message id may be in a part.
    pub(super) fn may_hold_message(&self, id: &MessageId) -> bool {
        self.may_hold(|filters| filters.messages.may_hold(fingerprint(message_hash(id))))
    }

    fn may_hold(&self, held: impl FnOnce(&Filters) -> bool) -> bool {
        if let Knowledge::Known(filters) = &self.filters { held(filters) } else { true }
    }

    fn remembered(&self, key: u32) -> Option<u32> {
        self.recent.get(key as usize % RECENT).filter(|(known, _)| *known == key).map(|(_, node)| *node)
    }

    fn remember(&mut self, key: u32, node: u32) {
        if self.recent.is_empty() {
            // No node has this number: identifiers are fewer.
            self.recent = vec![(0, u32::MAX); RECENT];
        }
        if let Some(slot) = self.recent.get_mut(key as usize % RECENT) {
            *slot = (key, node);
        }
    }
}

impl Book {
    /// The node of a normalized identifier.
    pub(super) fn find_node(&mut self, namespace: u8, value: &str) -> Result<Option<u32>> {
        if let Some(node) = self.nodes.find_in_tails(namespace, value) {
            return Ok(Some(node));
        }
        let key = fingerprint(identifier_hash(namespace, value));
        if let Some(node) = self.sealed.remembered(key).filter(|node| *node < self.nodes.len()) {
            let (known, text) = self.nodes.identifier(node)?;
            if known == namespace && text == value {
                return Ok(Some(node));
            }
        }
        if !self.sealed.may_hold(|filters| filters.identifiers.may_hold(key)) {
            return Ok(None);
        }
        let found = NodePart::find_in(&self.nodes.parts, namespace, value)?;
        if let Some(node) = found {
            self.sealed.remember(key, node);
        }
        Ok(found)
    }
}
