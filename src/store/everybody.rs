//! Questions about everybody, asked of the columns of a store's people.

use super::live_segment::LiveSegment;
use crate::Result;
use crate::base::Timestamp;
use crate::column::rows::RowSet;
use crate::people::columns::Asking;
use crate::people::current::People;
use crate::profile::records::Records;
use crate::rule::node::Segment;
use crate::segment::crowd::{Crowd, Found};
use std::sync::Arc;

/// Whom a question about everybody is asked of.
pub(super) struct Everybody<'a> {
    pub(super) records: &'a Records,
    pub(super) people: &'a People,
    pub(super) all: &'a RowSet,
    pub(super) known: &'a RowSet,
    pub(super) segments: &'a [Arc<LiveSegment>],
    /// The commit that all this is as of.
    pub(super) commit: u64,
}

impl Everybody<'_> {
    /// The members of a segment at `at`.
    pub(super) fn members(&self, segment: &Segment, at: Timestamp) -> Result<Found> {
        let live = |name: &str| self.segments.iter().find(|live| live.segment.name() == name);
        let find = |name: &str| live(name).map(|live| live.segment.clone());
        loop {
            let people = &self.people.view(self.all, self.known, self.commit);
            let trim = || self.people.trim();
            let asking = Asking::new(self.records, self.commit, self.people.question(), &trim);
            let crowd = Crowd { people, asking, all: self.all, known: self.known, at, find: &find };
            let found = crowd.members(segment)?;
            // Otherwise a newer question came in between, and its columns say more than this snapshot.
            if people.covers(crowd.asking.newest()) {
                return Ok(found);
            }
        }
    }
}
