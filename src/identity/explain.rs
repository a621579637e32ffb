//! Why two identifiers are one person, and why not.
//!
//! The joins that the strata made are a spanning forest: between two members of a profile there is exactly one path
//! over them, and without any one of its steps the two would not have been joined by these. It is the best such path:
//! joins were tried best evidence first.
#![expect(clippy::indexing_slicing, reason = "local indices are dense: each is below the number of nodes")]

use super::component::Breaks;
use super::evidence::NONE;
use super::solve::{Link, Region, Solution};
use crate::base::Timestamp;
use crate::base::bytes::row32;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// One step from an identifier to the next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Step {
    pub(crate) from: u32,
    pub(crate) to: u32,
    pub(crate) link: Link,
}

/// What keeps two identifiers from being one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// A shared identifier, and the profiles (by eldest identifier) of its neighbors as far as the region holds them.
    Shared { node: u32, people: Vec<u32> },
    /// Evidence or an alias that found no place, what it would break, and the two values that clash, if two do.
    Rejected { link: Link, breaks: Breaks, clash: Option<(u32, u32)> },
    /// Nothing connects the two, or nothing that the region holds.
    NoEvidence,
}

/// The path between two members of one profile; `None` for anything else. Empty for an identifier and itself.
///
/// **Cost**: linear in the region.
pub(crate) fn why(region: &Region, solution: &Solution, a: u32, b: u32) -> Option<Vec<Step>> {
    let profile = |node: u32| solution.profile.get(node as usize).copied().filter(|profile| *profile != NONE);
    if profile(a)? != profile(b)? {
        return None;
    }
    let mut near = vec![Vec::new(); region.nodes.len()];
    for link in &solution.joins {
        let (x, y) = ends(region, *link);
        near[x as usize].push((y, *link, 0));
        near[y as usize].push((x, *link, 0));
    }
    cheapest_path(&near, a, b)
}

/// The obstacles between two identifiers on the way over evidence and aliases that has fewest of them, in order from
/// `a` to `b`; empty if they are one person.
///
/// **Cost**: linear in the region, and for each rejected edge the product of the clashing values.
pub(crate) fn why_not(region: &Region, solution: &Solution, a: u32, b: u32) -> Vec<Obstacle> {
    if a as usize >= region.nodes.len() || b as usize >= region.nodes.len() {
        return vec![Obstacle::NoEvidence];
    }
    let across = |x: u32, y: u32| solution.component[x as usize] != solution.component[y as usize];
    let shared = |node: u32| solution.is_shared(node);
    // Between components an alias or an edge of two plain identifiers was refused; any other edge has a shared end.
    let refused =
        |x: u32, y: u32, link: Link| across(x, y) && (matches!(link, Link::Alias(_)) || !shared(x) && !shared(y));
    // In halves: a shared identifier is met on the way to it and on the way from it, so that no step between components
    // is free, not even one from a shared member of an atom.
    let cost = |x: u32, y: u32, link: Link| match (refused(x, y, link), across(x, y)) {
        (true, _) => 2,
        (false, true) => usize::from(shared(x)) + usize::from(shared(y)),
        (false, false) => 0,
    };
    let mut near = vec![Vec::new(); region.nodes.len()];
    for link in all_links(region) {
        let (x, y) = ends(region, link);
        near[x as usize].push((y, link, cost(x, y, link)));
        near[y as usize].push((x, link, cost(y, x, link)));
    }
    let Some(path) = cheapest_path(&near, a, b) else { return vec![Obstacle::NoEvidence] };
    let mut out = Vec::new();
    let mut met = BTreeSet::new();
    let mut meet = |node: u32, out: &mut Vec<Obstacle>| {
        if shared(node) && met.insert(node) {
            out.push(Obstacle::Shared { node, people: people(region, solution, node) });
        }
    };
    meet(a, &mut out);
    for step in path {
        if refused(step.from, step.to, step.link) {
            out.push(rejected(region, solution, step));
        } else if across(step.from, step.to) {
            meet(step.from, &mut out);
            meet(step.to, &mut out);
        }
    }
    meet(b, &mut out);
    out
}

fn ends(region: &Region, link: Link) -> (u32, u32) {
    match link {
        Link::Alias(at) => (region.rulings[at as usize].a, region.rulings[at as usize].b),
        Link::Edge(at) => (region.edges[at as usize].a, region.edges[at as usize].b),
    }
}

fn all_links(region: &Region) -> impl Iterator<Item = Link> {
    let aliases = (0u32..).zip(&region.rulings).filter(|(_, pair)| pair.ruling.joins()).map(|(at, _)| Link::Alias(at));
    aliases.chain((0..row32(region.edges.len())).map(Link::Edge))
}

