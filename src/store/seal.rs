//! Sealing the tail into a part, and merging parts: the work of other threads, installed by the writer.

use super::book::Book;
use super::catalog::{Catalog, TailEnd, part_name};
use super::live_segment::LiveSegment;
use super::part::OpenPart;
use super::record::{decode_rates, encode_rates};
use super::state::State;
use crate::Result;
use crate::base::{MessageId, NamespaceRule, Rate, Timestamp};
use crate::column::rows::RowSet;
use crate::error::{Error, ErrorKind};
use crate::event::names::Names;
use crate::event::part::EventPart;
use crate::event::seal::{merge, seal_tail};
use crate::fact::kind::Bits;
use crate::identity::graph::NodeState;
use crate::identity::nodes::Nodes;
use crate::identity::part::{Edge, NodePart, NodeSeal, merge_edges};
use crate::identity::stated::Statements;
use crate::identity::tomb::{Tomb, Tombs, hex, unhex};
use crate::rule::node::Segment;
use crate::storage::part::{Part, Sealed};
use crate::storage::part_writer::PartWriter;
use roaring::RoaringBitmap;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Parts of one size class are merged when there are this many of them.
const FAN_IN: usize = 4;
/// Merging stops here: a larger part costs more to rewrite than it saves look-ups.
const MERGED_EVENTS_MAX: u32 = 1 << 23;

/// A tail that takes no more events, with the state as of its end.
pub(super) struct Frozen {
    pub(super) state: Arc<State>,
    /// Nodes whose state changed during the tail, ascending.
    pub(super) changed: Vec<u32>,
    pub(super) end: TailEnd,
    /// The files of the parts before it.
    pub(super) parts: Vec<String>,
}

impl Frozen {
    /// Writes the part and the state file, and makes them part of the store.
    pub(super) fn seal(&self, catalog: &Catalog) -> Result<OpenPart> {
        let names = [catalog.new_number(), catalog.new_number()].map(part_name);
        unless_listed(catalog, &names, self.seal_as(catalog, &names))
    }

    fn seal_as(&self, catalog: &Catalog, [part_name, state_name]: &[String; 2]) -> Result<OpenPart> {
        let records = &self.state.records;
        let store_id = catalog.store_id();
        let mut out = PartWriter::create(catalog.vfs.as_ref(), part_name, store_id)?;
        self.write_nodes(&mut out)?;
        let tail = records.events.tails.last().ok_or_else(no_tail)?;
        let void = self.void();
        let base = records.nodes.tails.last().ok_or_else(no_tail)?.base();
        seal_tail(tail, base, &void, &records.names, &records.trait_names, &mut out)?;
        let part = out.finish()?;
        let open = OpenPart::read_back(catalog, part.clone())?;
        let state = write_state(&self.state, &self.parts, catalog, state_name)?;
        catalog.add_part(part, state, self.end)?;
        Ok(open)
    }

    /// The rows of the tail that were erased before it was frozen.
    pub(super) fn void(&self) -> RowSet {
        let events = &self.state.records.events;
        events.void_rows((events.parts.len() + events.tails.len()).saturating_sub(1))
    }

    fn write_nodes(&self, out: &mut PartWriter) -> Result<()> {
        let nodes: &Nodes = &self.state.records.nodes;
        let tail = nodes.tails.last().ok_or_else(no_tail)?;
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
            edges: &mut edges.into_iter(),
        };
        seal.write(out)
    }
}

/// Removes files that were made and did not become part of the store.
fn unless_listed<T>(catalog: &Catalog, names: &[String], made: Result<T>) -> Result<T> {
    // After a failure that leaves open which list the disk has, they may be part of it.
    if made.as_ref().is_err_and(|error| error.kind() != ErrorKind::Poisoned) {
        names.iter().for_each(|name| catalog.abandon(name));
    }
    made
}

fn no_tail() -> Error {
    Error::invalid("there is no tail to seal")
}

/// Which adjacent parts to merge next, if any, by their numbers of events: the newest run of one size class. A part
/// that is older than a larger one counts as that large, or it would stay between two larger ones for ever.
pub(super) fn merge_plan(events: &[u32], seal_events: u32) -> Option<std::ops::Range<usize>> {
    let class = |events: u32| (events / seal_events.max(1)).checked_ilog(4).unwrap_or(0);
    let mut classes: Vec<u32> = events.iter().map(|events| class(*events)).collect();
    for at in (1..classes.len()).rev() {
        let younger = classes.get(at).copied().unwrap_or(0);
        if let Some(older) = classes.get_mut(at - 1) {
            *older = younger.max(*older);
        }
    }
    let mut end = events.len();
    while end >= FAN_IN {
        let last = classes.get(end - 1)?;
        let start = classes.get(..end)?.iter().rposition(|class| class != last).map_or(0, |at| at + 1);
        let run = start.max(end.saturating_sub(FAN_IN * 2))..end;
        let sum: u32 = events.get(run.clone())?.iter().copied().fold(0, u32::saturating_add);
        if run.len() >= FAN_IN && sum <= MERGED_EVENTS_MAX {
            return Some(run);
        }
        end = start;
    }
    None
}

