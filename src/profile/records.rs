//! Everything that is known, as of one commit: the identity graph and the event history together.

use super::consent::Contact;
use super::pool::{Pool, strongest};
use crate::Result;
use crate::base::Timestamp;
use crate::base::config::TraitRule;
use crate::base::rates::Rates;
use crate::base::zone::Zone;
use crate::base::{Currency, MessageId};
use crate::column::blocks::BlockCache;
use crate::column::rows::RowSet;
use crate::event::history::History;
use crate::event::keys::order_key;
use crate::event::names::Names;
use crate::event::row::At;
use crate::event::row::NodeRef;
use crate::fact::kind::Kind;
use crate::identity::nodes::Nodes;
use ahash::AHashMap;
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Options that decide how facts are read back.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    /// The currency of sums; without one, a person's sums are in the currency of their latest order.
    pub(crate) currency: Option<Currency>,
    /// Shops whose amounts are in another one where they name none.
    pub(crate) shop_currencies: BTreeMap<String, Currency>,
    /// The zone of the store's calendar.
    pub(crate) zone: Zone,
    /// Declared traits, by their names in NFC.
    pub(crate) traits: BTreeMap<String, TraitRule>,
}

impl Reading {
    /// The currency of a shop's amounts that name none.
    pub(crate) fn currency_at(&self, shop: &str) -> Option<Currency> {
        self.shop_currencies.get(shop).copied().or(self.currency)
    }
}

/// The records; see the module. Immutable, and cheap to make from the writer's state.
pub(crate) struct Records {
    pub(crate) nodes: Nodes,
    pub(crate) events: History,
    pub(crate) names: Arc<Names>,
    pub(crate) trait_names: Arc<Names>,
    pub(crate) reading: Arc<Reading>,
    /// Recorded exchange rates.
    pub(crate) rates: Arc<Rates>,
    /// Shared identifiers known to lead no event: whoever it names has a stronger one. Events only come, so what the
    /// writer learned before this commit holds here; nothing needs to be attributed through them.
    pub(crate) leadless: RowSet,
    /// Attribution through shared identifiers, worked out when first asked for.
    pools: Mutex<AHashMap<u32, Arc<Pool>>>,
    /// What counts for shared identifiers as contacts, worked out when first asked for.
    contacts: Mutex<AHashMap<u32, Arc<Contact>>>,
}

/// Who an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Owner {
    /// A profile, by the node of its eldest identifier.
    Profile(u32),
    /// Nobody yet: only shared identifiers, and time does not tell.
    Pool,
    /// Nobody: no usable identifier.
    Nobody,
}

impl Owner {
    pub(crate) fn profile(self) -> Option<u32> {
        match self {
            Self::Profile(profile) => Some(profile),
            Self::Pool | Self::Nobody => None,
        }
    }
}

impl Records {
    pub(crate) fn new(
        nodes: Nodes,
        events: History,
        names: Arc<Names>,
        trait_names: Arc<Names>,
        reading: Arc<Reading>,
    ) -> Self {
        Self {
            nodes,
            events,
            names,
            trait_names,
            rates: Arc::new(Rates::new(reading.zone.clone())),
            reading,
            leadless: RowSet::default(),
            pools: Mutex::default(),
            contacts: Mutex::default(),
        }
    }

    /// Who an event belongs to: the profile of its strongest non-shared identifier, else what its time says.
    pub(crate) fn owner(&self, at: At) -> Result<Owner> {
        let mut nodes = Vec::new();
        self.events.nodes(at, &mut nodes)?;
        self.owner_among(at, &nodes)
    }

    /// The same, where the caller has the event's nodes at hand.
    pub(crate) fn owner_among(&self, at: At, nodes: &[NodeRef]) -> Result<Owner> {
        if let Some((_, profile)) = self.strongest(nodes)? {
            return Ok(Owner::Profile(profile));
        }
        match nodes.iter().find(|named| named.is_live()) {
            Some(shared) => Ok(self.pool(shared.node())?.owner_of(at).map_or(Owner::Pool, Owner::Profile)),
            None => Ok(Owner::Nobody),
        }
    }

    /// The strongest non-shared identifier among those of an event, and its profile.
    pub(crate) fn strongest(&self, nodes: &[NodeRef]) -> Result<Option<(u32, u32)>> {
        strongest(&self.nodes, nodes)
    }

    /// Attribution through one shared identifier. Cost: all its events, once a snapshot.
    pub(crate) fn pool(&self, shared: u32) -> Result<Arc<Pool>> {
        if let Some(pool) = self.pools.lock().get(&shared) {
            return Ok(Arc::clone(pool));
        }
        let pool = Arc::new(Pool::read(&self.nodes, &self.events, shared)?);
        self.pools.lock().insert(shared, Arc::clone(&pool));
        Ok(pool)
    }

    /// The same, or `None` for an identifier through which nothing is attributed.
    pub(crate) fn pool_of_events(&self, node: u32) -> Result<Option<Arc<Pool>>> {
        if self.leadless.contains(node) || !self.nodes.state(node)?.is_shared() {
            return Ok(None);
        }
        self.pool(node).map(Some)
    }

    /// What counts for a shared identifier as a contact, if that was worked out before.
    pub(super) fn known_contact(&self, shared: u32) -> Option<Arc<Contact>> {
        self.contacts.lock().get(&shared).map(Arc::clone)
    }

    /// Remembers it for whoever else has the contact.
    pub(super) fn remember_contact(&self, shared: u32, contact: &Arc<Contact>) {
        self.contacts.lock().insert(shared, Arc::clone(contact));
    }

    /// Every fact about the order that an event is about, the event among them.
    pub(crate) fn order_siblings(&self, at: At) -> Result<Vec<At>> {
        match order_key(&self.events.fact(at, &mut BlockCache::default())?) {
            Some(key) => Ok(self.events.of_order(&key)?.into_iter().map(|(at, _)| at).collect()),
            None => Ok(Vec::new()),
        }
    }

    /// The profile of a normalized identifier: of a shared one, whoever it means at `at`.
    pub(crate) fn resolve(&self, namespace: u8, value: &str, at: Timestamp) -> Result<Option<u32>> {
        let Some(node) = self.nodes.find(namespace, value)? else { return Ok(None) };
        if !self.nodes.state(node)?.is_shared() {
            return self.nodes.profile(node);
        }
        Ok(self.pool(node)?.resolve(&self.nodes, node, at))
    }

    /// The code of the event name that identify messages have.
    pub(crate) fn identify_code(&self) -> Option<u16> {
        self.names.code(Kind::Identify.name())
    }

    /// The message id of an event.
    pub(crate) fn message_id(&self, at: At) -> Result<MessageId> {
        self.events.message_id(at)
    }
}
