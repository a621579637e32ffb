//! Events in a sealed part: columns, access paths, and the facts themselves in compressed blocks.
//!
//! Rows are clustered by the strongest identifier that an event names, then by time: a person's events lie together.
//! FORMAT.md lists the sections.

use super::layout::{NODE_STRIDE, RUN, TEXT_ID, message_hash, section};
use super::row::{Head, NodeRef, OrderKey};
use crate::Result;
use crate::base::bytes::row32;
use crate::base::{MessageId, Timestamp};
use crate::column::blocks::{BlockCache, Blocks};
use crate::column::fixed::{Fixed16, I64s, U8s, U16s, U32s, U64s};
use crate::column::heap::Heap;
use crate::column::runs::NodeRuns;
use crate::column::slots;
use crate::fact::kind::{Bits, Kind};
use crate::fact::layout::IdRef;
use crate::fact::order::OrderBrief;
use crate::fact::view::{Fact, Frame};
use crate::storage::part::Part;
use std::borrow::Borrow;

/// The sealed events; see the module.
pub(crate) struct EventPart {
    times: I64s,
    names: U16s,
    kinds: U8s,
    bits: U16s,
    contents: U64s,
    ids: Fixed16,
    id_texts: Heap,
    slots: U64s,
    node_starts: U32s,
    node_counts: U16s,
    nodes: U32s,
    post_runs: NodeRuns,
    post_rows: U32s,
    window_starts: U32s,
    window_rows: U32s,
    order_keys: Fixed16,
    order_rows: U32s,
    order_briefs: Fixed16,
    trait_starts: U32s,
    trait_rows: U32s,
    trait_values: U32s,
    values: Heap,
    facts: Blocks,
    feed: Blocks,
}

impl EventPart {
    /// The events of a part whose own nodes begin at `base`.
    pub(crate) fn open(part: &Part, base: u32) -> Result<Self> {
        Ok(Self {
            times: I64s::new(part.section(section::TIMES)?)?,
            names: U16s::new(part.section(section::NAMES)?)?,
            kinds: U8s::new(part.section(section::KINDS)?)?,
            bits: U16s::new(part.section(section::BITS)?)?,
            contents: U64s::new(part.section(section::CONTENTS)?)?,
            ids: Fixed16::new(part.section(section::IDS)?)?,
            id_texts: Heap::new(part, section::ID_TEXTS, section::ID_TEXT_STARTS)?,
            slots: U64s::new(part.section(section::SLOTS)?)?,
            node_starts: U32s::new(part.section(section::NODE_STARTS)?)?,
            node_counts: U16s::new(part.section(section::NODE_COUNTS)?)?,
            nodes: U32s::new(part.section(section::NODES)?)?,
            post_runs: NodeRuns::open(
                U32s::new(part.section(section::POST_OLDER)?)?,
                U32s::new(part.section(section::POST_STARTS)?)?,
                base,
            )?,
            post_rows: U32s::new(part.section(section::POST_ROWS)?)?,
            window_starts: U32s::new(part.section(section::WINDOW_STARTS)?)?,
            window_rows: U32s::new(part.section(section::WINDOW_ROWS)?)?,
            order_keys: Fixed16::new(part.section(section::ORDER_KEYS)?)?,
            order_rows: U32s::new(part.section(section::ORDER_ROWS)?)?,
            order_briefs: Fixed16::new(part.section(section::ORDER_BRIEFS)?)?,
            trait_starts: U32s::new(part.section(section::TRAIT_STARTS)?)?,
            trait_rows: U32s::new(part.section(section::TRAIT_ROWS)?)?,
            trait_values: U32s::new(part.section(section::TRAIT_VALUES)?)?,
            values: Heap::new(part, section::VALUES, section::VALUE_STARTS)?,
            facts: Blocks::new(part, section::FACTS, section::FACT_BLOCKS)?,
            feed: Blocks::new(part, section::FEED, section::FEED_BLOCKS)?,
        })
    }

    pub(crate) fn len(&self) -> u32 {
        row32(self.times.len())
    }

