//! What the host itself says about identity: rulings on pairs of identifiers, and erasure.

use super::batch::Batch;
use super::erasure::Erasure;
use super::erasure::{ErasureReport, Plan};
use super::handle::Store;
use super::inner::Inner;
use super::objection::{self, Taken};
use super::receipt::Receipt;
use crate::Result;
use crate::base::bytes::put_str;
use crate::base::doc::{Doc, DocWriter};
use crate::base::namespaces::Namespaces;
use crate::base::{Id, MessageId, ProfileId, Timestamp};
use crate::error::Error;
use crate::event::row::At;
use crate::fact::kind::{Bits, Kind};
use crate::fact::layout::FactParts;
use crate::fact::named::{Named, Role};
use crate::fact::order::{Amount, OrderAction, OrderFact};
use crate::identity::tomb::{Hash, hex};
use crate::message::Flag;
use crate::message::reason::Flags;
use crate::normalize::ident::Bad;
use std::collections::BTreeSet;

/// What an operator, or a matcher of the host, says about two identifiers.
///
/// Statements are facts: kept for ever, effective as of their instant, whatever order they come in, and taken back by
/// later ones. They come from the host, never from a message of a claimed source.
///
/// ```
/// use regulars::{Ruling, Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"[{"type":"page","userId":"1"},{"type":"page","userId":"2"}]"#)?;
/// store.rule(Ruling::alias(id::user("1"), id::user("2")).at("2026-01-31".parse()?))?;
/// assert_eq!(store.snapshot().people(), 1);
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use = "this says what to rule; pass it to Store::rule"]
pub struct Ruling {
    kind: Kind,
    pair: [Id; 2],
    probability: Option<f64>,
    at: Option<Timestamp>,
    id: Option<MessageId>,
}

impl Ruling {
    fn new(kind: Kind, a: Id, b: Id) -> Self {
        Self { kind, pair: [a, b], probability: None, at: None, id: None }
    }

    /// Both are the same person: joined before anything else, and counted as one value of their namespace.
    ///
    /// ```
    /// let ruling = regulars::Ruling::alias(regulars::id::user("1"), regulars::id::user("2"));
    /// ```
    pub fn alias(a: Id, b: Id) -> Self {
        Self::new(Kind::Same, a, b)
    }

    /// They are never the same person. The later of an alias and a deny counts; of equal instants the deny.
    ///
    /// ```
    /// let ruling = regulars::Ruling::deny(regulars::id::user("1"), regulars::id::email("ann@example.com"));
    /// ```
    pub fn deny(a: Id, b: Id) -> Self {
        Self::new(Kind::Deny, a, b)
    }

    /// Forget what events, matches and aliases up to now say about the two. What comes later counts; a deny stays.
    ///
    /// ```
    /// let ruling = regulars::Ruling::revoke(regulars::id::user("1"), regulars::id::user("2"));
    /// ```
    pub fn revoke(a: Id, b: Id) -> Self {
        Self::new(Kind::Revoke, a, b)
    }

    /// A matcher thinks that they are the same person, this likely. Below 0.9 it is stored and ignored.
    ///
    /// ```
    /// let ruling = regulars::Ruling::matched(regulars::id::email("a@x.dk"), regulars::id::phone("+4520123456"), 0.97);
    /// ```
    pub fn matched(a: Id, b: Id, probability: f64) -> Self {
        Self { probability: Some(probability), ..Self::new(Kind::Match, a, b) }
    }

    /// As of when it holds, instead of now.
    ///
    /// ```
    /// # use regulars::{Ruling, id};
    /// let ruling = Ruling::deny(id::user("1"), id::user("2")).at("2026-01-31".parse()?);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn at(mut self, at: Timestamp) -> Self {
        self.at = Some(at);
        self
    }

    /// Its message id: stating it twice under one id is stating it once. Without one, the id follows from what it says.
    ///
    /// ```
    /// # use regulars::{MessageId, Ruling, id};
    /// let ruling = Ruling::deny(id::user("1"), id::user("2")).id(MessageId::new("ticket-7"));
    /// ```
    pub fn id(mut self, id: MessageId) -> Self {
        self.id = Some(id);
        self
    }
}

