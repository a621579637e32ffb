//! Events that name only shared identifiers, and whose they are.

use crate::Result;
use crate::base::{MessageId, Span, Timestamp};
use crate::event::history::History;
use crate::event::row::{At, NodeRef};
use crate::identity::attribute::{Claim, attribute, resolve_at};
use crate::identity::nodes::Nodes;

/// Everything that time says about one shared identifier.
pub(crate) struct Pool {
    /// By (time, message id).
    claims: Vec<Claim<MessageId>>,
    /// Events whose strongest identifier is this one, all theirs being shared, with the profile they belong to; by
    /// position.
    events: Vec<(At, Option<u32>)>,
    /// Whether any event names no stronger identifier.
    leads: bool,
}

impl Pool {
    /// Reads the claims and the events of a shared identifier.
    pub(crate) fn read(known: &Nodes, events: &History, shared: u32) -> Result<Self> {
        let mut claims = Vec::new();
        let mut pooled = Vec::new();
        let mut nodes = Vec::new();
        let mut leads = false;
        for at in events.of_node(shared)? {
            events.nodes(at, &mut nodes)?;
            if !nodes.iter().any(|named| named.is_live() && named.node() == shared) {
                continue;
            }
            leads |= nodes.iter().find(|named| named.is_live()).is_some_and(|named| named.node() == shared);
            let head = events.head(at)?;
            match strongest(known, &nodes)? {
                Some(_) if head.bits.has(crate::fact::kind::Bits::CLAIMED) => {}
                Some((owner, profile)) => {
                    claims.push(Claim { ts: head.ts, id: events.message_id(at)?, owner, profile });
                }
                None if nodes.iter().find(|named| named.is_live()).is_some_and(|named| named.node() == shared) => {
                    pooled.push((at, head.ts, events.message_id(at)?));
                }
                None => {}
            }
        }
        claims.sort_by(|a, b| (a.ts, &a.id).cmp(&(b.ts, &b.id)));
        let ttl = session(known, shared)?;
        let owner = |ts, id| attribute(&claims, ts, id, ttl).map(|claim| claim.profile);
        let mut pooled: Vec<(At, Option<u32>)> = pooled.iter().map(|(at, ts, id)| (*at, owner(*ts, id))).collect();
        pooled.sort_unstable();
        Ok(Self { claims, events: pooled, leads })
    }

    /// The profile of one of its events.
    pub(crate) fn owner_of(&self, at: At) -> Option<u32> {
        let place = self.events.binary_search_by_key(&at, |(at, _)| *at).ok()?;
        self.events.get(place)?.1
    }

    /// Its events that belong to a profile.
    pub(crate) fn events_of(&self, profile: u32) -> impl Iterator<Item = At> + '_ {
        self.events.iter().filter(move |(_, owner)| *owner == Some(profile)).map(|(at, _)| *at)
    }

    /// Every profile that one of its events belongs to.
    pub(crate) fn owners(&self) -> impl Iterator<Item = u32> + '_ {
        self.events.iter().filter_map(|(_, owner)| *owner)
    }

    /// Every profile with a claim on it.
    pub(crate) fn claimants(&self) -> impl Iterator<Item = u32> + '_ {
        self.claims.iter().map(|claim| claim.profile)
    }

    /// Whether any event names no stronger identifier: only such events can ever be attributed through this one.
    pub(crate) fn leads(&self) -> bool {
        self.leads
    }

    /// Who the identifier means at an instant.
    pub(crate) fn resolve(&self, nodes: &Nodes, shared: u32, at: Timestamp) -> Option<u32> {
        let ttl = session(nodes, shared).ok()?;
        resolve_at(&self.claims, at, ttl).map(|claim| claim.profile)
    }
}

/// The strongest non-shared identifier among those of an event, and its profile.
pub(super) fn strongest(nodes: &Nodes, named: &[NodeRef]) -> Result<Option<(u32, u32)>> {
    for named in named.iter().filter(|named| named.is_live()) {
        if let Some(profile) = nodes.profile(named.node())? {
            return Ok(Some((named.node(), profile)));
        }
    }
    Ok(None)
}

/// The session length of a shared identifier's namespace; none is sticky.
fn session(nodes: &Nodes, shared: u32) -> Result<Option<Span>> {
    let namespace = nodes.namespace_of(shared)?;
    Ok(nodes.namespaces.get(namespace).and_then(|ns| ns.rule.ttl))
}
