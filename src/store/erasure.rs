//! What an erasure names, found before anything is logged: whom it means, what goes, and what stays.

use super::snapshot::Snapshot;
use crate::Result;
use crate::base::{Id, MessageId, ProfileId, Timestamp};
use crate::error::Error;
use crate::event::row::At;
use crate::event::row::NodeRef;
use crate::fact::kind::Bits;
use crate::identity::tomb::{Hash, identifier_hash, message_hash};
use crate::message::Flag;
use crate::message::reason::Flags;
use crate::normalize::ident::Bad;
use crate::normalize::normalizer::Normalizer;
use crate::profile::owned::Owned;
use crate::profile::records::Records;
use crate::view::asked::seen_with;
use crate::view::why::id_of;
use ahash::AHashMap;
use std::collections::{BTreeMap, BTreeSet};

/// How many people an error names one by one.
const LISTED_MAX: usize = 20;

/// Whom and what to forget.
///
/// ```
/// use regulars::{Erasure, Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"42","traits":{"email":"ann@example.com"}}"#)?;
/// let erased = store.erase(&Erasure::person(id::user("42")))?;
/// assert_eq!((erased.events, store.snapshot().profiles()), (1, 0));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
#[must_use = "this says what to erase; pass it to Store::erase"]
pub struct Erasure {
    pub(super) whom: Option<Whom>,
    pub(super) identifiers: Vec<Id>,
    pub(super) messages: Vec<MessageId>,
    pub(super) at: Option<Timestamp>,
    pub(super) id: Option<MessageId>,
}

/// How a person is named.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Whom {
    Identifier(Id),
    Profile(ProfileId),
}

impl Erasure {
    /// A person, whoever the identifier means at the call: all identifiers of their own, and the messages that are theirs
    /// through shared ones.
    ///
    /// An identifier that is shared means nobody by itself: it is refused as `Ambiguous`, unless [`Erasure::at`] says when
    /// it was theirs.
    ///
    /// ```
    /// let erasure = regulars::Erasure::person(regulars::id::user("42"));
    /// ```
    pub fn person(id: Id) -> Self {
        Self { whom: Some(Whom::Identifier(id)), ..Self::default() }
    }

    /// A person by their public id, or by one that they had before.
    ///
    /// ```
    /// use regulars::{Erasure, Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"page","userId":"42"}"#)?;
    /// let profile = store.snapshot().resolve(id::user("42"), None)?.expect("known");
    /// assert_eq!(store.erase(&Erasure::profile(profile))?.profile, Some(profile));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn profile(id: ProfileId) -> Self {
        Self { whom: Some(Whom::Profile(id)), ..Self::default() }
    }

    /// Every fact that names one of these identifiers, whoever else it names: those up to now, whenever they come, and
    /// those of the store that are dated later.
    ///
    /// ```
    /// let erasure = regulars::Erasure::identifiers([regulars::id::email("ann@example.com")]);
    /// ```
    pub fn identifiers(ids: impl IntoIterator<Item = Id>) -> Self {
        Self { identifiers: ids.into_iter().collect(), ..Self::default() }
    }

    /// These messages too.
    ///
    /// ```
    /// let erasure = regulars::Erasure::default().messages([regulars::MessageId::new("m1")]);
    /// ```
    pub fn messages(mut self, ids: impl IntoIterator<Item = MessageId>) -> Self {
        self.messages.extend(ids);
        self
    }

    /// As of when, instead of now: what comes later and happened after it counts. Of a person named by a shared identifier,
    /// whoever had it then.
    ///
    /// ```
    /// let erasure = regulars::Erasure::person(regulars::id::user("42")).at("2026-01-31".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// Its message id; see [`Ruling::id`](crate::Ruling::id).
    ///
    /// ```
    /// let erasure = regulars::Erasure::person(regulars::id::user("42")).id(regulars::MessageId::new("request-9"));
    /// ```
    pub fn id(mut self, id: MessageId) -> Self {
        self.id = Some(id);
        self
    }
}

/// What an erasure would take, and what it would leave.
///
/// `Debug` masks identifiers.
///
/// ```
/// use regulars::{Erasure, Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"42","traits":{"email":"ann@example.com"}}"#)?;
/// let foreseen = store.snapshot().what_if_erased(&Erasure::person(id::user("42")))?;
/// assert_eq!((foreseen.identifiers.len(), foreseen.events), (2, 1));
/// assert_eq!(store.snapshot().events(), 1); // nothing happened
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct ErasureReport {
    /// The person that goes; of identifiers given by hand, the one whose all identifiers go.
    pub profile: Option<ProfileId>,
    /// Identifiers of which the store would keep nothing, sorted.
    pub identifiers: Vec<Id>,
    /// Identifiers that what goes names, and that what stays names too: shared ones, and those of others. They stay.
    pub kept: Vec<Id>,
    /// Messages that would count no longer, rulings among them.
    pub messages: u64,
    /// Of these, events.
    pub events: u64,
    /// Of the events, those that belong to other people: they name an identifier that goes.
    pub events_of_others: u64,
}

