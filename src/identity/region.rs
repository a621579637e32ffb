//! The incremental part: what a change can reach, solved anew; everything else stays as it is.
//!
//! A *region* is closed: with an identifier that may belong to a profile it holds all its neighbors, and with any
//! identifier all that operators aliased to it. The only ways out are edges of **pinned** identifiers, which were
//! shared before and are taken to stay so. Then their edges join nobody, and inside and outside do not meet.
//!
//! The region is solved first and its pins are [proven](super::proof) after, from what came out inside and what is
//! known
//! outside. That is no circle: by induction over the ranks, all strata before rank r are those of the whole graph, in
//! which every pin of rank r is shared by its proof, which reads nothing but these strata; so stratum r is right as
//! well. A pin without a proof is opened, with the components beside it, and the region is solved again.

use super::change::{Change, Moment, changes};
use super::clean::{Partition, partition};
use super::component::Breaks;
use super::evidence::{EdgeKey, NONE};
use super::graph::{Graph, NodeState, aliased};
use super::proof::stays_shared;
use super::solve::{Region, RegionEdge, RegionNode, RegionRuling, Solution, solve};
use crate::Result;
use crate::base::Timestamp;
use crate::base::bytes::row32;
use ahash::{AHashMap, AHashSet};
use std::borrow::Cow;
use std::ops::ControlFlow;

/// How often a region is solved before it is closed the careful way. Almost always once is enough.
pub(super) const ROUNDS: usize = 3;

/// What changed since the last partition. Order and repetition do not matter.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dirty<'a> {
    /// Identifiers whose `first` or `first_verified` changed (also to or from nothing), and both ends of every pair
    /// whose evidence changed, came or went.
    pub(crate) nodes: &'a [u32],
    /// Both ends of every pair whose ruling changed, came or went.
    pub(crate) ruled: &'a [u32],
}

/// A region and whose nodes these are.
pub(crate) struct Gathered {
    /// Graph node by local index.
    pub(crate) nodes: Vec<u32>,
    pub(crate) region: Region,
    /// Nodes asked for that no live fact dates.
    pub(crate) gone: Vec<u32>,
}

impl Gathered {
    /// The graph node of a local index; [`NONE`] for none.
    pub(crate) fn node(&self, local: u32) -> u32 {
        usize::try_from(local).ok().and_then(|at| self.nodes.get(at)).copied().unwrap_or(NONE)
    }

    /// The local index of a graph node.
    pub(crate) fn local(&self, node: u32) -> Option<u32> {
        self.nodes.iter().position(|other| *other == node).map(row32)
    }
}

/// The difference to the last partition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resolution {
    /// New states of the nodes whose state changed.
    pub(crate) states: Vec<(u32, NodeState)>,
    /// What became of the profiles, netted.
    pub(crate) changes: Vec<Change>,
    /// Edges of the region between two profiles that cannot be one, and the first rule in the way.
    pub(crate) rejected: Vec<(u32, u32, Breaks)>,
    /// How many identifiers were solved, pinned ones included: what it cost.
    pub(crate) solved: usize,
    /// How many newcomers were taken in the fast way.
    pub(crate) appended: usize,
}

/// Solves what the change can reach and says what is different to the partition of `before`, and with whom.
///
/// `now` differs from `before` at most by a partition that is ahead. Identifiers are opened one by one for so many
/// `rounds`.
///
/// **Cost**: near-linear in the candidate components of the dirty identifiers; a shared identifier on the border costs
/// its proof.
pub(super) fn resolve(
    before: &impl Graph,
    now: &impl Graph,
    dirty: Dirty<'_>,
    rounds: usize,
) -> Result<(Resolution, Gathered)> {
    let (gathered, partition) = settle(now, dirty, rounds)?;
    Ok((publish(before, &gathered, &partition)?, gathered))
}

/// The region around some identifiers and its solution, for whoever asks why.
pub(crate) fn around(graph: &impl Graph, nodes: &[u32]) -> Result<(Gathered, Solution)> {
    let (gathered, _) = settle(graph, Dirty { nodes, ruled: &[] }, ROUNDS)?;
    let solution = solve(&gathered.region, graph.rulebook());
    Ok((gathered, solution))
}

/// Solves again and again until every pin has a proof. After `rounds` only those stay pinned that need nothing from
/// inside for it, so that no chain of identifiers can ask for a solution a link.
fn settle(graph: &impl Graph, dirty: Dirty<'_>, rounds: usize) -> Result<(Gathered, Partition)> {
    let mut reach = Reach::new(graph);
    reach.open_aliased(dirty.ruled)?;
    for node in dirty.nodes {
        reach.add(*node)?;
    }
    let mut round = 0;
    loop {
        reach.close(round >= rounds)?;
        let gathered = reach.region()?;
        let partition = partition(&gathered.region, graph.rulebook());
        let failed = if round < rounds { unproven(graph, &gathered, &partition)? } else { Vec::new() };
        if failed.is_empty() {
            return Ok((gathered, partition));
        }
        failed.into_iter().for_each(|node| reach.open(node));
        round += 1;
    }
}

