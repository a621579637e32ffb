//! Whom a commit can have changed, and why.

use crate::Result;
use crate::column::rows::RowSet;
use crate::event::row::At;
use crate::fact::kind::Kind;
use crate::identity::evidence::NONE;
use crate::identity::graph::NodeState;
use crate::profile::contacts::Hearing;
use crate::profile::records::Records;
use std::collections::{BTreeMap, BTreeSet};

/// Rows to look at again, and why.
#[derive(Default)]
pub(super) struct Touched {
    pub(super) rows: BTreeMap<u32, Reason>,
    /// The catalogue says something else.
    pub(super) catalogue: bool,
    /// Some segment asks for consent.
    pub(super) heeds_consent: bool,
    /// Shared identifiers found to lead no event.
    pub(super) leadless: Vec<u32>,
}

/// What a commit brought.
pub(super) struct News<'a> {
    /// Rows of the active tail.
    pub(super) rows: std::ops::Range<u32>,
    /// Facts that count no longer.
    pub(super) gone: &'a BTreeSet<At>,
    /// Identifiers with another state, and the state before.
    pub(super) moved: &'a [(u32, NodeState)],
    /// Shared identifiers whose events are attributed by another rule.
    pub(super) pooled: &'a BTreeSet<u32>,
}

/// The shared identifiers that an event names.
fn shared_names(records: &Records, at: At, shared: &mut BTreeSet<u32>) -> Result<()> {
    let mut nodes = Vec::new();
    records.events.nodes(at, &mut nodes)?;
    for named in nodes.iter().filter(|named| named.is_live()) {
        if records.nodes.state(named.node())?.is_shared() {
            shared.insert(named.node());
        }
    }
    Ok(())
}

/// What changed about a row.
#[derive(Default)]
pub(super) struct Reason {
    /// Anything: its identifiers changed.
    pub(super) all: bool,
    /// Events of these names came or went.
    pub(super) names: BTreeSet<u16>,
    /// An order of the person changed.
    pub(super) orders: bool,
    /// Something was said about consent of an identifier of the person.
    pub(super) consent: bool,
    /// The catalogue says something else of a product.
    pub(super) catalogue: bool,
    /// Exchange rates were recorded.
    pub(super) rates: bool,
}

impl Touched {
    pub(super) fn touch(&mut self, row: u32) -> &mut Reason {
        self.rows.entry(row).or_default()
    }

    /// Looks again at what a row answered about consent.
    pub(super) fn touch_consent(&mut self, row: u32) {
        self.touch(row).consent = true;
    }

    /// The rows whose consent is to be looked at again.
    pub(super) fn rows_for_consent(&self) -> Vec<u32> {
        self.rows.iter().filter(|(_, reason)| reason.all || reason.consent).map(|(row, _)| *row).collect()
    }

    /// Everybody, for any reason.
    pub(super) fn everything_of(rows: &[&RowSet]) -> Self {
        let mut touched = Self::default();
        for row in rows.iter().flat_map(|rows| rows.to_bitmap()) {
            touched.touch(row).all = true;
        }
        touched
    }

    /// Looks at the rows of another reason too.
    pub(super) fn add(&mut self, other: Self) {
        self.catalogue |= other.catalogue;
        for (row, reason) in other.rows {
            let own = self.touch(row);
            own.all |= reason.all;
            own.orders |= reason.orders;
            own.consent |= reason.consent;
            own.catalogue |= reason.catalogue;
            own.rates |= reason.rates;
            own.names.extend(reason.names);
        }
    }

    /// Everybody whom a commit can have changed: owners of its events, and of those it erased, of the orders they name,
    /// of events that time attributes differently now, and whoever got or lost an identifier.
    pub(super) fn by_commit(before: &Records, after: &Records, news: &News<'_>, heeds_consent: bool) -> Result<Self> {
        let mut touched = Self { heeds_consent, ..Self::default() };
        let mut hearings = [Hearing::new(before), Hearing::new(after)];
        let [heard_before, heard_after] = &mut hearings;
        let mut shared = news.pooled.clone();
        for at in news.rows.clone().map(|row| after.events.at_tail(row)) {
            shared_names(after, at, &mut shared)?;
            touched.by_event(heard_after, at)?;
        }
        // An erased event counts no longer, but was somebody's.
        for at in news.gone.iter().filter(|at| before.events.holds(**at)) {
            shared_names(before, *at, &mut shared)?;
            touched.by_event(heard_before, *at)?;
        }
        if touched.catalogue {
            for owner in after.owners_of_leaning()? {
                touched.touch(owner).orders = true;
            }
        }
        for (node, old) in news.moved {
            let new = after.nodes.state(*node)?;
            for row in [old.profile, new.profile].into_iter().filter(|row| *row != NONE) {
                touched.touch(row).all = true;
            }
            // A claimant that moved may take pooled events along; so may an identifier that is shared now, or was.
            for (neighbor, _) in after.nodes.neighbors(*node)? {
                if after.nodes.state(neighbor)?.is_shared() {
                    shared.insert(neighbor);
                }
            }
            if old.is_shared() || new.is_shared() {
                shared.insert(*node);
            }
            if old.is_shared() != new.is_shared() || !new.exists() {
                touched.by_sharing([before, after], *node, &mut shared)?;
            }
        }
        for node in shared {
            let pools = [before.pool_of_events(node)?, after.pool_of_events(node)?];
            if pools.last().is_some_and(|pool| pool.as_ref().is_some_and(|pool| !pool.leads())) {
                touched.leadless.push(node);
            }
            for owner in pools.into_iter().flatten().flat_map(|pool| pool.owners().collect::<Vec<_>>()) {
                touched.touch(owner).all = true;
            }
        }
        if heeds_consent {
            hearings.iter_mut().try_for_each(|hearing| touched.follow_contacts(hearing))?;
        }
        Ok(touched)
    }

    /// An identifier that is shared or gone now, or no more, gives its events to whoever else they name, or takes them:
    /// one of the profiles of their identifiers, or of whoever time says for those that are shared.
    fn by_sharing(&mut self, [before, after]: [&Records; 2], node: u32, shared: &mut BTreeSet<u32>) -> Result<()> {
        let mut nodes = Vec::new();
        for at in after.events.of_node(node)? {
            after.events.nodes(at, &mut nodes)?;
            for named in nodes.iter().filter(|named| named.is_live()).map(|named| named.node()) {
                for records in [before, after].into_iter().filter(|records| named < records.nodes.len()) {
                    if let Some(profile) = records.nodes.profile(named)? {
                        self.touch(profile).all = true;
                    }
                    if records.nodes.state(named)?.is_shared() {
                        shared.insert(named);
                    }
                }
            }
        }
        Ok(())
    }

    /// The owner of an event, and of the order that it names.
    pub(super) fn by_event(&mut self, hearing: &mut Hearing<'_>, at: At) -> Result<()> {
        let records = hearing.records;
        let head = records.events.head(at)?;
        if head.kind == Kind::Product {
            self.catalogue = true;
        }
        if self.heeds_consent {
            self.by_consent(hearing, at, head)?;
        }
        if let Some(owner) = records.owner(at)?.profile() {
            self.touch(owner).names.insert(head.name);
        }
        if head.kind == Kind::Track && crate::profile::person::is_order(records.names.name(head.name)) {
            for other in records.order_siblings(at)? {
                if let Some(owner) = records.owner(other)?.profile() {
                    self.touch(owner).orders = true;
                }
            }
        }
        Ok(())
    }
}
