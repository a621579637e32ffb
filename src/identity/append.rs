//! The fast way for the commonest change: an identifier never seen before, of the weakest namespace, beside one person.
//!
//! Exact, because nothing but the newcomer moves. Nobody is decided by an identifier of the weakest rank but its
//! stronger neighbors, whose fans are counted here. Its neighbors are one component before its rank comes (every other
//! one has a certain edge to the first, inside one profile, which therefore was not rejected), so it joins two of them
//! never, and brings nothing but itself. If the whole profile with it is feasible, every union that was feasible
//! without
//! it still is; every union that was not is not with more in it.

use super::change::Change;
use super::component::{Component, Limits};
use super::evidence::NONE;
use super::graph::{Graph, NodeState};
use super::region::Resolution;
use super::solve::{fan_caps, glue};
use crate::Result;
use crate::base::Timestamp;
use ahash::AHashSet;
use std::ops::ControlFlow;

/// How many neighbors of a neighbor are read before the slow way is the faster one.
const LOOK_AROUND: usize = 1024;

/// What [`resolve`](super::region::resolve) would say if the only news since the last partition are the newcomer `node`
/// and its pairs; `None` if that is not for the fast way to tell. Rings may run in
/// another order, and edges that were rejected before are not told again.
///
/// **Cost**: the members of one profile and the neighbors of the newcomer's neighbors.
pub(crate) fn append(graph: &impl Graph, node: u32) -> Result<Option<Resolution>> {
    let state = graph.state(node)?;
    let code = graph.namespace(node)?;
    if !state.exists() || state.next != NONE || ruled(graph, node)? {
        return Ok(None);
    }
    let Some(neighbors) = plain_neighbors(graph, node)? else { return Ok(None) };
    let Some((first, others)) = neighbors.split_first() else {
        let alone = NodeState { profile: node, next: node, ..state };
        return Ok(Some(Resolution {
            states: vec![(node, alone)],
            changes: vec![Change::Created { profile: node }],
            solved: 1,
            ..Resolution::default()
        }));
    };
    let weakest = usize::from(code) + 1 == graph.namespaces().len();
    let glued = graph.namespaces().get(code).is_some_and(|namespace| glue(&namespace.rule) > 0);
    if !weakest || !glued || !linked(graph, *first, others)? || !fans_hold(graph, &neighbors, code)? {
        return Ok(None);
    }
    let eldest = graph.state(*first)?.profile;
    let head = graph.state(eldest)?;
    if (head.first, graph.namespace(eldest)?) >= (state.first, code) {
        return Ok(None);
    }
    let Some(solved) = room(graph, eldest, node)? else { return Ok(None) };
    let joined = NodeState { profile: eldest, next: head.next, ..state };
    let states = vec![(node, joined), (eldest, NodeState { next: node, ..head })];
    Ok(Some(Resolution { states, solved, ..Resolution::default() }))
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

/// The neighbors, if all are stronger, certain and of one profile.
fn plain_neighbors(graph: &impl Graph, node: u32) -> Result<Option<Vec<u32>>> {
    let mut all = Vec::new();
    graph.visit_neighbors(node, &mut |neighbor, key| {
        all.push((neighbor, key));
        ControlFlow::Continue(())
    })?;
    // The best evidence of a neighbor tells whether it is certain.
    all.sort_unstable();
    all.dedup_by_key(|(neighbor, _)| *neighbor);
    let code = graph.namespace(node)?;
    let mut profile = None;
    for (neighbor, key) in &all {
        let of = graph.state(*neighbor)?.profile;
        let same = of != NONE && *profile.get_or_insert(of) == of;
        if !same || !key.certain() || graph.namespace(*neighbor)? >= code {
            return Ok(None);
        }
    }
    Ok(Some(all.into_iter().map(|(neighbor, _)| neighbor).collect()))
}

/// Whether each of `others` has a certain edge to `first`.
fn linked(graph: &impl Graph, first: u32, others: &[u32]) -> Result<bool> {
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

/// Whether no neighbor has more neighbors of the newcomer's namespace than its cap, the newcomer included.
fn fans_hold(graph: &impl Graph, neighbors: &[u32], code: u8) -> Result<bool> {
    for neighbor in neighbors {
        let of = graph.namespace(*neighbor)?;
        let Some(namespace) = graph.namespaces().get(of) else { return Ok(false) };
        let caps = fan_caps(graph.namespaces(), of, &namespace.rule);
        let Some((_, cap)) = caps.iter().find(|(weaker, _)| *weaker == code) else { continue };
        let mut all: Vec<u32> = Vec::new();
        graph.visit_neighbors(*neighbor, &mut |other, _| {
            all.push(other);
            if all.len() > LOOK_AROUND { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        if all.len() > LOOK_AROUND {
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

/// How many members the profile has with the newcomer, if it may have it. Members in atoms are for the slow way.
fn room(graph: &impl Graph, eldest: u32, node: u32) -> Result<Option<usize>> {
    let limits = Limits::new(graph.namespaces(), graph.profile_size());
    let (mut whole, mut member, mut solved) = (Component::default(), eldest, 1);
    loop {
        if ruled(graph, member)? {
            return Ok(None);
        }
        whole.absorb(single(graph, &limits, member)?);
        member = graph.state(member)?.next;
        solved += 1;
        if member == eldest {
            break;
        }
        if whole.size > graph.profile_size() || member == NONE {
            return Ok(None);
        }
    }
    Ok(limits.broken(&[&whole, &single(graph, &limits, node)?]).is_none().then_some(solved))
}

fn single(graph: &impl Graph, limits: &Limits, node: u32) -> Result<Component> {
    let state = graph.state(node)?;
    let seen = (state.first_verified != i64::MAX).then_some(Timestamp::from_millisecond(state.first_verified));
    let mut one = Component::single();
    one.count(limits, graph.namespace(node)?, seen);
    Ok(one)
}