/// The pins that nothing proves.
fn unproven(graph: &impl Graph, gathered: &Gathered, partition: &Partition) -> Result<Vec<u32>> {
    let pinned = || gathered.nodes.iter().zip(&gathered.region.nodes).filter(|(_, of)| of.pinned_shared);
    if pinned().next().is_none() {
        return Ok(Vec::new());
    }
    let inside: AHashMap<u32, u32> = gathered
        .nodes
        .iter()
        .zip(&partition.profile)
        .map(|(node, profile)| (*node, gathered.node(*profile)))
        .chain(gathered.gone.iter().map(|node| (*node, NONE)))
        .collect();
    let mut failed = Vec::new();
    for (node, _) in pinned() {
        // Its own component is none of its people. Only aliases can give it one, and those are all inside.
        let alone = aliased(graph, *node)?.is_empty();
        let profile = |other: u32| match inside.get(&other) {
            Some(profile) => Ok((alone && *profile != NONE).then_some(*profile)),
            None => profile_before(graph, other),
        };
        if stays_shared(graph, *node, profile)?.is_none() {
            failed.push(*node);
        }
    }
    Ok(failed)
}

/// The profile of an identifier in the last partition.
fn profile_before(graph: &impl Graph, node: u32) -> Result<Option<u32>> {
    let profile = graph.state(node)?.profile;
    Ok((profile != NONE).then_some(profile))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Solved, with all its neighbors.
    Open,
    /// Shared before; stays so unless its proof fails.
    Pinned,
}

struct Reach<'a, G> {
    graph: &'a G,
    places: AHashMap<u32, Place>,
    /// Reached, not yet followed.
    queue: Vec<u32>,
    /// Pinned without a proof from outside.
    unproven: Vec<u32>,
    /// Outside identifiers that a proof rests on -> whose proof.
    witnesses: AHashMap<u32, Vec<u32>>,
}

impl<'a, G: Graph> Reach<'a, G> {
    fn new(graph: &'a G) -> Self {
        Self { graph, places: AHashMap::new(), queue: Vec::new(), unproven: Vec::new(), witnesses: AHashMap::new() }
    }

    /// Opens everything that aliases connect to the ends of changed rulings. Atoms may have changed there, and atoms
    /// are
    /// what fan caps count, so even identifiers that stay shared must be followed.
    fn open_aliased(&mut self, ruled: &[u32]) -> Result<()> {
        let mut stack = ruled.to_vec();
        let mut seen: AHashSet<u32> = stack.iter().copied().collect();
        while let Some(node) = stack.pop() {
            self.open(node);
            for other in aliased(self.graph, node)? {
                if seen.insert(other) {
                    stack.push(other);
                }
            }
        }
        Ok(())
    }

    fn open(&mut self, node: u32) {
        if self.places.insert(node, Place::Open) != Some(Place::Open) {
            self.queue.push(node);
            self.unproven.extend(self.witnesses.remove(&node).unwrap_or_default());
        }
    }

    fn add(&mut self, node: u32) -> Result<()> {
        if self.places.contains_key(&node) {
            return Ok(());
        }
        let state = self.graph.state(node)?;
        if state.is_shared() && state.exists() {
            self.places.insert(node, Place::Pinned);
            self.queue.push(node);
            self.unproven.push(node);
            // A shared identifier is nobody's witness, so no proof can fall with it.
        } else {
            self.open(node);
        }
        Ok(())
    }

    /// Follows until nothing is missing and, if `careful`, every pinned identifier has a proof from outside alone.
    fn close(&mut self, careful: bool) -> Result<()> {
        loop {
            while let Some(node) = self.queue.pop() {
                self.follow(node)?;
            }
            if !careful {
                return Ok(());
            }
            let Some(node) = self.unproven.pop() else { return Ok(()) };
            if self.places.get(&node) == Some(&Place::Open) {
                continue;
            }
            let outside = |other: u32| match self.places.contains_key(&other) {
                true => Ok(None),
                false => profile_before(self.graph, other),
            };
            match stays_shared(self.graph, node, outside)? {
                Some(witnesses) => {
                    for witness in witnesses {
                        self.witnesses.entry(witness).or_default().push(node);
                    }
                }
                None => self.open(node),
            }
        }
    }

    fn follow(&mut self, node: u32) -> Result<()> {
        let mut reached = aliased(self.graph, node)?;
        if self.places.get(&node) == Some(&Place::Open) {
            self.graph.visit_neighbors(node, &mut |neighbor, _| {
                reached.push(neighbor);
                ControlFlow::Continue(())
            })?;
        }
        reached.into_iter().try_for_each(|other| self.add(other))
    }

