//! Writing events into a part, from a tail or from other parts.

use super::keys::{order_key, traits_of};
use super::layout::{NODE_STRIDE, RUN, TEXT_ID, message_hash, section};
use super::names::Names;
use super::part::EventPart;
use super::row::NodeRef;
use super::tail::TailView;
use crate::Result;
use crate::base::MessageId;
use crate::base::bytes::row32;
use crate::column::blocks::{BlockCache, BlocksWriter};
use crate::column::heap::HeapWriter;
use crate::column::rows::RowSet;
use crate::column::runs::NodeRunsWriter;
use crate::column::slots;
use crate::error::Error;
use crate::fact::kind::Kind;
use crate::fact::view::Fact;
use crate::storage::part_writer::PartWriter;
use ahash::AHashMap;
use std::path::Path;

/// By what rows are clustered: the strongest identifier, then time.
pub(crate) fn cluster(nodes: &[NodeRef], ts: crate::base::Timestamp) -> (u32, i64) {
    let strongest = nodes.iter().find(|named| named.is_live()).or(nodes.first());
    (strongest.map_or(u32::MAX, |named| named.node()), ts.as_millisecond())
}

/// Collects events in row order, facts going to the file at once, and writes the columns at the end.
pub(crate) struct EventSeal<'n> {
    base: u32,
    names: &'n Names,
    trait_names: &'n Names,
    facts: BlocksWriter,
    record: Vec<u8>,
    rows: u32,
    times: Vec<u8>,
    kinds: Vec<u8>,
    bits: Vec<u8>,
    contents: Vec<u8>,
    ids: Vec<u8>,
    id_texts: Vec<Box<str>>,
    hashes: Vec<u64>,
    node_starts: Vec<u8>,
    node_counts: Vec<u8>,
    nodes: Vec<u8>,
    /// (node, row)
    posts: Vec<(u32, u32)>,
    /// (name, time, row)
    windows: Vec<(u16, i64, u32)>,
    orders: Vec<([u8; 16], u32, [[u8; 16]; 2])>,
    /// (trait, row, value)
    traits: Vec<(u16, u32, u32)>,
    values: Vec<Box<[u8]>>,
    value_places: AHashMap<Box<[u8]>, u32>,
}

impl<'n> EventSeal<'n> {
    /// Of a part whose own nodes begin at `base`.
    pub(crate) fn new(base: u32, names: &'n Names, trait_names: &'n Names, out: &mut PartWriter) -> Result<Self> {
        Ok(Self {
            base,
            names,
            trait_names,
            facts: BlocksWriter::begin(out, section::FACTS)?,
            record: Vec::new(),
            rows: 0,
            times: Vec::new(),
            kinds: Vec::new(),
            bits: Vec::new(),
            contents: Vec::new(),
            ids: Vec::new(),
            id_texts: Vec::new(),
            hashes: Vec::new(),
            node_starts: Vec::new(),
            node_counts: Vec::new(),
            nodes: Vec::new(),
            posts: Vec::new(),
            windows: Vec::new(),
            orders: Vec::new(),
            traits: Vec::new(),
            values: Vec::new(),
            value_places: AHashMap::new(),
        })
    }

    /// Appends the next row.
    pub(crate) fn push(&mut self, fact: &Fact<'_>, nodes: &[NodeRef], out: &mut PartWriter) -> Result<()> {
        let name = self.names.code(fact.name).ok_or_else(|| bad("an event name has no code"))?;
        let row = self.rows;
        self.rows += 1;
        self.record.clear();
        fact.seal(&mut self.record);
        self.facts.push(out, &self.record)?;
        self.times.extend(fact.ts.as_millisecond().to_le_bytes());
        self.windows.push((name, fact.ts.as_millisecond(), row));
        self.kinds.push(fact.kind as u8);
        self.contents.extend(fact.content.to_le_bytes());
        self.push_id(fact);
        if row.is_multiple_of(NODE_STRIDE) {
            self.node_starts.extend(row32(self.nodes.len() / 4).to_le_bytes());
        }
        self.node_counts.extend(crate::base::bytes::low16(nodes.len() as u64).to_le_bytes());
        for named in nodes {
            self.nodes.extend(named.0.to_le_bytes());
            self.posts.push((named.node(), row));
        }
        if let (Some(key), Some(order)) = (order_key(fact), fact.order) {
            self.orders.push((key, row, order.brief().cells()));
        }
        if fact.kind == Kind::Identify {
            self.push_traits(fact, row);
        }
        Ok(())
    }

