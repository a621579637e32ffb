//! Every event of a snapshot, whichever layer holds it.

use super::feed::FeedEntry;
use super::keys::traits_of;
use super::part::EventPart;
use super::row::{At, Head, NodeRef, OrderKey, TraitRow, without_barred};
use super::tail::TailView;
use crate::Result;
use crate::base::name::nfc;
use crate::base::{MessageId, Timestamp};
use crate::column::blocks::BlockCache;
use crate::column::rows::RowSet;
use crate::error::Error;
use crate::fact::kind::Kind;
use crate::fact::layout::IdRef;
use crate::fact::order::OrderBrief;
use crate::fact::view::Fact;
use ahash::AHashSet;
use std::path::Path;
use std::sync::Arc;

/// Sealed parts, oldest first, then the tail that is being sealed, then the active one. Cheap to clone.
#[derive(Clone)]
pub(crate) struct History {
    pub(crate) parts: Arc<Vec<Arc<EventPart>>>,
    pub(crate) tails: Vec<TailView>,
    /// Ids of claimed events that a verified one took the place of, and no claimed one has had since. Their rows are void;
    /// the ids find them in parts that were merged after they were noted.
    pub(crate) displaced: Arc<AHashSet<MessageId>>,
    /// Rows that count no longer, since they were erased or retracted, or a verified event took their place: a set a
    /// layer; no sets at all where nothing ever was.
    pub(crate) void: Arc<Vec<RowSet>>,
    /// Identifiers whose values were blocked since: whatever names them does so as data only.
    pub(crate) barred: RowSet,
}

