//! The derived state, and how facts change it: the same for a commit, a recovery and a verification.
//!
//! Reads sealed parts, writes nothing: no file, clock or thread. Given the same facts in the same order it is the same.

use super::live_segment::{Crossing, LiveSegment};
use super::sealed::{Sealed, Wanted};
use super::state::State;
use super::touched::{News, Touched};
use crate::Result;
use crate::base::namespaces::Namespaces;
use crate::base::rates::Rates;
use crate::base::{MessageId, Timestamp};
use crate::column::recent::Recent;
use crate::column::rows::RowSet;
use crate::error::Error;
use crate::event::history::History;
use crate::event::keys::{order_key, traits_of};
use crate::event::names::Names;
use crate::event::row::At;
use crate::event::row::{NodeRef, without_barred};
use crate::event::tail::{EventTail, Named, Shared, TailEvent};
use crate::fact::kind::{Bits, Kind};
use crate::fact::layout::IdRef;
use crate::fact::view::Fact;
use crate::identity::append::{self, resolve_news};
use crate::identity::change::Change;
use crate::identity::evidence::{EdgeKey, NONE};
use crate::identity::graph::NodeState;
use crate::identity::nodes::Nodes;
use crate::identity::region::Resolution;
use crate::identity::stated::Stated;
use crate::identity::tail::NodeTail;
use crate::identity::tomb::{Hash, Tombs};
use crate::normalize::blocked::BlockedValues;
use crate::people::current::People;
use crate::profile::records::{Reading, Records};
use ahash::{AHashMap, AHashSet};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The types that are event names themselves: they have codes from the start, and count towards no limit.
pub(super) const TYPE_NAMES: [Kind; 12] = [
    Kind::Identify,
    Kind::Page,
    Kind::Screen,
    Kind::Group,
    Kind::Alias,
    Kind::Match,
    Kind::Same,
    Kind::Deny,
    Kind::Revoke,
    Kind::Erase,
    Kind::Product,
    Kind::Retract,
];

/// Facts whose identifiers are looked up together.
const AT_ONCE: usize = 512;

/// Identifiers and messages by the hashes that name them.
pub(super) type Hints = (AHashMap<Hash, Option<u32>>, AHashMap<Hash, Option<MessageId>>);

/// The working copy that the writer changes; see the module.
pub(super) struct Book {
    pub(super) nodes: Nodes,
    pub(super) events: History,
    pub(super) node_tail: Arc<NodeTail>,
    pub(super) event_tail: Arc<EventTail>,
    pub(super) names: Arc<Names>,
    pub(super) trait_names: Arc<Names>,
    pub(super) reading: Arc<Reading>,
    pub(super) rates: Arc<Rates>,
    pub(super) pairs: Pairs,
    pub(super) known: RowSet,
    pub(super) all: RowSet,
    pub(super) segments: Arc<Vec<Arc<LiveSegment>>>,
    /// Columns of people, for whoever asks about everybody.
    pub(super) people: Arc<People>,
    pub(super) live: Option<Timestamp>,
    pub(super) sequence: u64,
    /// Nodes whose state changed since the tail began.
    pub(super) changed: AHashSet<u32>,
    /// See [`Records::leadless`].
    pub(super) leadless: RowSet,
    /// Values that were blocked since the store was created.
    pub(super) blocked: Arc<BlockedValues>,
    /// Events that count.
    pub(super) count: u64,
    /// What an erasure or a retraction that is about to be applied names, by hash, as its caller knows.
    pub(super) hinted: Hints,
    pub(super) hashes: Hashes,
    pub(super) solving: Solving,
    pub(super) sealed: Sealed,
    /// A claimed event came under the id of one whose place was taken, and freed since. Which of the two a merged part holds
    /// only its rows tell, so the state that lists them must know the part: no merge runs while a tail is sealed.
    pub(super) returned: bool,
    /// It holds all facts itself: the parts that the store has on disk, if any, are in another form.
    pub(super) anew: bool,
}

/// Nodes by the hashes under which erasures name them: made when a log is replayed, since erasures hold nothing else.
#[derive(Default)]
pub(super) struct Hashes {
    pub(super) nodes: AHashMap<Hash, u32>,
    /// How many nodes were looked at.
    pub(super) known: u32,
}

/// What solving cost since the store was opened.
#[derive(Clone, Copy, Default)]
pub(super) struct Solving {
    /// Pairs that events named.
    pub(super) pairs: u64,
    pub(super) identifiers: u64,
    pub(super) time: Duration,
}

