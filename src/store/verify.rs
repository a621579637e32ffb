//! Proof that the derived state is what the facts say.

use super::book::Book;
use super::digest::Digest;
use super::handle::Inner;
use crate::Result;
use crate::base::config::Namespaces;
use crate::column::blocks::BlockCache;
use serde::Serialize;
use std::sync::Arc;

/// Facts that are rebuilt at a time.
const CHUNK: usize = 10_000;

/// What [`Store::verify`](crate::Store::verify) found.
///
/// ```
/// let found = regulars::Store::in_memory()?.verify()?;
/// assert_eq!((found.events, found.differences.len()), (0, 0));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// Facts that everything was rebuilt from.
    pub events: u64,
    /// Sealed files whose every byte was checked.
    pub files: u64,
    /// The parts of the digest that differ: nothing, in a sound store.
    pub differences: Vec<String>,
}

/// Checks files, rebuilds from facts, compares.
pub(super) fn verify(inner: &Inner) -> Result<Verification> {
    let (state, parts) = {
        let writer = inner.writer.lock();
        let state = writer.book.state(Arc::new(writer.book.records()));
        (state, writer.parts.clone())
    };
    parts.iter().try_for_each(super::seal::OpenPart::verify)?;
    let namespaces = Arc::new(Namespaces::new(&inner.charter.config.namespaces)?);
    let key = inner.charter.key().unwrap_or_default();
    let mut book = Book::new(namespaces, key, Arc::new(super::recover::reading(&inner.charter)?));
    book.record_rates(&state.records.rates.iter().collect::<Vec<_>>())?;
    for live in state.segments_by_reference() {
        book.define(live.segment.clone())?;
    }
    let mut cache = BlockCache::default();
    let mut chunk: Vec<Vec<u8>> = Vec::new();
    let mut apply = |chunk: &mut Vec<Vec<u8>>| {
        let facts: Vec<&[u8]> = chunk.iter().map(Vec::as_slice).collect();
        let done = book.apply(&facts, None).map(drop);
        chunk.clear();
        done
    };
    let mut events = 0;
    for at in state.records.events.facts() {
        events += 1;
        chunk.push(state.records.events.fact(at, &mut cache)?.to_bytes());
        if chunk.len() == CHUNK {
            apply(&mut chunk)?;
        }
    }
    apply(&mut chunk)?;
    if let Some(live) = state.live {
        book.advance(live)?;
    }
    let rebuilt = Digest::of(&book.state(Arc::new(book.records())))?;
    let differences = Digest::of(&state)?.differences(&rebuilt);
    Ok(Verification { events, files: parts.len() as u64, differences })
}