enum Layer<'a> {
    Part(&'a EventPart),
    Tail(&'a TailView),
}

impl History {
    fn layer(&self, layer: u32) -> Result<Layer<'_>> {
        let at = layer as usize;
        if let Some(part) = self.parts.get(at) {
            return Ok(Layer::Part(part));
        }
        self.tails.get(at - self.parts.len()).map(Layer::Tail).ok_or_else(gone)
    }

    fn layers(&self) -> impl DoubleEndedIterator<Item = (u32, Layer<'_>)> {
        let layers = self.parts.len() + self.tails.len();
        (0..crate::base::bytes::row32(layers)).filter_map(|at| Some((at, self.layer(at).ok()?)))
    }

    /// Every fact that counts, layer by layer: events and statements.
    pub(crate) fn facts(&self) -> impl Iterator<Item = At> + '_ {
        let rows = self.layers().flat_map(|(at, layer)| (0..layer.len()).map(move |row| At { layer: at, row }));
        rows.filter(|at| !self.is_void(*at))
    }

    /// Every event that counts, layer by layer.
    pub(crate) fn iter(&self) -> impl Iterator<Item = At> + '_ {
        self.facts().filter(|at| !self.kind(*at).is_ok_and(Kind::is_statement))
    }

    fn kind(&self, at: At) -> Result<Kind> {
        match self.layer(at.layer)? {
            Layer::Part(part) => part.kind(at.row),
            Layer::Tail(tail) => tail.event(at.row).map(|event| event.kind).ok_or_else(gone),
        }
    }

    /// Whether a fact counts no longer.
    fn is_void(&self, at: At) -> bool {
        self.void.get(at.layer as usize).is_some_and(|rows| rows.contains(at.row))
    }

    fn without_void<T>(&self, mut found: Vec<T>, at: impl Fn(&T) -> At) -> Vec<T> {
        if !self.void.is_empty() {
            found.retain(|item| !self.is_void(at(item)));
        }
        found
    }

    /// Lets a fact count no longer.
    pub(crate) fn erase(&mut self, at: At) {
        let layers = self.parts.len() + self.tails.len();
        let void = Arc::make_mut(&mut self.void);
        void.resize_with(layers.max(void.len()), RowSet::default);
        if let Some(rows) = void.get_mut(at.layer as usize) {
            rows.insert(at.row);
        }
    }

    /// The rows of a layer that were erased.
    pub(crate) fn void_rows(&self, layer: usize) -> RowSet {
        self.void.get(layer).cloned().unwrap_or_default()
    }

    /// Whether there is such a row.
    pub(crate) fn holds(&self, at: At) -> bool {
        self.layer(at.layer).is_ok_and(|layer| at.row < layer.len())
    }

    /// The position of a row of the active tail, the newest layer.
    pub(crate) fn at_tail(&self, row: u32) -> At {
        At { layer: crate::base::bytes::row32((self.parts.len() + self.tails.len()).saturating_sub(1)), row }
    }

    /// How many entries the change feed has.
    pub(crate) fn feed_len(&self) -> u64 {
        self.layers().map(|(_, layer)| layer.feed_len() as u64).sum()
    }

    /// The entries `from..to` of the change feed.
    pub(crate) fn feed(&self, from: u64, to: u64) -> Result<Vec<FeedEntry>> {
        let mut entries = Vec::new();
        let mut cache = BlockCache::default();
        let mut first = 0u64;
        for (_, layer) in self.layers() {
            let here = first..first + layer.feed_len() as u64;
            first = here.end;
            for at in from.max(here.start)..to.min(here.end) {
                let at = usize::try_from(at - here.start).unwrap_or(usize::MAX);
                let bytes = match &layer {
                    Layer::Part(part) => part.feed(at, &mut cache)?,
                    Layer::Tail(tail) => tail.feed(at).ok_or_else(gone)?,
                };
                entries.push(FeedEntry::decode(bytes).ok_or_else(gone)?);
            }
        }
        Ok(entries)
    }

    /// The position of a row of a layer: parts come first.
    pub(crate) fn at_layer(&self, layer: usize, row: u32) -> At {
        At { layer: crate::base::bytes::row32(layer), row }
    }

    /// The newest event with that message id that is not sealed.
    pub(crate) fn find_in_tails(&self, id: IdRef<'_>) -> Option<At> {
        let newest_first = self.tails.iter().enumerate().rev();
        newest_first.filter_map(|(at, tail)| Some(self.at_layer(self.parts.len() + at, tail.find_message(id)?))).next()
    }

    /// The fact with that message id that counts, whichever layer holds it.
    pub(crate) fn find_message(&self, id: &MessageId) -> Result<Option<At>> {
        match self.find_in_tails(id.into()).filter(|at| self.holds(*at)) {
            Some(at) => Ok(Some(at)),
            None => self.find_sealed(id),
        }
    }

    pub(crate) fn head(&self, at: At) -> Result<Head> {
        match self.layer(at.layer)? {
            Layer::Part(part) => part.head(at.row),
            Layer::Tail(tail) => {
                let event = tail.event(at.row).ok_or_else(gone)?;
                Ok(Head { ts: event.ts, name: event.name, kind: event.kind, bits: event.bits })
            }
        }
    }

    /// The identifier nodes that a fact names, strongest first, into `nodes`: but for those that are blocked.
    pub(crate) fn nodes(&self, at: At, nodes: &mut Vec<NodeRef>) -> Result<()> {
        nodes.clear();
        match self.layer(at.layer)? {
            Layer::Part(part) => part.nodes(at.row, nodes)?,
            Layer::Tail(tail) => nodes.extend_from_slice(&tail.event(at.row).ok_or_else(gone)?.nodes),
        }
        without_barred(nodes, &self.barred);
        Ok(())
    }

    pub(crate) fn message_id(&self, at: At) -> Result<MessageId> {
        match self.layer(at.layer)? {
            Layer::Part(part) => part.message_id(at.row),
            Layer::Tail(tail) => tail.message_id(at.row).ok_or_else(gone),
        }
    }

    /// The whole fact. Cost: one group of 64 KiB is decompressed, unless `cache` holds it already.
    pub(crate) fn fact<'a>(&'a self, at: At, cache: &'a mut BlockCache) -> Result<Fact<'a>> {
        match self.layer(at.layer)? {
            Layer::Part(part) => part.fact(at.row, cache),
            Layer::Tail(tail) => tail.event(at.row).and_then(|event| event.fact()).ok_or_else(gone),
        }
    }

    /// The content digest of an event, for telling a repeat from a conflict.
    pub(crate) fn content(&self, at: At) -> Result<u64> {
        match self.layer(at.layer)? {
            Layer::Part(part) => part.content(at.row),
            Layer::Tail(tail) => Ok(tail.event(at.row).and_then(|event| event.fact()).ok_or_else(gone)?.content),
        }
    }

    /// The facts that name a node, in any role.
    pub(crate) fn of_node(&self, node: u32) -> Result<Vec<At>> {
        let mut all = Vec::new();
        for (at, layer) in self.layers() {
            extend(&mut all, at, layer.rows_of_node(node)?);
        }
        Ok(self.without_void(all, |at| *at))
    }

    /// The facts about an order, with what settling needs of them.
    pub(crate) fn of_order(&self, key: &OrderKey) -> Result<Vec<(At, OrderBrief)>> {
        let mut all = Vec::new();
        for (at, layer) in self.layers() {
            match layer {
                Layer::Part(part) => {
                    all.extend(part.rows_of_order(key)?.into_iter().map(|(row, brief)| (At { layer: at, row }, brief)));
                }
                Layer::Tail(tail) => {
                    let rows = tail.rows_of_order(key).into_iter();
                    all.extend(rows.filter_map(|row| Some((At { layer: at, row }, tail.event(row)?.order?.1))));
                }
            }
        }
        Ok(self.without_void(all, |(at, _)| *at))
    }

    /// Every fact about any order, with its order's key.
    pub(crate) fn all_orders(&self) -> Result<Vec<(OrderKey, At, OrderBrief)>> {
        let mut all = Vec::new();
        for (at, layer) in self.layers() {
            match layer {
                Layer::Part(part) => {
                    part.visit_orders(|key, row, brief| all.push((key, At { layer: at, row }, brief)))?;
                }
                Layer::Tail(tail) => {
                    let order = |row| tail.event(row).and_then(|event| event.order);
                    all.extend(
                        (0..tail.len())
                            .filter_map(|row| order(row).map(|(key, brief)| (key, At { layer: at, row }, brief))),
                    );
                }
            }
        }
        Ok(self.without_void(all, |(_, at, _)| *at))
    }

    /// The events of a name with `from < ts <= to`, layer by layer, by time within one.
    pub(crate) fn in_window(&self, name: u16, from: Timestamp, to: Timestamp) -> Result<Vec<At>> {
        let mut all = Vec::new();
        for (at, layer) in self.layers() {
            let rows = match layer {
                Layer::Part(part) => part.rows_in_window(name, from, to)?,
                Layer::Tail(tail) => tail.rows_in_window(name, from, to),
            };
            extend(&mut all, at, rows);
        }
        Ok(self.without_void(all, |at| *at))
    }

    /// The first time after `after` at which an event of that name stands.
    pub(crate) fn next_time(&self, name: u16, after: Timestamp) -> Result<Option<Timestamp>> {
        let mut next: Option<Timestamp> = None;
        for (_, layer) in self.layers() {
            let here = match layer {
                Layer::Part(part) => part.next_time(name, after)?,
                Layer::Tail(tail) => tail.next_time(name, after),
            };
            next = [next, here].into_iter().flatten().min();
        }
        Ok(next)
    }

    /// Every value that identify events set for one top-level trait, named by code and name.
    pub(crate) fn trait_rows(
        &self,
        code: u16,
        name: &str,
        identify: u16,
        visit: &mut dyn FnMut(TraitRow<'_>) -> Result<()>,
    ) -> Result<()> {
        let name = nfc(name);
        for (layer_at, layer) in self.layers() {
            match layer {
                Layer::Part(part) => part
                    .visit_trait(code, &mut |row, value| self.visit_trait(At { layer: layer_at, row }, value, visit))?,
                Layer::Tail(tail) => {
                    for row in tail.rows_in_window(identify, Timestamp::MIN, Timestamp::MAX) {
                        let fact = tail.event(row).and_then(|event| event.fact()).ok_or_else(gone)?;
                        if let Some(value) = traits_of(fact.doc).into_iter().find(|(key, _)| *key == name) {
                            self.visit_trait(At { layer: layer_at, row }, value.1.bytes(), visit)?;
                        }
                    }
                }
            }
        }
        Ok(())
    }

    fn visit_trait(&self, at: At, value: &[u8], visit: &mut dyn FnMut(TraitRow<'_>) -> Result<()>) -> Result<()> {
        if self.is_void(at) { Ok(()) } else { visit(TraitRow { at, value: value.into() }) }
    }

    /// The fact with that message id among the sealed parts, newest part first.
    pub(crate) fn find_sealed(&self, id: &MessageId) -> Result<Option<At>> {
        let counts = |part: usize, row: u32| !self.void_rows(part).contains(row);
        let found = EventPart::find_in(&self.parts, id, counts)?;
        Ok(found.map(|(part, row)| self.at_layer(part, row)))
    }
}

impl Layer<'_> {
    fn len(&self) -> u32 {
        match self {
            Self::Part(part) => part.len(),
            Self::Tail(tail) => tail.len(),
        }
    }

    fn feed_len(&self) -> usize {
        match self {
            Self::Part(part) => part.feed_len(),
            Self::Tail(tail) => tail.feed_len(),
        }
    }

    fn rows_of_node(&self, node: u32) -> Result<Vec<u32>> {
        match self {
            Self::Part(part) => part.rows_of_node(node),
            Self::Tail(tail) => Ok(tail.rows_of_node(node)),
        }
    }
}

fn extend(all: &mut Vec<At>, layer: u32, rows: Vec<u32>) {
    all.extend(rows.into_iter().map(|row| At { layer, row }));
}

/// A position that this history does not hold: a bug of ours, reported instead of answered.
fn gone() -> Error {
    Error::corrupt(Path::new("tail"), 0, "an event that the index names is not there")
}
