//! Identifiers, their states and their evidence in a sealed part.
//!
//! A part holds a contiguous range of nodes with their states, the states of older nodes that changed while it was the
//! tail (sparse), and the evidence that came meanwhile, sorted by node. FORMAT.md lists the sections.

use super::evidence::EdgeKey;
use super::graph::NodeState;
use super::tail::identifier_hash;
use crate::Result;
use crate::base::Timestamp;
use crate::base::bytes::row32;
use crate::base::ident::{parse_uuid, uuid_text};
use crate::column::fixed::{I64s, U8s, U32s, U64s};
use crate::column::heap::{Heap, HeapWriter};
use crate::column::slots;
use crate::column::sparse::SparseNodes;
use crate::storage::part::Part;
use crate::storage::part_writer::PartWriter;
use std::borrow::Cow;

mod section {
    pub(super) const BASE: u16 = 1;
    pub(super) const NAMESPACES: u16 = 2;
    pub(super) const VALUE_OFFSETS: u16 = 3;
    pub(super) const VALUES: u16 = 4;
    pub(super) const SLOTS: u16 = 5;
    pub(super) const STATES: u16 = 6;
    pub(super) const SPARSE_NODES: u16 = 7;
    pub(super) const SPARSE_STATES: u16 = 8;
    pub(super) const EDGE_NODES: u16 = 9;
    pub(super) const EDGE_STARTS: u16 = 10;
    pub(super) const EDGE_NEIGHBORS: u16 = 11;
    pub(super) const EDGE_CLASSES: u16 = 12;
    pub(super) const EDGE_TIMES: u16 = 14;
}

/// Words of 8 bytes that a state takes: first, first_verified, and profile with next.
const STATE_WORDS: usize = 3;

/// The sealed identifiers; see the module.
pub(crate) struct NodePart {
    base: u32,
    namespaces: U8s,
    values: Heap,
    slots: U64s,
    states: U64s,
    sparse_nodes: U32s,
    sparse_states: U64s,
    edge_nodes: SparseNodes,
    edge_starts: U32s,
    edge_neighbors: U32s,
    edge_classes: U8s,
    edge_times: I64s,
}

impl NodePart {
    pub(crate) fn open(part: &Part) -> Result<Self> {
        let base = U32s::new(part.section(section::BASE)?)?.get(0)?;
        Ok(Self {
            base,
            namespaces: U8s::new(part.section(section::NAMESPACES)?)?,
            values: Heap::new(part, section::VALUES, section::VALUE_OFFSETS)?,
            slots: U64s::new(part.section(section::SLOTS)?)?,
            states: U64s::new(part.section(section::STATES)?)?,
            sparse_nodes: U32s::new(part.section(section::SPARSE_NODES)?)?,
            sparse_states: U64s::new(part.section(section::SPARSE_STATES)?)?,
            edge_nodes: SparseNodes::open(U32s::new(part.section(section::EDGE_NODES)?)?, base)?,
            edge_starts: U32s::new(part.section(section::EDGE_STARTS)?)?,
            edge_neighbors: U32s::new(part.section(section::EDGE_NEIGHBORS)?)?,
            edge_classes: U8s::new(part.section(section::EDGE_CLASSES)?)?,
            edge_times: I64s::new(part.section(section::EDGE_TIMES)?)?,
        })
    }

    /// The first node.
    pub(crate) fn base(&self) -> u32 {
        self.base
    }

    /// How many nodes, from `base` on.
    pub(crate) fn len(&self) -> u32 {
        row32(self.namespaces.len())
    }

    pub(crate) fn find(&self, namespace: u8, value: &str) -> Result<Option<u32>> {
        let wanted = compact(value);
        let same = |local: u32| {
            let at = local as usize;
            Ok(self.namespaces.get(at)? == namespace && self.values.get(at)? == wanted.as_ref())
        };
        let local = slots::find(&self.slots, identifier_hash(namespace, value), same)?;
        Ok(local.map(|local| self.base + local))
    }

    fn local(&self, node: u32) -> usize {
        node.wrapping_sub(self.base) as usize
    }

    /// Namespace and value of a node of this part.
    pub(crate) fn identifier(&self, node: u32) -> Result<(u8, Cow<'_, str>)> {
        let at = self.local(node);
        let value = spelled(self.values.get(at)?);
        let value = value.ok_or_else(|| self.namespaces.corrupt(at, "an identifier is not UTF-8"))?;
        Ok((self.namespaces.get(at)?, value))
    }

