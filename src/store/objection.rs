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
const MEMBER: &str = "objected";

/// Contacts that had said no, by channel.
pub(super) type Objections = BTreeMap<String, BTreeSet<Hash>>;

/// What an erasure remembers.
pub(super) fn named(fact: &Fact<'_>) -> Objections {
    let channels = fact.doc.get(MEMBER).into_iter().flat_map(Doc::members);
    let named = channels.filter_map(|(channel, hashes)| {
        let hashes = hashes.items().filter_map(Doc::as_str).filter_map(|text| unhex(&text));
        Some((std::str::from_utf8(channel).ok()?.to_owned(), hashes.collect()))
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
    let channels = writer.object();
    for (channel, hashes) in objections {
        writer.key(channel.as_bytes());
        let list = writer.list();
        hashes.iter().for_each(|hash| writer.string(&hex(hash)));
        writer.close(list);
    }
    writer.close(channels);
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
        let (mut objections, mut nodes) = (Objections::new(), BTreeMap::new());
        let mut hearing = Hearing::new(self.records);
        for node in self.contacts()? {
            let all = hearing.contact(node)?;
            let contact = self.known_then(&all);
            let (namespace, value) = self.records.nodes.identifier(node)?;
            let namespace = self.records.nodes.namespaces.name(namespace);
            let hash = identifier_hash(&self.records.nodes.key, namespace, &value);
            let lost = |channel: &str| self.nodes.contains(&node) || self.is_said_by_the_gone(&all, channel);
            for channel in channels_of(namespace).iter().filter(|channel| lost(channel) && says_no(&contact, channel)) {
                objections.entry((*channel).to_owned()).or_default().insert(hash);
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

    /// Whether a fact that goes speaks of a contact on that channel.
    fn is_said_by_the_gone(&self, contact: &Contact, channel: &str) -> bool {
        let gone = |heard: &Heard| heard.statement.at.is_some_and(|at| self.gone.contains(&at));
        contact.heard().iter().any(|heard| heard.statement.what.channel() == Some(channel) && gone(heard))
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

/// The identifiers that are there of which an erasure remembers a no.
pub(super) fn remembered(records: &Records, at: At) -> Result<BTreeSet<u32>> {
    let mut cache = BlockCache::default();
    let named = named(&records.events.fact(at, &mut cache)?);
    let node = |hash: &Hash| records.nodes.tombs.identifiers.get(hash)?.node;
    Ok(named.values().flatten().filter_map(node).filter(|node| *node < records.nodes.len()).collect())
}
