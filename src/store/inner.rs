//! What all handles of a store share, and its orderly end.

use super::catalog::{Catalog, Charter};
use super::measured::Desk;
use super::options::{Clock, Durability, Recovery};
use super::sync::Gate;
use super::syncer::Syncer;
use super::writer::Writer;
use crate::Result;
use crate::base::Timestamp;
use crate::normalize::normalizer::Normalizer;
use crate::storage::vfs::Lock;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// What all handles of a store share.
pub(super) struct Inner {
    pub(super) writer: Desk,
    pub(super) gate: Arc<Gate>,
    pub(super) catalog: Arc<Catalog>,
    pub(super) normalizer: Arc<Normalizer>,
    pub(super) charter: Charter,
    pub(super) durability: Durability,
    pub(super) clock: Clock,
    pub(super) recovery: Recovery,
    /// Stopped before the store is closed.
    pub(super) syncer: Option<Syncer>,
    /// Dropped last: the directory is ours until everything else is closed.
    pub(super) _lock: Lock,
}

impl Drop for Inner {
    fn drop(&mut self) {
        // A host that never called close still keeps its promise of Interval and OnFlush at an orderly end. Errors have
        // nowhere to go here: close() is the call that tells them.
        drop(self.syncer.take());
        let durable = self.gate.make_all_durable();
        // Whatever happened, no job of ours writes into the directory when the lock is gone.
        let _ = self.finish(&mut self.writer.lock(), durable);
    }
}

impl Inner {
    /// Waits for the background jobs and leaves the directory in order: what there is is proven, what is nothing goes.
    pub(super) fn finish(&self, writer: &mut Writer, durable: Result<()>) -> Result<()> {
        let done = writer.finish_seal().and(writer.finish_merge());
        durable?;
        // Where the disk is full, the log holds all that a seal would.
        done.or_else(|error| if error.is_out_of_space() { Ok(()) } else { Err(error) })?;
        self.prove();
        self.catalog.tidy()
    }

    /// See [`Gate::prove`].
    pub(super) fn prove(&self) {
        self.gate.prove(self.catalog.vfs.as_ref(), self.catalog.generation());
    }

    /// The wall clock.
    pub(super) fn wall_clock() -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millisecond(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }
}
