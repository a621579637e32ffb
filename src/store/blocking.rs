//! Values found to identify nobody after the store took them for names: `order@shop.example` on every till.
//!
//! The facts stay as they are. Which identifiers are blocked is a set of nodes beside them, and whoever asks a fact for
//! its identifiers is told the others only; so what rested on a blocked one is worked out again, and nothing else.

use super::book::{Applied, Book, Dirt};
use super::handle::Store;
use super::record::kind;
use super::rules::{Changed, Outcome, RulesReport};
use super::snapshot::Snapshot;
use super::statement::{Loss, Pair, pair_of};
use crate::Result;
use crate::base::namespaces::Namespaces;
use crate::event::row::At;
use crate::event::row::NodeRef;
use crate::fact::kind::Bits;
use crate::fact::view::Fact;
use crate::identity::evidence::Ruling;
use crate::identity::stated::Stated;
use crate::message::Flag;
use crate::message::reason::Flags;
use crate::normalize::blocked::BlockedValues;
use crate::profile::records::Records;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Book {
    /// Solves again what rested on identifiers that are blocked now. Cost: a look at every identifier, then the facts
    /// that name those.
    pub(super) fn block(&mut self, next: Namespaces) -> Result<Outcome> {
        let before = self.records();
        self.adopt(next);
        let nodes = self.newly_barred()?;
        let mut facts: BTreeSet<At> = BTreeSet::new();
        for node in &nodes {
            facts.extend(self.events.of_node(*node)?);
        }
        for node in &nodes {
            self.events.barred.insert(*node);
        }
        // Whatever they name may have no stronger identifier now.
        self.leadless = Default::default();
        let (mut dirt, mut loss) = (Dirt::default(), Loss::default());
        for node in &nodes {
            loss.nodes.insert(*node);
            self.forget_pairs(*node, &mut dirt)?;
        }
        let mut pooled = BTreeSet::new();
        for at in facts {
            self.note_barred(&before, at, &mut loss, &mut pooled)?;
        }
        self.mend(&loss, &mut dirt)?;
        let mut applied = Applied::default();
        let solved = self.solving.identifiers;
        let moved = self.resolve(&dirt, &mut applied)?;
        let solved = usize::try_from(self.solving.identifiers - solved).unwrap_or(usize::MAX);
        self.conclude(Changed { before, applied, moved, pooled, solved })
    }

    /// Puts rules and blocked values in force, for what comes from now on.
    pub(super) fn adopt(&mut self, next: Namespaces) {
        self.blocked = Arc::new(BlockedValues::listed(next.blocked()));
        self.nodes.follow(Arc::new(next));
    }

    /// Notes of a new identifier whether its value is blocked.
    pub(super) fn bar_if_blocked(&mut self, node: u32, namespace: u8, value: &str) {
        if self.is_blocked(namespace, value) {
            self.events.barred.insert(node);
        }
    }

    /// Whether an identifier's value was blocked since the store was created.
    pub(super) fn is_blocked(&self, namespace: u8, value: &str) -> bool {
        if self.blocked.is_empty() {
            return false;
        }
        let per_shop = self.nodes.namespaces.get(namespace).is_some_and(|of| of.rule.per_shop);
        let bare = if per_shop { value.split_once(':').map_or(value, |(_, bare)| bare) } else { value };
        self.blocked.covers(bare)
    }

    /// The flags of a new fact: whoever reads it knows only the values that were blocked from the start.
    pub(super) fn flagged(&self, fact: &Fact<'_>, mut flags: Flags) -> Flags {
        if !self.blocked.is_empty() && fact.identifiers().any(|named| self.is_blocked(named.namespace, named.value)) {
            flags.set(Flag::BlockedIdentifier);
        }
        flags
    }

    fn newly_barred(&self) -> Result<Vec<u32>> {
        let mut found = Vec::new();
        for node in (0..self.nodes.len()).filter(|node| !self.events.barred.contains(*node)) {
            let (namespace, value) = self.nodes.identifier(node)?;
            if self.is_blocked(namespace, &value) {
                found.push(node);
            }
        }
        Ok(found)
    }

    /// Nothing said of a blocked identifier and another one counts.
    fn forget_pairs(&mut self, node: u32, dirt: &mut Dirt) -> Result<()> {
        let mut others: BTreeSet<u32> = self.nodes.neighbors(node)?.into_iter().map(|(other, _)| other).collect();
        others.extend(self.nodes.stated.of(node).unwrap_or_default().iter().map(|(other, _)| *other));
        for other in others {
            let pair: Pair = (node.min(other), node.max(other));
            if self.nodes.edge_between(pair.0, pair.1)?.is_some() {
                dirt.pairs.push(pair);
            }
            self.pairs.forget(pair);
            if self.nodes.stated.of_pair(pair).is_some_and(|stated| stated.ruling != Ruling::NONE) {
                dirt.ruled.extend([pair.0, pair.1]);
            }
            let amended = self.nodes.edge_in_layers(pair.0, pair.1)?.map(|_| None);
            self.nodes.stated.set(pair, Stated { amended, ..Stated::NOTHING });
        }
        Ok(())
    }

    /// What a fact that names a blocked identifier meant for the others: a statement about it dated the other one, and
    /// identifiers beyond the first 20 move up.
    fn note_barred(&self, before: &Records, at: At, loss: &mut Loss, pooled: &mut BTreeSet<u32>) -> Result<()> {
        let (mut old, mut new) = (Vec::new(), Vec::new());
        before.events.nodes(at, &mut old)?;
        self.events.nodes(at, &mut new)?;
        let head = self.events.head(at)?;
        if head.kind.is_statement() {
            if pair_of(&old).is_some() {
                loss.nodes.extend(new.iter().map(|named| named.node()));
            }
            return Ok(());
        }
        let live = |nodes: &[NodeRef]| -> Vec<u32> {
            nodes.iter().filter(|named| named.is_live()).map(|named| named.node()).collect()
        };
        let (old, new) = (live(&old), live(&new));
        for node in &new {
            if self.nodes.state(*node)?.is_shared() {
                pooled.insert(*node);
            }
        }
        for risen in new.iter().filter(|node| !old.contains(node)) {
            loss.nodes.insert(*risen);
            if !head.bits.has(Bits::CLAIMED) {
                loss.pairs.extend(new.iter().filter(|other| *other != risen).map(|b| (*risen.min(b), *risen.max(b))));
            }
        }
        Ok(())
    }
}

