//! The derived state anew, from facts alone: to verify the kept one, and to know what was known at an instant.

use super::book::Book;
use super::state::State;
use crate::Result;
use crate::base::Timestamp;
use crate::column::blocks::BlockCache;
use crate::normalize::fact::Kind;
use std::sync::Arc;

/// Facts that are rebuilt at a time.
const CHUNK: usize = 10_000;

/// The book of the facts of a state that count: those up to `until`, and all erasures, since the past does not bring
/// back the erased. Also how many facts went in.
pub(super) fn rebuild(state: &State, until: Timestamp, live: Option<Timestamp>) -> Result<(Book, u64)> {
    let records = &state.records;
    let (namespaces, key) = (Arc::clone(&records.nodes.namespaces), *records.nodes.key);
    let mut book = Book::new(namespaces, key, Arc::clone(&records.reading));
    book.record_rates(&records.rates.iter().collect::<Vec<_>>())?;
    for live in state.segments_by_reference() {
        book.define(live.segment.clone())?;
    }
    let mut cache = BlockCache::default();
    let mut chunk: Vec<Vec<u8>> = Vec::new();
    let mut count = 0;
    for at in records.events.facts() {
        let head = records.events.head(at)?;
        if head.ts > until && head.kind != Kind::Erase {
            continue;
        }
        count += 1;
        chunk.push(records.events.fact(at, &mut cache)?.to_bytes());
        if chunk.len() == CHUNK {
            apply(&mut book, &mut chunk)?;
        }
    }
    apply(&mut book, &mut chunk)?;
    if let Some(live) = live {
        book.advance(live)?;
    }
    Ok((book, count))
}

fn apply(book: &mut Book, chunk: &mut Vec<Vec<u8>>) -> Result<()> {
    let facts: Vec<&[u8]> = chunk.iter().map(Vec::as_slice).collect();
    book.apply(&facts, None)?;
    chunk.clear();
    Ok(())
}
