//! What the layers of the history call an event, and the identifiers that it names.

use crate::base::Timestamp;
use crate::base::bytes::low8;
use crate::column::rows::RowSet;
use crate::fact::kind::{Bits, Kind};
use crate::fact::named::{LIVE_MAX, Role};

/// The key of an order in the store: a 128-bit digest of (shop, order id).
pub(crate) type OrderKey = [u8; 16];

/// Where an event stands in one [`History`](super::history::History). Private: compaction renumbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(crate) struct At {
    pub(super) layer: u32,
    pub(super) row: u32,
}

/// What every question asks of an event first.
#[derive(Clone, Copy)]
pub(crate) struct Head {
    pub(crate) ts: Timestamp,
    pub(crate) name: u16,
    pub(crate) kind: Kind,
    pub(crate) bits: Bits,
}

/// One value that an identify event sets.
pub(crate) struct TraitRow<'a> {
    pub(crate) at: At,
    /// The value's document bytes; `null` clears.
    pub(crate) value: std::borrow::Cow<'a, [u8]>,
}

/// An identifier node that an event names, packed: 30 bits of node, 2 bits of role.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeRef(pub(crate) u32);

impl NodeRef {
    pub(crate) fn new(node: u32, role: Role) -> Self {
        Self(node | (role as u32) << 30)
    }

    pub(crate) fn node(self) -> u32 {
        self.0 & 0x3fff_ffff
    }

    /// The number of its role.
    pub(crate) fn role(self) -> u8 {
        low8(u64::from(self.0 >> 30))
    }

    /// Whether the identifier counts for identity.
    pub(crate) fn is_live(self) -> bool {
        self.0 >> 30 == Role::Live as u32
    }

    pub(super) fn is_cut(self) -> bool {
        self.0 >> 30 == Role::Cut as u32
    }
}

/// Takes out the identifiers that were blocked since; those beyond the first 20 move up.
pub(crate) fn without_barred(nodes: &mut Vec<NodeRef>, barred: &RowSet) {
    if barred.is_empty() {
        return;
    }
    let before = nodes.len();
    nodes.retain(|named| !barred.contains(named.node()));
    if nodes.len() < before {
        let live = nodes.iter().filter(|named| named.is_live()).count();
        let beyond = nodes.iter_mut().filter(|named| named.is_cut());
        beyond.take(LIVE_MAX.saturating_sub(live)).for_each(|named| *named = NodeRef::new(named.node(), Role::Live));
    }
}
