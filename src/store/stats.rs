//! Counts and sizes.

use super::handle::Inner;
use serde::Serialize;
use std::time::Duration;

/// What [`Store::stats`](crate::Store::stats) returns. Sizes are in bytes.
///
/// ```
/// let store = regulars::Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"42"}"#)?;
/// let stats = store.stats();
/// assert_eq!((stats.events, stats.people, stats.identifiers), (1, 1, 1));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stats {
    /// Accepted events.
    pub events: u64,
    /// Identifiers ever seen.
    pub identifiers: u64,
    /// Profiles, anonymous visitors included.
    pub profiles: u64,
    /// Profiles with an identifier of a person.
    pub people: u64,
    /// Live segments.
    pub segments: u64,
    /// Sealed parts.
    pub parts: u64,
    /// Events that are not in a part yet: what a recovery would replay.
    pub unsealed_events: u64,
    /// The same, in bytes.
    pub unsealed_bytes: u64,
    /// Events that the last open replayed from the log.
    pub replayed_events: u64,
    /// Log records that the last open replayed.
    pub replayed_records: u64,
    /// Bytes of sealed parts.
    pub part_bytes: u64,
    /// Of those, what identifiers, their hash tables and states take.
    pub identifier_bytes: u64,
    /// Of those, what evidence takes.
    pub edge_bytes: u64,
    /// Pairs of identifiers with evidence in sealed parts; those in several parts count in each.
    pub edges: u64,
    /// Pairs of identifiers that events named together, since the store was opened, known ones included.
    pub pairs_seen: u64,
    /// Identifiers that were solved again since then, each time counted.
    pub identifiers_solved: u64,
    /// How long solving took since then, look-ups of identifiers and evidence not included, in microseconds.
    pub solving_us: u64,
    /// Bytes of the active log.
    pub log_bytes: u64,
    /// Identifier states in memory that no part holds densely.
    pub overlay_states: u64,
    /// The last log record.
    pub sequence: u64,
    /// The last log record known to be on disk.
    pub durable_sequence: u64,
    /// Why writing stopped, if it did.
    pub poisoned: Option<String>,
}

/// What solving cost since the store was opened.
#[derive(Default)]
pub(super) struct Solving {
    /// Pairs that events named.
    pub(super) pairs: u64,
    pub(super) identifiers: u64,
    pub(super) time: Duration,
}

impl Stats {
    pub(super) fn of(inner: &Inner) -> Self {
        let writer = inner.writer.lock();
        let (unsealed_events, unsealed_bytes) = writer.unsealed();
        let frozen: u64 = writer.book.events.tails.iter().rev().skip(1).map(|tail| u64::from(tail.len())).sum();
        let sizes = writer.parts.iter().map(|part| part.nodes.sizes());
        let solving = &writer.book.solving;
        Self {
            events: writer.book.count,
            identifiers: u64::from(writer.book.nodes.len()),
            profiles: writer.book.all.len(),
            people: writer.book.known.len(),
            segments: writer.book.segments.len() as u64,
            parts: writer.parts.len() as u64,
            unsealed_events: u64::from(unsealed_events) + frozen,
            unsealed_bytes: unsealed_bytes as u64,
            replayed_events: inner.replayed_events,
            replayed_records: inner.replayed_records,
            part_bytes: writer.parts.iter().map(|part| part.sealed.len).sum(),
            identifier_bytes: sizes.clone().map(|sizes| sizes.identifiers).sum(),
            edge_bytes: sizes.clone().map(|sizes| sizes.edges).sum(),
            edges: sizes.map(|sizes| sizes.edge_ends / 2).sum(),
            pairs_seen: solving.pairs,
            identifiers_solved: solving.identifiers,
            solving_us: u64::try_from(solving.time.as_micros()).unwrap_or(u64::MAX),
            log_bytes: writer.wal.len(),
            overlay_states: writer.book.nodes.overlay.len() as u64,
            sequence: writer.book.sequence,
            durable_sequence: inner.gate.durable(),
            poisoned: inner.gate.poisoned().map(str::to_owned),
        }
    }
}