    fn region(&self) -> Result<Gathered> {
        let graph = self.graph;
        let mut named: Vec<(&str, Cow<'_, str>, u32)> = Vec::with_capacity(self.places.len());
        let mut gone = Vec::new();
        for node in self.places.keys().copied() {
            if graph.state(node)?.exists() {
                named.push((graph.namespaces().name(graph.namespace(node)?), graph.value(node)?, node));
            } else {
                gone.push(node);
            }
        }
        named.sort_unstable();
        gone.sort_unstable();
        let nodes: Vec<u32> = named.into_iter().map(|(_, _, node)| node).collect();
        let local: AHashMap<u32, u32> = nodes.iter().copied().zip(0..).collect();
        let mut region = Region::default();
        for (at, node) in (0u32..).zip(&nodes) {
            let pinned = self.places.get(node) == Some(&Place::Pinned);
            region.nodes.push(region_node(graph, *node, pinned)?);
            let mut edge = |other: u32, key: EdgeKey| {
                if let Some(other) = local.get(&other).filter(|other| **other != at) {
                    region.edges.push(RegionEdge { a: at.min(*other), b: at.max(*other), key });
                }
                ControlFlow::Continue(())
            };
            if !pinned {
                graph.visit_neighbors(*node, &mut edge)?;
            }
            push_rulings(graph, *node, at, &local, &mut region.rulings)?;
        }
        // Layers repeat a pair, and so do its two ends. The best evidence comes first.
        region.edges.sort_unstable_by_key(|edge| (edge.a, edge.b, edge.key));
        region.edges.dedup_by_key(|edge| (edge.a, edge.b));
        merge_rulings(&mut region.rulings);
        Ok(Gathered { nodes, region, gone })
    }
}

fn region_node(graph: &impl Graph, node: u32, pinned_shared: bool) -> Result<RegionNode> {
    let state = graph.state(node)?;
    let verified = state.first_verified;
    Ok(RegionNode {
        namespace: graph.namespace(node)?,
        first: Timestamp::from_millisecond(state.first),
        first_verified: (verified != i64::MAX).then_some(Timestamp::from_millisecond(verified)),
        pinned_shared,
    })
}

fn push_rulings(
    graph: &impl Graph,
    node: u32,
    at: u32,
    local: &AHashMap<u32, u32>,
    out: &mut Vec<RegionRuling>,
) -> Result<()> {
    if !graph.has_rulings() {
        return Ok(());
    }
    graph.visit_rulings(node, &mut |other, ruling| {
        if let Some(other) = local.get(&other).filter(|other| **other != at) {
            out.push(RegionRuling { a: at.min(*other), b: at.max(*other), ruling });
        }
        ControlFlow::Continue(())
    })
}

fn merge_rulings(rulings: &mut Vec<RegionRuling>) {
    rulings.sort_unstable_by_key(|pair| (pair.a, pair.b));
    rulings.dedup_by(|next, kept| {
        let same = (next.a, next.b) == (kept.a, kept.b);
        if same {
            kept.ruling = kept.ruling.and(next.ruling);
        }
        same
    });
}

/// The states after `partition`, and what became of whom.
fn publish(graph: &impl Graph, gathered: &Gathered, partition: &Partition) -> Result<Resolution> {
    let node = |local: u32| gathered.node(local);
    let mut moments = Vec::with_capacity(gathered.nodes.len() + gathered.gone.len());
    let rings = rings(partition);
    for (((local, of), profile), next) in (0u32..).zip(&gathered.region.nodes).zip(&partition.profile).zip(rings) {
        let old = graph.state(node(local))?;
        let new = NodeState { profile: node(*profile), next: node(next), ..old };
        moments.push(Moment { node: node(local), age: (of.first, of.namespace, local), old, new });
    }
    for (local, node) in (row32(moments.len())..).zip(&gathered.gone) {
        let old = graph.state(*node)?;
        let new = NodeState { profile: NONE, next: NONE, ..old };
        moments.push(Moment { node: *node, age: (Timestamp::MAX, u8::MAX, local), old, new });
    }
    let states = moments.iter().filter(|moment| moment.old != moment.new).map(|moment| (moment.node, moment.new));
    let rejected = partition.rejected.iter().filter_map(|rejected| {
        let edge = gathered.region.edges.get(usize::try_from(rejected.edge).ok()?)?;
        Some((node(edge.a), node(edge.b), rejected.breaks))
    });
    Ok(Resolution {
        states: states.collect(),
        changes: changes(&moments),
        rejected: rejected.collect(),
        solved: moments.len(),
        appended: 0,
    })
}

/// For each node the next one of its profile in local order, the last one pointing at the first.
fn rings(partition: &Partition) -> Vec<u32> {
    let mut members: Vec<(u32, u32)> = partition.profile.iter().copied().zip(0u32..).collect();
    members.sort_unstable();
    let mut next: Vec<u32> = (0..row32(partition.profile.len())).collect();
    for ring in members.chunk_by(|a, b| a.0 == b.0).filter(|ring| ring.first().is_some_and(|first| first.0 != NONE)) {
        let after = ring.iter().cycle().skip(1);
        for ((_, member), (_, follower)) in ring.iter().zip(after) {
            if let Some(slot) = usize::try_from(*member).ok().and_then(|at| next.get_mut(at)) {
                *slot = *follower;
            }
        }
    }
    next
}
