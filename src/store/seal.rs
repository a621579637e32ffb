//! Sealing the tail into a part, and merging parts: the work of other threads, installed by the writer.

use super::book::Book;
use super::catalog::{Catalog, part_name};
use super::commit::{decode_rates, encode_rates};
use super::live::LiveSegment;
use super::state::State;
use crate::Result;
use crate::base::{MessageId, Rate, Timestamp};
use crate::column::rows::RowSet;
use crate::error::Error;
use crate::event::names::Names;
use crate::event::part::EventPart;
use crate::event::seal::{merge, seal_tail};
use crate::identity::graph::NodeState;
use crate::identity::nodes::Nodes;
use crate::identity::part::{Edge, NodePart, NodeSeal, merge_edges};
use crate::segment::Segment;
use crate::storage::part::{Part, Sealed};
use crate::storage::part_writer::PartWriter;
use ahash::AHashSet;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parts of one size class are merged when there are this many of them.
const FAN_IN: usize = 4;
/// Merging stops here: a larger part costs more to rewrite than it saves look-ups.
const MERGED_EVENTS_MAX: u32 = 1 << 20;

/// An open part: its file, and what is in it.
#[derive(Clone)]
pub(super) struct OpenPart {
    pub(super) sealed: Sealed,
    pub(super) nodes: Arc<NodePart>,
    pub(super) events: Arc<EventPart>,
    file: Part,
}

impl OpenPart {
    pub(super) fn open(catalog: &Catalog, sealed: Sealed) -> Result<Self> {
        let file = Part::open_listed(catalog.vfs.as_ref(), &sealed)?;
        let nodes = Arc::new(NodePart::open(&file)?);
        let events = Arc::new(EventPart::open(&file, nodes.base())?);
        Ok(Self { sealed, nodes, events, file })
    }

    /// Checks every byte against its checksum.
    pub(super) fn verify(&self) -> Result<()> {
        self.file.verify()
    }
}

/// A tail that takes no more events, with the state as of its end.
pub(super) struct Frozen {
    pub(super) state: Arc<State>,
    /// Nodes whose state changed during the tail, ascending.
    pub(super) changed: Vec<u32>,
    pub(super) log: u64,
}

impl Frozen {
    /// Writes the part and the state file, and makes them part of the store.
    pub(super) fn seal(&self, catalog: &Catalog) -> Result<OpenPart> {
        let records = &self.state.records;
        let store_id = catalog.store_id();
        let mut out = PartWriter::create(catalog.vfs.as_ref(), &part_name(catalog.new_number()), store_id)?;
        self.write_nodes(&mut out)?;
        let tail = records.events.tails.last().ok_or_else(|| Error::invalid("there is no tail to seal"))?;
        seal_tail(tail, &records.events.displaced, &records.names, &records.trait_names, &mut out)?;
        let part = out.finish()?;
        let state = write_state(&self.state, catalog)?;
        catalog.add_part(part.clone(), state, self.log, self.state.sequence)?;
        OpenPart::open(catalog, part)
    }

    fn write_nodes(&self, out: &mut PartWriter) -> Result<()> {
        let nodes: &Nodes = &self.state.records.nodes;
        let tail = nodes.tails.last().ok_or_else(|| Error::invalid("there is no tail to seal"))?;
        let base = tail.base();
        let with_state = |node: u32| nodes.state(node).map(|state| (node, state));
        let edges = tail.nodes_with_edges().into_iter();
        let edges = edges.flat_map(|node| tail.edges_of(node).map(move |(neighbor, key)| Edge { node, neighbor, key }));
        let mut edges: Vec<Edge> = edges.collect();
        edges.sort_unstable();
        let seal = NodeSeal {
            base,
            identifier: &|node| nodes.identifier(node),
            states: (base..base + tail.len()).map(|node| nodes.state(node)).collect::<Result<_>>()?,
            sparse: self
                .changed
                .iter()
                .filter(|node| **node < base)
                .map(|node| with_state(*node))
                .collect::<Result<_>>()?,
            edges: &mut edges.into_iter().map(Ok),
        };
        seal.write(out)
    }
}

