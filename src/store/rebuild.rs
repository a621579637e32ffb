//! The derived state anew, from facts alone: to verify the kept one, to know what was known at an instant, and to put
//! other rules in force under which facts look different.

use super::book::Book;
use super::state::State;
use crate::Result;
use crate::base::Timestamp;
use crate::base::namespaces::Namespaces;
use crate::column::blocks::BlockCache;
use crate::event::history::History;
use crate::event::row::Head;
use crate::fact::view::Fact;
use crate::normalize::recast::Recast;
use std::sync::Arc;

/// Facts that are rebuilt at a time.
const CHUNK: usize = 10_000;

/// The book of the facts of a state that count: those up to `until`, and all erasures and retractions, since the past
/// does not bring back what is gone. Also how many facts went in.
pub(super) fn rebuild(state: &State, until: Timestamp, live: Option<Timestamp>) -> Result<(Book, u64)> {
    let records = &state.records;
    let (namespaces, key) = (Arc::clone(&records.nodes.namespaces), *records.nodes.key);
    let mut book = Book::new(namespaces, key, Arc::clone(&records.reading));
    book.record_rates(&records.rates.iter().collect::<Vec<_>>())?;
    for live in state.segments_by_reference() {
        book.define(live.segment.clone())?;
    }
    let counts = |head: &Head| head.ts <= until || head.kind.takes_away();
    let count = book.take_all(&records.events, counts, |fact| fact.to_bytes())?;
    if let Some(live) = live {
        book.advance(live)?;
    }
    Ok((book, count))
}

impl Book {
    /// Takes in, in their order, the facts of a history that count, each as `form` writes it. Returns how many.
    fn take_all(
        &mut self,
        history: &History,
        counts: impl Fn(&Head) -> bool,
        form: impl Fn(Fact<'_>) -> Vec<u8>,
    ) -> Result<u64> {
        let mut cache = BlockCache::default();
        let mut chunk: Vec<Vec<u8>> = Vec::new();
        let mut count = 0;
        for at in history.facts() {
            if !counts(&history.head(at)?) {
                continue;
            }
            count += 1;
            chunk.push(form(history.fact(at, &mut cache)?));
            if chunk.len() == CHUNK {
                self.take_chunk(&mut chunk)?;
            }
        }
        self.take_chunk(&mut chunk)?;
        Ok(count)
    }

    fn take_chunk(&mut self, chunk: &mut Vec<Vec<u8>>) -> Result<()> {
        let facts: Vec<&[u8]> = chunk.iter().map(Vec::as_slice).collect();
        self.apply(&facts, None)?;
        chunk.clear();
        Ok(())
    }

    /// The book under rules by which facts look different: every fact is put into its new form and taken in again, in
    /// memory, so that no part is the new book's. Identifiers keep their numbers and the feed its entries; the live
    /// segments are those of before and not looked at.
    pub(super) fn recast(&self, next: Namespaces) -> Result<Self> {
        let before = self.records();
        let (old, events) = (&before.nodes, &before.events);
        let mut book = Self::new(Arc::new(next), *old.key, Arc::clone(&self.reading));
        book.names = Arc::clone(&self.names);
        book.trait_names = Arc::clone(&self.trait_names);
        book.rates = Arc::clone(&self.rates);
        book.solving = self.solving;
        book.people = Arc::new(self.people.without_columns());
        let namespaces = Arc::clone(&book.nodes.namespaces);
        let recast = Recast::new(&old.namespaces, &namespaces);
        for node in 0..old.len() {
            let (namespace, value) = old.identifier(node)?;
            book.node(recast.code(namespace), &value)?;
        }
        // Whom erasures name is known; what they took is not among the facts that count.
        let tombs = &old.tombs;
        book.hinted.0 = tombs.identifiers.iter().map(|(hash, tomb)| (*hash, tomb.node)).collect();
        book.hinted.1 = tombs.messages.iter().chain(&tombs.retracted).map(|hash| (*hash, None)).collect();
        let form = |fact: Fact<'_>| {
            let mut bytes = Vec::new();
            recast.append(&fact, &mut bytes);
            bytes
        };
        book.take_all(events, |_| true, form)?;
        book.hinted = Default::default();
        for entry in events.feed(0, events.feed_len())? {
            book.event_tail.tell(entry.encode());
        }
        book.segments = Arc::clone(&self.segments);
        book.live = self.live;
        book.sequence = self.sequence;
        book.anew = true;
        Ok(book)
    }
}
