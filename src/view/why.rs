//! Why two identifiers are one person.

use crate::Result;
use crate::base::{Id, MessageId, Timestamp};
use crate::column::blocks::BlockCache;
use crate::event::row::At;
use crate::fact::kind::{Bits, Kind};
use crate::identity::evidence::EdgeKey;
use crate::identity::explain::{Step, why};
use crate::identity::region::{Gathered, around};
use crate::identity::solve::Link;
use crate::profile::records::Records;
use serde::Serialize;
use std::fmt;

/// The path of evidence between two identifiers of one person. Without any one step there is no path.
///
/// ```
/// use regulars::{Store, id};
/// let store = Store::in_memory()?;
/// store.ingest_json(br#"{"type":"identify","userId":"42","traits":{"email":"ann@example.com"},"messageId":"m1"}"#)?;
/// let why = store.snapshot().why(id::user("42"), id::email("ann@example.com"))?.expect("one person");
/// assert_eq!(why.path[0].message_id, "m1");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Why {
    /// From the first identifier to the second; empty where both are the same one.
    pub path: Vec<WhyStep>,
}

/// One step: two identifiers and the best evidence that joined them.
///
/// ```
/// # use regulars::{Store, id};
/// # let store = Store::in_memory()?;
/// # store.ingest_json(br#"{"type":"identify","userId":"42","anonymousId":"a1","messageId":"m1"}"#)?;
/// let why = store.snapshot().why(id::user("42"), id::anonymous("a1"))?.expect("one person");
/// assert_eq!(why.path[0].kind, "identify");
/// # Ok::<(), regulars::Error>(())
/// ```
#[derive(Clone, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WhyStep {
    /// Where the step begins.
    pub a: Id,
    /// Where it ends.
    pub b: Id,
    /// The event name, the type of the message, or `alias` and `match` for statements.
    pub kind: String,
    /// When it happened.
    pub ts: Timestamp,
    /// The message that says so.
    pub message_id: String,
    /// The source that sent it; empty for the default one.
    pub source: String,
}

/// A message id may be anything, somebody's address too.
impl std::fmt::Debug for WhyStep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WhyStep")
            .field("a", &self.a)
            .field("b", &self.b)
            .field("kind", &self.kind)
            .field("ts", &self.ts)
            .field("message_id", &MessageId::new(&self.message_id))
            .field("source", &self.source)
            .finish()
    }
}

impl Why {
    /// The path between two nodes of one profile; `None` where they are not one person.
    pub(crate) fn read(records: &Records, a: u32, b: u32) -> Result<Option<Self>> {
        let (gathered, solution) = around(&records.nodes, &[a, b])?;
        let (Some(from), Some(to)) = (gathered.local(a), gathered.local(b)) else { return Ok(None) };
        let Some(path) = why(&gathered.region, &solution, from, to) else { return Ok(None) };
        let steps = path.iter().map(|step| read_step(records, &gathered, step));
        Ok(Some(Self { path: steps.collect::<Result<_>>()? }))
    }
}

fn read_step(records: &Records, gathered: &Gathered, step: &Step) -> Result<WhyStep> {
    let (a, b) = (gathered.node(step.from), gathered.node(step.to));
    let joined = match step.link {
        Link::Edge(at) => gathered.region.edges.get(at as usize).map(|edge| Joined::By(edge.key)),
        Link::Alias(at) => gathered.region.rulings.get(at as usize).map(|pair| Joined::Alias(pair.ruling.alias)),
    };
    let mut step = WhyStep {
        a: id_of(records, a)?,
        b: id_of(records, b)?,
        kind: String::new(),
        ts: Timestamp::default(),
        message_id: String::new(),
        source: String::new(),
    };
    let best = joined.map_or(Ok(None), |joined| best_fact(records, a, b, joined))?;
    if let Some(at) = best {
        let mut cache = BlockCache::default();
        let fact = records.events.fact(at, &mut cache)?;
        step.kind = fact.name.trim_start_matches('$').to_owned();
        (step.ts, step.message_id, step.source) = (fact.ts, fact.id().to_string(), fact.source.to_owned());
    }
    Ok(step)
}

/// What joined two identifiers.
#[derive(Clone, Copy)]
enum Joined {
    By(EdgeKey),
    /// An operator, at that instant.
    Alias(Timestamp),
}

/// The fact that says so for a pair: of several the one with the smallest id.
fn best_fact(records: &Records, a: u32, b: u32, joined: Joined) -> Result<Option<At>> {
    let mut nodes = Vec::new();
    let mut best = None;
    for at in records.events.of_node(a)? {
        let head = records.events.head(at)?;
        let speaks = match joined {
            Joined::Alias(ts) => head.kind == Kind::Same && head.ts == ts,
            Joined::By(key) if key.certain() => {
                let event = !head.kind.is_statement() && !head.bits.has(Bits::CLAIMED);
                event && EdgeKey::event(head.bits.has(Bits::STRONG), head.ts) == key
            }
            Joined::By(key) => head.kind == Kind::Match && head.ts == key.ts(),
        };
        if !speaks {
            continue;
        }
        records.events.nodes(at, &mut nodes)?;
        if !nodes.iter().any(|named| (named.is_live() || head.kind.is_statement()) && named.node() == b) {
            continue;
        }
        // Matches of one instant differ in how likely they are.
        if let Joined::By(key) = joined
            && head.kind == Kind::Match
        {
            let mut cache = BlockCache::default();
            let fact = records.events.fact(at, &mut cache)?;
            if EdgeKey::matched(fact.probability(), fact.ts) != Some(key) {
                continue;
            }
        }
        let id = records.message_id(at)?;
        if best.as_ref().is_none_or(|(known, _)| id < *known) {
            best = Some((id, at));
        }
    }
    Ok(best.map(|(_, at)| at))
}

pub(crate) fn id_of(records: &Records, node: u32) -> Result<Id> {
    let (namespace, value) = records.nodes.identifier(node)?;
    Ok(Id::new(records.nodes.namespaces.name(namespace), value))
}

/// The identifiers are hidden but for their first letters: such a text ends up in tickets and logs.
impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            return writeln!(f, "the same identifier");
        }
        for step in &self.path {
            writeln!(f, "{}  --  {}", step.a, step.b)?;
            writeln!(f, "    seen together in {} at {} (message {})", step.kind, step.ts, step.message_id)?;
        }
        Ok(())
    }
}