    /// Entries of the change feed.
    pub(crate) fn feed_len(&self) -> usize {
        self.feed.len()
    }

    /// One entry of the change feed. Cost: as of [`EventPart::fact`].
    pub(crate) fn feed<'a>(&'a self, at: usize, cache: &'a mut BlockCache) -> Result<&'a [u8]> {
        self.feed.get(at, cache)
    }

    fn ts(&self, row: u32) -> Result<Timestamp> {
        self.times.get(row as usize).map(Timestamp::from_millisecond)
    }

    pub(crate) fn head(&self, row: u32) -> Result<Head> {
        let at = row as usize;
        Ok(Head {
            ts: self.ts(row)?,
            name: self.names.get(at)?,
            kind: self.kind(row)?,
            bits: Bits(self.bits.get(at)? & !TEXT_ID),
        })
    }

    pub(crate) fn kind(&self, row: u32) -> Result<Kind> {
        let at = row as usize;
        Kind::from_code(self.kinds.get(at)?).ok_or_else(|| self.kinds.corrupt(at, "no kind of fact"))
    }

    pub(crate) fn nodes(&self, row: u32, nodes: &mut Vec<NodeRef>) -> Result<()> {
        let stride = row / NODE_STRIDE;
        let mut start = self.node_starts.get(stride as usize)? as usize;
        for before in stride * NODE_STRIDE..row {
            start += usize::from(self.node_counts.get(before as usize)?);
        }
        let count = usize::from(self.node_counts.get(row as usize)?);
        nodes.extend(self.nodes.range(start..start + count)?.iter().map(NodeRef));
        Ok(())
    }

    pub(crate) fn content(&self, row: u32) -> Result<u64> {
        self.contents.get(row as usize)
    }

    pub(crate) fn message_id(&self, row: u32) -> Result<MessageId> {
        self.id_ref(row).map(IdRef::to_owned)
    }