/// Which adjacent parts to merge next, if any: the newest run of one size class.
pub(super) fn merge_plan(parts: &[OpenPart], seal_events: u32) -> Option<std::ops::Range<usize>> {
    let class = |part: &OpenPart| (part.events.len() / seal_events.max(1)).checked_ilog(4).unwrap_or(0);
    let mut end = parts.len();
    while end >= FAN_IN {
        let last = class(parts.get(end - 1)?);
        let start = parts.get(..end)?.iter().rposition(|part| class(part) != last).map_or(0, |at| at + 1);
        let run = start.max(end.saturating_sub(FAN_IN * 2))..end;
        let events: u32 = parts.get(run.clone())?.iter().map(|part| part.events.len()).fold(0, u32::saturating_add);
        if run.len() >= FAN_IN && events <= MERGED_EVENTS_MAX {
            return Some(run);
        }
        end = start;
    }
    None
}

/// Several adjacent parts as one.
pub(super) fn merge_parts(
    catalog: &Catalog,
    parts: &[OpenPart],
    displaced: &AHashSet<MessageId>,
    names: &Names,
    trait_names: &Names,
) -> Result<OpenPart> {
    let mut out = PartWriter::create(catalog.vfs.as_ref(), &part_name(catalog.new_number()), catalog.store_id())?;
    merge_nodes(parts, &mut out)?;
    let events: Vec<&EventPart> = parts.iter().map(|part| part.events.as_ref()).collect();
    merge(&events, displaced, names, trait_names, &mut out)?;
    let sealed = out.finish()?;
    let old: Vec<Sealed> = parts.iter().map(|part| part.sealed.clone()).collect();
    catalog.merge(&old, sealed.clone())?;
    OpenPart::open(catalog, sealed)
}

fn merge_nodes(parts: &[OpenPart], out: &mut PartWriter) -> Result<()> {
    let parts: Vec<&NodePart> = parts.iter().map(|part| part.nodes.as_ref()).collect();
    let base = parts.first().map_or(0, |part| part.base());
    let mut states = Vec::<NodeState>::new();
    let mut sparse = BTreeMap::new();
    for part in &parts {
        for node in part.base()..part.base() + part.len() {
            states.push(part.state(node)?);
        }
        // Later parts know better about nodes of earlier ones.
        for change in part.sparse() {
            let (node, state) = change?;
            match node.checked_sub(base).and_then(|local| states.get_mut(local as usize)) {
                Some(slot) => *slot = state,
                None => drop(sparse.insert(node, state)),
            }
        }
    }
    let identifier = |node: u32| {
        let part = parts.iter().rev().find(|part| part.base() <= node);
        part.ok_or_else(|| Error::invalid("a node belongs to no part"))?.identifier(node)
    };
    let sparse = sparse.into_iter().collect();
    NodeSeal { base, identifier: &identifier, states, sparse, edges: &mut merge_edges(&parts) }.write(out)
}

mod section {
    pub(super) const FIELDS: u16 = 1;
    pub(super) const KNOWN: u16 = 2;
    pub(super) const ALL: u16 = 3;
    pub(super) const RATES: u16 = 4;
    /// One section a live segment, from here on.
    pub(super) const MEMBERS: u16 = 16;
}

/// The small irregular part of the state.
#[derive(serde::Serialize, serde::Deserialize)]
struct Fields {
    sequence: u64,
    live_ms: Option<i64>,
    names: Vec<String>,
    trait_names: Vec<String>,
    segments: Vec<Segment>,
    /// Message ids of displaced claimed events.
    displaced: Vec<String>,
}

