//! The canonical fingerprint of a store: what its facts mean, and nothing of how they lie.
//!
//! A profile is named by its eldest identifier, so the identity key is not in it; nor are counters, rows, layout and
//! the order of arrival. Each part is the hash of its entries' hashes, sorted.

use super::state::State;
use crate::Result;
use crate::base::Timestamp;
use crate::base::bytes::{put_bytes, put_str};
use crate::base::doc::Doc;
use crate::column::blocks::BlockCache;
use crate::fact::kind::{Bits, Kind};
use crate::identity::evidence::NONE;
use crate::profile::contacts::{Hearing, is_contact, objected, objections, speaks};
use crate::profile::person::Person;
use crate::profile::records::{Owner, Records};
use crate::profile::speaking::Speaking;
use serde::Serialize;

/// What [`Snapshot::digest`](crate::Snapshot::digest) returns: hexadecimal, comparable between stores and machines.
///
/// ```
/// let digest = regulars::Store::in_memory()?.snapshot().digest()?;
/// assert_eq!(digest.facts.len(), 64);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Digest {
    /// Over all four parts.
    pub digest: String,
    /// Every accepted message, as normalized, without receivedAt and sentAt.
    pub facts: String,
    /// Partition, shared identifiers, rejected edges, attribution.
    pub identity: String,
    /// Traits with history, orders, consent and whose the contacts are.
    pub profiles: String,
    /// Definitions, and members at the live instant.
    pub segments: String,
}

/// A set of entries, hashed whatever their order.
#[derive(Default)]
struct Part(Vec<[u8; 32]>);

impl Part {
    fn add(&mut self, entry: &[u8]) {
        self.0.push(*blake3::hash(entry).as_bytes());
    }

    fn hex(mut self) -> String {
        self.0.sort_unstable();
        let mut hasher = blake3::Hasher::new();
        self.0.iter().for_each(|entry| {
            hasher.update(entry);
        });
        hasher.finalize().to_hex().to_string()
    }
}

impl Digest {
    pub(super) fn of(state: &State) -> Result<Self> {
        let facts = facts(&state.records)?.hex();
        let identity = identity(&state.records)?.hex();
        let profiles = profiles(state)?.hex();
        let segments = segments(state)?.hex();
        let digest = blake3::hash([&facts, &identity, &profiles, &segments].map(String::as_str).concat().as_bytes());
        Ok(Self { digest: digest.to_hex().to_string(), facts, identity, profiles, segments })
    }

    /// The names of the parts that differ.
    pub(super) fn differences(&self, other: &Self) -> Vec<String> {
        let parts = [
            ("facts", &self.facts, &other.facts),
            ("identity", &self.identity, &other.identity),
            ("profiles", &self.profiles, &other.profiles),
            ("segments", &self.segments, &other.segments),
        ];
        parts.into_iter().filter(|(_, a, b)| a != b).map(|(name, ..)| name.to_owned()).collect()
    }
}

/// An entry of the digest begins with a word for what it is.
fn entry(what: &str) -> Vec<u8> {
    let mut out = Vec::new();
    put_str(&mut out, what);
    out
}

fn put_identifier(out: &mut Vec<u8>, records: &Records, node: u32) -> Result<()> {
    let (namespace, value) = records.nodes.identifier(node)?;
    put_str(out, records.nodes.namespaces.name(namespace));
    put_str(out, &value);
    Ok(())
}

fn facts(records: &Records) -> Result<Part> {
    let mut part = Part::default();
    let mut cache = BlockCache::default();
    let mut nodes = Vec::new();
    for rate in records.rates.iter() {
        let mut out = entry("rate");
        put_str(&mut out, &format!("{} {} {} {}", rate.day, rate.from, rate.to, rate.rate));
        part.add(&out);
    }
    // Which message was taken back counts, not when or with which others that was said; its hash depends on the store's
    // key, which no digest does, so that the number must do.
    for _ in &records.nodes.tombs.retracted {
        part.add(&entry(Kind::Retract.name()));
    }
    for at in records.events.facts() {
        let fact = records.events.fact(at, &mut cache)?;
        if fact.kind == Kind::Retract {
            continue;
        }
        let mut out = entry(fact.kind.name());
        // So does an id that was made from what an erasure names.
        if !(fact.kind.takes_away() && fact.bits.has(Bits::ID_DERIVED)) {
            put_str(&mut out, &fact.id().to_string());
        }
        out.extend(fact.ts.as_millisecond().to_le_bytes());
        if fact.kind.takes_away() {
            // And the hashes.
            for member in ["identifiers", "messages"] {
                out.extend((super::statement::hashes(&fact, member).len() as u64).to_le_bytes());
            }
            for (what, hashes) in super::objection::named(&fact) {
                objected(&what).encode(&mut out);
                out.extend((hashes.len() as u64).to_le_bytes());
            }
            part.add(&out);
            continue;
        }
        out.extend(fact.content.to_le_bytes());
        out.push(u8::from(fact.claimed()));
        for text in [fact.source, fact.shop, fact.channel, fact.name] {
            put_str(&mut out, text);
        }
        records.events.nodes(at, &mut nodes)?;
        for named in &nodes {
            out.push(named.role());
            put_identifier(&mut out, records, named.node())?;
        }
        part.add(&out);
    }
    Ok(part)
}

