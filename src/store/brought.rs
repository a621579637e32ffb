//! What a file brought, looked up again to be taken back.

use super::batch::Batch;
use super::retract::Found;
use super::writer::Writer;
use crate::Result;
use crate::base::{MessageId, Timestamp};
use crate::column::blocks::BlockCache;
use crate::identity::tomb::Hash;
use ahash::AHashMap;

/// The messages of a file that the store has.
#[derive(Default)]
pub(super) struct Brought {
    pub(super) all: AHashMap<Hash, Known>,
    pub(super) unknown: u64,
}

pub(super) struct Known {
    pub(super) id: MessageId,
    pub(super) received_at: Timestamp,
    /// How many rows it stands for.
    pub(super) rows: u64,
}

impl Brought {
    /// Looks up the messages of a batch, by id and content.
    pub(super) fn look_up(&mut self, batch: &Batch, writer: &Writer) -> Result<()> {
        let mut cache = BlockCache::default();
        for (fact, rows) in batch.weighted() {
            let id = fact.id();
            match Found::find(writer, &id, Some(fact.content))? {
                None => self.unknown += rows,
                Some((at, hash)) => {
                    let received_at = writer.book.events.fact(at, &mut cache)?.received_at;
                    self.all.entry(hash).or_insert(Known { id, received_at, rows: 0 }).rows += rows;
                }
            }
        }
        Ok(())
    }
}
