//! What keeps two identifiers from being one person.

use super::why::id_of;
use crate::Result;
use crate::base::{Id, ProfileId};
use crate::identity::component::Breaks;
use crate::identity::explain::{Obstacle, why_not};
use crate::identity::region::{Gathered, around};
use crate::identity::solve::Link;
use crate::profile::records::Records;
use serde::Serialize;

/// What stands between two identifiers, in order from the first to the second; nothing if they are one person.
///
/// ```
/// use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"[{"type":"page","userId":"1"}, {"type":"page","userId":"2"}]"#)?;
/// let why_not = store.snapshot().why_not(id::user("1"), id::user("2"))?;
/// assert_eq!(why_not.obstacles[0].kind, "no_evidence");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WhyNot {
    /// The obstacles.
    pub obstacles: Vec<WhyNotStep>,
}

/// One obstacle.
///
/// ```
/// # use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// let why_not = store.snapshot().why_not(id::user("1"), id::user("2"))?;
/// assert!(why_not.obstacles[0].identifiers.is_empty());
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WhyNotStep {
    /// `shared`: an identifier seen with several people; `rejected`: evidence that would break a rule; `no_evidence`.
    pub kind: &'static str,
    /// The shared identifier, or both ends of the rejected evidence.
    pub identifiers: Vec<Id>,
    /// Of a shared identifier: the people that it was seen with.
    pub people: Vec<ProfileId>,
    /// Of rejected evidence: the rule that it would break, for example `limit(user_id)`.
    pub rule: Option<String>,
    /// Of rejected evidence: the two values that clash.
    pub clash: Vec<Id>,
}

impl WhyNot {
    /// The obstacles between two nodes.
    pub(crate) fn read(records: &Records, a: u32, b: u32) -> Result<Self> {
        let (gathered, solution) = around(&records.nodes, &[a, b])?;
        let (Some(from), Some(to)) = (gathered.local(a), gathered.local(b)) else { return Ok(Self::unknown()) };
        let found = why_not(&gathered.region, &solution, from, to);
        let obstacles = found.into_iter().map(|obstacle| step(records, &gathered, obstacle));
        Ok(Self { obstacles: obstacles.collect::<Result<_>>()? })
    }

    /// Nobody ever named one of them.
    pub(crate) fn unknown() -> Self {
        Self { obstacles: vec![no_evidence()] }
    }
}

fn no_evidence() -> WhyNotStep {
    WhyNotStep { kind: "no_evidence", identifiers: Vec::new(), people: Vec::new(), rule: None, clash: Vec::new() }
}

fn step(records: &Records, gathered: &Gathered, obstacle: Obstacle) -> Result<WhyNotStep> {
    let ids = |locals: &[u32]| locals.iter().map(|local| id_of(records, gathered.node(*local))).collect::<Result<_>>();
    Ok(match obstacle {
        Obstacle::NoEvidence => no_evidence(),
        Obstacle::Shared { node, people } => {
            let people = people.iter().map(|local| records.nodes.profile_id(gathered.node(*local)));
            WhyNotStep {
                kind: "shared",
                identifiers: ids(&[node])?,
                people: people.collect::<Result<_>>()?,
                ..no_evidence()
            }
        }
        Obstacle::Rejected { link, breaks, clash } => {
            let ends = match link {
                Link::Edge(at) => gathered.region.edges.get(at as usize).map(|edge| [edge.a, edge.b]),
                Link::Alias(at) => gathered.region.rulings.get(at as usize).map(|ruling| [ruling.a, ruling.b]),
            };
            WhyNotStep {
                kind: "rejected",
                identifiers: ids(&ends.unwrap_or_default())?,
                rule: Some(rule_name(records, breaks)),
                clash: clash.map_or(Ok(Vec::new()), |(x, y)| ids(&[x, y]))?,
                ..no_evidence()
            }
        }
    })
}

/// The name of a rule: `limit(email)`, `window(anonymous_id)`, `denied`, `profile_size`.
pub(crate) fn rule_name(records: &Records, breaks: Breaks) -> String {
    let name = |code: u8| records.nodes.namespaces.name(code);
    match breaks {
        Breaks::Limit(code) => format!("limit({})", name(code)),
        Breaks::Window(code) => format!("window({})", name(code)),
        Breaks::Denied => "denied".to_owned(),
        Breaks::Size => "profile_size".to_owned(),
    }
}
