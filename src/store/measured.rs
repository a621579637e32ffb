//! What the writer last counted, for whoever asks without waiting for it.

use super::book::Solving;
use super::writer::Writer;
use crate::storage::wal::Wal;
use parking_lot::{Mutex, MutexGuard};
use std::ops::{Deref, DerefMut};

/// Counts and sizes as the writer left them.
#[derive(Clone, Default)]
pub(super) struct Measured {
    pub(super) events: u64,
    pub(super) identifiers: u64,
    pub(super) profiles: u64,
    pub(super) people: u64,
    pub(super) segments: u64,
    pub(super) parts: u64,
    pub(super) unsealed_events: u64,
    pub(super) unsealed_bytes: u64,
    pub(super) part_bytes: u64,
    pub(super) identifier_bytes: u64,
    pub(super) edge_bytes: u64,
    pub(super) edges: u64,
    pub(super) solving: Solving,
    pub(super) log_bytes: u64,
    pub(super) overlay_states: u64,
    pub(super) sequence: u64,
}

impl Measured {
    /// Cost: a few additions for each part.
    fn of(writer: &Writer) -> Self {
        let (unsealed_events, unsealed_bytes) = writer.unsealed();
        let frozen: u64 = writer.book.events.tails.iter().rev().skip(1).map(|tail| u64::from(tail.len())).sum();
        let sizes = writer.parts.iter().map(|part| part.nodes.sizes());
        Self {
            events: writer.book.count,
            identifiers: u64::from(writer.book.nodes.len()),
            profiles: writer.book.all.len(),
            people: writer.book.known.len(),
            segments: writer.book.segments.len() as u64,
            parts: writer.parts.len() as u64,
            unsealed_events: u64::from(unsealed_events) + frozen,
            unsealed_bytes: unsealed_bytes as u64,
            part_bytes: writer.parts.iter().map(|part| part.sealed.len).sum(),
            identifier_bytes: sizes.clone().map(|sizes| sizes.identifiers).sum(),
            edge_bytes: sizes.clone().map(|sizes| sizes.edges).sum(),
            edges: sizes.map(|sizes| sizes.edge_ends / 2).sum(),
            solving: writer.book.solving,
            log_bytes: writer.wal.as_ref().map_or(0, Wal::len),
            overlay_states: writer.book.nodes.overlay.len() as u64,
            sequence: writer.book.sequence,
        }
    }
}

/// The writer behind its lock, and what it counted when it was last let go.
pub(super) struct Desk {
    /// Held for a whole commit, over its write to the log, and over seals on demand; never over the sync of a commit.
    writer: Mutex<Writer>,
    /// Held to copy the counts only: whoever has it waits for nothing.
    measured: Mutex<Measured>,
}

impl Desk {
    pub(super) fn new(writer: Writer) -> Self {
        let measured = Mutex::new(Measured::of(&writer));
        Self { writer: Mutex::new(writer), measured }
    }

    /// Waits for the writer.
    pub(super) fn lock(&self) -> Writing<'_> {
        Writing { writer: self.writer.lock(), measured: &self.measured }
    }

    /// The counts of the last commit that is over. Does not wait for the writer.
    pub(super) fn measured(&self) -> Measured {
        self.measured.lock().clone()
    }
}

/// The writer, held. Letting it go notes what it counts then.
pub(super) struct Writing<'a> {
    writer: MutexGuard<'a, Writer>,
    measured: &'a Mutex<Measured>,
}

impl Deref for Writing<'_> {
    type Target = Writer;

    fn deref(&self) -> &Writer {
        &self.writer
    }
}

impl DerefMut for Writing<'_> {
    fn deref_mut(&mut self) -> &mut Writer {
        &mut self.writer
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        *self.measured.lock() = Measured::of(&self.writer);
    }
}
