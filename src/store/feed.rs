//! What a commit tells the change feed.

use super::book::{Applied, Book};
use crate::Result;
use crate::base::Timestamp;
use crate::event::feed::{Cause, FeedEntry, Named};
use crate::identity::change::Change;
use crate::identity::nodes::Nodes;
use crate::identity::tomb::Tombs;
use crate::profile::records::Records;
use std::sync::Arc;

impl Book {
    /// Applies accepted facts and time, and tells the feed: what a commit does, and its replay.
    pub(super) fn take_in(&mut self, facts: &[&[u8]], advance: Option<Timestamp>) -> Result<(Applied, Arc<Records>)> {
        let (applied, records) = self.apply(facts, advance)?;
        self.tell(&applied, if facts.is_empty() { Cause::Time } else { Cause::Facts })?;
        Ok((applied, records))
    }

    /// Appends what was applied to the change feed: identity first, then segments.
    pub(super) fn tell(&self, applied: &Applied, cause: Cause) -> Result<()> {
        let before = applied.tombs_before.as_deref().unwrap_or(&self.nodes.tombs);
        let generation = |node, old| self.nodes.generation_before(node, if old { before } else { &self.nodes.tombs });
        for change in &applied.changes {
            self.event_tail.tell(identity_entry(&self.nodes, before, *change, cause)?.encode());
        }
        for node in &applied.reborn {
            let generations = [generation(*node, true)?, generation(*node, false)?, 0];
            let change = Change::Renamed { old: *node, new: *node };
            self.event_tail.tell(FeedEntry::Identity { change, generations, cause }.encode());
        }
        for crossing in &applied.crossings {
            let node = crossing.profile;
            let generation = generation(node, !crossing.entered)?;
            let profile = Named { node, generation };
            let detected_at = self.live.unwrap_or(Timestamp::MAX);
            let (segment, entered) = (crossing.segment.clone(), crossing.entered);
            self.event_tail.tell(FeedEntry::Segment { segment, profile, entered, detected_at, cause }.encode());
        }
        Ok(())
    }
}

/// The entry of a change, when `before` was erased before it.
pub(super) fn identity_entry(nodes: &Nodes, before: &Tombs, change: Change, cause: Cause) -> Result<FeedEntry> {
    let mut generations = [0; 3];
    for (slot, (node, old)) in generations.iter_mut().zip(named(change)) {
        *slot = nodes.generation_before(node, if old { before } else { &nodes.tombs })?;
    }
    Ok(FeedEntry::Identity { change, generations, cause })
}

/// The profiles that a change names, in its order, then its identifier, and whether each is of the time before.
fn named(change: Change) -> [(u32, bool); 3] {
    let none = (0, false);
    match change {
        Change::Created { profile } => [(profile, false), none, none],
        Change::Merged { into, from } => [(into, false), (from, true), none],
        Change::Split { from, into } => [(from, true), (into, false), none],
        Change::Renamed { old, new } => [(old, true), (new, false), none],
        Change::Removed { profile } => [(profile, true), none, none],
        Change::Moved { node, from, to } => [(from, true), (to, false), (node, false)],
        Change::Shared { node } | Change::Unshared { node } => [none, none, (node, false)],
    }
}
