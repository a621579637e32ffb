//! Where identity looks wrong: what a person should look at first.

use super::why::id_of;
use crate::Result;
use crate::base::{Id, ProfileId, Timestamp};
use crate::event::row::At;
use crate::identity::evidence::NONE;
use crate::profile::person::Person;
use crate::profile::records::Records;
use ahash::{AHashMap, AHashSet};
use serde::Serialize;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::fmt;

/// Traits of which a person has one.
const PERSONAL: [&str; 8] = ["name", "firstName", "lastName", "first_name", "last_name", "birthday", "gender", "title"];

/// Closer than this, events on two devices are at once.
const AT_ONCE_MS: i64 = 60_000;

/// What looks suspicious, the worst first.
///
/// ```
/// use regulars::Store;
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"[{"type":"identify","userId":"1","anonymousId":"till"},
///     {"type":"identify","userId":"2","anonymousId":"till"}]"#)?;
/// let radar = store.snapshot().radar(10)?;
/// assert_eq!((radar.shared[0].people, radar.shared[0].events), (2, 2));
/// assert!(radar.simultaneous.is_empty());
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Radar {
    /// Shared identifiers, by the people and events that they were seen with.
    pub shared: Vec<SharedIdentifier>,
    /// Profiles by how many identifiers they hold.
    pub crowded: Vec<CrowdedProfile>,
    /// Profiles in which a trait that a person has one of goes back and forth.
    pub conflicting: Vec<ConflictingTrait>,
    /// Profiles that did something on two devices within a minute.
    pub simultaneous: Vec<SimultaneousActivity>,
}

/// An identifier that glues nobody.
///
/// ```
/// # let store = regulars::Store::in_memory()?;
/// assert!(store.snapshot().radar(1)?.shared.is_empty());
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SharedIdentifier {
    /// The identifier.
    pub identifier: Id,
    /// How many profiles hold an identifier that it was seen with.
    pub people: u64,
    /// How many facts name it.
    pub events: u64,
}

/// A profile with many identifiers.
///
/// ```
/// # let store = regulars::Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"1","anonymousId":"a"}"#)?;
/// assert_eq!(store.snapshot().radar(1)?.crowded[0].identifiers, 2);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CrowdedProfile {
    /// Who.
    pub profile: ProfileId,
    /// How many identifiers it holds.
    pub identifiers: u64,
    /// The same, by namespace.
    pub namespaces: BTreeMap<String, u64>,
}

/// A trait that had a value, then another one, then the first again: as if two people spoke.
///
/// ```
/// # let store = regulars::Store::in_memory()?;
/// for (day, name) in [(1, "Ann"), (2, "Bob"), (3, "Ann")] {
///     let text = format!(r#"{{"type":"identify","userId":"1","timestamp":"2026-01-0{day}","traits":{{"firstName":"{name}"}}}}"#);
///     store.ingest_json(text.as_bytes())?;
/// }
/// let conflict = &store.snapshot().radar(1)?.conflicting[0];
/// assert_eq!((conflict.name.as_str(), conflict.values, conflict.returns), ("firstName", 2, 1));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ConflictingTrait {
    /// Who.
    pub profile: ProfileId,
    /// The trait.
    #[serde(rename = "trait")]
    pub name: String,
    /// How many different values it had.
    pub values: u64,
    /// How often a value came back after another one.
    pub returns: u64,
}

/// Activity on two devices at once.
///
/// ```
/// # let store = regulars::Store::in_memory()?;
/// store.ingest_json(br#"[{"type":"page","userId":"1","anonymousId":"phone","timestamp":"2026-01-01T10:00:00Z"},
///     {"type":"page","userId":"1","anonymousId":"laptop","timestamp":"2026-01-01T10:00:30Z"}]"#)?;
/// assert_eq!(store.snapshot().radar(1)?.simultaneous[0].times, 1);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SimultaneousActivity {
    /// Who.
    pub profile: ProfileId,
    /// How often two events in a row came within a minute from different devices or cookies.
    pub times: u64,
    /// When it happened last.
    pub last: Timestamp,
}

impl Radar {
    /// The worst `limit` of each kind.
    pub(crate) fn read(records: &Records, limit: usize) -> Result<Self> {
        let census = Census::take(records)?;
        Ok(Self {
            shared: shared(records, &census.shared, limit)?,
            crowded: crowded(records, &census.sizes, limit)?,
            conflicting: conflicting(records, limit)?,
            simultaneous: simultaneous(records, &census.devices, limit)?,
        })
    }
}

/// All identifiers, counted once.
#[derive(Default)]
struct Census {
    shared: Vec<u32>,
    /// Identifiers of each profile.
    sizes: AHashMap<u32, u64>,
    /// Of these, the devices and cookies.
    devices: AHashMap<u32, u32>,
}

impl Census {
    fn take(records: &Records) -> Result<Self> {
        let (nodes, mut all) = (&records.nodes, Self::default());
        for node in 0..nodes.len() {
            let state = nodes.state(node)?;
            if !state.exists() {
                continue;
            }
            if state.is_shared() {
                all.shared.push(node);
                continue;
            }
            *all.sizes.entry(state.profile).or_default() += 1;
            if !nodes.namespaces.is_person(nodes.namespace_of(node)?) {
                *all.devices.entry(state.profile).or_default() += 1;
            }
        }
        Ok(all)
    }
}

