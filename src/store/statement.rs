//! Statements of the host as they change the derived state: what they say of pairs, and what they take back.
//!
//! A statement is a fact like any other, found through the identifiers that it names. Whatever takes something away (a
//! revocation, an erasure, a retraction, a claimed event displaced) works alike: the facts that count no longer are marked, and what
//! they were the best evidence or the first sighting of is worked out again from the facts that are left.

use super::book::{Book, Dirt};
use super::objection;
use crate::Result;
use crate::base::Timestamp;
use crate::base::doc::Doc;
use crate::column::blocks::BlockCache;
use crate::event::row::NodeRef;
use crate::event::row::{At, Head};
use crate::fact::kind::{Bits, Kind};
use crate::fact::view::Fact;
use crate::identity::evidence::{EdgeKey, Ruling};
use crate::identity::graph::NodeState;
use crate::identity::stated::Stated;
use crate::identity::tomb::{Hash, Objection, content_hash, identifier_hash, message_hash, unhex};
use std::collections::BTreeSet;
use std::sync::Arc;

/// Two nodes, the smaller first.
pub(super) type Pair = (u32, u32);

/// What counts no longer after some facts went, to be worked out again.
#[derive(Default)]
pub(super) struct Loss {
    pub(super) pairs: BTreeSet<Pair>,
    pub(super) nodes: BTreeSet<u32>,
}

/// The two nodes of a statement about a pair; `None` where it is about less, and does nothing.
pub(super) fn pair_of(nodes: &[NodeRef]) -> Option<Pair> {
    match nodes {
        [a, b] if a.node() != b.node() => Some((a.node().min(b.node()), a.node().max(b.node()))),
        _ => None,
    }
}

/// The hashes that an erasure or a retraction names in a member of its document.
pub(super) fn hashes(fact: &Fact<'_>, member: &str) -> Vec<Hash> {
    let texts = fact.doc.get(member).into_iter().flat_map(Doc::items).filter_map(Doc::as_str);
    texts.filter_map(|text| unhex(&text)).collect()
}

