//! Who is in a segment: rules evaluated over everybody.

use super::live_segment::LiveSegment;
use crate::Result;
use crate::base::{ProfileId, Timestamp};
use crate::column::rows::RowSet;
use crate::profile::records::Records;
use crate::rule::node::Segment;
use crate::segment::bulk::Crowd;
use roaring::RoaringBitmap;
use std::sync::Arc;

/// The people of a segment at one instant, as a bitmap over one snapshot.
///
/// ```
/// use regulars::{Segment, Store, when};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"42","traits":{"tier":"gold"}}"#)?;
/// let gold = Segment::new("gold", when::trait_("tier").is("gold"));
/// let members = store.snapshot().members(&gold)?;
/// assert_eq!(members.len(), 1);
/// assert_eq!(members.profiles()?.len(), 1);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone)]
pub struct Members {
    pub(super) records: Arc<Records>,
    pub(super) rows: RoaringBitmap,
}

impl Members {
    /// How many people.
    ///
    /// ```
    /// # use regulars::{Segment, Store, when};
    /// let nobody = Segment::new("nobody", when::orders().at_least(1));
    /// assert_eq!(Store::in_memory()?.snapshot().members(&nobody)?.len(), 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn len(&self) -> u64 {
        self.rows.len()
    }

    /// Whether nobody is in it.
    ///
    /// ```
    /// # use regulars::{Segment, Store, when};
    /// let nobody = Segment::new("nobody", when::orders().at_least(1));
    /// assert!(Store::in_memory()?.snapshot().members(&nobody)?.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Their public ids, sorted. Cost: one keyed hash a person.
    ///
    /// # Errors
    /// `Corrupt` where an identifier cannot be read.
    ///
    /// ```
    /// # use regulars::{Segment, Store, when};
    /// let nobody = Segment::new("nobody", when::orders().at_least(1));
    /// assert!(Store::in_memory()?.snapshot().members(&nobody)?.profiles()?.is_empty());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn profiles(&self) -> Result<Vec<ProfileId>> {
        let mut ids: Vec<ProfileId> =
            self.rows.iter().map(|row| self.records.nodes.profile_id(row)).collect::<Result<_>>()?;
        ids.sort_unstable();
        Ok(ids)
    }

    /// How many people are in both.
    ///
    /// Both must come from the same snapshot: rows mean nothing in another one.
    ///
    /// ```
    /// # use regulars::{Segment, Store, when};
    /// let snapshot = Store::in_memory()?.snapshot();
    /// let buyers = snapshot.members(&Segment::new("buyers", when::orders().at_least(1)))?;
    /// assert_eq!(buyers.overlap(&buyers), 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    #[must_use]
    pub fn overlap(&self, other: &Self) -> u64 {
        self.rows.intersection_len(&other.rows)
    }
}

impl std::fmt::Debug for Members {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Members({})", self.len())
    }
}

/// The rows of a universe for which the segment holds at `at`.
pub(super) fn evaluate(
    records: &Records,
    universe: &RowSet,
    known: &RowSet,
    segments: &[Arc<LiveSegment>],
    segment: &Segment,
    at: Timestamp,
) -> Result<RowSet> {
    let find = |name: &str| segments.iter().find(|live| live.segment.name() == name).map(|live| live.segment.clone());
    let crowd = Crowd { records, known, at, find: &find };
    crowd.rows(segment.rule(), &universe.to_bitmap()).map(|rows| RowSet::from(&rows))
}