/// Several adjacent parts, each with its erased rows, as one.
pub(super) fn merge_parts(
    catalog: &Catalog,
    parts: &[(OpenPart, RowSet)],
    names: &Names,
    trait_names: &Names,
) -> Result<OpenPart> {
    let name = part_name(catalog.new_number());
    let merged = merge_as(catalog, &name, parts, names, trait_names);
    unless_listed(catalog, &[name], merged)
}

fn merge_as(
    catalog: &Catalog,
    name: &str,
    parts: &[(OpenPart, RowSet)],
    names: &Names,
    trait_names: &Names,
) -> Result<OpenPart> {
    let mut out = PartWriter::create(catalog.vfs.as_ref(), name, catalog.store_id())?;
    merge_nodes(parts, &mut out)?;
    let events: Vec<(&EventPart, RowSet)> =
        parts.iter().map(|(part, void)| (part.events.as_ref(), void.clone())).collect();
    let base = parts.first().map_or(0, |(part, _)| part.nodes.base());
    merge(&events, base, names, trait_names, &mut out)?;
    let sealed = out.finish()?;
    let open = OpenPart::read_back(catalog, sealed.clone())?;
    let old: Vec<Sealed> = parts.iter().map(|(part, _)| part.sealed.clone()).collect();
    catalog.merge(&old, sealed)?;
    Ok(open)
}

fn merge_nodes(parts: &[(OpenPart, RowSet)], out: &mut PartWriter) -> Result<()> {
    let parts: Vec<&NodePart> = parts.iter().map(|(part, _)| part.nodes.as_ref()).collect();
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
    NodeSeal { base, identifier: &identifier, states, sparse, edges: &mut merge_edges(&parts)? }.write(out)
}

mod section {
    pub(super) const FIELDS: u16 = 1;
    pub(super) const KNOWN: u16 = 2;
    pub(super) const ALL: u16 = 3;
    pub(super) const RATES: u16 = 4;
    pub(super) const STATED: u16 = 5;
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
    /// Events that count.
    events: u64,
    /// Erased identifiers, by their keyed hashes in hexadecimal.
    tombs: BTreeMap<String, Tomb>,
    /// Keyed hashes of erased messages.
    erased_messages: Vec<String>,
    /// Keyed hashes of retracted messages, each with its content.
    retracted: Vec<String>,
    /// Void rows of the parts before the tail, as ascending numbers, by the part's file.
    void: BTreeMap<String, Vec<u32>>,
    /// The rules of all namespaces, if they were ever changed, and how often.
    rules: BTreeMap<String, NamespaceRule>,
    rules_version: u64,
    /// Values blocked since the store was created, and the identifiers that have them.
    blocked: Vec<String>,
    barred: Vec<u32>,
}

