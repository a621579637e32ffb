//! The events since the last seal, in memory: appended by the writer, read by snapshots without waiting.

use super::row::{NodeRef, OrderKey};
use crate::base::bytes::{low8, low32, row32};
use crate::base::{MessageId, Timestamp};
use crate::column::log::{Log, NumberLog};
use crate::fact::kind::{Bits, Kind};
use crate::fact::layout::IdRef;
use crate::fact::order::OrderBrief;
use crate::fact::view::Fact;
use ahash::{AHashMap, RandomState};
use hashbrown::HashTable;
use parking_lot::RwLock;
use std::collections::BTreeSet;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// Chains end here.
const END: u32 = u32::MAX;

/// Some bytes of a buffer that many events share, so that they are allocated and freed together.
pub(crate) struct Shared {
    all: Arc<Vec<u8>>,
    range: Range<usize>,
}

impl Shared {
    pub(crate) fn new(all: &Arc<Vec<u8>>, range: Range<usize>) -> Self {
        Self { all: Arc::clone(all), range }
    }
}

impl Deref for Shared {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.all.get(self.range.clone()).unwrap_or_default()
    }
}

/// How many identifiers lie in the event itself.
const FEW: usize = 5;

/// The identifiers of an event, strongest first.
pub(crate) enum Named {
    Few(u8, [NodeRef; FEW]),
    Many(Box<[NodeRef]>),
}

impl From<&[NodeRef]> for Named {
    fn from(nodes: &[NodeRef]) -> Self {
        let mut few = [NodeRef(0); FEW];
        match few.get_mut(..nodes.len()) {
            Some(place) => {
                place.copy_from_slice(nodes);
                Self::Few(low8(nodes.len() as u64), few)
            }
            None => Self::Many(nodes.into()),
        }
    }
}

impl Deref for Named {
    type Target = [NodeRef];

    fn deref(&self) -> &[NodeRef] {
        match self {
            Self::Few(len, few) => few.get(..usize::from(*len)).unwrap_or_default(),
            Self::Many(nodes) => nodes,
        }
    }
}

/// One event of the tail: its bytes, and what every access path needs of them.
pub(crate) struct TailEvent {
    pub(crate) fact: Shared,
    pub(crate) ts: Timestamp,
    pub(crate) name: u16,
    pub(crate) kind: Kind,
    pub(crate) bits: Bits,
    pub(crate) nodes: Named,
    pub(crate) order: Option<(OrderKey, OrderBrief)>,
}

impl TailEvent {
    pub(crate) fn fact(&self) -> Option<Fact<'_>> {
        Fact::parse(&self.fact)
    }

    fn id(&self) -> Option<IdRef<'_>> {
        Fact::id_of(&self.fact)
    }
}

/// A link of a chain of rows, newest first.
#[derive(Clone, Copy)]
struct Post {
    row: u32,
    previous: u32,
}

impl Post {
    fn packed(self) -> [u64; 1] {
        [u64::from(self.row) << 32 | u64::from(self.previous)]
    }

    fn unpacked([packed]: [u64; 1]) -> Self {
        Self { row: low32(packed >> 32), previous: low32(packed) }
    }
}

/// The tail; see the module.
#[derive(Default)]
pub(crate) struct EventTail {
    events: Log<TailEvent>,
    /// Entries of the change feed, encoded.
    feed: Log<Box<[u8]>>,
    /// [`Post`]s.
    posts: NumberLog<1>,
    index: RwLock<Index>,
}

/// Where chains start. Guarded for the length of one insertion or one look-up, never across I/O.
#[derive(Default)]
struct Index {
    nodes: AHashMap<u32, u32>,
    orders: AHashMap<OrderKey, u32>,
    ids: MessageIds,
    /// (name, time, row)
    times: BTreeSet<(u16, Timestamp, u32)>,
    bytes: usize,
}

/// Rows by message id, the newest of each: parts of keyed hashes with rows, since the facts have the ids.
#[derive(Default)]
struct MessageIds {
    rows: HashTable<(u32, u32)>,
    hasher: RandomState,
}

impl MessageIds {
    fn tag(&self, id: IdRef<'_>) -> u32 {
        low32(self.hasher.hash_one(id))
    }

