//! The fast way for the commonest change: an identifier never seen before, beside one person, nobody, or shared ones.
//!
//! Exact, because nothing but the newcomer moves:
//!
//! - **Nobody is decided anew.** Its neighbors' fans are counted. A shared neighbor stays shared: it meets more, never
//!   less. A weaker neighbor has it among its people only if it is a person; such a one is for the slow way.
//! - **It bridges nothing.** Its neighbors are one component before its edges come: there is only one, or all are
//!   stronger and every other one has a certain edge to the first, inside one profile, which therefore was not rejected.
//! - **It joins** if the whole profile with it is feasible. Every union that was feasible without it still is; every
//!   union that was not is not with more in it. What a still weaker identifier glues could be several people, whose
//!   union it may now be in the way of: so nothing weaker may glue more than one.
//! - **It stays alone** if the profile has no room for it and all that made the profile came before its edges.

use super::change::Change;
use super::component::{Component, Limits};
use super::evidence::{EdgeKey, NONE, Ruling};
use super::graph::{Graph, NodeState};
use super::region::{Dirty, ROUNDS, Resolution, resolve};
use super::rulebook::Rulebook;
use crate::Result;
use crate::base::Timestamp;
use crate::base::namespaces::Namespaces;
use ahash::{AHashMap, AHashSet};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// How much evidence around one newcomer is read before the slow way is the faster one.
const LOOK_AROUND: usize = 4096;

/// What happened to the graph since the last partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct News<'a> {
    /// Identifiers whose `first` or `first_verified` changed, also to or from nothing.
    pub(crate) dated: &'a BTreeSet<u32>,
    /// Pairs whose evidence changed, came or went.
    pub(crate) pairs: &'a [(u32, u32)],
    /// Both ends of every pair whose ruling changed, came or went.
    pub(crate) ruled: &'a [u32],
}

/// Solves what the news can reach and says what is different now.
///
/// What [`resolve`] says, but that newcomers are taken in the fast way where that can tell. Rings may run in
/// another order, and edges that the fast way rejects are not told.
///
/// The fast way may misjudge a newcomer beside a profile that has other news; but such a profile is in the region of
/// that news, and the newcomer with it.
///
/// **Cost**: for a newcomer, the members of one profile and the neighbors of its neighbors; for other news see there.
pub(crate) fn resolve_news(graph: &impl Graph, news: News<'_>) -> Result<Resolution> {
    resolve_within(graph, news, ROUNDS)
}

/// [`resolve_news`], opening identifiers one by one no longer than for so many rounds.
pub(super) fn resolve_within(graph: &impl Graph, news: News<'_>, rounds: usize) -> Result<Resolution> {
    let mut ahead = Ahead { graph, states: AHashMap::new(), taken: AHashSet::new(), alone: Vec::new() };
    if news.ruled.is_empty() {
        for node in news.dated {
            ahead.take_in(*node)?;
        }
    }
    let old = |node: &u32| !ahead.taken.contains(node);
    let pairs = news.pairs.iter().filter(|(a, b)| old(a) && old(b)).flat_map(|(a, b)| [*a, *b]);
    let rest: BTreeSet<u32> = news.dated.iter().copied().filter(old).chain(pairs).collect();
    if rest.is_empty() && news.ruled.is_empty() {
        return Ok(ahead.beside(Resolution::default(), &[], &[]));
    }
    let rest: Vec<u32> = rest.into_iter().collect();
    let (resolution, gathered) = resolve(graph, &ahead, Dirty { nodes: &rest, ruled: news.ruled }, rounds)?;
    Ok(ahead.beside(resolution, &gathered.nodes, &gathered.gone))
}

/// A graph whose partition has taken in some newcomers.
struct Ahead<'a, G> {
    graph: &'a G,
    states: AHashMap<u32, NodeState>,
    taken: AHashSet<u32>,
    /// The newcomers that are profiles of their own.
    alone: Vec<u32>,
}

impl<G: Graph> Ahead<'_, G> {
    fn take_in(&mut self, node: u32) -> Result<()> {
        match append(self, node)? {
            None => return Ok(()),
            Some(Fate::Alone) => {
                let state = self.graph.state(node)?;
                self.states.insert(node, NodeState { profile: node, next: node, ..state });
                self.alone.push(node);
            }
            Some(Fate::Joins(eldest)) => {
                let (state, head) = (self.graph.state(node)?, self.state(eldest)?);
                self.states.insert(node, NodeState { profile: eldest, next: head.next, ..state });
                self.states.insert(eldest, NodeState { next: node, ..head });
            }
        }
        self.taken.insert(node);
        Ok(())
    }

    /// The resolution of a region, and what is news outside of it.
    fn beside(self, mut resolution: Resolution, nodes: &[u32], gone: &[u32]) -> Resolution {
        let inside: AHashSet<u32> = nodes.iter().chain(gone).copied().filter(|_| !self.taken.is_empty()).collect();
        let outside = |node: &u32| !inside.contains(node);
        let mut states: Vec<(u32, NodeState)> = self.states.into_iter().filter(|(node, _)| outside(node)).collect();
        states.sort_unstable_by_key(|(node, _)| *node);
        resolution.states.extend(states);
        let alone = self.alone.into_iter().filter(outside);
        resolution.changes.extend(alone.map(|profile| Change::Created { profile }));
        resolution.appended = self.taken.len();
        resolution
    }
}

