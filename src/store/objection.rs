//! What an erasure remembers of a no: who had objected to something is not asked or written to as if they had not when they
//! come again.
//!
//! The erasure names the identifiers at which it was said like everything that it forgets, by keyed hashes, with what was
//! refused: a channel, in whatever way, and each topic of which the last answer was no. A no whatever the channel refuses
//! its purpose, and no channel. What it names follows from what the store knew at the call, and is no part of what the
//! caller said: a repeat is a duplicate.

use crate::Result;
use crate::base::Timestamp;
use crate::base::doc::{Doc, DocWriter};
use crate::column::blocks::BlockCache;
use crate::event::row::At;
use crate::fact::view::Fact;
use crate::identity::tomb::{Hash, Objected, hex, identifier_hash, unhex};
use crate::normalize::consent::{ConsentStatus, channels_of};
use crate::profile::consent::{Contact, Heard, Topic};
use crate::profile::contacts::{Hearing, shared_contacts, speaks};
use crate::profile::owned::Owned;
use crate::profile::records::Records;
use crate::profile::speaking::Speaking;
use std::collections::{BTreeMap, BTreeSet};

/// The member of an erasure's document that holds them: a list of what was refused, each with the hashes of where.
const MEMBER: &str = "objected";
/// The members of one of them: a channel that must not be used, or the names of a topic.
const STOPPED: &str = "stopped";
const CHANNEL: &str = "channel";
const PURPOSE: &str = "purpose";
const HASHES: &str = "of";

/// The identifiers at which something had been refused.
pub(super) type Objections = BTreeMap<Objected, BTreeSet<Hash>>;

/// What an erasure remembers.
pub(super) fn named(fact: &Fact<'_>) -> Objections {
    let all = fact.doc.get(MEMBER).into_iter().flat_map(Doc::items);
    let named = all.map(|one| {
        let text = |member| Some(one.get(member)?.as_str()?.into_owned());
        let topic = || Objected::Topic { channel: text(CHANNEL), purpose: text(PURPOSE) };
        let what = text(STOPPED).map_or_else(topic, Objected::Channel);
        let hashes = one.get(HASHES).into_iter().flat_map(Doc::items).filter_map(Doc::as_str);
        (what, hashes.filter_map(|text| unhex(&text)).collect())
    });
    named.collect()
}

/// Writes them behind the members of an erasure's document.
pub(super) fn put(doc: &[u8], objections: &Objections) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = DocWriter::new(&mut out);
    let root = writer.object();
    for (key, value) in Doc::new(doc).members() {
        writer.key(key);
        writer.copy(value);
    }
    writer.key(MEMBER.as_bytes());
    let all = writer.list();
    for (what, hashes) in objections {
        let one = writer.object();
        let names = match what {
            Objected::Channel(channel) => [Some((STOPPED, channel)), None],
            Objected::Topic { channel, purpose } => {
                [channel.as_ref().map(|name| (CHANNEL, name)), purpose.as_ref().map(|name| (PURPOSE, name))]
            }
        };
        for (member, name) in names.into_iter().flatten() {
            writer.key(member.as_bytes());
            writer.string(name);
        }
        writer.key(HASHES.as_bytes());
        let list = writer.list();
        hashes.iter().for_each(|hash| writer.string(&hex(hash)));
        writer.close(list);
        writer.close(one);
    }
    writer.close(all);
    writer.close(root);
    out
}

/// What an erasure up to `until` takes.
pub(super) struct Taken<'a> {
    pub(super) records: &'a Records,
    /// The identifiers that it names, as far as they are there.
    pub(super) nodes: &'a BTreeSet<u32>,
    /// The facts that will count no longer.
    pub(super) gone: &'a BTreeSet<At>,
    pub(super) until: Timestamp,
}