/// For each node: neighbor, link, cost of going there.
type Near = Vec<Vec<(u32, Link, usize)>>;

/// The path of least cost from `a` to `b`: each link costs 0, 1 or 2 in either direction.
fn cheapest_path(near: &Near, a: u32, b: u32) -> Option<Vec<Step>> {
    let mut best: Vec<Option<(usize, Option<Step>)>> = vec![None; near.len()];
    let mut queue: BTreeMap<usize, VecDeque<u32>> = BTreeMap::from([(0, VecDeque::from([a]))]);
    *best.get_mut(a as usize)? = Some((0, None));
    while let Some(mut entry) = queue.first_entry() {
        let cost = *entry.key();
        let Some(node) = entry.get_mut().pop_front() else {
            entry.remove();
            continue;
        };
        if best[node as usize].is_none_or(|(known, _)| known < cost) {
            continue;
        }
        for (to, link, extra) in &near[node as usize] {
            let total = cost + extra;
            if best[*to as usize].is_none_or(|(known, _)| total < known) {
                best[*to as usize] = Some((total, Some(Step { from: node, to: *to, link: *link })));
                queue.entry(total).or_default().push_back(*to);
            }
        }
    }
    let (_, mut last) = (*best.get(b as usize)?)?;
    let mut path = Vec::new();
    while let Some(step) = last {
        path.push(step);
        last = best[step.from as usize].and_then(|(_, step)| step);
    }
    path.reverse();
    Some(path)
}

/// The profiles that a shared identifier was seen with.
fn people(region: &Region, solution: &Solution, node: u32) -> Vec<u32> {
    let other = |edge: &super::solve::RegionEdge| match (edge.a == node, edge.b == node) {
        (true, _) => Some(edge.b),
        (_, true) => Some(edge.a),
        _ => None,
    };
    let certain = region.edges.iter().filter(|edge| edge.key.certain());
    let profiles: BTreeSet<u32> = certain.filter_map(other).map(|other| solution.profile[other as usize]).collect();
    profiles.into_iter().filter(|profile| *profile != NONE).collect()
}

fn rejected(region: &Region, solution: &Solution, step: Step) -> Obstacle {
    let at = |at: u32| solution.rejected.binary_search_by_key(&at, |rejected| rejected.edge).ok();
    let known = match step.link {
        Link::Edge(edge) => at(edge).map(|at| solution.rejected[at].breaks),
        Link::Alias(_) => None,
    };
    let denied = || clash(region, solution, step, Breaks::Denied).map(|_| Breaks::Denied);
    let breaks = known.or_else(denied).unwrap_or(Breaks::Size);
    Obstacle::Rejected { link: step.link, breaks, clash: clash(region, solution, step, breaks) }
}

/// The two values, one on either side of a step, that cannot be in one profile.
fn clash(region: &Region, solution: &Solution, step: Step, breaks: Breaks) -> Option<(u32, u32)> {
    let side = |end: u32| {
        let root = solution.component[end as usize];
        (0u32..).zip(&region.nodes).filter(move |(node, _)| solution.component[*node as usize] == root)
    };
    match breaks {
        Breaks::Size => None,
        Breaks::Denied => {
            let lies = |x: u32, end: u32| solution.component[x as usize] == solution.component[end as usize];
            region.rulings.iter().filter(|pair| pair.ruling.denies()).find_map(|pair| {
                match (
                    lies(pair.a, step.from) && lies(pair.b, step.to),
                    lies(pair.b, step.from) && lies(pair.a, step.to),
                ) {
                    (true, _) => Some((pair.a, pair.b)),
                    (_, true) => Some((pair.b, pair.a)),
                    _ => None,
                }
            })
        }
        Breaks::Limit(code) => {
            let first = |end: u32| side(end).find(|(_, of)| of.namespace == code).map(|(node, _)| node);
            Some((first(step.from)?, first(step.to)?))
        }
        Breaks::Window(code) => {
            let seen = |end: u32| -> Vec<(Timestamp, u32)> {
                side(end)
                    .filter(|(_, of)| of.namespace == code)
                    .filter_map(|(node, of)| Some((of.first_verified?, node)))
                    .collect()
            };
            let (from, to) = (seen(step.from), seen(step.to));
            let apart = |a: Timestamp, b: Timestamp| a.as_millisecond().abs_diff(b.as_millisecond());
            let pairs = from.iter().flat_map(|(t, x)| to.iter().map(move |(u, y)| (apart(*t, *u), *x, *y)));
            pairs.min().map(|(_, x, y)| (x, y))
        }
    }
}