/// What an erasure names and takes, as of one commit.
#[derive(Default)]
pub(super) struct Plan {
    /// By hash, with the node of each, if it has one.
    pub(super) identifiers: AHashMap<Hash, Option<u32>>,
    /// By hash: those that the host named or that are a person's through shared identifiers.
    pub(super) messages: AHashMap<Hash, Option<MessageId>>,
    /// By hash: those that lie ahead of the erasure, since clocks are fast.
    pub(super) ahead: AHashMap<Hash, Option<MessageId>>,
    pub(super) flags: Flags,
    /// The facts that go, and whether each names one of the identifiers.
    pub(super) gone: BTreeMap<At, bool>,
    /// The person who was asked for; of identifiers given by hand, whoever alone holds them.
    profile: Option<u32>,
    by_person: bool,
}

impl Plan {
    /// Finds what an erasure of that instant names. **Cost**: the facts that name its identifiers.
    pub(super) fn make(
        records: &Records,
        normalizer: &Normalizer,
        erasure: &Erasure,
        until: Timestamp,
    ) -> Result<Self> {
        let mut plan = Self::default();
        for id in &erasure.identifiers {
            match normalizer.normalized(id, &records.nodes.namespaces)? {
                // A value that rules block is named all the same: whether it was blocked first must not matter.
                Ok((namespace, value)) => plan.name(records, namespace, &value)?,
                Err(Bad::Blocked) => plan.flags.set(Flag::BlockedIdentifier),
                Err(Bad::Unusable) => plan.flags.set(Flag::UnusableIdentifier),
            }
        }
        for id in &erasure.messages {
            plan.take(records, id)?;
        }
        if let Some(whom) = &erasure.whom {
            let profile = find(records, normalizer, whom, erasure.at)?;
            plan.by_person = true;
            plan.name_person(records, profile)?;
        }
        plan.profile = plan.holder(records)?;
        plan.reach(records, until)?;
        Ok(plan)
    }

    fn name(&mut self, records: &Records, namespace: u8, value: &str) -> Result<()> {
        let nodes = &records.nodes;
        let hash = identifier_hash(&nodes.key, nodes.namespaces.name(namespace), value);
        self.identifiers.insert(hash, nodes.find(namespace, value)?);
        Ok(())
    }

    /// Names a message, which the store need not have.
    fn take(&mut self, records: &Records, id: &MessageId) -> Result<()> {
        self.messages.insert(message_hash(&records.nodes.key, id), Some(id.clone()));
        if let Some(at) = records.events.find_message(id)?
            && !records.events.head(at)?.kind.takes_away()
        {
            self.gone.entry(at).or_default();
        }
        Ok(())
    }

    /// All identifiers of a person's own, and the messages that are theirs through shared ones.
    fn name_person(&mut self, records: &Records, profile: u32) -> Result<()> {
        let Owned { members, events } = Owned::read(records, profile)?;
        for member in &members {
            let (namespace, value) = records.nodes.identifier(*member)?;
            self.name(records, namespace, &value)?;
        }
        let mut nodes = Vec::new();
        for event in &events {
            records.events.nodes(event.at, &mut nodes)?;
            if records.strongest(&nodes)?.is_none() {
                self.take(records, &event.id)?;
            }
        }
        Ok(())
    }

    /// Takes every fact of the identifiers, and names those that lie ahead.
    fn reach(&mut self, records: &Records, until: Timestamp) -> Result<()> {
        for node in self.identifiers.values().copied().flatten() {
            for at in records.events.of_node(node)? {
                self.gone.insert(at, true);
                if records.events.head(at)?.ts > until {
                    let id = records.message_id(at)?;
                    self.ahead.insert(message_hash(&records.nodes.key, &id), Some(id));
                }
            }
        }
        Ok(())
    }

    /// What goes and what stays.
    pub(super) fn report(&self, records: &Records) -> Result<ErasureReport> {
        let mut report = ErasureReport { messages: self.gone.len() as u64, ..ErasureReport::default() };
        let mut nodes = Vec::new();
        let mut touched: BTreeMap<u32, bool> = BTreeMap::new();
        for (at, named) in &self.gone {
            let theirs = *named && self.is_of_others(records, *at)?;
            if !records.events.head(*at)?.kind.is_statement() {
                report.events += 1;
                report.events_of_others += u64::from(theirs);
            }
            records.events.nodes(*at, &mut nodes)?;
            for named in nodes.iter().copied().map(NodeRef::node) {
                *touched.entry(named).or_insert(true) &= theirs;
            }
        }
        // Events keep silent about blocked identifiers; that they go is told all the same.
        for node in self.identifiers.values().copied().flatten() {
            if !records.events.of_node(node)?.is_empty() {
                touched.insert(node, false);
            }
        }
        let mut leaving = BTreeSet::new();
        for (node, only_others) in touched {
            if records.events.of_node(node)?.iter().all(|at| self.gone.contains_key(at)) {
                leaving.insert(node);
            } else if !only_others {
                report.kept.push(id_of(records, node)?);
            }
        }
        report.profile = self.who_goes(records, &leaving)?;
        report.identifiers = leaving.iter().map(|node| id_of(records, *node)).collect::<Result<_>>()?;
        report.identifiers.sort();
        report.kept.sort();
        Ok(report)
    }

