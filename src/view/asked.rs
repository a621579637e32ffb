//! What a page was asked for: an identifier that is shared is never taken for a person silently.

use super::why::id_of;
use crate::Result;
use crate::base::{Id, ProfileId, Timestamp};
use crate::profile::records::Records;
use serde::Serialize;
use std::collections::BTreeSet;

/// How many people a page names one by one; all are counted.
const LISTED_MAX: usize = 1000;

/// What was asked for, and how it became a person.
///
/// ```
/// use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// for user in ["1", "2", "3"] {
///     let text = format!(r#"{{"type":"identify","userId":"{user}","traits":{{"email":"home@example.com"}}}}"#);
///     store.ingest_json(text.as_bytes())?;
/// }
/// let asked = store.snapshot().profile(id::email("home@example.com"))?.expect("the last of them").asked;
/// assert_eq!((asked.shared, asked.by, asked.people.len()), (true, "claim", 3));
/// let asked = store.snapshot().profile(id::user("1"))?.expect("known").asked;
/// assert_eq!((asked.shared, asked.by, asked.people.len()), (false, "identifier", 1));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Asked {
    /// The identifier that was asked for, normalized; none if it was a profile.
    pub identifier: Option<Id>,
    /// The public id that was asked for, which may be one that the profile had before.
    pub profile: Option<ProfileId>,
    /// Whether the identifier is shared: it was seen with several people and belongs to none of them.
    pub shared: bool,
    /// What decided: `identifier` (whoever holds it), `claim` (it is shared: whoever had it at the instant of the
    /// question), `profile` (its id), or `nobody`.
    pub by: &'static str,
    /// Whom the identifier was seen with, the first 1,000 by id; whoever holds it, if it is not shared.
    pub people: Vec<ProfileId>,
    /// How many these are.
    pub people_count: u64,
}

impl Asked {
    /// What asking for an identifier means at an instant.
    pub(crate) fn identifier(records: &Records, node: u32, at: Timestamp) -> Result<(Self, Option<u32>)> {
        let shared = records.nodes.state(node)?.is_shared();
        let row =
            if shared { records.pool(node)?.resolve(&records.nodes, node, at) } else { records.nodes.profile(node)? };
        let mut people = match (shared, row) {
            (true, _) => seen_with(records, node)?,
            (false, row) => row.into_iter().map(|row| records.nodes.profile_id(row)).collect::<Result<_>>()?,
        };
        let people_count = people.len() as u64;
        people.truncate(LISTED_MAX);
        let by = match (row, shared) {
            (None, _) => "nobody",
            (Some(_), true) => "claim",
            (Some(_), false) => "identifier",
        };
        let identifier = Some(id_of(records, node)?);
        Ok((Self { identifier, profile: None, shared, by, people, people_count }, row))
    }

    /// What asking for a public id means: it names the profile that holds now what it named once.
    pub(crate) fn profile(records: &Records, id: ProfileId, row: u32) -> Result<Self> {
        let people = vec![records.nodes.profile_id(row)?];
        Ok(Self { profile: Some(id), by: "profile", people, people_count: 1, ..Self::default() })
    }

    /// Nobody ever named that identifier, or it identifies nobody.
    pub(crate) fn nobody(identifier: Id) -> Self {
        Self { identifier: Some(identifier), by: "nobody", ..Self::default() }
    }
}

/// Everybody whom a shared identifier was seen with, by their ids: whoever has a claim on it, and whoever holds what
/// evidence connects with it. **Cost**: its events and its evidence.
pub(crate) fn seen_with(records: &Records, shared: u32) -> Result<Vec<ProfileId>> {
    let mut rows: BTreeSet<u32> = records.pool(shared)?.claimants().collect();
    for (neighbor, _) in records.nodes.neighbors(shared)? {
        rows.extend(records.nodes.profile(neighbor)?);
    }
    let people: BTreeSet<ProfileId> =
        rows.into_iter().map(|row| records.nodes.profile_id(row)).collect::<Result<_>>()?;
    Ok(people.into_iter().collect())
}
