//! What one commit leaves for readers: immutable, shared, complete.

use super::everybody::Everybody;
use super::live_segment::LiveSegment;
use crate::base::Timestamp;
use crate::column::rows::RowSet;
use crate::people::current::People;
use crate::profile::records::Records;
use std::sync::Arc;

/// Everything a reader can ask, as of one commit.
pub(super) struct State {
    pub(super) records: Arc<Records>,
    /// Columns of people, shared by all states of the store.
    pub(super) people: Arc<People>,
    /// What they are asked as of; see [`People::commit`].
    pub(super) commit: u64,
    /// Rows of profiles with an identifier of a person; the row of a profile is the node of its eldest identifier.
    pub(super) known: RowSet,
    /// Rows of all profiles.
    pub(super) all: RowSet,
    /// The live segments and their members, by name.
    pub(super) segments: Arc<Vec<Arc<LiveSegment>>>,
    /// The live instant: the greatest one that the store was told.
    pub(super) live: Option<Timestamp>,
    /// The last record of the log that went in.
    pub(super) sequence: u64,
    /// Entries of the change feed.
    pub(super) feed: u64,
    /// Events that count.
    pub(super) events: u64,
}

impl State {
    /// The instant at which a question without one is asked. Until the store is told a time, it sees everything.
    pub(super) fn now(&self) -> Timestamp {
        self.live.unwrap_or(Timestamp::MAX)
    }

    /// The live segments, each after those that it refers to.
    pub(super) fn segments_by_reference(&self) -> Vec<&LiveSegment> {
        let mut ordered: Vec<&LiveSegment> = Vec::new();
        while ordered.len() < self.segments.len() {
            let placed = |name: &str| ordered.iter().any(|live| live.segment.name() == name);
            let ready =
                |live: &&Arc<LiveSegment>| !placed(live.segment.name()) && live.references().into_iter().all(placed);
            match self.segments.iter().find(ready) {
                Some(live) => ordered.push(live),
                None => break,
            }
        }
        ordered
    }

    /// Whom questions about everybody are asked of.
    pub(super) fn everybody(&self) -> Everybody<'_> {
        Everybody {
            records: &self.records,
            people: &self.people,
            all: &self.all,
            known: &self.known,
            segments: &self.segments,
            commit: self.commit,
        }
    }

    pub(super) fn segment(&self, name: &str) -> Option<&Arc<LiveSegment>> {
        self.segments.iter().find(|live| live.segment.name() == name)
    }
}
