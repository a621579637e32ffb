//! What a commit tells the change feed.

use super::book::{Applied, Book};
use crate::Result;
use crate::base::Timestamp;
use crate::event::feed::{Cause, FeedEntry, Named};
use crate::identity::change::Change;
use crate::identity::tomb::Tombs;

impl Book {
    /// Appends what was applied to the change feed: identity first, then segments.
    pub(super) fn tell(&mut self, applied: &Applied, cause: Cause) -> Result<()> {
        let before = applied.tombs_before.as_deref().unwrap_or(&self.nodes.tombs);
        for change in &applied.changes {
            let mut generations = [0; 3];
            for (slot, (node, old)) in generations.iter_mut().zip(named(*change)) {
                *slot = self.generation(node, old.then_some(before))?;
            }
            self.event_tail.tell(FeedEntry::Identity { change: *change, generations, cause }.encode());
        }
        for node in &applied.reborn {
            let generations = [self.generation(*node, Some(before))?, self.generation(*node, None)?, 0];
            let change = Change::Renamed { old: *node, new: *node };
            self.event_tail.tell(FeedEntry::Identity { change, generations, cause }.encode());
        }
        for crossing in &applied.crossings {
            let node = crossing.profile;
            let generation = self.generation(node, (!crossing.entered).then_some(before))?;
            let profile = Named { node, generation };
            let detected_at = self.live.unwrap_or(Timestamp::MAX);
            let (segment, entered) = (crossing.segment.clone(), crossing.entered);
            self.event_tail.tell(FeedEntry::Segment { segment, profile, entered, detected_at, cause }.encode());
        }
        Ok(())
    }

    /// How often an identifier was erased, now or `before`.
    fn generation(&self, node: u32, before: Option<&Tombs>) -> Result<u32> {
        let tombs = before.unwrap_or(&self.nodes.tombs);
        if tombs.is_empty() {
            return Ok(0);
        }
        let (namespace, value) = self.nodes.identifier(node)?;
        Ok(tombs.generation(&self.nodes.key, self.nodes.namespaces.name(namespace), &value))
    }
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