    fn id_ref(&self, row: u32) -> Result<IdRef<'_>> {
        let cell = self.ids.get(row as usize)?;
        if self.bits.get(row as usize)? & TEXT_ID == 0 {
            return Ok(IdRef::Uuid(cell));
        }
        // The cell of a text holds its place in the heap.
        let place = cell.first_chunk().map_or(u64::MAX, |head| u64::from_le_bytes(*head));
        let text = self.id_texts.get(usize::try_from(place).unwrap_or(usize::MAX))?;
        let text = std::str::from_utf8(text);
        text.map(IdRef::Text).map_err(|_| self.ids.corrupt(row as usize, "a message id is not UTF-8"))
    }

    /// The row of a message id.
    pub(crate) fn find(&self, id: &MessageId) -> Result<Option<u32>> {
        let found = Self::find_in(&[self], id, |_, _| true)?;
        Ok(found.map(|(_, row)| row))
    }

    /// The fingerprint of every message id, for filters.
    pub(crate) fn fingerprints(&self, mut each: impl FnMut(u32)) -> Result<()> {
        slots::fingerprints(&self.slots, |key, _| each(key))
    }

    /// The youngest of these parts with an event of that id that `counts`, and its row.
    pub(crate) fn find_in(
        parts: &[impl Borrow<Self>],
        id: &MessageId,
        counts: impl Fn(usize, u32) -> bool,
    ) -> Result<Option<(usize, u32)>> {
        let is_it = |at: usize, row: u32| {
            let part: Option<&Self> = parts.get(at).map(Borrow::borrow);
            part.map_or(Ok(false), |part| Ok(part.message_id(row)? == *id && counts(at, row)))
        };
        slots::find_last(parts, |part| &part.borrow().slots, message_hash(id.into()), is_it)
    }

    /// The whole fact. Cost: one block is decompressed, unless `cache` holds it.
    pub(crate) fn fact<'a>(&'a self, row: u32, cache: &'a mut BlockCache) -> Result<Fact<'a>> {
        let Head { ts, kind, bits, .. } = self.head(row)?;
        let frame = Frame { kind, bits, ts, content: self.content(row)?, id: self.id_ref(row)? };
        let record = self.facts.get(row as usize, cache)?;
        Fact::unseal(record, frame).ok_or_else(|| self.times.corrupt(row as usize, "an event's bytes are no fact"))
    }

    fn rows(&self, rows: &U32s, from: u32, to: u32) -> Result<Vec<u32>> {
        (from..to).map(|at| rows.get(at as usize)).collect()
    }

    pub(crate) fn rows_of_node(&self, node: u32) -> Result<Vec<u32>> {
        let mut list = self.post_rows.range(self.post_runs.find(node)?)?.iter();
        let mut rows = Vec::with_capacity(list.len());
        while let Some(row) = list.next() {
            if row & RUN == 0 {
                rows.push(row);
                continue;
            }
            let (first, count) = (row & !RUN, list.next().unwrap_or(0));
            // A damaged count would ask for rows that the part does not have.
            let end = first.saturating_add(count).min(self.len());
            rows.extend(first..end);
        }
        Ok(rows)
    }

    /// The facts about an order: row and brief.
    pub(crate) fn rows_of_order(&self, key: &OrderKey) -> Result<Vec<(u32, OrderBrief)>> {
        let start = self.order_keys.partition_point(0..self.order_keys.len(), |known| known < *key)?;
        let mut rows = Vec::new();
        for at in start..self.order_keys.len() {
            if self.order_keys.get(at)? != *key {
                break;
            }
            rows.push((self.order_rows.get(at)?, self.order_brief(at)?));
        }
        Ok(rows)
    }

    fn order_brief(&self, at: usize) -> Result<OrderBrief> {
        let cells = [self.order_briefs.get(2 * at)?, self.order_briefs.get(2 * at + 1)?];
        OrderBrief::from_cells(cells).ok_or_else(|| self.order_briefs.corrupt(2 * at, "an order cannot be read"))
    }

    /// Every fact about an order: key, row and brief, by key.
    pub(crate) fn visit_orders(&self, mut visit: impl FnMut(OrderKey, u32, OrderBrief)) -> Result<()> {
        for at in 0..self.order_keys.len() {
            visit(self.order_keys.get(at)?, self.order_rows.get(at)?, self.order_brief(at)?);
        }
        Ok(())
    }

    /// Where the rows of an event name stand in the window projection.
    fn window_run(&self, name: u16) -> Result<(u32, u32)> {
        let at = usize::from(name);
        if at + 1 >= self.window_starts.len() {
            return Ok((0, 0));
        }
        Ok((self.window_starts.get(at)?, self.window_starts.get(at + 1)?))
    }

    /// The first place in a run whose event is later than `ts`.
    fn after(&self, (mut low, mut high): (u32, u32), ts: Timestamp) -> Result<u32> {
        while low < high {
            let middle = low.midpoint(high);
            if self.ts(self.window_rows.get(middle as usize)?)? <= ts {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    pub(crate) fn rows_in_window(&self, name: u16, from: Timestamp, to: Timestamp) -> Result<Vec<u32>> {
        let run = self.window_run(name)?;
        let (start, end) = (self.after(run, from)?, self.after(run, to)?);
        self.rows(&self.window_rows, start, end.max(start))
    }

    pub(crate) fn next_time(&self, name: u16, after: Timestamp) -> Result<Option<Timestamp>> {
        let run = self.window_run(name)?;
        let at = self.after(run, after)?;
        if at < run.1 { self.ts(self.window_rows.get(at as usize)?).map(Some) } else { Ok(None) }
    }

    /// Every value that was set for a trait: row and document bytes.
    pub(crate) fn visit_trait(&self, code: u16, visit: &mut dyn FnMut(u32, &[u8]) -> Result<()>) -> Result<()> {
        let at = usize::from(code);
        if at + 1 >= self.trait_starts.len() {
            return Ok(());
        }
        for at in self.trait_starts.get(at)?..self.trait_starts.get(at + 1)? {
            let value = self.values.get(self.trait_values.get(at as usize)? as usize)?;
            visit(self.trait_rows.get(at as usize)?, value)?;
        }
        Ok(())
    }
}