    /// What the table takes for a hash: it looks at the upper bits, too.
    fn spread(tag: u32) -> u64 {
        u64::from(tag).wrapping_mul(0x9e37_79b9_7f4a_7c15)
    }

    fn find(&self, events: &Log<TailEvent>, id: IdRef<'_>) -> Option<u32> {
        let tag = self.tag(id);
        self.rows.find(Self::spread(tag), |known| is_row(events, *known, tag, id)).map(|(_, row)| *row)
    }

    fn insert(&mut self, events: &Log<TailEvent>, id: IdRef<'_>, row: u32) {
        let tag = self.tag(id);
        let same = |known: &(u32, u32)| is_row(events, *known, tag, id);
        match self.rows.find_mut(Self::spread(tag), same) {
            Some(known) => *known = (tag, row),
            None => _ = self.rows.insert_unique(Self::spread(tag), (tag, row), |(tag, _)| Self::spread(*tag)),
        }
    }

    fn remove(&mut self, events: &Log<TailEvent>, id: IdRef<'_>) {
        let tag = self.tag(id);
        if let Ok(found) = self.rows.find_entry(Self::spread(tag), |known| is_row(events, *known, tag, id)) {
            found.remove();
        }
    }
}

/// Whether a row with that tag has that message id.
fn is_row(events: &Log<TailEvent>, (known, row): (u32, u32), tag: u32, id: IdRef<'_>) -> bool {
    known == tag && events.get(row as usize).and_then(TailEvent::id) == Some(id)
}

impl EventTail {
    /// An empty tail with room for as much as that one has: it will take as much again.
    pub(crate) fn after(full: &Self) -> Self {
        let full = full.index.read();
        let ids = MessageIds { rows: HashTable::with_capacity(full.ids.rows.len()), hasher: RandomState::default() };
        let index = Index {
            nodes: AHashMap::with_capacity(full.nodes.len()),
            orders: AHashMap::with_capacity(full.orders.len()),
            ids,
            ..Index::default()
        };
        Self { index: RwLock::new(index), ..Self::default() }
    }

    pub(crate) fn len(&self) -> u32 {
        row32(self.events.len())
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
        for named in event.nodes.iter() {
            Self::link(&self.posts, index.nodes.entry(named.node()), row);
        }
        if let Some((key, _)) = event.order {
            Self::link(&self.posts, index.orders.entry(key), row);
        }
        if let Some(id) = event.id() {
            index.ids.insert(&self.events, id, row);
        }
        drop(index);
        self.events.push(event);
        row
    }

    /// The newest row with that message id, unless it was forgotten.
    pub(crate) fn find_message(&self, id: IdRef<'_>) -> Option<u32> {
        self.index.read().ids.find(&self.events, id)
    }

    fn link<K>(posts: &NumberLog<1>, entry: std::collections::hash_map::Entry<'_, K, u32>, row: u32) {
        let head = entry.or_insert(END);
        let at = posts.push(Post { row, previous: *head }.packed());
        *head = row32(at);
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
        while let Some(post) = self.tail.posts.get(at as usize).map(Post::unpacked) {
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
        self.event(row)?.id().map(IdRef::to_owned)
    }

    /// The newest row with that message id, those of later commits among them, unless it was forgotten.
    pub(crate) fn find_message(&self, id: IdRef<'_>) -> Option<u32> {
        self.tail.find_message(id)
    }

    /// From now on nobody finds that message id.
    pub(crate) fn forget_message(&self, id: IdRef<'_>) {
        self.tail.index.write().ids.remove(&self.tail.events, id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fact::named::Role;
    use crate::fact::order::{Amount, OrderAction};

    fn event(ts: i64, nodes: &[u32]) -> TailEvent {
        let brief =
            OrderBrief { action: OrderAction::Completed, amount: Amount::Unknown, discount_minor: None, lines: 0 };
        TailEvent {
            fact: Shared::new(&Arc::default(), 0..0),
            ts: Timestamp::from_millisecond(ts),
            name: 3,
            kind: Kind::Track,
            bits: Bits::default(),
            nodes: nodes.iter().map(|node| NodeRef::new(*node, Role::Live)).collect::<Vec<_>>().as_slice().into(),
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