impl<G: Graph> Graph for Ahead<'_, G> {
    fn namespaces(&self) -> &Namespaces {
        self.graph.namespaces()
    }

    fn rulebook(&self) -> &Rulebook {
        self.graph.rulebook()
    }

    fn namespace(&self, node: u32) -> Result<u8> {
        self.graph.namespace(node)
    }

    fn value(&self, node: u32) -> Result<Cow<'_, str>> {
        self.graph.value(node)
    }

    fn state(&self, node: u32) -> Result<NodeState> {
        self.states.get(&node).map_or_else(|| self.graph.state(node), |state| Ok(*state))
    }

    fn visit_neighbors(&self, node: u32, visit: &mut dyn FnMut(u32, EdgeKey) -> ControlFlow<()>) -> Result<()> {
        self.graph.visit_neighbors(node, visit)
    }

    fn visit_rulings(&self, node: u32, visit: &mut dyn FnMut(u32, Ruling) -> ControlFlow<()>) -> Result<()> {
        self.graph.visit_rulings(node, visit)
    }

    fn has_rulings(&self) -> bool {
        self.graph.has_rulings()
    }
}

/// What becomes of a newcomer.
#[derive(Clone, Copy)]
enum Fate {
    /// It joins the profile of this eldest identifier, which stays the eldest.
    Joins(u32),
    /// It is a profile of its own.
    Alone,
}

/// What becomes of `node` if it and its pairs are the only news; `None` if that is not for the fast way to tell.
fn append(graph: &impl Graph, node: u32) -> Result<Option<Fate>> {
    let state = graph.state(node)?;
    if !state.exists() || state.next != NONE || ruled(graph, node)? {
        return Ok(None);
    }
    let Some(around) = Around::read(graph, node)? else { return Ok(None) };
    let Some((first, others)) = around.plain.split_first() else { return Ok(Some(Fate::Alone)) };
    if !linked(graph, *first, others)? || !fans_hold(graph, &around)? {
        return Ok(None);
    }
    let eldest = graph.state(*first)?.profile;
    let Some((members, room)) = room(graph, eldest, node)? else { return Ok(None) };
    if room {
        let head = graph.state(eldest)?;
        let elder = (head.first, graph.namespace(eldest)?) < (state.first, around.code);
        return Ok((elder && around.joins_quietly(graph, *first)?).then_some(Fate::Joins(eldest)));
    }
    Ok(around.comes_last(graph, *first, &members)?.then_some(Fate::Alone))
}

/// Where an edge stands in the order in which a region's are tried, but for ties.
type Turn = (bool, u8, u8, EdgeKey);

fn turn(a: u8, b: u8, key: EdgeKey) -> Turn {
    (!key.certain(), a.max(b), a.min(b), key)
}

/// A newcomer and its neighbors.
struct Around {
    code: u8,
    person: bool,
    /// Neighbors that are not shared, all of one profile: stronger ones, or a single weaker one.
    plain: Vec<u32>,
    /// The weaker end of what joins.
    weakest: u8,
    /// When the first of its edges to `plain` is tried.
    turn: Turn,
}

impl Around {
    /// Reads the neighborhood, if it is of the kind that the fast way is for.
    fn read(graph: &impl Graph, node: u32) -> Result<Option<Self>> {
        let code = graph.namespace(node)?;
        let Some(rule) = graph.rulebook().get(code) else { return Ok(None) };
        let mut all = Vec::new();
        graph.visit_neighbors(node, &mut |neighbor, key| {
            all.push((neighbor, key));
            ControlFlow::Continue(())
        })?;
        // The best evidence of a neighbor tells whether it is certain.
        all.sort_unstable();
        all.dedup_by_key(|(neighbor, _)| *neighbor);
        let person = rule.person;
        let last = (true, u8::MAX, u8::MAX, EdgeKey::event(false, Timestamp::MAX));
        let mut around = Self { code, person, plain: Vec::new(), weakest: code, turn: last };
        let (mut weaker, mut profile) = (0, None);
        for (neighbor, key) in all {
            let (of, state) = (graph.namespace(neighbor)?, graph.state(neighbor)?);
            weaker += usize::from(of > code);
            if !key.certain() || of == code || state.next == NONE {
                return Ok(None);
            }
            if state.is_shared() {
                continue;
            }
            if *profile.get_or_insert(state.profile) != state.profile {
                return Ok(None);
            }
            around.plain.push(neighbor);
            around.weakest = around.weakest.max(of);
            around.turn = around.turn.min(turn(code, of, key));
        }
        let alone_or_stronger = around.weakest == code || (around.plain.len() == 1 && !person);
        let glued = around.plain.is_empty() || rule.glue > 0;
        let fans = rule.fan.iter().all(|(_, cap)| weaker <= *cap);
        Ok((alone_or_stronger && glued && fans).then_some(around))
    }

