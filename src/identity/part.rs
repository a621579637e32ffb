//! Identifiers, their states and their evidence in a sealed part.
//!
//! A part holds a contiguous range of nodes with their states, the states of older nodes that changed while it was the
//! tail (sparse), and the evidence that came meanwhile, sorted by node. FORMAT.md lists the sections.

use super::evidence::EdgeKey;
use super::graph::NodeState;
use super::tail::identifier_hash;
use crate::Result;
use crate::base::bytes::row32;
use crate::base::ident::{parse_uuid, uuid_text};
use crate::column::fixed::{Fixed, U8s, U32s, U64s, Value, write_fixed};
use crate::column::heap::{Heap, HeapWriter};
use crate::column::runs::{NodeRuns, NodeRunsWriter};
use crate::column::slots;
use crate::storage::part::Part;
use crate::storage::part_writer::PartWriter;
use std::borrow::Cow;
use std::sync::Arc;

mod section {
    pub(super) const BASE: u16 = 1;
    pub(super) const NAMESPACES: u16 = 2;
    pub(super) const VALUE_OFFSETS: u16 = 3;
    pub(super) const VALUES: u16 = 4;
    pub(super) const SLOTS: u16 = 5;
    pub(super) const STATES: u16 = 6;
    pub(super) const SPARSE_NODES: u16 = 7;
    pub(super) const SPARSE_STATES: u16 = 8;
    pub(super) const EDGE_OLDER: u16 = 9;
    pub(super) const EDGE_STARTS: u16 = 10;
    pub(super) const EDGES: u16 = 11;
}

/// The sealed identifiers; see the module.
pub(crate) struct NodePart {
    base: u32,
    namespaces: U8s,
    values: Heap,
    slots: U64s,
    states: Fixed<NodeState>,
    sparse_nodes: U32s,
    sparse_states: Fixed<NodeState>,
    edge_runs: NodeRuns,
    edges: Edges,
}

