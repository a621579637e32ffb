//! The events since the last seal, in memory: appended by the writer, read by snapshots without waiting.

use crate::base::{MessageId, Timestamp};
use crate::column::log::Log;
use crate::column::rows::RowSet;
use crate::normalize::fact::{Bits, Fact, Kind, LIVE_MAX, OrderBrief, Role};
use ahash::AHashMap;
use parking_lot::RwLock;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Chains end here.
const END: u32 = u32::MAX;

/// The key of an order in the store: a 128-bit digest of (shop, order id).
pub(crate) type OrderKey = [u8; 16];

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
        crate::base::bytes::low8(u64::from(self.0 >> 30))
    }

    /// Whether the identifier counts for identity.
    pub(crate) fn is_live(self) -> bool {
        self.0 >> 30 == Role::Live as u32
    }

    fn is_cut(self) -> bool {
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

/// One event of the tail: its bytes, and what every access path needs of them.
pub(crate) struct TailEvent {
    pub(crate) fact: Box<[u8]>,
    pub(crate) ts: Timestamp,
    pub(crate) name: u16,
    pub(crate) kind: Kind,
    pub(crate) bits: Bits,
    /// Strongest first.
    pub(crate) nodes: Box<[NodeRef]>,
    pub(crate) order: Option<(OrderKey, OrderBrief)>,
}

impl TailEvent {
    pub(crate) fn fact(&self) -> Option<Fact<'_>> {
        Fact::parse(&self.fact)
    }
}

/// A link of a chain of rows, newest first.
#[derive(Clone, Copy)]
struct Post {
    row: u32,
    previous: u32,
}

/// The tail; see the module.
#[derive(Default)]
pub(crate) struct EventTail {
    events: Log<TailEvent>,
    /// Entries of the change feed, encoded.
    feed: Log<Box<[u8]>>,
    posts: Log<Post>,
    index: RwLock<Index>,
}

/// Where chains start. Guarded for the length of one insertion or one look-up, never across I/O.
#[derive(Default)]
struct Index {
    nodes: AHashMap<u32, u32>,
    orders: AHashMap<OrderKey, u32>,
    /// (name, time, row)
    times: BTreeSet<(u16, Timestamp, u32)>,
    bytes: usize,
}

impl EventTail {
    pub(crate) fn len(&self) -> u32 {
        crate::base::bytes::row32(self.events.len())
    }

    /// Bytes of facts held, for deciding when to seal.
    pub(crate) fn size_bytes(&self) -> usize {
        self.index.read().bytes
    }

    /// Appends one entry of the change feed: only the store's writer does.
    pub(crate) fn tell(&self, entry: Box<[u8]>) {
        self.feed.push(entry);
    }

    /// Appends one event: only the store's writer does.
    pub(crate) fn push(&self, event: TailEvent) -> u32 {
        let row = self.len();
        let mut index = self.index.write();
        index.bytes += event.fact.len();
        index.times.insert((event.name, event.ts, row));
        for named in &event.nodes {
            Self::link(&self.posts, index.nodes.entry(named.node()), row);
        }
        if let Some((key, _)) = event.order {
            Self::link(&self.posts, index.orders.entry(key), row);
        }
        drop(index);
        self.events.push(event);
        row
    }

    fn link<K>(posts: &Log<Post>, entry: std::collections::hash_map::Entry<'_, K, u32>, row: u32) {
        let head = entry.or_insert(END);
        let at = posts.push(Post { row, previous: *head });
        *head = crate::base::bytes::row32(at);
    }

    /// A view of the events so far.
    pub(crate) fn view(self: &Arc<Self>) -> TailView {
        TailView { tail: Arc::clone(self), len: self.len() }
    }
}

/// The first `len` events of a tail: what later commits append stays invisible.
#[derive(Clone)]
pub(crate) struct TailView {
    tail: Arc<EventTail>,
    len: u32,
}

impl TailView {
    pub(crate) fn len(&self) -> u32 {
        self.len
    }

