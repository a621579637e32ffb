//! Whose contact is what, and which statements count for it.
//!
//! The contacts of a person are the identifiers in their profile, and the shared ones that events of theirs name. A
//! message that names a contact of its channel speaks of that one, whoever owns the message; one that names none speaks of
//! every contact that its owner has, and so for everybody who has them.

use super::consent::{Contact, Heard, Statement, together};
use super::owned::{Owned, PersonEvent};
use super::records::Records;
use super::speaking::{Speaking, contact_code};
use crate::Result;
use crate::base::{MessageId, Timestamp};
use crate::column::blocks::BlockCache;
use crate::event::row::At;
use crate::fact::kind::Bits;
use crate::identity::tomb::{Objected, Objection};
use crate::normalize::consent::{ConsentStatus, Said, SuppressionCause, channels_of};
use ahash::AHashMap;
use roaring::RoaringBitmap;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

type Statements = Arc<[Arc<Statement>]>;

/// Who has a shared contact, each with the first of their events that names it.
type Holders = Arc<[(u32, Timestamp)]>;

/// Listens to what was said, and remembers it: of one contact after the other, or of all at once.
pub(crate) struct Hearing<'r> {
    pub(crate) records: &'r Records,
    cache: BlockCache,
    /// Everything is known already.
    all: bool,
    /// By the identifier that they hang on.
    direct: AHashMap<u32, Statements>,
    /// What speaks of all contacts of a profile.
    loose: AHashMap<u32, Statements>,
    holders: AHashMap<u32, Holders>,
}

impl<'r> Hearing<'r> {
    pub(crate) fn new(records: &'r Records) -> Self {
        let (direct, loose, holders) = Default::default();
        Self { records, cache: BlockCache::default(), all: false, direct, loose, holders }
    }

    /// Everything that was said on a channel, or on none. Cost: a look at every event, and the events of the shared
    /// identifiers that are contacts of the channel.
    fn of_all(records: &'r Records, channel: Option<&str>) -> Result<Self> {
        let mut hearing = Self::new(records);
        let mut direct: AHashMap<u32, Vec<Arc<Statement>>> = AHashMap::new();
        let mut loose: AHashMap<u32, Vec<Arc<Statement>>> = AHashMap::new();
        for at in records.events.iter() {
            if !speaks(records, at)? {
                continue;
            }
            let speaking = Speaking::read(records, at, &mut hearing.cache)?;
            for statement in speaking.said.iter().filter(|statement| statement.what.channel() == channel) {
                for node in speaking.hangs_on(records, statement) {
                    direct.entry(node).or_default().push(Arc::clone(statement));
                }
                if speaking.is_loose(records, statement)
                    && let Some(owner) = records.owner(at)?.profile()
                {
                    loose.entry(owner).or_default().push(Arc::clone(statement));
                }
            }
        }
        hearing.direct = direct.into_iter().map(|(node, said)| (node, said.into())).collect();
        hearing.loose = loose.into_iter().map(|(owner, said)| (owner, said.into())).collect();
        if let Some(contact) = channel.and_then(|channel| contact_code(records, channel)) {
            let mut shared = Vec::new();
            records.nodes.scan_states(&mut |node, namespace, state| {
                if namespace == contact && state.is_shared() {
                    shared.push(node);
                }
            })?;
            for node in shared {
                hearing.holders(node)?;
            }
        }
        hearing.all = true;
        Ok(hearing)
    }

    /// The statements that hang on an identifier.
    fn direct(&mut self, node: u32) -> Result<Statements> {
        if let Some(known) = self.direct.get(&node) {
            return Ok(Arc::clone(known));
        }
        let mut found = Vec::new();
        for at in if self.all { Vec::new() } else { self.records.events.of_node(node)? } {
            if speaks(self.records, at)? {
                let speaking = Speaking::read(self.records, at, &mut self.cache)?;
                let about =
                    |statement: &&Arc<Statement>| speaking.hangs_on(self.records, statement).any(|named| named == node);
                found.extend(speaking.said.iter().filter(about).map(Arc::clone));
            }
        }
        let found: Statements = found.into();
        self.direct.insert(node, Arc::clone(&found));
        Ok(found)
    }

    /// The statements of a profile's events that name no contact of their channel.
    fn loose(&mut self, profile: u32) -> Result<Statements> {
        match self.loose.get(&profile) {
            Some(known) => Ok(Arc::clone(known)),
            None if self.all => Ok(Statements::default()),
            None => self.loose_of(profile, &Owned::read(self.records, profile)?.events),
        }
    }