impl NodePart {
    pub(crate) fn open(part: &Part) -> Result<Self> {
        let base = U32s::new(part.section(section::BASE)?)?.get(0)?;
        Ok(Self {
            base,
            namespaces: U8s::new(part.section(section::NAMESPACES)?)?,
            values: Heap::new(part, section::VALUES, section::VALUE_OFFSETS)?,
            slots: U64s::new(part.section(section::SLOTS)?)?,
            states: Fixed::new(part.section(section::STATES)?)?,
            sparse_nodes: U32s::new(part.section(section::SPARSE_NODES)?)?,
            sparse_states: Fixed::new(part.section(section::SPARSE_STATES)?)?,
            edge_runs: NodeRuns::open(
                U32s::new(part.section(section::EDGE_OLDER)?)?,
                U32s::new(part.section(section::EDGE_STARTS)?)?,
                base,
            )?,
            edges: Edges::new(part.section(section::EDGES)?)?,
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

    /// The node of an identifier, in the youngest of these parts that has it.
    pub(crate) fn find_in(parts: &[Arc<Self>], namespace: u8, value: &str) -> Result<Option<u32>> {
        let wanted = compact(value);
        let is_it = |part: usize, local: u32| {
            let (part, at) = (parts.get(part).map(Arc::as_ref), local as usize);
            part.map_or(Ok(false), |part| part.holds(at, namespace, &wanted))
        };
        let found = slots::find_last(parts, |part| &part.slots, identifier_hash(namespace, value), is_it)?;
        Ok(found.and_then(|(part, local)| Some(parts.get(part)?.base + local)))
    }

    /// The fingerprint of every identifier with its place in this part, for filters.
    pub(crate) fn fingerprints(&self, each: impl FnMut(u32, u32)) -> Result<()> {
        slots::fingerprints(&self.slots, each)
    }

    /// What it all takes.
    pub(crate) fn sizes(&self) -> Sizes {
        let states = self.states.size_bytes() + self.sparse_states.size_bytes() + self.sparse_nodes.size_bytes();
        let names = self.namespaces.size_bytes() + self.values.size_bytes() + self.slots.size_bytes();
        Sizes {
            identifiers: names + states,
            edges: self.edge_runs.size_bytes() + self.edges.size_bytes(),
            edge_ends: self.edges.len() as u64,
        }
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

    /// Whether that is the identifier of a node of this part.
    pub(crate) fn is_identifier(&self, node: u32, namespace: u8, value: &str) -> Result<bool> {
        self.holds(self.local(node), namespace, &compact(value))
    }

    fn holds(&self, at: usize, namespace: u8, value: &Compact<'_>) -> Result<bool> {
        Ok(self.namespaces.get(at)? == namespace && self.values.get(at)? == value.bytes())
    }

    pub(crate) fn namespace(&self, node: u32) -> Result<u8> {
        self.namespaces.get(self.local(node))
    }

    /// The state of a node of this part, as of its seal.
    pub(crate) fn state(&self, node: u32) -> Result<NodeState> {
        self.states.get(self.local(node))
    }

    /// Older nodes whose state changed, ascending.
    pub(crate) fn sparse(&self) -> impl Iterator<Item = Result<(u32, NodeState)>> + '_ {
        (0..self.sparse_nodes.len()).map(|at| Ok((self.sparse_nodes.get(at)?, self.sparse_states.get(at)?)))
    }

    fn edge(&self, at: usize) -> Result<(u32, EdgeKey)> {
        let PartEdge { neighbor, key } = self.edges.get(at)?;
        Ok((neighbor, key))
    }

    /// The run of a node's evidence, sorted by neighbor.
    pub(crate) fn edges_of(&self, node: u32) -> Result<impl Iterator<Item = Result<(u32, EdgeKey)>> + '_> {
        Ok(self.edge_runs.find(node)?.map(|at| self.edge(at)))
    }

    /// The best evidence here between two nodes. Cost: two searches.
    pub(crate) fn edge_between(&self, node: u32, neighbor: u32) -> Result<Option<EdgeKey>> {
        let run = self.edge_runs.find(node)?;
        let low = self.edges.partition_point(run.clone(), |known| known.neighbor < neighbor)?;
        if low >= run.end {
            return Ok(None);
        }
        let found = self.edges.get(low)?;
        Ok((found.neighbor == neighbor).then_some(found.key))
    }

    /// Every node with its namespace and state, in order. Cost: reads of two columns from end to end.
    pub(crate) fn scan_states(&self, visit: &mut dyn FnMut(u32, u8, NodeState)) -> Result<()> {
        let all = 0..self.namespaces.len();
        let columns = self.namespaces.range(all.clone())?.iter().zip(self.states.range(all)?.iter());
        (self.base..).zip(columns).for_each(|(node, (namespace, state))| visit(node, namespace, state));
        Ok(())
    }

    /// All evidence: node, neighbor, key; by node, then neighbor. Cost: reads of three columns from end to end.
    pub(crate) fn edges(&self) -> Result<impl Iterator<Item = Edge> + '_> {
        let mut edges = self.edges.range(0..self.edges.len())?.iter();
        Ok(self.edge_runs.counts()?.flat_map(|(node, count)| std::iter::repeat_n(node, count as usize)).map_while(
            move |node| {
                let PartEdge { neighbor, key } = edges.next()?;
                Some(Edge { node, neighbor, key })
            },
        ))
    }
}

/// Bytes of a part's graph, and how often an identifier has evidence.
#[derive(Clone, Copy)]
pub(crate) struct Sizes {
    pub(crate) identifiers: u64,
    pub(crate) edges: u64,
    pub(crate) edge_ends: u64,
}

/// An edge as a part holds it, at the node of its run: what one look needs lies in 12 bytes.
///
/// ```text
/// neighbor u32 · EdgeKey::packed i64
/// ```
#[derive(Clone, Copy)]
struct PartEdge {
    neighbor: u32,
    key: EdgeKey,
}

type Edges = Fixed<PartEdge>;

impl Value for PartEdge {
    const BYTES: usize = 12;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        let (neighbor, rest) = bytes.split_first_chunk()?;
        let key = EdgeKey::unpacked(i64::from_le_bytes(*rest.first_chunk()?));
        Some(Self { neighbor: u32::from_le_bytes(*neighbor), key })
    }

    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.neighbor.to_le_bytes());
        out.extend_from_slice(&self.key.packed().to_le_bytes());
    }
}