/// What an erasure did.
///
/// ```
/// use regulars::{Erasure, Store, id};
/// let erased = Store::in_memory()?.erase(&Erasure::identifiers([id::user("42")]))?;
/// assert_eq!((erased.events, erased.events_of_others), (0, 0));
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, serde::Serialize)]
#[non_exhaustive]
pub struct Erased {
    /// What became of the statement, and who left which segment.
    #[serde(flatten)]
    pub receipt: Receipt,
    /// The person that went, by the public id of before; of identifiers given by hand, the one whose all identifiers went.
    pub profile: Option<ProfileId>,
    /// Events that count no longer.
    pub events: u64,
    /// Of these, events that belonged to other people: they named an identifier that was erased.
    pub events_of_others: u64,
    /// Identifiers that what went names, and that facts of others name too, such as an address that several people share:
    /// they stay.
    pub kept: Vec<Id>,
}

/// A statement, ready to be encoded.
pub(super) struct Said<'a> {
    pub(super) kind: Kind,
    pub(super) at: Option<Timestamp>,
    pub(super) id: Option<&'a MessageId>,
    pub(super) identifiers: Vec<(u8, String)>,
    /// The shop and the product's id, of an entry of the catalogue.
    pub(super) product: Option<(&'a str, &'a str)>,
    /// What it says, in one canonical form: whoever says the same says it once.
    pub(super) says: Vec<u8>,
    pub(super) doc: Vec<u8>,
    /// The document with what the store adds to it, which is no part of what was said.
    pub(super) full: Option<Vec<u8>>,
}

impl Said<'_> {
    /// One that takes other facts away, which its document names.
    pub(super) fn taking_away(kind: Kind, doc: Vec<u8>) -> Self {
        let (identifiers, says) = Default::default();
        Self { kind, at: None, id: None, identifiers, product: None, says, doc, full: None }
    }
}

impl Store {
    /// States that two identifiers are the same person; see [`Ruling::alias`].
    ///
    /// # Errors
    /// As [`Store::rule`].
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.alias(id::user("1"), id::user("2"))?;
    /// assert_eq!(store.snapshot().people(), 1);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn alias(&self, a: Id, b: Id) -> Result<Receipt> {
        self.rule(Ruling::alias(a, b))
    }

    /// States that two identifiers are never the same person; see [`Ruling::deny`].
    ///
    /// # Errors
    /// As [`Store::rule`].
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"{"type":"identify","userId":"1","traits":{"email":"ann@example.com"}}"#)?;
    /// store.deny(id::user("1"), id::email("ann@example.com"))?;
    /// assert_eq!(store.snapshot().people(), 2);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn deny(&self, a: Id, b: Id) -> Result<Receipt> {
        self.rule(Ruling::deny(a, b))
    }

    /// Takes back what was said about two identifiers so far; see [`Ruling::revoke`].
    ///
    /// # Errors
    /// As [`Store::rule`].
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.alias(id::user("1"), id::user("2"))?;
    /// store.revoke(id::user("1"), id::user("2"))?;
    /// assert_eq!(store.snapshot().people(), 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn revoke(&self, a: Id, b: Id) -> Result<Receipt> {
        self.rule(Ruling::revoke(a, b))
    }

    /// States something about two identifiers, which the store need not know yet. Durable when it returns.
    ///
    /// A pair whose sides are equal, or of which one identifies nobody (blocked, not normalizable), is taken in and does
    /// nothing; the receipt's flags say so. One that names an erased identifier at or before the erasure is refused as
    /// `suppressed`.
    ///
    /// **Cost**: the people that the identifiers can reach; taking back also reads the events of one of the two.
    ///
    /// # Errors
    /// `Invalid` for a namespace that the store does not have and for a probability that is none; `Io` and `Poisoned`, as
    /// for every commit.
    ///
    /// ```
    /// use regulars::{Ruling, Store, id};
    /// let store = Store::in_memory()?;
    /// let receipt = store.rule(Ruling::matched(id::user("1"), id::email("ann@example.com"), 0.95))?;
    /// assert_eq!((receipt.accepted, store.snapshot().people()), (1, 1));
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn rule(&self, ruling: Ruling) -> Result<Receipt> {
        self.rule_all(&[ruling])
    }

    /// States several things in one commit: all of them or none.
    ///
    /// # Errors
    /// As [`Store::rule`].
    ///
    /// ```
    /// use regulars::{Ruling, Store, id};
    /// let store = Store::in_memory()?;
    /// let pairs = [("1", "2"), ("2", "3")].map(|(a, b)| Ruling::alias(id::user(a), id::user(b)));
    /// assert_eq!(store.rule_all(&pairs)?.accepted, 2);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn rule_all(&self, rulings: &[Ruling]) -> Result<Receipt> {
        let mut batch = Batch::default();
        let now = self.inner.now();
        for (line, ruling) in (1..).zip(rulings) {
            let mut flags = Flags::default();
            let said = self.inner.said(ruling, &mut flags)?;
            self.inner.push(&mut batch, line, &said, now, flags);
        }
        self.commit(batch, None)
    }

    /// Forgets a person, or what identifiers and messages name.
    ///
    /// From the return of this call no question shows what was erased, nor any question about the past. The store
    /// remembers keyed hashes of what it forgot, so that it refuses it as `suppressed` when it comes again. What happens
    /// after the erasure and comes later counts, and is of somebody new; what the store has already of the erased
    /// identifiers goes whatever its time, since clocks are fast. Ask
    /// [`Snapshot::what_if_erased`](crate::Snapshot::what_if_erased) first. (The bytes of sealed parts go when these are
    /// rewritten.)
    ///
    /// **A no outlives it.** Where something was refused at an address, a number or another identifier, the erasure
    /// remembers what was: when it comes again, its channel is suppressed (cause `objected_before`), and the purposes are
    /// denied (method `objected_before`), also those that were refused whatever the channel, until they are granted anew.
    /// What nobody said at an identifier, such as a no to letters by post, goes with the person.
    ///
    /// A no that comes later, but is dated at or before the erasure, is refused as `suppressed` like all that is: whether a
    /// later yes had taken it back is forgotten by then, and to keep it would be to keep what was erased. The receipt lists
    /// it; where it is to count, say it again with a time after the erasure.
    ///
    /// **Cost**: the events of the identifiers, and the people that they can reach.
    ///
    /// # Errors
    /// `NotFound` for a person nobody knows, `Ambiguous` for one that is named by a shared identifier without an instant,
    /// `Invalid` for a namespace that the store does not have; `Io` and `Poisoned`, as for every commit.
    ///
    /// ```
    /// use regulars::{Erasure, Store, id};
    /// let store = Store::in_memory()?;
    /// let page = br#"{"type":"page","userId":"42","timestamp":"2026-01-01"}"#;
    /// store.ingest_json(page)?;
    /// store.erase(&Erasure::person(id::user("42")))?;
    /// assert_eq!(store.ingest_json(page)?.rejects[0].reason, regulars::Reason::Suppressed);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn erase(&self, erasure: &Erasure) -> Result<Erased> {
        self.inner.erase(erasure)
    }
}