/// What is remembered of an accepted message.
#[derive(Clone, Copy)]
pub(super) struct Known {
    pub(super) content: u64,
    pub(super) claimed: bool,
}

/// The best evidence of the pairs that came last, so that a session's events need no look-up. The smaller node comes
/// first in a pair.
#[derive(Default)]
pub(super) struct Pairs(Recent<u64, i64, 17>);

impl Pairs {
    fn key((old, young): (u32, u32)) -> u64 {
        u64::from(old) << 32 | u64::from(young)
    }

    fn get(&self, pair: (u32, u32)) -> Option<EdgeKey> {
        self.0.get(Self::key(pair)).map(EdgeKey::unpacked)
    }

    fn insert(&mut self, pair: (u32, u32), best: EdgeKey) {
        self.0.insert(Self::key(pair), best.packed());
    }

    /// A pair that was never seen before.
    fn insert_new(&mut self, pair: (u32, u32), first: EdgeKey) {
        self.0.insert_new(Self::key(pair), first.packed());
    }

    pub(super) fn forget(&mut self, pair: (u32, u32)) {
        self.0.remove(Self::key(pair));
    }
}

/// What a commit changed of the graph.
#[derive(Default)]
pub(super) struct Dirt {
    /// Identifiers with another first instant.
    pub(super) dated: BTreeSet<u32>,
    /// Pairs with other evidence.
    pub(super) pairs: Vec<(u32, u32)>,
    /// Both ends of pairs of which operators say something else now.
    pub(super) ruled: BTreeSet<u32>,
    /// Facts that count no longer.
    pub(super) gone: BTreeSet<At>,
    /// Erased identifiers: whoever they name from now on is somebody new.
    pub(super) reborn: BTreeSet<u32>,
}

/// What a commit did.
#[derive(Default)]
pub(super) struct Applied {
    pub(super) changes: Vec<Change>,
    pub(super) crossings: Vec<Crossing>,
    /// What was erased before the commit, where it erased something: whoever left did so under the id of then.
    pub(super) tombs_before: Option<Arc<Tombs>>,
    /// Profiles whose eldest identifier was erased, and goes on: they have another id now.
    pub(super) reborn: Vec<u32>,
}

impl Book {
    /// The book of a store without facts.
    pub(super) fn new(namespaces: Arc<Namespaces>, key: [u8; 32], reading: Arc<Reading>) -> Self {
        let (node_tail, event_tail) = (Arc::new(NodeTail::new(0)), Arc::new(EventTail::default()));
        let blocked = Arc::new(BlockedValues::listed(namespaces.blocked()));
        let nodes = Nodes::new(namespaces, key, node_tail.view());
        let mut names = Names::default();
        for kind in TYPE_NAMES {
            names.add(kind.name());
        }
        Self {
            nodes,
            events: History {
                parts: Arc::default(),
                tails: vec![event_tail.view()],
                displaced: Arc::default(),
                void: Arc::default(),
                barred: RowSet::default(),
            },
            node_tail,
            event_tail,
            names: Arc::new(names),
            trait_names: Arc::default(),
            rates: Arc::new(Rates::new(reading.zone.clone())),
            reading,
            pairs: Pairs::default(),
            known: RowSet::default(),
            all: RowSet::default(),
            segments: Arc::default(),
            people: Arc::default(),
            live: None,
            sequence: 0,
            changed: AHashSet::new(),
            leadless: RowSet::default(),
            blocked,
            count: 0,
            hinted: Default::default(),
            hashes: Hashes::default(),
            solving: Solving::default(),
            sealed: Sealed::default(),
            returned: false,
            anew: false,
        }
    }

    /// Begins the active tail behind these parts.
    pub(super) fn restart_tail(&mut self, parts: &[super::part::OpenPart]) {
        self.set_parts(parts);
        let base = parts.last().map_or(0, |part| part.nodes.base() + part.nodes.len());
        self.node_tail = Arc::new(NodeTail::new(base));
        self.nodes.tails = vec![self.node_tail.view()];
    }

    /// The event with that message id.
    pub(super) fn find_message(&self, id: IdRef<'_>) -> Result<Option<At>> {
        self.find_message_if(id, || self.sealed.may_hold_message(id))
    }

    fn find_message_if(&self, id: IdRef<'_>, in_parts: impl FnOnce() -> bool) -> Result<Option<At>> {
        match self.events.find_in_tails(id) {
            Some(at) => Ok(Some(at)),
            None if in_parts() => self.events.find_sealed(&id.to_owned()),
            None => Ok(None),
        }
    }

