//! Groups: the companies, teams or households that people say they belong to.

use super::json::Json;
use crate::Result;
use crate::base::doc::Doc;
use crate::base::{MessageId, ProfileId, Timestamp};
use crate::column::blocks::BlockCache;
use crate::fact::kind::Kind;
use crate::profile::person::Person;
use crate::profile::records::Records;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A person's place in a group.
///
/// ```
/// use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"group","userId":"42","groupId":"acme","timestamp":"2026-01-05","traits":{"plan":"pro"}}"#)?;
/// let ann = store.snapshot().profile(id::user("42"))?.expect("known");
/// assert_eq!((&*ann.groups[0].group, ann.groups[0].since.to_string().as_str()), ("acme", "2026-01-05T00:00:00.000Z"));
/// assert!(ann.traits.is_empty());
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Membership {
    /// The group's id.
    pub group: String,
    /// When a message first said so.
    pub since: Timestamp,
    /// When a message last said so.
    pub last: Timestamp,
}

impl std::fmt::Debug for Membership {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Membership(since {})", self.since)
    }
}

/// A group: its own traits, and who said to belong to it.
///
/// ```
/// use regulars::Store;
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"group","userId":"42","groupId":"acme","traits":{"plan":"pro"}}"#)?;
/// let acme = store.snapshot().group("acme", None)?.expect("known");
/// assert_eq!((acme.traits["plan"].as_str(), acme.members.len()), ("\"pro\"", 1));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Group {
    /// Its id.
    pub group: String,
    /// The latest value of each of its traits; `null` clears.
    pub traits: BTreeMap<String, Json>,
    /// The profiles whose messages named it, in order.
    pub members: Vec<ProfileId>,
}

impl std::fmt::Debug for Group {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Group({} traits, {} members)", self.traits.len(), self.members.len())
    }
}

/// The group that a group message names.
fn group_of(message: Doc<'_>) -> Option<String> {
    message.get("groupId")?.as_name()
}

/// The groups of a person by name.
pub(super) fn memberships(person: &Person<'_>, at: Timestamp) -> Result<Vec<Membership>> {
    let mut all: BTreeMap<String, (Timestamp, Timestamp)> = BTreeMap::new();
    for event in person.events.iter().filter(|event| event.kind == Kind::Group && event.ts <= at) {
        if let Some(group) = person.with_fact(event.at, |fact| group_of(fact.doc))? {
            let (_, last) = all.entry(group).or_insert((event.ts, event.ts));
            *last = event.ts;
        }
    }
    Ok(all.into_iter().map(|(group, (since, last))| Membership { group, since, last }).collect())
}

impl Group {
    /// `None` where no message up to `at` names the group.
    pub(crate) fn read(records: &Records, group: &str, at: Timestamp) -> Result<Option<Self>> {
        let Some(code) = records.names.code(Kind::Group.name()) else { return Ok(None) };
        let mut cache = BlockCache::default();
        let mut latest: BTreeMap<String, (Timestamp, MessageId, Json)> = BTreeMap::new();
        let mut members = BTreeSet::new();
        let mut seen = false;
        for event in records.events.in_window(code, Timestamp::MIN, at)? {
            let fact = records.events.fact(event, &mut cache)?;
            // A track may carry the type's name as its own.
            if fact.kind != Kind::Group || group_of(fact.doc).as_deref() != Some(group) {
                continue;
            }
            seen = true;
            for (key, value) in fact.doc.get("traits").into_iter().flat_map(Doc::members) {
                let Ok(key) = std::str::from_utf8(key) else { continue };
                let newer = latest.get(key).is_none_or(|(ts, id, _)| (*ts, id) < (fact.ts, &fact.id()));
                if newer {
                    latest.insert(key.to_owned(), (fact.ts, fact.id(), Json::new(value)));
                }
            }
            members.extend(records.owner(event)?.profile());
        }
        let traits = latest.into_iter().map(|(key, (.., value))| (key, value));
        let traits = traits.filter(|(_, value)| value.as_str() != "null").collect();
        let members = members.into_iter().map(|row| records.nodes.profile_id(row)).collect::<Result<BTreeSet<_>>>()?;
        Ok(seen.then(|| Self { group: group.to_owned(), traits, members: members.into_iter().collect() }))
    }
}