fn identity(records: &Records) -> Result<Part> {
    let mut part = Part::default();
    for node in 0..records.nodes.len() {
        let state = records.nodes.state(node)?;
        if !state.exists() {
            continue;
        }
        let mut out = entry(if state.is_shared() { "shared" } else { "member" });
        put_identifier(&mut out, records, node)?;
        if state.profile != NONE {
            put_identifier(&mut out, records, state.profile)?;
            out.extend(records.nodes.generation(state.profile)?.to_le_bytes());
        }
        part.add(&out);
        rejected_edges(records, node, state.profile, &mut part)?;
    }
    for at in records.events.iter() {
        let mut out = entry("event");
        put_str(&mut out, &records.message_id(at)?.to_string());
        match records.owner(at)? {
            Owner::Profile(profile) => put_identifier(&mut out, records, profile)?,
            Owner::Pool | Owner::Nobody => out.push(0),
        }
        part.add(&out);
    }
    Ok(part)
}

/// Evidence between two profiles: it was rejected, since it would have joined them otherwise.
fn rejected_edges(records: &Records, node: u32, profile: u32, part: &mut Part) -> Result<()> {
    if profile == NONE {
        return Ok(());
    }
    for (neighbor, _) in records.nodes.neighbors(node)? {
        let other = records.nodes.state(neighbor)?.profile;
        if other != NONE && other != profile {
            let mut out = entry("rejected");
            put_identifier(&mut out, records, node)?;
            put_identifier(&mut out, records, neighbor)?;
            part.add(&out);
        }
    }
    Ok(())
}

fn profiles(state: &State) -> Result<Part> {
    let mut part = Part::default();
    consents(&state.records, &mut part)?;
    contacts(&state.records, &mut part)?;
    for row in &state.all.to_bitmap() {
        let person = Person::read(&state.records, row)?;
        for setting in person.trait_settings()? {
            let mut out = entry("trait");
            put_identifier(&mut out, &state.records, row)?;
            put_str(&mut out, &setting.name);
            out.extend(setting.ts.as_millisecond().to_le_bytes());
            put_str(&mut out, &Doc::new(&setting.value).to_json());
            part.add(&out);
        }
        for order in person.orders(Timestamp::MAX)? {
            let mut out = entry(if order.order.is_some() { "order" } else { "refund" });
            put_identifier(&mut out, &state.records, row)?;
            out.extend(order.ts.as_millisecond().to_le_bytes());
            put_str(&mut out, &state.records.message_id(order.at)?.to_string());
            for money in [order.order.as_ref().and_then(|placed| placed.amount), order.refunded] {
                put_str(&mut out, &money.map(|money| money.to_string()).unwrap_or_default());
            }
            part.add(&out);
        }
    }
    Ok(part)
}

/// What was said, at each identifier that it hangs on, or of whom it speaks.
fn consents(records: &Records, part: &mut Part) -> Result<()> {
    let mut cache = BlockCache::default();
    for at in records.events.iter() {
        if !speaks(records, at)? {
            continue;
        }
        let speaking = Speaking::read(records, at, &mut cache)?;
        for statement in &speaking.said {
            let mut what = Vec::new();
            what.extend(statement.ts.as_millisecond().to_le_bytes());
            put_str(&mut what, &statement.id.to_string());
            statement.what.encode(&mut what);
            let owner = if speaking.is_loose(records, statement) { records.owner(at)?.profile() } else { None };
            let named = speaking.hangs_on(records, statement).map(|node| ("consent", node));
            for (word, node) in named.chain(owner.map(|owner| ("consent of everything", owner))) {
                let mut out = entry(word);
                put_identifier(&mut out, records, node)?;
                put_bytes(&mut out, &what);
                part.add(&out);
            }
        }
    }
    Ok(())
}

/// Whose contacts shared identifiers are, since when; and what erasures remember of those that are here again.
fn contacts(records: &Records, part: &mut Part) -> Result<()> {
    let mut hearing = Hearing::new(records);
    for node in 0..records.nodes.len() {
        let state = records.nodes.state(node)?;
        if !state.exists() {
            continue;
        }
        for statement in objections(records, node)? {
            let mut out = entry("objection");
            put_identifier(&mut out, records, node)?;
            out.extend(statement.ts.as_millisecond().to_le_bytes());
            statement.what.encode(&mut out);
            part.add(&out);
        }
        if state.is_shared() && is_contact(records, node)? {
            for (owner, since) in hearing.holders(node)?.iter() {
                let mut out = entry("contact");
                put_identifier(&mut out, records, node)?;
                put_identifier(&mut out, records, *owner)?;
                out.extend(since.as_millisecond().to_le_bytes());
                part.add(&out);
            }
        }
    }
    Ok(())
}

fn segments(state: &State) -> Result<Part> {
    let mut part = Part::default();
    for live in state.segments.iter() {
        let mut out = entry("segment");
        put_str(&mut out, live.segment.name());
        put_bytes(&mut out, live.segment.rule().to_json().as_bytes());
        put_str(&mut out, &format!("{:?}", live.segment.universe()));
        part.add(&out);
        for row in &live.members.to_bitmap() {
            let mut out = entry("in");
            put_str(&mut out, live.segment.name());
            put_identifier(&mut out, &state.records, row)?;
            part.add(&out);
        }
    }
    Ok(part)
}