    fn loose_of(&mut self, profile: u32, events: &[PersonEvent]) -> Result<Statements> {
        let mut found = Vec::new();
        for event in events {
            if speaks(self.records, event.at)? {
                let speaking = Speaking::read(self.records, event.at, &mut self.cache)?;
                let loose = |statement: &&Arc<Statement>| speaking.is_loose(self.records, statement);
                found.extend(speaking.said.iter().filter(loose).map(Arc::clone));
            }
        }
        let found: Statements = found.into();
        self.loose.insert(profile, Arc::clone(&found));
        Ok(found)
    }

    /// Whose contact a shared identifier is. Cost: the events that name it.
    pub(crate) fn holders(&mut self, shared: u32) -> Result<Holders> {
        if let Some(known) = self.holders.get(&shared) {
            return Ok(Arc::clone(known));
        }
        let mut first: BTreeMap<u32, Timestamp> = BTreeMap::new();
        let mut nodes = Vec::new();
        for at in self.records.events.of_node(shared)? {
            self.records.events.nodes(at, &mut nodes)?;
            if nodes.iter().any(|named| named.is_live() && named.node() == shared)
                && let Some(owner) = self.records.owner_among(at, &nodes)?.profile()
            {
                let ts = self.records.events.head(at)?.ts;
                first.entry(owner).and_modify(|known| *known = ts.min(*known)).or_insert(ts);
            }
        }
        let found: Holders = first.into_iter().collect();
        self.holders.insert(shared, Arc::clone(&found));
        Ok(found)
    }

    /// Everybody whose contact an identifier is.
    pub(crate) fn people_of(&mut self, node: u32) -> Result<Vec<u32>> {
        if self.records.nodes.state(node)?.is_shared() {
            return Ok(self.holders(node)?.iter().map(|(owner, _)| *owner).collect());
        }
        Ok(self.records.nodes.profile(node)?.into_iter().collect())
    }

    /// Everything that counts for one identifier as a contact: of a shared one worked out once a snapshot.
    pub(crate) fn contact(&mut self, node: u32) -> Result<Arc<Contact>> {
        if self.all || !self.records.nodes.state(node)?.is_shared() {
            return self.heard_of(node).map(Arc::new);
        }
        if let Some(known) = self.records.known_contact(node) {
            return Ok(known);
        }
        let contact = Arc::new(self.heard_of(node)?);
        self.records.remember_contact(node, &contact);
        Ok(contact)
    }

    fn heard_of(&mut self, node: u32) -> Result<Contact> {
        let records = self.records;
        let namespace = records.nodes.namespace_of(node)?;
        let always = |statement: &Arc<Statement>| Heard { since: Timestamp::MIN, statement: Arc::clone(statement) };
        let mut heard: Vec<Heard> = self.direct(node)?.iter().map(always).collect();
        heard.extend(objections(records, node)?.iter().map(always));
        if channels_of(records.nodes.namespaces.name(namespace)).is_empty() {
            return Ok(Contact::new(Some(node), heard));
        }
        let owners = if records.nodes.state(node)?.is_shared() {
            self.holders(node)?
        } else {
            records.nodes.profile(node)?.map(|owner| (owner, Timestamp::MIN)).into_iter().collect()
        };
        let person = records.nodes.namespaces.is_person(namespace);
        for (owner, since) in owners.iter() {
            for statement in self.loose(*owner)?.iter().filter(|statement| !(person && statement.claimed)) {
                let channel = statement.what.channel();
                if channel.and_then(|channel| contact_code(records, channel)) == Some(namespace) {
                    heard.push(Heard { since: *since, statement: Arc::clone(statement) });
                }
            }
        }
        Ok(Contact::new(Some(node), heard))
    }

    /// The shared contacts of a profile some message of which speaks of all its contacts: what is said of it concerns
    /// others, too.
    pub(crate) fn spoken_for(&mut self, profile: u32) -> Result<Vec<u32>> {
        let events = Owned::read(self.records, profile)?.events;
        if self.loose_of(profile, &events)?.is_empty() {
            return Ok(Vec::new());
        }
        Ok(shared_contacts(self.records, &events)?.into_keys().collect())
    }

    /// The nameless contact of a profile.
    fn nameless(&mut self, profile: u32) -> Result<Contact> {
        let said = self.loose(profile)?;
        let heard = said.iter().map(|statement| Heard { since: Timestamp::MIN, statement: Arc::clone(statement) });
        Ok(Contact::new(None, heard.collect()))
    }