    pub(crate) fn namespace(&self, node: u32) -> Result<u8> {
        self.namespaces.get(self.local(node))
    }

    /// The state of a node of this part, as of its seal.
    pub(crate) fn state(&self, node: u32) -> Result<NodeState> {
        state_at(&self.states, self.local(node))
    }

    /// Older nodes whose state changed, ascending.
    pub(crate) fn sparse(&self) -> impl Iterator<Item = Result<(u32, NodeState)>> + '_ {
        (0..self.sparse_nodes.len()).map(|at| Ok((self.sparse_nodes.get(at)?, state_at(&self.sparse_states, at)?)))
    }

    fn run(&self, at: usize) -> Result<std::ops::Range<usize>> {
        Ok(self.edge_starts.get(at)? as usize..self.edge_starts.get(at + 1)? as usize)
    }

    fn edge(&self, at: usize) -> Result<(u32, EdgeKey)> {
        let ts = Timestamp::from_millisecond(self.edge_times.get(at)?);
        let packed = self.edge_classes.get(at)?;
        let key = EdgeKey::from_parts(packed & 3, packed >> 2, ts);
        Ok((self.edge_neighbors.get(at)?, key))
    }

    /// The run of a node's evidence, sorted by neighbor.
    pub(crate) fn edges_of(&self, node: u32) -> Result<impl Iterator<Item = Result<(u32, EdgeKey)>> + '_> {
        let run = self.edge_nodes.find(node)?.map_or(Ok(0..0), |at| self.run(at))?;
        Ok(run.map(|at| self.edge(at)))
    }

    /// The best evidence here between two nodes. Cost: two searches.
    pub(crate) fn edge_between(&self, node: u32, neighbor: u32) -> Result<Option<EdgeKey>> {
        let Some(at) = self.edge_nodes.find(node)? else { return Ok(None) };
        let run = self.run(at)?;
        let low = self.edge_neighbors.partition_point(run.clone(), |known| known < neighbor)?;
        let hit = low < run.end && self.edge_neighbors.get(low)? == neighbor;
        if hit { Ok(Some(self.edge(low)?.1)) } else { Ok(None) }
    }

    /// All evidence: node, neighbor, key; by node, then neighbor.
    pub(crate) fn edges(&self) -> impl Iterator<Item = Result<Edge>> + '_ {
        (0..self.edge_nodes.len()).flat_map(move |at| {
            let node = self.edge_nodes.get(at);
            let run = self.run(at).unwrap_or(0..0);
            run.map(move |at| {
                let node = node.as_ref().map_or(0, |node| *node);
                self.edge(at).map(|(neighbor, key)| Edge { node, neighbor, key })
            })
        })
    }
}

/// What begins the 16 bytes of a canonical UUID in place of its 36 letters; no UTF-8 text begins so.
const UUID: u8 = 0xff;

/// A value as a part holds it.
fn compact(value: &str) -> Cow<'_, [u8]> {
    match parse_uuid(value) {
        Some(uuid) => Cow::Owned([&[UUID], uuid.as_slice()].concat()),
        None => Cow::Borrowed(value.as_bytes()),
    }
}

/// The value that a part's bytes stand for.
fn spelled(bytes: &[u8]) -> Option<Cow<'_, str>> {
    match bytes.split_first() {
        Some((&UUID, uuid)) => uuid.try_into().ok().map(|uuid| Cow::Owned(uuid_text(uuid))),
        _ => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    }
}

fn state_at(words: &U64s, at: usize) -> Result<NodeState> {
    let word = |n| words.get(at * STATE_WORDS + n);
    let pair = word(2)?;
    Ok(NodeState {
        first: word(0)?.cast_signed(),
        first_verified: word(1)?.cast_signed(),
        profile: crate::base::bytes::low32(pair),
        next: crate::base::bytes::low32(pair >> 32),
    })
}

fn put_state(out: &mut Vec<u8>, state: NodeState) {
    out.extend_from_slice(&state.first.to_le_bytes());
    out.extend_from_slice(&state.first_verified.to_le_bytes());
    out.extend_from_slice(&state.profile.to_le_bytes());
    out.extend_from_slice(&state.next.to_le_bytes());
}

/// Evidence as seen from one of its ends.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Edge {
    pub(crate) node: u32,
    pub(crate) neighbor: u32,
    pub(crate) key: EdgeKey,
}