    /// Entries of the change feed, those of later commits among them: who asks knows how many there were.
    pub(crate) fn feed_len(&self) -> usize {
        self.tail.feed.len()
    }

    pub(crate) fn feed(&self, at: usize) -> Option<&[u8]> {
        self.tail.feed.get(at).map(AsRef::as_ref)
    }

    pub(crate) fn event(&self, row: u32) -> Option<&TailEvent> {
        if row < self.len { self.tail.events.get(row as usize) } else { None }
    }

    /// Rows of the events that name a node, ascending.
    pub(crate) fn rows_of_node(&self, node: u32) -> Vec<u32> {
        let head = self.tail.index.read().nodes.get(&node).copied();
        self.chain(head)
    }

    /// Rows of the facts about an order, ascending.
    pub(crate) fn rows_of_order(&self, key: &OrderKey) -> Vec<u32> {
        let head = self.tail.index.read().orders.get(key).copied();
        self.chain(head)
    }

    fn chain(&self, head: Option<u32>) -> Vec<u32> {
        let mut rows = Vec::new();
        let mut at = head.unwrap_or(END);
        while let Some(post) = self.tail.posts.get(at as usize) {
            // Newer links hang before ours; they are not part of this view.
            if post.row < self.len {
                rows.push(post.row);
            }
            at = post.previous;
        }
        rows.reverse();
        rows
    }

    /// Rows of the events of a name with `from < ts <= to`, by (time, row).
    pub(crate) fn rows_in_window(&self, name: u16, from: Timestamp, to: Timestamp) -> Vec<u32> {
        if from >= to {
            return Vec::new();
        }
        let index = self.tail.index.read();
        let window = index.times.range((name, from.plus_millisecond(1), 0)..=(name, to, u32::MAX));
        window.map(|(_, _, row)| *row).filter(|row| *row < self.len).collect()
    }

    /// The first time after `after` at which an event of that name stands.
    pub(crate) fn next_time(&self, name: u16, after: Timestamp) -> Option<Timestamp> {
        let index = self.tail.index.read();
        let mut later = index.times.range((name, after.plus_millisecond(1), 0)..=(name, Timestamp::MAX, u32::MAX));
        later.find(|(_, _, row)| *row < self.len).map(|(_, ts, _)| *ts)
    }

    /// The message id of a row.
    pub(crate) fn message_id(&self, row: u32) -> Option<MessageId> {
        self.event(row)?.fact().map(|fact| fact.id())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::normalize::fact::{Amount, OrderAction};

    fn event(ts: i64, nodes: &[u32]) -> TailEvent {
        let brief =
            OrderBrief { action: OrderAction::Completed, amount: Amount::Unknown, discount_minor: None, lines: 0 };
        TailEvent {
            fact: Box::default(),
            ts: Timestamp::from_millisecond(ts),
            name: 3,
            kind: Kind::Track,
            bits: Bits::default(),
            nodes: nodes.iter().map(|node| NodeRef::new(*node, Role::Live)).collect(),
            order: Some(([7; 16], brief)),
        }
    }

    #[test]
    fn a_view_answers_as_of_its_length() {
        let tail = Arc::new(EventTail::default());
        tail.push(event(20, &[1, 2]));
        tail.push(event(10, &[2]));
        let view = tail.view();
        tail.push(event(15, &[1, 2]));
        let (from, to) = (Timestamp::from_millisecond(5), Timestamp::from_millisecond(20));
        assert_eq!(view.rows_of_node(2), [0, 1]);
        assert_eq!(view.rows_of_order(&[7; 16]), [0, 1]);
        assert_eq!(view.rows_in_window(3, from, to), [1, 0]);
        assert_eq!(view.rows_in_window(3, Timestamp::from_millisecond(10), to), [0]);
        assert_eq!(tail.view().rows_in_window(3, from, to), [1, 2, 0]);
        assert_eq!(view.next_time(3, Timestamp::from_millisecond(10)), Some(to));
        assert!(view.event(2).is_none() && tail.view().event(2).is_some());
    }
}