    /// Whether an event belongs to somebody else than the person.
    fn is_of_others(&self, records: &Records, at: At) -> Result<bool> {
        if self.profile.is_none() || records.events.head(at)?.kind.is_statement() {
            return Ok(false);
        }
        let owner = records.owner(at)?.profile();
        Ok(owner.is_some() && owner != self.profile)
    }

    /// The one profile that holds what is named; a shared identifier is nobody's.
    fn holder(&self, records: &Records) -> Result<Option<u32>> {
        let mut holders = BTreeSet::new();
        for node in self.identifiers.values().copied().flatten() {
            holders.extend(records.nodes.profile(node)?);
        }
        Ok(holders.pop_first().filter(|_| holders.is_empty()))
    }

    fn who_goes(&self, records: &Records, leaving: &BTreeSet<u32>) -> Result<Option<ProfileId>> {
        let Some(one) = self.profile else { return Ok(None) };
        let whole = self.by_person || records.nodes.members(one)?.iter().all(|node| leaving.contains(node));
        if whole { records.nodes.profile_id(one).map(Some) } else { Ok(None) }
    }
}

/// The profile that is meant.
fn find(records: &Records, normalizer: &Normalizer, whom: &Whom, at: Option<Timestamp>) -> Result<u32> {
    let nodes = &records.nodes;
    let id = match whom {
        Whom::Profile(id) => {
            let node = nodes.node_of_profile_id(*id)?;
            let profile = node.map_or(Ok(None), |node| nodes.profile(node))?;
            return profile.ok_or_else(|| Error::not_found("no profile has that id"));
        }
        Whom::Identifier(id) => id,
    };
    let unknown = || {
        Error::not_found(
            "nobody is known by that identifier; to forget what names it all the same, erase it as an identifier",
        )
    };
    let (namespace, value) = normalizer.normalized(id, &nodes.namespaces)?.map_err(|_| unknown())?;
    let node = nodes.find(namespace, &value)?.ok_or_else(unknown)?;
    if !nodes.state(node)?.is_shared() {
        return nodes.profile(node)?.ok_or_else(unknown);
    }
    let Some(at) = at else { return Err(ambiguous(records, node)?) };
    let claimant = records.resolve(namespace, &value, at)?;
    claimant
        .ok_or_else(|| Error::not_found("the identifier is shared, and nobody is known to have had it at that instant"))
}

/// Whoever a shared identifier was seen with could be meant.
fn ambiguous(records: &Records, node: u32) -> Result<Error> {
    let people = seen_with(records, node)?;
    let people: Vec<String> = people.iter().map(ProfileId::to_string).collect();
    let listed = people.get(..LISTED_MAX).unwrap_or(&people).join(", ");
    let more = if people.len() > LISTED_MAX { ", ..." } else { "" };
    let text = format!(
        "the identifier is shared by {} profiles ({listed}{more}); name one of them, or the instant at which it was theirs",
        people.len()
    );
    Ok(Error::ambiguous(text, people))
}

impl Snapshot {
    /// What [`Store::erase`](crate::Store::erase) would take and leave now: a dry run that changes nothing. Nothing goes
    /// under a message id that another fact has, since that is a duplicate.
    ///
    /// **Cost**: the facts of the identifiers, and of those that are named beside them.
    ///
    /// # Errors
    /// As [`Store::erase`](crate::Store::erase).
    ///
    /// ```
    /// use regulars::{Erasure, Store, id};
    /// let store = Store::in_memory()?;
    /// for user in ["1", "2", "3"] {
    ///     let text = format!(r#"{{"type":"identify","userId":"{user}","traits":{{"email":"home@example.com"}}}}"#);
    ///     store.ingest_json(text.as_bytes())?;
    /// }
    /// let foreseen = store.snapshot().what_if_erased(&Erasure::person(id::user("3")))?;
    /// assert_eq!((foreseen.identifiers, foreseen.kept), (vec![id::user("3")], vec![id::email("home@example.com")]));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn what_if_erased(&self, erasure: &Erasure) -> Result<ErasureReport> {
        let records = &self.state.records;
        let until = erasure.at.unwrap_or_else(|| self.state.now());
        let plan = Plan::make(records, &self.normalizer, erasure, until)?;
        if is_taken(records, erasure.id.as_ref())? { Ok(ErasureReport::default()) } else { plan.report(records) }
    }
}

/// Whether a fact that no statement displaces has the id.
fn is_taken(records: &Records, id: Option<&MessageId>) -> Result<bool> {
    let Some(id) = id else { return Ok(false) };
    let Some(at) = records.events.find_message(id)? else { return Ok(false) };
    Ok(!records.events.head(at)?.bits.has(Bits::CLAIMED))
}
