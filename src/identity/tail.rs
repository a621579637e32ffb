//! Identifiers and edges since the last seal, in memory: appended by the writer, read by snapshots without waiting.

use super::evidence::EdgeKey;
use crate::base::bytes::{low32, row32};
use crate::column::log::{Log, NumberLog};
use ahash::AHashMap;
use hashbrown::HashTable;
use parking_lot::RwLock;
use std::sync::Arc;

/// Chains end here.
const END: u32 = u32::MAX;

/// The hash that finds an identifier, in memory and in sealed parts: part of the format.
pub(crate) fn identifier_hash(namespace: u8, value: &str) -> u64 {
    xxhash_rust::xxh3::xxh3_64_with_seed(value.as_bytes(), u64::from(namespace))
}

/// An identifier of the tail.
struct Identifier {
    namespace: u8,
    value: Box<str>,
}

/// One improvement of the evidence between two identifiers, chained per identifier, newest first.
#[derive(Clone, Copy)]
struct EdgeLink {
    neighbor: u32,
    previous: u32,
    key: EdgeKey,
}

impl EdgeLink {
    fn packed(self) -> [u64; 2] {
        [u64::from(self.neighbor) << 32 | u64::from(self.previous), self.key.packed().cast_unsigned()]
    }

    fn unpacked([ends, key]: [u64; 2]) -> Self {
        Self { neighbor: low32(ends >> 32), previous: low32(ends), key: EdgeKey::unpacked(key.cast_signed()) }
    }
}

/// The tail; see the module. Its first identifier is node `base`.
pub(crate) struct NodeTail {
    base: u32,
    identifiers: Log<Identifier>,
    /// [`EdgeLink`]s.
    edges: NumberLog<2>,
    index: RwLock<Index>,
}

/// Guarded for the length of one insertion or one look-up, never across I/O.
#[derive(Default)]
struct Index {
    by_value: HashTable<u32>,
    edge_heads: AHashMap<u32, u32>,
    /// The newest link of each pair, smaller node first: two hubs that meet must not read through their chains.
    pairs: AHashMap<(u32, u32), u32>,
}

impl NodeTail {
    pub(crate) fn new(base: u32) -> Self {
        Self { base, identifiers: Log::default(), edges: NumberLog::default(), index: RwLock::default() }
    }

    /// Adds an identifier that no layer knows, and returns its node.
    pub(crate) fn add(&self, namespace: u8, value: &str) -> u32 {
        let local = row32(self.identifiers.push(Identifier { namespace, value: value.into() }));
        let hash = identifier_hash(namespace, value);
        let rehash = |local: &u32| match self.identifiers.get(*local as usize) {
            Some(known) => identifier_hash(known.namespace, &known.value),
            None => 0,
        };
        self.index.write().by_value.insert_unique(hash, local, rehash);
        self.base + local
    }

    /// Adds evidence between two identifiers, better than what is known, seen from both.
    pub(crate) fn add_edge(&self, a: u32, b: u32, key: EdgeKey) {
        let mut index = self.index.write();
        for (node, neighbor) in [(a, b), (b, a)] {
            let head = index.edge_heads.entry(node).or_insert(END);
            let at = self.edges.push(EdgeLink { neighbor, previous: *head, key }.packed());
            *head = row32(at);
            index.pairs.insert((a.min(b), a.max(b)), row32(at));
        }
    }

    /// A view of what is there so far.
    pub(crate) fn view(self: &Arc<Self>) -> NodeTailView {
        NodeTailView { tail: Arc::clone(self), nodes: row32(self.identifiers.len()), edges: row32(self.edges.len()) }
    }
}

/// The identifiers and edges of a tail as of one commit.
#[derive(Clone)]
pub(crate) struct NodeTailView {
    tail: Arc<NodeTail>,
    nodes: u32,
    edges: u32,
}

impl NodeTailView {
    /// The first node of the tail.
    pub(crate) fn base(&self) -> u32 {
        self.tail.base
    }