    /// What is known of the accepted message with that id, which may be in a part or is not.
    pub(super) fn known_message(&self, id: IdRef<'_>, in_parts: bool) -> Result<Option<Known>> {
        let Some(at) = self.find_message_if(id, || in_parts)? else { return Ok(None) };
        let (head, content) = (self.events.head(at)?, self.events.content(at)?);
        Ok(Some(Known { content, claimed: head.bits.has(Bits::CLAIMED) }))
    }

    /// A view of the records as they are now.
    pub(super) fn records(&self) -> Records {
        let mut records = Records::new(
            self.nodes.clone(),
            self.events.clone(),
            Arc::clone(&self.names),
            Arc::clone(&self.trait_names),
            Arc::clone(&self.reading),
        );
        records.leadless = self.leadless.clone();
        records.rates = Arc::clone(&self.rates);
        records
    }

    /// The state for readers.
    pub(super) fn state(&self, records: Arc<Records>) -> State {
        State {
            records,
            people: Arc::clone(&self.people),
            commit: self.people.commit(),
            known: self.known.clone(),
            all: self.all.clone(),
            segments: Arc::clone(&self.segments),
            live: self.live,
            sequence: self.sequence,
            events: self.count,
            feed: self.events.feed_len(),
        }
    }

    /// Takes in accepted facts, and time: first the store advances, then the facts apply.
    pub(super) fn apply(&mut self, facts: &[&[u8]], advance: Option<Timestamp>) -> Result<(Applied, Arc<Records>)> {
        let mut applied = Applied::default();
        if facts.is_empty() {
            applied.crossings = advance.map_or(Ok(Vec::new()), |to| self.advance(to))?;
            return Ok((applied, Arc::new(self.records())));
        }
        // Whoever time takes out of a segment and a fact of the same commit brings back neither left nor entered, so
        // both are judged at once.
        let mut touched = advance.map_or(Ok(Touched::default()), |to| self.pass_time(to))?;
        let commit = self.people.begin_commit();
        let before = (!self.segments.is_empty() || self.people.is_watched()).then(|| self.records());
        let first_row = self.event_tail.len();
        let tombs = Arc::clone(&self.nodes.tombs);
        let mut dirt = Dirt::default();
        for some in facts.chunks(AT_ONCE) {
            self.add_all(some, &mut dirt)?;
        }
        self.refresh();
        applied.tombs_before = (!Arc::ptr_eq(&tombs, &self.nodes.tombs)).then_some(tombs);
        let touched_nodes = self.resolve(&dirt, &mut applied)?;
        for node in dirt.reborn.iter().copied().filter(|_| applied.tombs_before.is_some()) {
            let old = touched_nodes.iter().find(|(moved, _)| *moved == node).map_or(self.nodes.state(node)?, |of| of.1);
            if old.profile == node && self.nodes.state(node)?.profile == node {
                applied.reborn.push(node);
            }
        }
        let records = Arc::new(self.records());
        if let Some(before) = before {
            let rows = first_row..self.event_tail.len();
            let news = News { rows, gone: &dirt.gone, moved: &touched_nodes, pooled: &BTreeSet::new() };
            let by_facts = self.touched_by(&before, &records, &news)?;
            self.note_touched(commit, &by_facts);
            touched.add(by_facts);
            applied.crossings = self.reevaluate(&records, touched, &applied.changes)?;
        }
        Ok((applied, records))
    }

    /// Tells the columns of people whom a commit touched.
    fn note_touched(&self, commit: u64, touched: &Touched) {
        // What the catalogue says can concern everybody.
        if touched.catalogue {
            self.people.reset();
        }
        self.people.note(commit, touched.rows.keys().copied());
    }

    /// Whom a commit can have changed; notes which identifiers lead no event.
    pub(super) fn touched_by(&mut self, before: &Records, after: &Records, news: &News<'_>) -> Result<Touched> {
        let touched = Touched::by_commit(before, after, news, self.heeds_consent())?;
        touched.leadless.iter().for_each(|node| {
            self.leadless.insert(*node);
        });
        Ok(touched)
    }

    /// Shows what was appended to the tails to the working copy.
    fn refresh(&mut self) {
        if let Some(view) = self.nodes.tails.last_mut() {
            *view = self.node_tail.view();
        }
        if let Some(view) = self.events.tails.last_mut() {
            *view = self.event_tail.view();
        }
    }