/// What a part will hold of the identity graph.
pub(crate) struct NodeSeal<'a> {
    pub(crate) base: u32,
    /// Namespace and value of each node from `base` on, as many as there are `states`.
    pub(crate) identifier: &'a dyn Fn(u32) -> Result<(u8, Cow<'a, str>)>,
    /// The states of the nodes from `base` on.
    pub(crate) states: Vec<NodeState>,
    /// Older nodes with a new state, ascending.
    pub(crate) sparse: Vec<(u32, NodeState)>,
    /// Evidence from both ends, sorted; of a pair that comes several times the first, which is the best, counts.
    pub(crate) edges: &'a mut dyn Iterator<Item = Result<Edge>>,
}

impl NodeSeal<'_> {
    pub(crate) fn write(self, out: &mut PartWriter) -> Result<()> {
        out.put_section(section::BASE, &self.base.to_le_bytes())?;
        let nodes = self.base..self.base + row32(self.states.len());
        let (mut namespaces, mut hashes) = (Vec::new(), Vec::new());
        let mut values = HeapWriter::begin(out, section::VALUES)?;
        for node in nodes {
            let (namespace, value) = (self.identifier)(node)?;
            namespaces.push(namespace);
            hashes.push(identifier_hash(namespace, &value));
            values.push(out, &compact(&value))?;
        }
        values.finish(out, section::VALUE_OFFSETS)?;
        out.put_section(section::NAMESPACES, &namespaces)?;
        out.put_section(section::SLOTS, &slots::build(&hashes))?;
        drop(hashes);
        let mut bytes = Vec::with_capacity(self.states.len() * 8 * STATE_WORDS);
        self.states.iter().for_each(|state| put_state(&mut bytes, *state));
        out.put_section(section::STATES, &bytes)?;
        let nodes: Vec<u8> = self.sparse.iter().flat_map(|(node, _)| node.to_le_bytes()).collect();
        out.put_section(section::SPARSE_NODES, &nodes)?;
        bytes.clear();
        self.sparse.iter().for_each(|(_, state)| put_state(&mut bytes, *state));
        out.put_section(section::SPARSE_STATES, &bytes)?;
        drop(bytes);
        write_edges(self.edges, out)
    }
}

fn write_edges(edges: &mut dyn Iterator<Item = Result<Edge>>, out: &mut PartWriter) -> Result<()> {
    let (mut nodes, mut starts, mut neighbors) = (Vec::new(), Vec::new(), Vec::new());
    let (mut classes, mut times) = (Vec::new(), Vec::new());
    let mut last: Option<(u32, u32)> = None;
    for edge in edges {
        let Edge { node, neighbor, key } = edge?;
        if last == Some((node, neighbor)) {
            continue;
        }
        if last.is_none_or(|(known, _)| known != node) {
            nodes.extend(node.to_le_bytes());
            starts.extend(row32(classes.len()).to_le_bytes());
        }
        last = Some((node, neighbor));
        neighbors.extend(neighbor.to_le_bytes());
        let (class, doubt, ts) = key.parts();
        // A doubt is at most 26: evidence of a match below 0.9 is none.
        classes.push(class | doubt << 2);
        times.extend(ts.as_millisecond().to_le_bytes());
    }
    starts.extend(row32(classes.len()).to_le_bytes());
    out.put_section(section::EDGE_NODES, &nodes)?;
    out.put_section(section::EDGE_STARTS, &starts)?;
    out.put_section(section::EDGE_NEIGHBORS, &neighbors)?;
    out.put_section(section::EDGE_CLASSES, &classes)?;
    out.put_section(section::EDGE_TIMES, &times)
}

/// Sorted edges of several parts as one sorted sequence.
pub(crate) fn merge_edges<'p>(parts: &[&'p NodePart]) -> impl Iterator<Item = Result<Edge>> + use<'p> {
    let mut heads: Vec<_> = parts.iter().map(|part| part.edges().peekable()).collect();
    std::iter::from_fn(move || {
        // An error counts as smallest: it comes out at once. Few parts are merged at a time, so a scan finds the next.
        let next = heads.iter_mut().enumerate().filter_map(|(at, head)| {
            let edge = head.peek()?;
            Some((edge.as_ref().ok().copied(), at))
        });
        let (_, at) = next.min()?;
        heads.get_mut(at)?.next()
    })
}