    /// Everybody whom what is known concerns.
    fn concerned(&mut self, shared_of: &AHashMap<u32, Vec<(u32, Timestamp)>>) -> Result<RoaringBitmap> {
        let mut rows = RoaringBitmap::new();
        let mut nodes: Vec<u32> = self.direct.keys().copied().collect();
        nodes.extend(self.records.nodes.tombs.objected());
        for owner in self.loose.keys() {
            rows.insert(*owner);
            nodes.extend(shared_of.get(owner).into_iter().flatten().map(|(node, _)| *node));
        }
        for node in nodes {
            if self.records.nodes.state(node)?.is_shared() && !self.holders.contains_key(&node) {
                // Shared, and no contact of the channel: what was said of it is nobody's.
                continue;
            }
            rows.extend(self.people_of(node)?);
        }
        Ok(rows)
    }
}

/// Whether an event says anything about consent.
pub(crate) fn speaks(records: &Records, at: At) -> Result<bool> {
    Ok(records.events.head(at)?.bits.has(Bits::CONSENT))
}

/// What an erasure remembers, as it is said from then on: of a channel that it is not to be used, of anything else no. That
/// there had been a yes before is not kept.
pub(crate) fn objected(what: &Objected) -> Said<'static> {
    let own = |name: &String| Cow::Owned(name.clone());
    match what {
        Objected::Channel(channel) => {
            Said::Suppressed { channel: own(channel), cause: SuppressionCause::ObjectedBefore }
        }
        Objected::Topic { channel, purpose } => Said::Consent {
            channel: channel.as_ref().map(own),
            purpose: purpose.as_ref().map(own),
            status: ConsentStatus::Denied,
            method: Some(SuppressionCause::ObjectedBefore.name().into()),
            proof: None,
        },
    }
}

/// What erasures remember of an identifier that is here again.
pub(crate) fn objections(records: &Records, node: u32) -> Result<Vec<Arc<Statement>>> {
    let statement = |objection: &Objection| {
        Arc::new(Statement {
            at: None,
            ts: Timestamp::from_millisecond(objection.ts),
            id: MessageId::new(objection.erasure.as_str()),
            source: "".into(),
            claimed: false,
            what: objected(&objection.what),
        })
    };
    if records.nodes.tombs.is_empty() {
        return Ok(Vec::new());
    }
    let (namespace, value) = records.nodes.identifier(node)?;
    let name = records.nodes.namespaces.name(namespace);
    Ok(records.nodes.tombs.objections(&records.nodes.key, name, &value).map(statement).collect())
}

/// The shared identifiers that somebody's events name and that can be contacts, each with the time of the first such.
pub(crate) fn shared_contacts(records: &Records, events: &[PersonEvent]) -> Result<BTreeMap<u32, Timestamp>> {
    let (mut found, mut nodes) = (BTreeMap::new(), Vec::new());
    for event in events {
        records.events.nodes(event.at, &mut nodes)?;
        for node in nodes.iter().filter(|named| named.is_live()).map(|named| named.node()) {
            if records.nodes.state(node)?.is_shared() && is_contact(records, node)? {
                found.entry(node).or_insert(event.ts);
            }
        }
    }
    Ok(found)
}

/// Whether some channel reaches people at an identifier.
pub(crate) fn is_contact(records: &Records, node: u32) -> Result<bool> {
    let namespace = records.nodes.namespace_of(node)?;
    Ok(!channels_of(records.nodes.namespaces.name(namespace)).is_empty())
}

/// A contact of a person.
struct Held {
    contact: Arc<Contact>,
    namespace: u8,
    /// Since when it is theirs: a shared one since they first used it.
    since: Timestamp,
    /// It is in their profile.
    own: bool,
}

/// What counts for one person.
pub(crate) struct Consents {
    held: Vec<Held>,
    nameless: Contact,
}

impl Consents {
    /// Everything that was ever said about a person's identifiers and contacts.
    ///
    /// Cost: the events of the identifiers; of a shared one the events of everybody who has it.
    pub(crate) fn read(records: &Records, profile: u32, members: &[u32], events: &[PersonEvent]) -> Result<Self> {
        let mut hearing = Hearing::new(records);
        hearing.loose_of(profile, events)?;
        let shared = shared_contacts(records, events)?;
        let own = members.iter().map(|node| (*node, Timestamp::MIN, true));
        let mut held = Vec::new();
        for (node, since, own) in own.chain(shared.into_iter().map(|(node, since)| (node, since, false))) {
            let namespace = records.nodes.namespace_of(node)?;
            held.push(Held { contact: hearing.contact(node)?, namespace, since, own });
        }
        Ok(Self { held, nameless: hearing.nameless(profile)? })
    }