impl Taken<'_> {
    /// What would be lost, with the nodes where it was said: erased ones, and others of which an erased fact says it.
    pub(super) fn objections(&self) -> Result<(Objections, BTreeMap<Hash, Option<u32>>)> {
        let (mut objections, mut nodes) = (Objections::new(), BTreeMap::new());
        let mut hearing = Hearing::new(self.records);
        for node in self.spoken_of()? {
            let all = hearing.contact(node)?;
            let contact = self.known_then(&all);
            let (namespace, value) = self.records.nodes.identifier(node)?;
            let namespace = self.records.nodes.namespaces.name(namespace);
            let hash = identifier_hash(&self.records.nodes.key, namespace, &value);
            for channel in channels_of(namespace).iter().copied().map(Some).chain([None]) {
                if self.nodes.contains(&node) || self.is_said_by_the_gone(&all, channel) {
                    for what in refused(&contact, channel) {
                        objections.entry(what).or_default().insert(hash);
                        nodes.insert(hash, Some(node));
                    }
                }
            }
        }
        Ok((objections, nodes))
    }

    /// Every identifier of which a fact that goes may say something.
    fn spoken_of(&self) -> Result<BTreeSet<u32>> {
        let (records, mut cache) = (self.records, BlockCache::default());
        let (mut found, mut owners) = (self.nodes.clone(), BTreeSet::new());
        for at in self.gone {
            if records.events.head(*at)?.kind.is_statement() || !speaks(records, *at)? {
                continue;
            }
            let speaking = Speaking::read(records, *at, &mut cache)?;
            found.extend(speaking.nodes.iter().map(|(node, _)| *node));
            if speaking.said.iter().any(|statement| speaking.is_loose(records, statement)) {
                owners.extend(records.owner(*at)?.profile());
            }
        }
        for owner in owners {
            let Owned { members, events } = Owned::read(records, owner)?;
            found.extend(shared_contacts(records, &events)?.into_keys());
            found.extend(members);
        }
        let mut there = BTreeSet::new();
        for node in found {
            if records.nodes.state(node)?.exists() {
                there.insert(node);
            }
        }
        Ok(there)
    }

    /// Whether a fact that goes speaks of a contact on that channel, or of a purpose without one.
    fn is_said_by_the_gone(&self, contact: &Contact, channel: Option<&str>) -> bool {
        let gone = |heard: &Heard| heard.statement.at.is_some_and(|at| self.gone.contains(&at));
        contact.heard().iter().any(|heard| heard.statement.what.channel() == channel && gone(heard))
    }

    /// A contact as the facts that go, and those before the erasure, tell it: what comes after it speaks for itself.
    fn known_then(&self, contact: &Contact) -> Contact {
        let counts = |heard: &&Heard| {
            let statement = &heard.statement;
            statement.ts <= self.until || statement.at.is_some_and(|at| self.gone.contains(&at))
        };
        Contact::new(contact.node, contact.heard().iter().filter(counts).cloned().collect())
    }
}

/// What is refused at a contact, on a channel or without one: the topics of which the last answer is a no, and the channel,
/// if there is one or it is suppressed.
fn refused(contact: &Contact, channel: Option<&str>) -> Vec<Objected> {
    let is_no = |topic: &Topic<'_>| {
        let status = contact.status(*topic, Timestamp::MAX);
        topic.0 == channel && status.is_some_and(|status| status != ConsentStatus::Granted)
    };
    let own = |name: Option<&str>| name.map(str::to_owned);
    let topics = contact.topics(Timestamp::MAX).into_iter().filter(is_no);
    let mut all: Vec<Objected> =
        topics.map(|(channel, purpose)| Objected::Topic { channel: own(channel), purpose: own(purpose) }).collect();
    if let Some(channel) = channel
        && (!all.is_empty() || contact.is_suppressed(channel, Timestamp::MAX))
    {
        all.push(Objected::Channel(channel.to_owned()));
    }
    all
}

/// The identifiers that are there of which an erasure remembers a no.
pub(super) fn remembered(records: &Records, at: At) -> Result<BTreeSet<u32>> {
    let mut cache = BlockCache::default();
    let named = named(&records.events.fact(at, &mut cache)?);
    let node = |hash: &Hash| records.nodes.tombs.identifiers.get(hash)?.node;
    Ok(named.values().flatten().filter_map(node).filter(|node| *node < records.nodes.len()).collect())
}