impl Inner {
    /// When a statement that names no instant is made.
    pub(super) fn now(&self) -> Timestamp {
        self.moment(&super::ingest::Ingest::new()).0
    }

    fn said<'r>(&self, ruling: &'r Ruling, flags: &mut Flags) -> Result<Said<'r>> {
        let [a, b] = &ruling.pair;
        // As all facts, in the form of the store's creation.
        let written = self.normalizer.namespaces();
        let sides = [self.usable(a, written, flags)?, self.usable(b, written, flags)?];
        let mut said: Vec<(&str, &str)> = [a, b]
            .into_iter()
            .zip(&sides)
            .map(|(id, usable)| (id.namespace(), usable.as_ref().map_or(id.value(), |(_, value)| value.as_str())))
            .collect();
        said.sort_unstable();
        let mut says = Vec::new();
        for text in said.iter().flat_map(|(namespace, value)| [*namespace, *value]) {
            put_str(&mut says, text);
        }
        let mut identifiers: Vec<(u8, String)> = sides.into_iter().flatten().collect();
        identifiers.sort_unstable();
        identifiers.dedup();
        let mut doc = Vec::new();
        let mut writer = DocWriter::new(&mut doc);
        let root = writer.object();
        if let Some(probability) = ruling.probability {
            if !(0.0..=1.0).contains(&probability) {
                return Err(Error::invalid("a probability is a number from 0 to 1"));
            }
            writer.key(b"probability");
            writer.number(&probability.to_string());
        }
        writer.close(root);
        let (id, product, full) = (ruling.id.as_ref(), None, None);
        Ok(Said { kind: ruling.kind, at: ruling.at, id, identifiers, product, says, doc, full })
    }

    /// Namespace and normalized value; none, and flagged, for what identifies nobody.
    fn usable(&self, id: &Id, namespaces: &Namespaces, flags: &mut Flags) -> Result<Option<(u8, String)>> {
        match self.normalizer.normalized(id, namespaces)? {
            Ok(usable) => Ok(Some(usable)),
            Err(bad) => {
                let flag = if bad == Bad::Blocked { Flag::BlockedIdentifier } else { Flag::UnusableIdentifier };
                flags.set(flag);
                Ok(None)
            }
        }
    }

    pub(super) fn push(&self, batch: &mut Batch, line: u64, said: &Said<'_>, now: Timestamp, flags: Flags) {
        let listed = |(_, id)| OrderFact {
            action: OrderAction::Listed,
            order_id: Some(id),
            amount: Amount::Unknown,
            discount_minor: None,
            lines: 0,
        };
        let ts = said.at.unwrap_or(now);
        let named = said.identifiers.iter();
        let identifiers: Vec<Named<'_>> =
            named.map(|(namespace, value)| Named { namespace: *namespace, value, role: Role::Stated }).collect();
        let mut what = blake3::Hasher::new();
        what.update(&[said.kind as u8]);
        what.update(&said.says);
        if !said.kind.takes_away() {
            what.update(&said.doc);
        }
        if said.at.is_some() {
            what.update(&ts.as_millisecond().to_le_bytes());
        }
        let content = what.finalize();
        let content = content.as_bytes().first_chunk().map_or(0, |head| u64::from_le_bytes(*head));
        what.update(&ts.as_millisecond().to_le_bytes());
        // Said at one instant, what takes something else away is something else.
        if said.kind.takes_away() {
            what.update(&said.doc);
        }
        let derived = || MessageId::Uuid(what.finalize().as_bytes().first_chunk().copied().unwrap_or_default());
        let id = said.id.cloned().unwrap_or_else(derived);
        let parts = FactParts {
            kind: said.kind,
            bits: Bits(if said.id.is_none() { Bits::ID_DERIVED } else { 0 }),
            ts,
            received_at: now,
            content,
            id: &id,
            source: "",
            shop: said.product.map_or("", |(shop, _)| shop),
            channel: "",
            name: said.kind.name(),
            identifiers: &identifiers,
            order: said.product.map(listed),
            doc: Doc::new(said.full.as_ref().unwrap_or(&said.doc)),
        };
        let mut fact = Vec::new();
        parts.encode(&mut fact);
        batch.push(line, None, &fact, flags);
    }

    fn erase(&self, erasure: &Erasure) -> Result<Erased> {
        let now = self.now();
        let writer = self.writer.lock();
        let records = writer.book.records();
        let plan = Plan::make(&records, &self.normalizer, erasure, erasure.at.unwrap_or(now))?;
        let ErasureReport { profile, kept, events, events_of_others, .. } = plan.report(&records)?;
        let identifiers = || ("identifiers", plan.identifiers.keys().copied().collect());
        let named = plan.messages.keys().copied();
        // What lies ahead is in the fact, but it is not what the host said.
        let says = naming([identifiers(), ("messages", named.clone().collect())]);
        let doc = naming([identifiers(), ("messages", named.chain(plan.ahead.keys().copied()).collect())]);
        let until = erasure.at.unwrap_or(now);
        let nodes: BTreeSet<u32> = plan.identifiers.values().copied().flatten().collect();
        let gone: BTreeSet<At> = plan.gone.keys().copied().collect();
        let (objections, objected) = Taken { records: &records, nodes: &nodes, gone: &gone, until }.objections()?;
        let full = (!objections.is_empty()).then(|| objection::put(&doc, &objections));
        let said = Said { at: erasure.at, id: erasure.id.as_ref(), says, full, ..Said::taking_away(Kind::Erase, doc) };
        let mut batch = Batch::default();
        self.push(&mut batch, 1, &said, now, plan.flags);
        let identifiers = plan.identifiers.into_iter().chain(objected).collect();
        let messages = plan.messages.into_iter().chain(plan.ahead).collect();
        let receipt = self.commit_naming(writer, batch, (identifiers, messages))?;
        if receipt.accepted == 0 {
            return Ok(Erased { receipt, ..Erased::default() });
        }
        Ok(Erased { receipt, profile, events, events_of_others, kept })
    }
}

/// The document of an erasure or a retraction: lists of the hashes that it names.
pub(super) fn naming<const N: usize>(members: [(&str, BTreeSet<Hash>); N]) -> Vec<u8> {
    let mut doc = Vec::new();
    let mut writer = DocWriter::new(&mut doc);
    let root = writer.object();
    for (member, hashes) in members {
        writer.key(member.as_bytes());
        let list = writer.list();
        hashes.into_iter().for_each(|hash| writer.string(&hex(&hash)));
        writer.close(list);
    }
    writer.close(root);
    doc
}