    /// The contacts of a channel at `at`: the nameless one where there is none.
    fn of_channel(&self, records: &Records, channel: &str, at: Timestamp) -> Vec<&Contact> {
        let code = contact_code(records, channel);
        let fits = |held: &&Held| Some(held.namespace) == code && held.since <= at;
        let contacts: Vec<&Contact> = self.held.iter().filter(fits).map(|held| &*held.contact).collect();
        if contacts.is_empty() { vec![&self.nameless] } else { contacts }
    }

    /// The person's answer about a purpose, on a channel or whatever the channel; `None` where nobody ever asked. Names
    /// as they compare.
    pub(crate) fn status(
        &self,
        records: &Records,
        (channel, purpose): (Option<&str>, &str),
        at: Timestamp,
    ) -> Option<ConsentStatus> {
        let contacts = match channel {
            Some(channel) => self.of_channel(records, channel, at),
            None => self.held.iter().filter(|held| held.own).map(|held| &*held.contact).collect(),
        };
        together(contacts.into_iter().map(|contact| contact.status((channel, Some(purpose)), at)))
    }

    /// Whether a channel is suppressed at every contact of the person.
    pub(crate) fn is_suppressed(&self, records: &Records, channel: &str, at: Timestamp) -> bool {
        self.of_channel(records, channel, at).into_iter().all(|contact| contact.is_suppressed(channel, at))
    }

    /// What is to be shown at `at`: contacts, each with a test of the channels that are shown there.
    pub(crate) fn shown<'c>(
        &'c self,
        records: &'c Records,
        at: Timestamp,
    ) -> impl Iterator<Item = (&'c Contact, impl Fn(Option<&str>) -> bool + 'c)> + 'c {
        let held = self.held.iter().filter(move |held| held.since <= at);
        let held = held.map(|held| (&*held.contact, Some(held)));
        held.chain([(&self.nameless, None)]).map(move |(contact, held)| {
            let shows = move |channel: Option<&str>| match (channel, held) {
                // What was said whatever the channel hangs on what is the person's own.
                (None, held) => held.is_some_and(|held| held.own),
                (Some(_), Some(_)) => true,
                (Some(channel), None) => self.of_channel(records, channel, at).iter().all(|of| of.node.is_none()),
            };
            (contact, shows)
        })
    }
}

/// Whom anything on a channel (or on none) concerns, and for whom of them a question holds: what is asked of each contact,
/// and then of the answers of all of a person's.
pub(crate) fn of_everybody<T: Copy>(
    records: &Records,
    channel: Option<&str>,
    at: Timestamp,
    of_contact: &dyn Fn(&Contact) -> T,
    of_person: &dyn Fn(&[T]) -> bool,
) -> Result<(RoaringBitmap, RoaringBitmap)> {
    let mut hearing = Hearing::of_all(records, channel)?;
    let code = channel.map(|channel| contact_code(records, channel));
    let mut shared_of: AHashMap<u32, Vec<(u32, Timestamp)>> = AHashMap::new();
    for (node, holders) in &hearing.holders {
        for (owner, since) in holders.iter() {
            shared_of.entry(*owner).or_default().push((*node, *since));
        }
    }
    let concerned = hearing.concerned(&shared_of)?;
    let (mut hits, mut known) = (RoaringBitmap::new(), AHashMap::new());
    for row in &concerned {
        let mut contacts = Vec::new();
        for member in records.nodes.members(row)? {
            if code.is_none() || code == Some(Some(records.nodes.namespace_of(member)?)) {
                contacts.push(member);
            }
        }
        let shared = shared_of.get(&row).into_iter().flatten();
        contacts.extend(shared.filter(|(_, since)| *since <= at).map(|(node, _)| *node));
        let mut answers = Vec::new();
        for node in contacts {
            if !known.contains_key(&node) {
                known.insert(node, of_contact(&*hearing.contact(node)?));
            }
            answers.extend(known.get(&node).copied());
        }
        if answers.is_empty() {
            answers.push(of_contact(&hearing.nameless(row)?));
        }
        if of_person(&answers) {
            hits.insert(row);
        }
    }
    Ok((concerned, hits))
}