    /// Appends events with their identifiers and evidence; notes the identifiers to solve again.
    fn add_all(&mut self, facts: &[&[u8]], dirt: &mut Dirt) -> Result<()> {
        let parsed = facts.iter().map(|bytes| Fact::parse(bytes).ok_or_else(not_a_fact));
        let parsed: Vec<Fact<'_>> = parsed.collect::<Result<_>>()?;
        let named = parsed.iter().flat_map(Fact::identifiers);
        let mut wanted: Vec<Wanted<'_>> = named.map(|named| Wanted::new(named.namespace, named.value)).collect();
        self.find_nodes(&mut wanted)?;
        let (mut known, mut nodes) = (wanted.into_iter(), Vec::new());
        let (all, mut start) = (Arc::new(facts.concat()), 0);
        for (fact, bytes) in parsed.iter().zip(facts) {
            if fact.bits.has(Bits::DISPLACES) {
                self.displace(fact.id_ref(), dirt)?;
            } else if fact.claimed() && !self.events.displaced.is_empty() {
                self.returned |= Arc::make_mut(&mut self.events.displaced).remove(&fact.id());
            }
            nodes.clear();
            for (named, wanted) in fact.identifiers().zip(&mut known) {
                nodes.push(NodeRef::new(self.node_of(&wanted), named.role));
            }
            let bytes = Shared::new(&all, start..start + bytes.len());
            start += bytes.len();
            self.add(fact, bytes, &mut nodes, dirt)?;
        }
        Ok(())
    }

    /// Appends one event that names these nodes, as [`Book::add_all`].
    fn add(&mut self, fact: &Fact<'_>, bytes: Shared, nodes: &mut Vec<NodeRef>, dirt: &mut Dirt) -> Result<()> {
        let named = Named::from(nodes.as_slice());
        without_barred(nodes, &self.events.barred);
        for node in nodes.iter().filter(|named| named.is_live()) {
            self.date(node.node(), fact.ts, !fact.claimed(), dirt)?;
        }
        if let Some(first) = nodes.iter().find(|named| named.is_live()) {
            self.leadless.remove(first.node());
        }
        let statement = fact.kind.is_statement();
        if !statement && !fact.claimed() {
            self.connect(nodes, fact, dirt)?;
        }
        let name = if fact.kind == Kind::Track { fact.name } else { fact.kind.name() };
        let name = Arc::make_mut(&mut self.names).add(name).ok_or_else(not_a_fact)?;
        if fact.kind == Kind::Identify {
            self.name_traits(fact);
        }
        let event = TailEvent {
            fact: bytes,
            ts: fact.ts,
            name,
            kind: fact.kind,
            bits: fact.bits,
            nodes: named,
            order: order_key(fact).zip(fact.order.map(|order| order.brief())),
        };
        self.event_tail.push(event);
        self.count += u64::from(!statement);
        if statement {
            self.refresh();
            self.state_fact(fact, nodes, dirt)?;
        }
        Ok(())
    }

    /// Lets a claimed event count no longer: it dates nothing, and nobody sees it.
    fn displace(&mut self, id: IdRef<'_>, dirt: &mut Dirt) -> Result<()> {
        let Some(claimed) = self.find_message(id)? else { return Ok(()) };
        self.refresh();
        Arc::make_mut(&mut self.events.displaced).insert(id.to_owned());
        self.events.erase(claimed);
        self.count -= 1;
        dirt.gone.insert(claimed);
        self.forget(&BTreeSet::from([claimed]), dirt)
    }

    fn name_traits(&mut self, fact: &Fact<'_>) {
        for (name, _) in traits_of(fact.doc) {
            if self.trait_names.code(&name).is_none() {
                Arc::make_mut(&mut self.trait_names).add(&name);
            }
        }
    }

    /// The node of an identifier, added if it is new.
    pub(super) fn node(&mut self, namespace: u8, value: &str) -> Result<u32> {
        Ok(self.find_node(namespace, value)?.unwrap_or_else(|| self.new_node(namespace, value)))
    }

    /// The same, of one that was looked for a moment ago: who was nowhere then can be in the tail now.
    fn node_of(&mut self, wanted: &Wanted<'_>) -> u32 {
        let Wanted { namespace, value, .. } = *wanted;
        let found = wanted.node.or_else(|| self.nodes.find_in_tails(namespace, value));
        found.unwrap_or_else(|| self.new_node(namespace, value))
    }

    fn new_node(&mut self, namespace: u8, value: &str) -> u32 {
        let node = self.node_tail.add(namespace, value);
        if let Some(view) = self.nodes.tails.last_mut() {
            *view = self.node_tail.view();
        }
        self.set_state(node, NodeState::UNKNOWN);
        self.note_return(node, namespace, value);
        self.bar_if_blocked(node, namespace, value);
        node
    }