impl Book {
    /// Applies a statement that is in the tail already.
    pub(super) fn state_fact(&mut self, fact: &Fact<'_>, nodes: &[NodeRef], dirt: &mut Dirt) -> Result<()> {
        match fact.kind {
            Kind::Erase => return self.erase(fact, dirt),
            Kind::Retract => return self.retract(fact, dirt),
            _ => {}
        }
        let Some(pair) = pair_of(nodes) else { return Ok(()) };
        let stated = self.nodes.stated.of_pair(pair).unwrap_or(Stated::NOTHING);
        let Stated { ruling, revoked, .. } = stated;
        match fact.kind {
            Kind::Match => {
                if let Some(key) = EdgeKey::matched(fact.probability(), fact.ts) {
                    self.date_pair(pair, fact.ts, dirt)?;
                    self.improve(pair, key, dirt)?;
                }
            }
            Kind::Same if fact.ts > revoked => {
                self.date_pair(pair, fact.ts, dirt)?;
                self.rule(
                    pair,
                    Stated { ruling: Ruling { alias: ruling.alias.max(fact.ts), ..ruling }, ..stated },
                    dirt,
                );
            }
            Kind::Deny => {
                self.date_pair(pair, fact.ts, dirt)?;
                self.rule(pair, Stated { ruling: Ruling { deny: ruling.deny.max(fact.ts), ..ruling }, ..stated }, dirt);
            }
            Kind::Revoke if fact.ts > revoked => {
                let pairs = BTreeSet::from([pair]);
                self.mend(&Loss { pairs, nodes: BTreeSet::from([pair.0, pair.1]) }, dirt)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn date_pair(&mut self, (a, b): Pair, ts: Timestamp, dirt: &mut Dirt) -> Result<()> {
        self.date(a, ts, true, dirt)?;
        self.date(b, ts, true, dirt)
    }

    fn rule(&mut self, pair: Pair, stated: Stated, dirt: &mut Dirt) {
        if self.nodes.stated.of_pair(pair) != Some(stated) {
            self.nodes.stated.set(pair, stated);
            dirt.ruled.extend([pair.0, pair.1]);
        }
    }

    /// Marks facts as gone and works out again what rested on them.
    pub(super) fn forget(&mut self, gone: &BTreeSet<At>, dirt: &mut Dirt) -> Result<()> {
        let mut loss = Loss::default();
        for at in gone {
            self.note_loss(*at, &mut loss)?;
        }
        self.mend(&loss, dirt)
    }

    /// What rests on a fact: the first sighting of its identifiers, the best evidence of its pairs.
    fn note_loss(&self, at: At, loss: &mut Loss) -> Result<()> {
        let Head { ts, kind, bits, .. } = self.events.head(at)?;
        let mut nodes = Vec::new();
        self.events.nodes(at, &mut nodes)?;
        if kind.is_statement() {
            loss.pairs.extend(pair_of(&nodes));
            loss.nodes.extend(nodes.iter().map(|named| named.node()));
            return Ok(());
        }
        let live: Vec<u32> = nodes.iter().filter(|named| named.is_live()).map(|named| named.node()).collect();
        let ms = ts.as_millisecond();
        for node in &live {
            let state = self.nodes.state(*node)?;
            if ms == state.first || ms == state.first_verified {
                loss.nodes.insert(*node);
            }
        }
        if bits.has(Bits::CLAIMED) {
            return Ok(());
        }
        let key = EdgeKey::event(bits.has(Bits::STRONG), ts);
        for (at, a) in live.iter().enumerate() {
            for b in live.iter().skip(at + 1).filter(|b| *b != a) {
                if self.nodes.edge_between(*a, *b)? == Some(key) {
                    loss.pairs.insert((*a.min(b), *a.max(b)));
                }
            }
        }
        Ok(())
    }

    /// Works out pairs and identifiers again, from the facts that count.
    pub(super) fn mend(&mut self, loss: &Loss, dirt: &mut Dirt) -> Result<()> {
        for pair in &loss.pairs {
            self.restate(*pair, dirt)?;
        }
        // An alias dates only if it was not revoked, which the pairs know now.
        for node in &loss.nodes {
            self.redate(*node, dirt)?;
        }
        Ok(())
    }

    /// Reads again what all facts say of a pair. Cost: the facts that name its younger node.
    fn restate(&mut self, pair: Pair, dirt: &mut Dirt) -> Result<()> {
        let facts = self.facts_about(pair)?;
        let revokes = facts.iter().filter(|(_, head)| head.kind == Kind::Revoke).map(|(_, head)| head.ts);
        let revoked = revokes.max().unwrap_or(Timestamp::MIN);
        let (mut ruling, mut best) = (Ruling::NONE, None::<EdgeKey>);
        for (at, head) in facts {
            let key = match head.kind {
                Kind::Deny => {
                    ruling.deny = ruling.deny.max(head.ts);
                    None
                }
                _ if head.ts <= revoked => None,
                Kind::Same => {
                    ruling.alias = ruling.alias.max(head.ts);
                    None
                }
                Kind::Match => {
                    let mut cache = BlockCache::default();
                    EdgeKey::matched(self.events.fact(at, &mut cache)?.probability(), head.ts)
                }
                Kind::Revoke | Kind::Erase | Kind::Retract => None,
                _ => Some(EdgeKey::event(head.bits.has(Bits::STRONG), head.ts)),
            };
            best = [best, key].into_iter().flatten().min();
        }
        let before = self.nodes.edge_between(pair.0, pair.1)?;
        let amended = (self.nodes.edge_in_layers(pair.0, pair.1)? != best).then_some(best);
        self.pairs.forget(pair);
        if before != best {
            dirt.pairs.push(pair);
        }
        let old = self.nodes.stated.of_pair(pair).unwrap_or(Stated::NOTHING);
        self.nodes.stated.set(pair, Stated { ruling, revoked, amended });
        if old.ruling != ruling {
            dirt.ruled.extend([pair.0, pair.1]);
        }
        Ok(())
    }

    /// The facts that speak of a pair: verified events that name both, and statements.
    fn facts_about(&self, (old, young): Pair) -> Result<Vec<(At, Head)>> {
        let mut found = Vec::new();
        let mut nodes = Vec::new();
        for at in self.events.of_node(young)? {
            let head = self.events.head(at)?;
            self.events.nodes(at, &mut nodes)?;
            let speaks = if head.kind.is_statement() {
                pair_of(&nodes) == Some((old, young))
            } else {
                let live = |node: u32| nodes.iter().any(|named| named.is_live() && named.node() == node);
                !head.bits.has(Bits::CLAIMED) && live(old) && live(young)
            };
            if speaks {
                found.push((at, head));
            }
        }
        Ok(found)
    }

    /// Looks again when an identifier was first seen. Cost: the facts that name it.
    fn redate(&mut self, node: u32, dirt: &mut Dirt) -> Result<()> {
        let (mut first, mut first_verified) = (i64::MAX, i64::MAX);
        let mut nodes = Vec::new();
        let mut cache = BlockCache::default();
        for at in self.events.of_node(node)? {
            let head = self.events.head(at)?;
            self.events.nodes(at, &mut nodes)?;
            let stated = || pair_of(&nodes).map(|pair| self.nodes.stated.of_pair(pair).unwrap_or(Stated::NOTHING));
            let dates = match head.kind {
                Kind::Revoke | Kind::Erase | Kind::Retract => false,
                Kind::Deny => pair_of(&nodes).is_some(),
                Kind::Same => stated().is_some_and(|stated| head.ts > stated.revoked),
                Kind::Match => {
                    let likely = EdgeKey::matched(self.events.fact(at, &mut cache)?.probability(), head.ts);
                    likely.is_some() && pair_of(&nodes).is_some()
                }
                _ => nodes.iter().any(|named| named.is_live() && named.node() == node),
            };
            if dates {
                let ms = head.ts.as_millisecond();
                first = first.min(ms);
                first_verified = if head.bits.has(Bits::CLAIMED) { first_verified } else { first_verified.min(ms) };
            }
        }
        let old = self.nodes.state(node)?;
        let new = NodeState { first, first_verified, ..old };
        if new != old {
            self.set_state(node, new);
            dirt.dated.insert(node);
        }
        Ok(())
    }

    /// Buries what an erasure names.
    fn erase(&mut self, fact: &Fact<'_>, dirt: &mut Dirt) -> Result<()> {
        let mut gone = BTreeSet::new();
        let mut messages: BTreeSet<Hash> = hashes(fact, "messages").into_iter().collect();
        Arc::make_mut(&mut self.nodes.tombs).messages.extend(&messages);
        for hash in hashes(fact, "identifiers") {
            let node = self.node_of_hash(&hash)?;
            let tomb = Arc::make_mut(&mut self.nodes.tombs).identifiers.entry(hash).or_default();
            tomb.instants.insert(fact.ts.as_millisecond());
            tomb.node = node.or(tomb.node);
            if let Some(node) = node {
                dirt.reborn.insert(node);
                for at in self.events.of_node(node)? {
                    let hash = || Ok(message_hash(&self.nodes.key, &self.events.message_id(at)?));
                    if self.events.head(at)?.ts <= fact.ts || messages.remove(&hash()?) {
                        gone.insert(at);
                    }
                }
            }
        }
        self.keep_objections(fact)?;
        // What lies ahead of the erasure was found at its identifiers.
        gone.extend(
            self.facts_named(&messages, |book, at| Ok(message_hash(&book.nodes.key, &book.events.message_id(at)?)))?,
        );
        self.take_away(gone, dirt)
    }

    /// Takes back the messages that a retraction names.
    fn retract(&mut self, fact: &Fact<'_>, dirt: &mut Dirt) -> Result<()> {
        let messages: BTreeSet<Hash> = hashes(fact, "messages").into_iter().collect();
        Arc::make_mut(&mut self.nodes.tombs).retracted.extend(&messages);
        let gone = self.facts_named(&messages, |book, at| {
            Ok(content_hash(&book.nodes.key, &book.events.message_id(at)?, book.events.content(at)?))
        })?;
        self.take_away(gone, dirt)
    }

    /// Lets nobody see some facts any more, and works out again what rested on them.
    fn take_away(&mut self, gone: BTreeSet<At>, dirt: &mut Dirt) -> Result<()> {
        for at in &gone {
            self.drop_fact(*at)?;
        }
        self.forget(&gone, dirt)?;
        dirt.gone.extend(gone);
        Ok(())
    }

    /// An erased identifier comes for the first time, or again: from now on its public id can be looked up.
    pub(super) fn note_return(&mut self, node: u32, namespace: u8, value: &str) {
        if self.nodes.tombs.identifiers.is_empty() {
            return;
        }
        let hash = identifier_hash(&self.nodes.key, self.nodes.namespaces.name(namespace), value);
        if self.nodes.tombs.identifiers.contains_key(&hash)
            && let Some(tomb) = Arc::make_mut(&mut self.nodes.tombs).identifiers.get_mut(&hash)
        {
            tomb.node = Some(node);
        }
    }

    /// Lets nobody see a fact any more.
    fn drop_fact(&mut self, at: At) -> Result<()> {
        self.count -= u64::from(!self.events.head(at)?.kind.is_statement());
        let id = self.events.message_id(at)?;
        self.events.tails.iter().for_each(|tail| tail.forget_message((&id).into()));
        self.events.erase(at);
        Ok(())
    }

    pub(super) fn node_of_hash(&mut self, hash: &Hash) -> Result<Option<u32>> {
        if let Some(node) = self.hinted.0.get(hash) {
            return Ok(*node);
        }
        for node in self.hashes.known..self.nodes.len() {
            let (namespace, value) = self.nodes.identifier(node)?;
            let hash = identifier_hash(&self.nodes.key, self.nodes.namespaces.name(namespace), &value);
            self.hashes.nodes.insert(hash, node);
        }
        self.hashes.known = self.nodes.len();
        Ok(self.hashes.nodes.get(hash).copied())
    }

    /// The facts that count whose `hash` is named. Cost, where the caller gave no hint: a look at all of them.
    fn facts_named(&self, named: &BTreeSet<Hash>, hash: impl Fn(&Self, At) -> Result<Hash>) -> Result<BTreeSet<At>> {
        let mut found = BTreeSet::new();
        if named.is_empty() {
            return Ok(found);
        }
        let is_named = |at: At| Ok(!self.events.head(at)?.kind.takes_away() && named.contains(&hash(self, at)?));
        for id in named.iter().filter_map(|hash| self.hinted.1.get(hash)).flatten() {
            if let Some(at) = self.find_message(id.into())?
                && is_named(at)?
            {
                found.insert(at);
            }
        }
        if named.iter().all(|hash| self.hinted.1.contains_key(hash)) {
            return Ok(found);
        }
        for at in self.events.facts() {
            if is_named(at)? {
                found.insert(at);
            }
        }
        Ok(found)
    }
}

impl Book {
    /// Keeps what an erasure remembers.
    pub(super) fn keep_objections(&mut self, fact: &Fact<'_>) -> Result<()> {
        for (what, hashes) in objection::named(fact) {
            let (ts, erasure) = (fact.ts.as_millisecond(), fact.id().to_string());
            let said = Objection { what, ts, erasure };
            for hash in hashes {
                let node = self.node_of_hash(&hash)?;
                let tomb = Arc::make_mut(&mut self.nodes.tombs).identifiers.entry(hash).or_default();
                tomb.node = node.or(tomb.node);
                tomb.objections.insert(said.clone());
            }
        }
        Ok(())
    }
}