    fn push_id(&mut self, fact: &Fact<'_>) {
        let id = fact.id();
        self.hashes.push(message_hash((&id).into()));
        let text = match &id {
            MessageId::Uuid(bytes) => {
                self.ids.extend(bytes);
                0
            }
            MessageId::Text(text) => {
                self.ids.extend((self.id_texts.len() as u64).to_le_bytes());
                self.ids.extend([0; 8]);
                self.id_texts.push(text.clone());
                TEXT_ID
            }
        };
        self.bits.extend((fact.bits.0 | text).to_le_bytes());
    }

    fn push_traits(&mut self, fact: &Fact<'_>, row: u32) {
        for (name, value) in traits_of(fact.doc) {
            let Some(code) = self.trait_names.code(&name) else { continue };
            let next = row32(self.value_places.len());
            let place = *self.value_places.entry(value.bytes().into()).or_insert_with(|| {
                self.values.push(value.bytes().into());
                next
            });
            self.traits.push((code, row, place));
        }
    }

    /// Writes the columns.
    pub(crate) fn finish(mut self, out: &mut PartWriter) -> Result<()> {
        self.facts.finish(out, section::FACT_BLOCKS)?;
        out.put_section(section::TIMES, &self.times)?;
        out.put_section(
            section::NAMES,
            &self.windows.iter().flat_map(|(name, ..)| name.to_le_bytes()).collect::<Vec<_>>(),
        )?;
        out.put_section(section::KINDS, &self.kinds)?;
        out.put_section(section::BITS, &self.bits)?;
        out.put_section(section::CONTENTS, &self.contents)?;
        out.put_section(section::IDS, &self.ids)?;
        write_heap(self.id_texts.iter().map(|text| text.as_bytes()), section::ID_TEXTS, section::ID_TEXT_STARTS, out)?;
        out.put_section(section::SLOTS, &slots::build(&self.hashes))?;
        out.put_section(section::NODE_STARTS, &self.node_starts)?;
        out.put_section(section::NODE_COUNTS, &self.node_counts)?;
        out.put_section(section::NODES, &self.nodes)?;
        write_posts(self.base, self.posts, out)?;
        write_windows(self.windows, self.names.len(), out)?;
        self.orders.sort_unstable();
        out.put_section(section::ORDER_KEYS, &self.orders.iter().flat_map(|(key, ..)| *key).collect::<Vec<_>>())?;
        let briefs: Vec<u8> = self.orders.iter().flat_map(|(.., cells)| cells.concat()).collect();
        out.put_section(section::ORDER_BRIEFS, &briefs)?;
        out.put_section(section::ORDER_ROWS, &column(self.orders.iter().map(|(_, row, _)| *row)))?;
        write_traits(self.traits, self.trait_names.len(), out)?;
        write_heap(self.values.iter().map(|value| value.as_ref()), section::VALUES, section::VALUE_STARTS, out)
    }
}

fn write_heap<'v>(
    values: impl Iterator<Item = &'v [u8]>,
    bytes: u16,
    offsets: u16,
    out: &mut PartWriter,
) -> Result<()> {
    let mut heap = HeapWriter::begin(out, bytes)?;
    for value in values {
        heap.push(out, value)?;
    }
    heap.finish(out, offsets)
}

/// Little-endian bytes of a column.
fn column(values: impl Iterator<Item = u32>) -> Vec<u8> {
    values.flat_map(u32::to_le_bytes).collect()
}

/// Where each of `count` groups starts in a list sorted by group, and where the last one ends.
fn starts(groups: impl Iterator<Item = u16>, count: usize) -> Vec<u8> {
    let mut sizes = vec![0u32; count];
    for group in groups {
        if let Some(size) = sizes.get_mut(usize::from(group)) {
            *size += 1;
        }
    }
    let ends = sizes.iter().scan(0u32, |end, size| {
        *end += size;
        Some(*end)
    });
    column(std::iter::once(0).chain(ends))
}

fn write_posts(base: u32, mut posts: Vec<(u32, u32)>, out: &mut PartWriter) -> Result<()> {
    posts.sort_unstable();
    posts.dedup();
    let (mut runs, mut rows) = (NodeRunsWriter::new(base), Vec::<u32>::new());
    for list in posts.chunk_by(|a, b| a.0 == b.0) {
        runs.push(list.first().map_or(0, |post| post.0), rows.len());
        // Rows are clustered by the strongest identifier, so its list is one run.
        for run in list.chunk_by(|a, b| a.1 + 1 == b.1) {
            let first = run.first().map_or(0, |post| post.1);
            match run.len() {
                1 => rows.push(first),
                count => rows.extend([first | RUN, row32(count)]),
            }
        }
    }
    runs.finish(rows.len(), section::POST_OLDER, section::POST_STARTS, out)?;
    out.put_section(section::POST_ROWS, &column(rows.into_iter()))
}