    pub(super) fn set_state(&mut self, node: u32, state: NodeState) {
        self.nodes.overlay.set(node, state);
        self.changed.insert(node);
    }

    /// Lets a fact date an identifier.
    pub(super) fn date(&mut self, node: u32, ts: Timestamp, verified: bool, dirt: &mut Dirt) -> Result<()> {
        let old = self.nodes.state(node)?;
        let ts = ts.as_millisecond();
        let verified = if verified { ts } else { i64::MAX };
        let new = NodeState { first: old.first.min(ts), first_verified: old.first_verified.min(verified), ..old };
        if new != old {
            self.set_state(node, new);
            dirt.dated.insert(node);
        }
        Ok(())
    }

    /// Adds the evidence of a verified event for each pair of its identifiers, where it is better than what is known.
    fn connect(&mut self, nodes: &[NodeRef], fact: &Fact<'_>, dirt: &mut Dirt) -> Result<()> {
        let key = EdgeKey::event(fact.bits.has(Bits::STRONG), fact.ts);
        let mut live = nodes.iter().filter(|named| named.is_live()).map(|named| named.node());
        while let Some(a) = live.next() {
            for b in live.clone() {
                self.solving.pairs += 1;
                if a != b {
                    self.improve((a.min(b), a.max(b)), key, dirt)?;
                }
            }
        }
        Ok(())
    }

    /// Notes evidence for a pair, unless it was revoked or there is better.
    pub(super) fn improve(&mut self, pair: (u32, u32), key: EdgeKey, dirt: &mut Dirt) -> Result<()> {
        let stated = self.nodes.stated.of_pair(pair);
        if stated.is_some_and(|stated| key.ts() <= stated.revoked) {
            return Ok(());
        }
        let remembered = self.pairs.get(pair);
        let best = remembered.map_or_else(|| self.nodes.edge_between(pair.0, pair.1), |best| Ok(Some(best)))?;
        if let Some(best) = best.filter(|best| *best <= key) {
            if remembered.is_none() {
                self.pairs.insert(pair, best);
            }
            return Ok(());
        }
        match stated.filter(|stated| stated.amended.is_some()) {
            Some(stated) => self.nodes.stated.set(pair, Stated { amended: Some(Some(key)), ..stated }),
            None => {
                self.node_tail.add_edge(pair.0, pair.1, key);
                if let Some(view) = self.nodes.tails.last_mut() {
                    *view = self.node_tail.view();
                }
            }
        }
        match remembered.or(best) {
            Some(_) => self.pairs.insert(pair, key),
            None => self.pairs.insert_new(pair, key),
        }
        dirt.pairs.push(pair);
        Ok(())
    }

    /// Solves what the dirty identifiers can reach. Returns the nodes whose profile changed, with the one before.
    pub(super) fn resolve(&mut self, dirt: &Dirt, applied: &mut Applied) -> Result<Vec<(u32, NodeState)>> {
        let ruled: Vec<u32> = dirt.ruled.iter().copied().collect();
        let start = Instant::now();
        let resolution =
            resolve_news(&self.nodes, append::News { dated: &dirt.dated, pairs: &dirt.pairs, ruled: &ruled })?;
        self.solving.time += start.elapsed();
        self.solving.identifiers += (resolution.solved + resolution.appended) as u64;
        self.settle(resolution, applied)
    }

    /// Takes over a resolution. Returns the nodes whose state changed, with the one before.
    pub(super) fn settle(&mut self, resolution: Resolution, applied: &mut Applied) -> Result<Vec<(u32, NodeState)>> {
        let mut rows = BTreeSet::new();
        let mut moved = Vec::new();
        for (node, new) in &resolution.states {
            let old = self.nodes.state(*node)?;
            rows.extend([old.profile, new.profile].into_iter().filter(|row| *row != NONE));
            moved.push((*node, old));
        }
        for (node, state) in resolution.states {
            self.set_state(node, state);
        }
        for row in rows {
            self.publish_row(row)?;
        }
        applied.changes = resolution.changes;
        Ok(moved)
    }

    /// Puts a row into the sets of people, or out of them.
    fn publish_row(&mut self, row: u32) -> Result<()> {
        let exists = self.nodes.state(row)?.profile == row;
        let known = exists && self.nodes.any_person(&self.nodes.members(row)?)?;
        self.all.put(row, exists);
        self.known.put(row, known);
        Ok(())
    }
}

/// The log holds only facts that were accepted: anything else is damage that a checksum did not see.
pub(super) fn not_a_fact() -> Error {
    Error::corrupt(Path::new("log"), 0, "a logged message is no fact")
}