/// The `limit` items with the greatest keys; equal ones in the order of what they are about.
fn worst<K: Ord + Copy, T: Ord + Copy>(mut all: Vec<(K, T)>, limit: usize) -> Vec<(K, T)> {
    all.sort_unstable_by_key(|(key, item)| (Reverse(*key), *item));
    all.truncate(limit);
    all
}

fn shared(records: &Records, nodes: &[u32], limit: usize) -> Result<Vec<SharedIdentifier>> {
    let mut all = Vec::with_capacity(nodes.len());
    for node in nodes {
        let mut people = AHashSet::new();
        for (neighbor, _) in records.nodes.neighbors(*node)? {
            people.extend(records.nodes.profile(neighbor)?);
        }
        all.push(((people.len() as u64, records.events.of_node(*node)?.len() as u64), *node));
    }
    let found = worst(all, limit).into_iter();
    found
        .map(|((people, events), node)| Ok(SharedIdentifier { identifier: id_of(records, node)?, people, events }))
        .collect()
}

fn crowded(records: &Records, sizes: &AHashMap<u32, u64>, limit: usize) -> Result<Vec<CrowdedProfile>> {
    let many = sizes.iter().filter(|(_, size)| **size > 1).map(|(profile, size)| (*size, *profile));
    let crowded = worst(many.collect(), limit).into_iter().map(|(identifiers, row)| {
        let mut namespaces = BTreeMap::new();
        for member in records.nodes.members(row)? {
            let name = records.nodes.namespaces.name(records.nodes.namespace_of(member)?);
            *namespaces.entry(name.to_owned()).or_default() += 1;
        }
        Ok(CrowdedProfile { profile: records.nodes.profile_id(row)?, identifiers, namespaces })
    });
    crowded.collect()
}

fn conflicting(records: &Records, limit: usize) -> Result<Vec<ConflictingTrait>> {
    let mut all = Vec::new();
    for (at, name) in PERSONAL.iter().enumerate() {
        let codes = records.trait_names.code(name).zip(records.identify_code());
        let Some((code, identify)) = codes else { continue };
        let mut said: AHashMap<u32, Vec<(Timestamp, At, u64)>> = AHashMap::new();
        records.events.trait_rows(code, name, identify, &mut |row| {
            if let Some(profile) = records.owner(row.at)?.profile() {
                let value = xxhash_rust::xxh3::xxh3_64(&row.value);
                said.entry(profile).or_default().push((records.events.head(row.at)?.ts, row.at, value));
            }
            Ok(())
        })?;
        for (profile, mut said) in said {
            said.sort_unstable();
            said.dedup_by_key(|(_, _, value)| *value);
            let values = said.iter().map(|(_, _, value)| *value).collect::<AHashSet<_>>().len();
            if said.len() > values {
                all.push((((said.len() - values) as u64, values as u64), (profile, at)));
            }
        }
    }
    let conflicting = worst(all, limit).into_iter().map(|((returns, values), (profile, at))| {
        let name = PERSONAL.get(at).map_or_else(String::new, |name| (*name).to_owned());
        Ok(ConflictingTrait { profile: records.nodes.profile_id(profile)?, name, values, returns })
    });
    conflicting.collect()
}

fn simultaneous(records: &Records, devices: &AHashMap<u32, u32>, limit: usize) -> Result<Vec<SimultaneousActivity>> {
    let mut all = Vec::new();
    for (profile, _) in devices.iter().filter(|(_, count)| **count > 1) {
        let (times, last) = at_once(records, *profile)?;
        if times > 0 {
            all.push(((times, last), *profile));
        }
    }
    let found = worst(all, limit).into_iter();
    found
        .map(|((times, last), row)| Ok(SimultaneousActivity { profile: records.nodes.profile_id(row)?, times, last }))
        .collect()
}

/// How often two events in a row were on different devices within a minute, and when last.
fn at_once(records: &Records, profile: u32) -> Result<(u64, Timestamp)> {
    let (mut times, mut last) = (0, Timestamp::MIN);
    let (mut before, mut nodes): (Option<(Timestamp, Vec<u32>)>, Vec<_>) = (None, Vec::new());
    for event in &Person::read(records, profile)?.events {
        records.events.nodes(event.at, &mut nodes)?;
        let mut on = Vec::new();
        for named in nodes.iter().filter(|named| named.is_live()).map(|named| named.node()) {
            let mine = records.nodes.state(named)?.profile;
            if mine != NONE && !records.nodes.namespaces.is_person(records.nodes.namespace_of(named)?) {
                on.push(named);
            }
        }
        if on.is_empty() {
            continue;
        }
        if let Some((ts, other)) = &before {
            let apart = event.ts.as_millisecond().saturating_sub(ts.as_millisecond());
            if apart < AT_ONCE_MS && !on.iter().any(|device| other.contains(device)) {
                times += 1;
                last = event.ts;
            }
        }
        before = Some((event.ts, on));
    }
    Ok((times, last))
}

impl fmt::Display for Radar {
    /// Counts and public ids; identifiers are for whoever asks for the fields.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for of in &self.shared {
            writeln!(f, "shared        {}: {} people, {} events", of.identifier, of.people, of.events)?;
        }
        for of in &self.crowded {
            writeln!(f, "crowded       {}: {} identifiers", of.profile, of.identifiers)?;
        }
        for of in &self.conflicting {
            writeln!(f, "conflicting   {}: {} came back {} times", of.profile, of.name, of.returns)?;
        }
        for of in &self.simultaneous {
            writeln!(f, "simultaneous  {}: {} times, last {}", of.profile, of.times, of.last)?;
        }
        Ok(())
    }
}
