//! What an erasure remembers of a no: who had objected to being written to is not written to when they come again.
//!
//! The erasure names those contacts like everything that it forgets, by keyed hashes, with the channel. What it names
//! follows from what the store knew at the call, and is no part of what the caller said: a repeat is a duplicate.

use crate::Result;
use crate::base::Timestamp;
use crate::base::doc::{Doc, DocWriter};
use crate::column::blocks::BlockCache;
use crate::event::row::At;
use crate::fact::view::Fact;
use crate::identity::tomb::{Hash, hex, identifier_hash, unhex};
use crate::normalize::consent::{ConsentStatus, channels_of};
use crate::profile::consent::{Contact, Heard};
use crate::profile::contacts::{Hearing, is_contact, shared_contacts, speaks};
use crate::profile::owned::Owned;
use crate::profile::records::Records;
use crate::profile::speaking::Speaking;
use std::collections::{BTreeMap, BTreeSet};

/// The member of an erasure's document that holds them: lists of hashes by channel.
const BY_CHANNEL: &str = "objected";
/// And the one for what was denied whatever the channel: lists by purpose, the empty one for every purpose.
const BY_PURPOSE: &str = "denied";

type Hashes = BTreeMap<String, BTreeSet<Hash>>;

/// Contacts that had said no.
#[derive(Default)]
pub(super) struct Objections {
    pub(super) by_channel: Hashes,
    pub(super) by_purpose: Hashes,
}

impl Objections {
    pub(super) fn is_empty(&self) -> bool {
        self.by_channel.is_empty() && self.by_purpose.is_empty()
    }
}

/// What an erasure remembers.
pub(super) fn named(fact: &Fact<'_>) -> Objections {
    let of = |member: &str| {
        let named = fact.doc.get(member).into_iter().flat_map(Doc::members).filter_map(|(name, hashes)| {
            let hashes = hashes.items().filter_map(Doc::as_str).filter_map(|text| unhex(&text));
            Some((std::str::from_utf8(name).ok()?.to_owned(), hashes.collect()))
        });
        named.collect()
    };
    Objections { by_channel: of(BY_CHANNEL), by_purpose: of(BY_PURPOSE) }
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
    let members = [(BY_CHANNEL, &objections.by_channel), (BY_PURPOSE, &objections.by_purpose)];
    for (member, named) in members.into_iter().filter(|(_, named)| !named.is_empty()) {
        writer.key(member.as_bytes());
        let lists = writer.object();
        for (name, hashes) in named {
            writer.key(name.as_bytes());
            let list = writer.list();
            hashes.iter().for_each(|hash| writer.string(&hex(hash)));
            writer.close(list);
        }
        writer.close(lists);
    }
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
    /// The contacts whose no would be lost, with their nodes: erased ones, and others of which an erased fact says it.
    pub(super) fn objections(&self) -> Result<(Objections, BTreeMap<Hash, Option<u32>>)> {
        let (mut objections, mut nodes) = (Objections::default(), BTreeMap::new());
        let mut hearing = Hearing::new(self.records);
        for node in self.contacts()? {
            let all = hearing.contact(node)?;
            let contact = self.known_then(&all);
            let (namespace, value) = self.records.nodes.identifier(node)?;
            let namespace = self.records.nodes.namespaces.name(namespace);
            let hash = identifier_hash(&self.records.nodes.key, namespace, &value);
            let lost = |channel: Option<&str>| self.nodes.contains(&node) || self.is_said_by_the_gone(&all, channel);
            let channels = channels_of(namespace).iter();
            for channel in channels.filter(|channel| lost(Some(channel)) && says_no(&contact, channel)) {
                objections.by_channel.entry((*channel).to_owned()).or_default().insert(hash);
                nodes.insert(hash, Some(node));
            }
            for purpose in denied(&contact).into_iter().filter(|_| lost(None)) {
                objections.by_purpose.entry(purpose.to_owned()).or_default().insert(hash);
                nodes.insert(hash, Some(node));
            }
        }
        Ok((objections, nodes))
    }

    /// Every contact of which a fact that goes may say something.
    fn contacts(&self) -> Result<BTreeSet<u32>> {
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
        let mut contacts = BTreeSet::new();
        for node in found {
            if records.nodes.state(node)?.exists() && is_contact(records, node)? {
                contacts.insert(node);
            }
        }
        Ok(contacts)
    }

    /// Whether a fact that goes speaks of a contact on that channel, or whatever the channel.
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

/// Whether a contact must not be used on a channel, or an answer there is a no.
fn says_no(contact: &Contact, channel: &str) -> bool {
    let denied = |topic: &(Option<&str>, Option<&str>)| {
        topic.0 == Some(channel)
            && contact.status(*topic, Timestamp::MAX).is_some_and(|status| status != ConsentStatus::Granted)
    };
    contact.is_suppressed(channel, Timestamp::MAX) || contact.topics(Timestamp::MAX).iter().any(denied)
}

/// The purposes that a contact denies whatever the channel.
fn denied(contact: &Contact) -> Vec<&str> {
    let topics = contact.topics(Timestamp::MAX).into_iter().filter(|(channel, _)| channel.is_none());
    let no = |topic: &(Option<&str>, Option<&str>)| {
        contact.status(*topic, Timestamp::MAX).is_some_and(|status| status != ConsentStatus::Granted)
    };
    topics.filter(no).map(|(_, purpose)| purpose.unwrap_or_default()).collect()
}

/// The identifiers that are there of which an erasure remembers a no.
pub(super) fn remembered(records: &Records, at: At) -> Result<BTreeSet<u32>> {
    let mut cache = BlockCache::default();
    let named = named(&records.events.fact(at, &mut cache)?);
    let node = |hash: &Hash| records.nodes.tombs.identifiers.get(hash)?.node;
    let hashes = named.by_channel.values().chain(named.by_purpose.values()).flatten();
    Ok(hashes.filter_map(node).filter(|node| *node < records.nodes.len()).collect())
}