/// Writes the state as of a seal: names, sets of people, live segments with their members.
fn write_state(state: &State, catalog: &Catalog) -> Result<Sealed> {
    let mut out = PartWriter::create(catalog.vfs.as_ref(), &part_name(catalog.new_number()), catalog.store_id())?;
    let fields = Fields {
        sequence: state.sequence,
        live_ms: state.live.map(Timestamp::as_millisecond),
        names: state.records.names.iter().map(str::to_owned).collect(),
        trait_names: state.records.trait_names.iter().map(str::to_owned).collect(),
        segments: state.segments.iter().map(|live| live.segment.clone()).collect(),
        displaced: state.records.events.displaced.iter().map(MessageId::to_string).collect(),
    };
    let json = serde_json::to_vec(&fields).map_err(|_| Error::invalid("the state cannot be written as JSON"))?;
    out.put_section(section::FIELDS, &json)?;
    let rates: Vec<Rate> = state.records.rates.iter().collect();
    out.put_section(section::RATES, &encode_rates(&rates))?;
    out.put_section(section::KNOWN, &bitmap_bytes(&state.known))?;
    out.put_section(section::ALL, &bitmap_bytes(&state.all))?;
    for (at, live) in (section::MEMBERS..).zip(state.segments.iter()) {
        out.put_section(at, &bitmap_bytes(&live.members))?;
    }
    out.finish()
}

fn bitmap_bytes(rows: &RowSet) -> Vec<u8> {
    let bitmap = rows.to_bitmap();
    let mut bytes = Vec::with_capacity(bitmap.serialized_size());
    // Writing to memory cannot fail.
    let _ = bitmap.serialize_into(&mut bytes);
    bytes
}

/// Reads the state as of the last seal into a book that has its parts.
pub(super) fn read_state(book: &mut Book, catalog: &Catalog) -> Result<()> {
    let Some(sealed) = catalog.sealed(super::catalog::STATE).pop() else { return Ok(()) };
    let part = Part::open_listed(catalog.vfs.as_ref(), &sealed)?;
    let corrupt = |what: &str| Error::corrupt(part.path(), 0, what);
    let fields: Fields = serde_json::from_slice(part.section(section::FIELDS)?.all()?)
        .map_err(|_| corrupt("the fields of the state cannot be read"))?;
    let rows = |id: u16| {
        let section = part.section(id)?;
        let bitmap = RoaringBitmap::deserialize_from(section.all()?);
        bitmap.map(|bitmap| RowSet::from(&bitmap)).map_err(|_| corrupt("a set of people cannot be read"))
    };
    book.sequence = fields.sequence;
    book.live = fields.live_ms.map(Timestamp::from_millisecond);
    book.names = Arc::new(Names::from_list(fields.names.iter().map(String::as_str)));
    book.trait_names = Arc::new(Names::from_list(fields.trait_names.iter().map(String::as_str)));
    book.events.displaced = Arc::new(fields.displaced.iter().map(|id| MessageId::new(id)).collect());
    let rates =
        decode_rates(part.section(section::RATES)?.all()?).ok_or_else(|| corrupt("the rates cannot be read"))?;
    let known = Arc::make_mut(&mut book.rates);
    rates.into_iter().for_each(|rate| known.record(rate));
    book.known = rows(section::KNOWN)?;
    book.all = rows(section::ALL)?;
    let members = (section::MEMBERS..).zip(fields.segments);
    let members: Vec<(Segment, RowSet)> =
        members.map(|(at, segment)| Ok((segment, rows(at)?))).collect::<Result<_>>()?;
    book.segments = Arc::new(LiveSegment::restore_all(members));
    Ok(())
}

impl Book {
    /// Shows these parts to the working copy.
    pub(super) fn set_parts(&mut self, parts: &[OpenPart]) {
        self.nodes.parts = Arc::new(parts.iter().map(|part| Arc::clone(&part.nodes)).collect());
        self.events.parts = Arc::new(parts.iter().map(|part| Arc::clone(&part.events)).collect());
    }

    /// Forgets overlay states that a part holds densely now and that have not changed since.
    pub(super) fn prune(&mut self, part: &NodePart, nodes: impl Iterator<Item = u32>) -> Result<()> {
        let range = part.base()..part.base() + part.len();
        for node in nodes.filter(|node| range.contains(node)) {
            if let Some(state) = self.nodes.overlay.get(node)
                && part.state(node)? == state
            {
                self.nodes.overlay.remove(node);
            }
        }
        Ok(())
    }
}