    /// Whether no identifier that is decided after it has joined can be shared because of it.
    fn joins_quietly(&self, graph: &impl Graph, first: u32) -> Result<bool> {
        let rules = graph.rulebook().all();
        let mut later = rules.iter().skip(usize::from(self.weakest) + 1);
        let one_person = later.all(|rule| rule.glue <= 1);
        let first_is_person = rules.get(usize::from(graph.namespace(first)?)).is_some_and(|rule| rule.person);
        Ok(one_person && (!self.person || first_is_person))
    }

    /// Whether every edge inside the profile was tried before any of the newcomer's. Each has an end that is not
    /// `first`, so that one, which may be a hub, is not asked.
    fn comes_last(&self, graph: &impl Graph, first: u32, members: &AHashSet<u32>) -> Result<bool> {
        let (mut left, mut last) = (LOOK_AROUND, Ok(true));
        for member in members.iter().filter(|member| **member != first) {
            let of = graph.namespace(*member)?;
            graph.visit_neighbors(*member, &mut |other, key| {
                left = left.saturating_sub(1);
                if members.contains(&other) {
                    last = graph.namespace(other).map(|other| turn(of, other, key) < self.turn);
                }
                if left == 0 || !matches!(last, Ok(true)) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            if left == 0 || !matches!(last, Ok(true)) {
                return last.map(|last| last && left > 0);
            }
        }
        last
    }
}

/// Whether an operator ever spoke of the identifier.
fn ruled(graph: &impl Graph, node: u32) -> Result<bool> {
    let mut any = false;
    if graph.has_rulings() {
        graph.visit_rulings(node, &mut |_, _| {
            any = true;
            ControlFlow::Break(())
        })?;
    }
    Ok(any)
}

/// Whether each of `others` has a certain edge to `first`.
pub(super) fn linked(graph: &impl Graph, first: u32, others: &[u32]) -> Result<bool> {
    let mut missing: AHashSet<u32> = others.iter().copied().collect();
    let mut left = LOOK_AROUND;
    if !missing.is_empty() {
        graph.visit_neighbors(first, &mut |neighbor, key| {
            if key.certain() {
                missing.remove(&neighbor);
            }
            left = left.saturating_sub(1);
            if left == 0 || missing.is_empty() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
    }
    Ok(missing.is_empty())
}

/// Whether no stronger neighbor has more neighbors of the newcomer's namespace than its cap, the newcomer included.
fn fans_hold(graph: &impl Graph, around: &Around) -> Result<bool> {
    for neighbor in &around.plain {
        let of = graph.namespace(*neighbor)?;
        let Some(rule) = graph.rulebook().get(of) else { return Ok(false) };
        let Some((_, cap)) = rule.fan.iter().find(|(weaker, _)| *weaker == around.code) else { continue };
        let mut all: Vec<u32> = Vec::new();
        let most = cap.saturating_add(LOOK_AROUND);
        graph.visit_neighbors(*neighbor, &mut |other, _| {
            all.push(other);
            if all.len() > most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if all.len() > most {
            return Ok(false);
        }
        all.sort_unstable();
        all.dedup();
        // Any neighbor counts here: too many at worst, and then the slow way decides.
        if all.len() > *cap {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The members of the profile, and whether it may have the newcomer too. Members in atoms are for the slow way.
fn room(graph: &impl Graph, eldest: u32, node: u32) -> Result<Option<(AHashSet<u32>, bool)>> {
    let limits = graph.rulebook().limits();
    let (mut whole, mut member, mut members) = (Component::default(), eldest, AHashSet::new());
    loop {
        if ruled(graph, member)? {
            return Ok(None);
        }
        whole.absorb(single(graph, limits, member)?);
        members.insert(member);
        member = graph.state(member)?.next;
        if member == eldest {
            break;
        }
        if whole.size > limits.profile_size() || member == NONE {
            return Ok(None);
        }
    }
    // Whom the rules forbid even alone glues nobody either.
    if limits.broken(&[&whole]).is_some() {
        return Ok(None);
    }
    let room = limits.broken(&[&whole, &single(graph, limits, node)?]).is_none();
    Ok(Some((members, room)))
}

fn single(graph: &impl Graph, limits: &Limits, node: u32) -> Result<Component> {
    let state = graph.state(node)?;
    let seen = (state.first_verified != i64::MAX).then_some(Timestamp::from_millisecond(state.first_verified));
    let mut one = Component::single();
    one.count(limits, graph.namespace(node)?, seen);
    Ok(one)
}