impl Store {
    /// Lets values identify nobody, for all facts from the beginning of time: an address that the till sends for
    /// everybody, a placeholder of one broken form. Whoever they glued together comes apart; their events stay, and belong
    /// to whom else they name. Messages that name them later are taken in, without them.
    ///
    /// A value is blocked in every namespace, as a whole, in any case, bare or inside quotes or brackets. Give an
    /// e-mail or a phone as the store shows it. What was erased stays erased. There is no way back: facts that come
    /// meanwhile may name nobody else. Ask [`Snapshot::what_if_blocked`] first.
    ///
    /// **Cost**: a look at every identifier, then as a commit that touches the same people.
    ///
    /// # Errors
    /// `Invalid` for a blank value; `Io` and `Poisoned`, as for every commit.
    ///
    /// ```
    /// use regulars::{Store, id};
    /// let store = Store::in_memory()?;
    /// store.ingest_json(br#"[{"type":"identify","anonymousId":"a","traits":{"email":"till@shop.example"}},
    ///     {"type":"identify","anonymousId":"b","traits":{"email":"till@shop.example"}}]"#)?;
    /// assert_eq!(store.snapshot().profiles(), 1);
    /// assert_eq!(store.block(["till@shop.example"])?.split, 1);
    /// assert_eq!(store.snapshot().profiles(), 2);
    /// assert!(store.snapshot().profile(id::email("till@shop.example"))?.is_none());
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn block<V: Into<String>>(&self, values: impl IntoIterator<Item = V>) -> Result<RulesReport> {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        self.inner.change_rules(kind::BLOCK, |now| now.with_blocked(&values), |_| serde_json::to_vec(&values))
    }
}

impl Snapshot {
    /// What [`Store::block`] would change, without changing anything.
    ///
    /// **Cost**: as that.
    ///
    /// # Errors
    /// `Invalid` for a blank value.
    ///
    /// ```
    /// let report = regulars::Store::in_memory()?.snapshot().what_if_blocked(["till@shop.example"])?;
    /// assert_eq!(report.removed, 0);
    /// # Ok::<(), regulars::Error>(())
    /// ```
    pub fn what_if_blocked<V: Into<String>>(&self, values: impl IntoIterator<Item = V>) -> Result<RulesReport> {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        let next = self.state.records.nodes.namespaces.with_blocked(&values)?;
        Book::copy_of(&self.state).apply_rules(next)?.report()
    }
}
