//! The change feed as hosts read it: who became whom, who entered and left what, in the order of the commits.

use super::why::id_of;
use crate::Result;
use crate::base::{Id, ProfileId, Timestamp};
use crate::event::feed::{Cause, FeedEntry, Named};
use crate::identity::change::Change as Private;
use crate::profile::records::Records;
use serde::Serialize;

/// One thing that happened to a person or an identifier.
///
/// `old` and `from` are ids of before the commit, the others of after it.
///
/// ```
/// use regulars::{Change, Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"42"}"#)?;
/// let changes = store.snapshot().changes(0, 10)?.changes;
/// assert!(matches!(changes[0], Change::Created { .. }));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum Change {
    /// A profile of identifiers that belonged to nobody.
    Created {
        /// The new profile.
        profile: ProfileId,
        /// Why.
        cause: Cause,
    },
    /// A profile goes on as part of an elder one.
    Merged {
        /// The profile that goes on.
        into: ProfileId,
        /// The one that is part of it now.
        from: ProfileId,
        /// Why.
        cause: Cause,
    },
    /// A profile gave away identifiers that are a profile of their own now.
    Split {
        /// The profile that gave them away.
        from: ProfileId,
        /// The new one.
        into: ProfileId,
        /// Why.
        cause: Cause,
    },
    /// A profile goes on under another id.
    Renamed {
        /// The id before.
        old: ProfileId,
        /// The id from now on.
        new: ProfileId,
        /// Why.
        cause: Cause,
    },
    /// No identifier of the profile belongs to anybody any more.
    Removed {
        /// The profile that was.
        profile: ProfileId,
        /// Why.
        cause: Cause,
    },
    /// An identifier did not go where its profile went.
    Moved {
        /// The identifier; none if it was erased since, or if no fact names it any more.
        identifier: Option<Id>,
        /// Whose it was.
        from: ProfileId,
        /// Whose it is.
        to: ProfileId,
        /// Why.
        cause: Cause,
    },
    /// An identifier was seen with too many people and belongs to nobody any more.
    Shared {
        /// The identifier; none if it was erased since, or if no fact names it any more.
        identifier: Option<Id>,
        /// Why.
        cause: Cause,
    },
    /// A shared identifier belongs to somebody again, or nothing is known of it any more.
    Unshared {
        /// The identifier; none if it was erased since, or if no fact names it any more.
        identifier: Option<Id>,
        /// Why.
        cause: Cause,
    },
    /// Somebody entered a segment.
    Entered {
        /// The segment's name.
        segment: String,
        /// Who.
        profile: ProfileId,
        /// The live instant at which the store noticed; none before it was told any.
        detected_at: Option<Timestamp>,
        /// Why.
        cause: Cause,
    },
    /// Somebody left a segment.
    Left {
        /// The segment's name.
        segment: String,
        /// Who.
        profile: ProfileId,
        /// The live instant at which the store noticed; none before it was told any.
        detected_at: Option<Timestamp>,
        /// Why.
        cause: Cause,
    },
}

/// A stretch of the change feed, and where to go on.
///
/// ```
/// let feed = regulars::Store::in_memory()?.snapshot().changes(0, 10)?;
/// assert_eq!((feed.changes.len(), feed.cursor), (0, 0));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Changes {
    /// In the order of the commits.
    pub changes: Vec<Change>,
    /// Give this to ask for what follows.
    pub cursor: u64,
}

/// An entry under public names.
pub(crate) fn published(records: &Records, entry: FeedEntry) -> Result<Change> {
    match entry {
        FeedEntry::Identity { change, generations, cause } => identity(records, change, generations, cause),
        FeedEntry::Segment { segment, profile, entered, detected_at, cause } => {
            let detected_at = Some(detected_at).filter(|at| *at < Timestamp::MAX);
            let profile = id_then(records, profile)?;
            Ok(if entered {
                Change::Entered { segment, profile, detected_at, cause }
            } else {
                Change::Left { segment, profile, detected_at, cause }
            })
        }
    }
}

fn id_then(records: &Records, named: Named) -> Result<ProfileId> {
    records.nodes.profile_id_of(named.node, named.generation)
}

fn identity(records: &Records, change: Private, generations: [u32; 3], cause: Cause) -> Result<Change> {
    let [first, second, third] = generations;
    let id = |node, generation| id_then(records, Named { node, generation });
    // What was erased since is named no more, nor what no fact names any more, whatever took the facts away.
    let identifier = |node: u32| -> Result<Option<Id>> {
        let held = records.nodes.state(node)?.exists() || !records.events.of_node(node)?.is_empty();
        if !held || records.nodes.generation(node)? != third {
            return Ok(None);
        }
        id_of(records, node).map(Some)
    };
    Ok(match change {
        Private::Created { profile } => Change::Created { profile: id(profile, first)?, cause },
        Private::Merged { into, from } => Change::Merged { into: id(into, first)?, from: id(from, second)?, cause },
        Private::Split { from, into } => Change::Split { from: id(from, first)?, into: id(into, second)?, cause },
        Private::Renamed { old, new } => Change::Renamed { old: id(old, first)?, new: id(new, second)?, cause },
        Private::Removed { profile } => Change::Removed { profile: id(profile, first)?, cause },
        Private::Moved { node, from, to } => {
            Change::Moved { identifier: identifier(node)?, from: id(from, first)?, to: id(to, second)?, cause }
        }
        Private::Shared { node } => Change::Shared { identifier: identifier(node)?, cause },
        Private::Unshared { node } => Change::Unshared { identifier: identifier(node)?, cause },
    })
}