fn write_windows(mut windows: Vec<(u16, i64, u32)>, names: usize, out: &mut PartWriter) -> Result<()> {
    windows.sort_unstable();
    out.put_section(section::WINDOW_STARTS, &starts(windows.iter().map(|(name, ..)| *name), names))?;
    out.put_section(section::WINDOW_ROWS, &column(windows.iter().map(|(.., row)| *row)))
}

fn write_traits(mut traits: Vec<(u16, u32, u32)>, names: usize, out: &mut PartWriter) -> Result<()> {
    traits.sort_unstable();
    out.put_section(section::TRAIT_STARTS, &starts(traits.iter().map(|(code, ..)| *code), names))?;
    out.put_section(section::TRAIT_ROWS, &column(traits.iter().map(|(_, row, _)| *row)))?;
    out.put_section(section::TRAIT_VALUES, &column(traits.iter().map(|(.., value)| *value)))
}

fn bad(what: &str) -> Error {
    Error::corrupt(Path::new("tail"), 0, what)
}

/// Seals a tail, without the facts that count no longer.
pub(crate) fn seal_tail(
    tail: &TailView,
    base: u32,
    void: &RowSet,
    names: &Names,
    trait_names: &Names,
    out: &mut PartWriter,
) -> Result<()> {
    let mut order: Vec<(u32, i64, u32)> = (0..tail.len())
        .filter_map(|row| tail.event(row).map(|event| (row, event)))
        .filter(|(row, _)| !void.contains(*row))
        .map(|(row, event)| {
            let (node, ts) = cluster(&event.nodes, event.ts);
            (node, ts, row)
        })
        .collect();
    order.sort_unstable();
    let mut feed = BlocksWriter::begin(out, section::FEED)?;
    for entry in (0..tail.feed_len()).filter_map(|at| tail.feed(at)) {
        feed.push(out, entry)?;
    }
    feed.finish(out, section::FEED_BLOCKS)?;
    let mut seal = EventSeal::new(base, names, trait_names, out)?;
    for (.., row) in order {
        let event = tail.event(row).ok_or_else(|| bad("an event to seal is not there"))?;
        let fact = event.fact().ok_or_else(|| bad("bytes to seal are no fact"))?;
        seal.push(&fact, &event.nodes, out)?;
    }
    seal.finish(out)
}

/// Merges the events of several parts into one, without those that count no longer. Runs in memory for the columns and
/// one block a part.
pub(crate) fn merge(
    parts: &[(&EventPart, RowSet)],
    base: u32,
    names: &Names,
    trait_names: &Names,
    out: &mut PartWriter,
) -> Result<()> {
    let mut order: Vec<(u32, i64, u32, u32)> = Vec::new();
    let mut nodes = Vec::new();
    for (at, (part, void)) in parts.iter().enumerate() {
        for row in (0..part.len()).filter(|row| !void.contains(*row)) {
            let head = part.head(row)?;
            nodes.clear();
            part.nodes(row, &mut nodes)?;
            let (node, ts) = cluster(&nodes, head.ts);
            order.push((node, ts, row32(at), row));
        }
    }
    order.sort_unstable();
    // Each part is clustered alike, so its rows come in ascending order and every block is read once.
    let mut caches: Vec<BlockCache> = parts.iter().map(|_| BlockCache::default()).collect();
    let mut feed = BlocksWriter::begin(out, section::FEED)?;
    for ((part, _), cache) in parts.iter().zip(&mut caches) {
        for at in 0..part.feed_len() {
            feed.push(out, part.feed(at, cache)?)?;
        }
    }
    feed.finish(out, section::FEED_BLOCKS)?;
    let mut seal = EventSeal::new(base, names, trait_names, out)?;
    for (.., at, row) in order {
        let (Some((part, _)), Some(cache)) = (parts.get(at as usize), caches.get_mut(at as usize)) else { continue };
        nodes.clear();
        part.nodes(row, &mut nodes)?;
        seal.push(&part.fact(row, cache)?, &nodes, out)?;
    }
    seal.finish(out)
}