    /// Identifiers in view.
    pub(crate) fn len(&self) -> u32 {
        self.nodes
    }

    pub(crate) fn find(&self, namespace: u8, value: &str) -> Option<u32> {
        let hash = identifier_hash(namespace, value);
        let same = |local: &u32| {
            let known = self.tail.identifiers.get(*local as usize);
            known.is_some_and(|known| known.namespace == namespace && *known.value == *value)
        };
        let local = self.tail.index.read().by_value.find(hash, same).copied()?;
        (local < self.nodes).then_some(self.tail.base + local)
    }

    /// Namespace and value of a node of this tail.
    pub(crate) fn identifier(&self, node: u32) -> Option<(u8, &str)> {
        let local = node.checked_sub(self.tail.base).filter(|local| *local < self.nodes)?;
        self.tail.identifiers.get(local as usize).map(|known| (known.namespace, known.value.as_ref()))
    }

    /// The best evidence between two nodes. Cost: a look-up, unless the pair got better evidence after this view.
    pub(crate) fn edge_between(&self, a: u32, b: u32) -> Option<EdgeKey> {
        let newest = self.tail.index.read().pairs.get(&(a.min(b), a.max(b))).copied()?;
        if newest < self.edges {
            // Evidence is added where it is better than what is known, so the newest is the best.
            return self.link(newest).map(|link| link.key);
        }
        self.edges_of(a.max(b)).filter(|(neighbor, _)| *neighbor == a.min(b)).map(|(_, key)| key).min()
    }

    fn link(&self, at: u32) -> Option<EdgeLink> {
        self.tail.edges.get(at as usize).map(EdgeLink::unpacked)
    }

    /// The evidence at a node, newest first; a neighbor may come several times.
    pub(crate) fn edges_of(&self, node: u32) -> impl Iterator<Item = (u32, EdgeKey)> + '_ {
        let mut at = self.tail.index.read().edge_heads.get(&node).copied().unwrap_or(END);
        std::iter::from_fn(move || {
            loop {
                let here = at;
                let link = self.link(here)?;
                at = link.previous;
                // Newer links hang before ours; they are not part of this view.
                if here < self.edges {
                    return Some((link.neighbor, link.key));
                }
            }
        })
    }

    /// Every node that has evidence here.
    pub(crate) fn nodes_with_edges(&self) -> Vec<u32> {
        let mut nodes: Vec<u32> = self.tail.index.read().edge_heads.keys().copied().collect();
        nodes.sort_unstable();
        nodes.retain(|node| self.edges_of(*node).next().is_some());
        nodes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Timestamp;

    #[test]
    fn a_view_answers_as_of_its_commit() {
        let tail = Arc::new(NodeTail::new(10));
        let (a, b) = (tail.add(3, "ann@example.com"), tail.add(6, "a-1"));
        let key = EdgeKey::event(true, Timestamp::from_millisecond(5));
        tail.add_edge(a, b, key);
        let view = tail.view();
        let c = tail.add(6, "a-2");
        tail.add_edge(a, c, key);
        assert_eq!((a, b, c), (10, 11, 12));
        assert_eq!(view.find(3, "ann@example.com"), Some(10));
        assert_eq!((view.find(6, "a-2"), tail.view().find(6, "a-2")), (None, Some(12)));
        assert_eq!(view.identifier(11), Some((6, "a-1")));
        assert_eq!(view.identifier(12), None);
        assert_eq!(view.edges_of(10).collect::<Vec<_>>(), [(11, key)]);
        assert_eq!(tail.view().edges_of(10).count(), 2);
        let better = EdgeKey::event(true, Timestamp::from_millisecond(4));
        tail.add_edge(b, a, better);
        assert_eq!([&view, &tail.view()].map(|view| view.edge_between(a, b)), [Some(key), Some(better)]);
        assert_eq!([&view, &tail.view()].map(|view| view.edge_between(c, a)), [None, Some(key)]);
        assert_eq!(view.nodes_with_edges(), [10, 11]);
    }
}