/// What begins the 16 bytes of a canonical UUID in place of its 36 letters; no UTF-8 text begins so.
const UUID: u8 = 0xff;

/// A value as a part holds it.
enum Compact<'a> {
    Uuid([u8; 17]),
    Text(&'a [u8]),
}

impl Compact<'_> {
    fn bytes(&self) -> &[u8] {
        match self {
            Self::Uuid(bytes) => bytes,
            Self::Text(text) => text,
        }
    }
}

fn compact(value: &str) -> Compact<'_> {
    let Some(uuid) = parse_uuid(value) else { return Compact::Text(value.as_bytes()) };
    let mut bytes = [UUID; 17];
    if let Some(place) = bytes.last_chunk_mut() {
        *place = uuid;
    }
    Compact::Uuid(bytes)
}

/// The value that a part's bytes stand for.
fn spelled(bytes: &[u8]) -> Option<Cow<'_, str>> {
    match bytes.split_first() {
        Some((&UUID, uuid)) => uuid.try_into().ok().map(|uuid| Cow::Owned(uuid_text(uuid))),
        _ => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
    }
}

/// First seen, first seen verified, profile and next.
impl Value for NodeState {
    const BYTES: usize = 24;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        let (first, rest) = bytes.split_first_chunk()?;
        let (first_verified, rest) = rest.split_first_chunk()?;
        let (profile, rest) = rest.split_first_chunk()?;
        Some(Self {
            first: i64::from_le_bytes(*first),
            first_verified: i64::from_le_bytes(*first_verified),
            profile: u32::from_le_bytes(*profile),
            next: u32::from_le_bytes(*rest.first_chunk()?),
        })
    }

    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.first.to_le_bytes());
        out.extend_from_slice(&self.first_verified.to_le_bytes());
        out.extend_from_slice(&self.profile.to_le_bytes());
        out.extend_from_slice(&self.next.to_le_bytes());
    }
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
    pub(crate) edges: &'a mut dyn Iterator<Item = Edge>,
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
            values.push(out, compact(&value).bytes())?;
        }
        values.finish(out, section::VALUE_OFFSETS)?;
        out.put_section(section::NAMESPACES, &namespaces)?;
        out.put_section(section::SLOTS, &slots::build(&hashes))?;
        drop(hashes);
        write_fixed(out, section::STATES, self.states.iter().copied())?;
        write_fixed(out, section::SPARSE_NODES, self.sparse.iter().map(|(node, _)| *node))?;
        write_fixed(out, section::SPARSE_STATES, self.sparse.iter().map(|(_, state)| *state))?;
        write_edges(self.base, self.edges, out)
    }
}

fn write_edges(base: u32, edges: &mut dyn Iterator<Item = Edge>, out: &mut PartWriter) -> Result<()> {
    let (mut runs, mut all) = (NodeRunsWriter::new(base), Vec::new());
    let mut last: Option<(u32, u32)> = None;
    for edge in edges {
        let Edge { node, neighbor, key } = edge;
        if last == Some((node, neighbor)) {
            continue;
        }
        if last.is_none_or(|(known, _)| known != node) {
            runs.push(node, all.len() / PartEdge::BYTES);
        }
        last = Some((node, neighbor));
        PartEdge { neighbor, key }.put(&mut all);
    }
    runs.finish(all.len() / PartEdge::BYTES, section::EDGE_OLDER, section::EDGE_STARTS, out)?;
    out.put_section(section::EDGES, &all)
}

/// Sorted edges of several parts as one sorted sequence.
pub(crate) fn merge_edges<'p>(parts: &[&'p NodePart]) -> Result<impl Iterator<Item = Edge> + use<'p>> {
    let heads: Result<Vec<_>> = parts.iter().map(|part| Ok(part.edges()?.peekable())).collect();
    let mut heads = heads?;
    Ok(std::iter::from_fn(move || {
        // Few parts are merged at a time, so a scan finds the next.
        let next = heads.iter_mut().enumerate().filter_map(|(at, head)| Some((*head.peek()?, at)));
        let (_, at) = next.min()?;
        heads.get_mut(at)?.next()
    }))
}