/// Writes the state as of a seal: names, sets of people, live segments with their members.
fn write_state(state: &State, parts: &[String], catalog: &Catalog, name: &str) -> Result<Sealed> {
    let records = &state.records;
    let (tombs, namespaces) = (&records.nodes.tombs, &records.nodes.namespaces);
    let void = parts.iter().enumerate().map(|(at, name)| (name.clone(), records.events.void_rows(at)));
    let mut out = PartWriter::create(catalog.vfs.as_ref(), name, catalog.store_id())?;
    let fields = Fields {
        sequence: state.sequence,
        live_ms: state.live.map(Timestamp::as_millisecond),
        names: state.records.names.iter().map(str::to_owned).collect(),
        trait_names: state.records.trait_names.iter().map(str::to_owned).collect(),
        segments: state.segments.iter().map(|live| live.segment.clone()).collect(),
        displaced: state.records.events.displaced.iter().map(MessageId::to_string).collect(),
        events: state.events,
        tombs: tombs.identifiers.iter().map(|(hash, tomb)| (hex(hash), tomb.clone())).collect(),
        erased_messages: tombs.messages.iter().map(hex).collect(),
        retracted: tombs.retracted.iter().map(hex).collect(),
        void: void.map(|(name, rows)| (name, rows.to_bitmap().iter().collect())).collect(),
        rules: if namespaces.version() == 0 { BTreeMap::new() } else { namespaces.rules() },
        rules_version: namespaces.version(),
        blocked: namespaces.blocked().to_vec(),
        barred: records.events.barred.to_bitmap().iter().collect(),
    };
    let json = serde_json::to_vec(&fields).map_err(|_| Error::invalid("the state cannot be written as JSON"))?;
    out.put_section(section::FIELDS, &json)?;
    let rates: Vec<Rate> = state.records.rates.iter().collect();
    out.put_section(section::RATES, &encode_rates(&rates))?;
    out.put_section(section::STATED, &state.records.nodes.stated.encode())?;
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
pub(super) fn read_state(book: &mut Book, parts: &[OpenPart], catalog: &Catalog) -> Result<()> {
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
    let tombs = fields.tombs.into_iter().map(|(hash, tomb)| Some((unhex(&hash)?, tomb)));
    let hashes = |texts: &[String]| texts.iter().map(|hash| unhex(hash)).collect::<Option<_>>();
    let tombs = || {
        let (messages, retracted) = (hashes(&fields.erased_messages)?, hashes(&fields.retracted)?);
        Some(Tombs { identifiers: tombs.collect::<Option<_>>()?, messages, retracted })
    };
    book.nodes.tombs = Arc::new(tombs().ok_or_else(|| corrupt("what was erased cannot be read"))?);
    book.nodes.stated = Statements::decode(part.section(section::STATED)?.all()?)
        .ok_or_else(|| corrupt("what operators said cannot be read"))?;
    book.adopt(book.nodes.namespaces.restored(&fields.rules, &fields.blocked, fields.rules_version)?);
    fields.barred.iter().for_each(|node| _ = book.events.barred.insert(*node));
    book.restore_void(parts, &fields.void)?;
    book.count = fields.events;
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
        self.people.set_facts(parts.iter().map(|part| part.sealed.len).sum());
        self.nodes.parts = Arc::new(parts.iter().map(|part| Arc::clone(&part.nodes)).collect());
        self.events.parts = Arc::new(parts.iter().map(|part| Arc::clone(&part.events)).collect());
    }

    /// The rows of a new part that were erased while it was written: those of the layer that it replaces, but for those
    /// that it was written without.
    pub(super) fn erased_since(&self, layer: usize, then: &RowSet, part: &EventPart) -> Result<RowSet> {
        let mut rows = RowSet::default();
        for row in self.events.void_rows(layer).to_bitmap() - then.to_bitmap() {
            if let Some(row) = part.find(&self.events.message_id(self.events.at_layer(layer, row))?)? {
                rows.insert(row);
            }
        }
        Ok(rows)
    }

    /// Puts one set of erased rows in the place of those of some layers.
    pub(super) fn replace_void(&mut self, layers: std::ops::Range<usize>, rows: RowSet) {
        if !self.events.void.is_empty() {
            let void = Arc::make_mut(&mut self.events.void);
            void.resize_with(layers.end.max(void.len()), RowSet::default);
            void.splice(layers, [rows]);
        }
    }

    /// The void rows as of the last seal; a part that was merged since is searched for them.
    fn restore_void(&mut self, parts: &[OpenPart], known: &BTreeMap<String, Vec<u32>>) -> Result<()> {
        if self.nodes.tombs.is_empty() && self.events.displaced.is_empty() {
            return Ok(());
        }
        for (at, part) in parts.iter().enumerate() {
            let rows = match known.get(&part.sealed.name) {
                Some(rows) => rows.clone(),
                None => self.erased_rows(&part.events)?,
            };
            rows.into_iter().for_each(|row| self.events.erase(self.events.at_layer(at, row)));
        }
        Ok(())
    }

    /// The rows of a part that some erasure or retraction names, or whose place was taken. Cost: the erased identifiers, and
    /// a look at every message id if messages are known by theirs.
    fn erased_rows(&self, part: &EventPart) -> Result<Vec<u32>> {
        let tombs = &self.nodes.tombs;
        let mut erased = Vec::new();
        for tomb in tombs.identifiers.values() {
            let (Some(node), Some(until)) = (tomb.node, tomb.instants.last()) else { continue };
            for row in part.rows_of_node(node)? {
                if part.head(row)?.ts.as_millisecond() <= *until {
                    erased.push(row);
                }
            }
        }
        let displaced = &self.events.displaced;
        let by_id = !(tombs.messages.is_empty() && tombs.retracted.is_empty() && displaced.is_empty());
        for row in (0..part.len()).filter(|_| by_id) {
            let (key, id) = (&self.nodes.key, part.message_id(row)?);
            let gone = tombs.has_message(key, &id) || tombs.has_content(key, &id, part.content(row)?);
            let claimed = || Ok::<_, Error>(part.head(row)?.bits.has(Bits::CLAIMED));
            if gone && !part.kind(row)?.takes_away() || displaced.contains(&id) && claimed()? {
                erased.push(row);
            }
        }
        Ok(erased)
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
