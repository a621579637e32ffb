//! What a change of rules can reach, found in one scan: everybody else stays as they are.
//!
//! With other **limits**, a profile stays what it is if it holds no more than they allow and none of its identifiers has
//! an edge to another profile. It is then feasible as a whole, under the rules of before and of now, and what is feasible
//! as a whole is one profile in whatever order its edges are tried; no subset of it breaks a limit, so nothing inside
//! becomes shared either. What was refused shows: as an edge between two profiles, or as a shared identifier, which is
//! proven anew.
//!
//! With other **caps**, an identifier can only become shared if it has more neighbors of the kind that is counted than
//! the new cap, and can only stop being shared if its cap was raised.
//!
//! How long sessions last moves events, and nobody's identifiers.

use super::append::linked;
use super::change::{Change, Moment, changes};
use super::evidence::NONE;
use super::graph::{Graph, NodeState};
use super::nodes::Nodes;
use super::part::Edge;
use super::region::{Dirty, ROUNDS, Resolution, resolve};
use super::rulebook::{fan_caps, glue};
use crate::Result;
use crate::base::Timestamp;
use crate::base::namespaces::Namespaces;
use ahash::{AHashMap, AHashSet};
use std::collections::BTreeSet;

/// What to look for.
struct Screen {
    /// Limits differ: refused edges and shared identifiers are looked at again.
    limits_differ: bool,
    /// The limits that profiles are held against, by namespace code.
    limits: Vec<(u8, usize)>,
    /// By namespace code, what differs of its caps.
    caps: Vec<Caps>,
}

struct Caps {
    /// A cap was raised: shared identifiers may belong to somebody.
    raised: bool,
    /// The cap on people, where it was lowered.
    glue: Option<usize>,
    /// The caps on weaker neighbors that were lowered.
    fan: Vec<(u8, usize)>,
}

impl Screen {
    fn new(before: &Namespaces, after: &Namespaces) -> Self {
        let mut screen = Self { limits_differ: false, limits: Vec::new(), caps: Vec::new() };
        for ((code, old), (_, new)) in before.iter().zip(after.iter()) {
            if (old.rule.limit, old.rule.window) != (new.rule.limit, new.rule.window) {
                screen.limits_differ = true;
                let limit = new.rule.limit.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
                screen.limits.extend(limit.map(|limit| (code, limit)));
            }
            let (was, is) = (glue(&old.rule), glue(&new.rule));
            let mut caps = Caps { raised: is > was, glue: (is < was).then_some(is), fan: Vec::new() };
            let (was, is) = (fan_caps(before, code, &old.rule), fan_caps(after, code, &new.rule));
            let cap_of = |caps: &[(u8, usize)], weaker| caps.iter().find(|(of, _)| *of == weaker).map(|(_, cap)| *cap);
            for (weaker, _) in after.iter() {
                let [was, is] = [&was, &is].map(|caps| cap_of(caps, weaker).unwrap_or(usize::MAX));
                caps.raised |= is > was;
                caps.fan.extend((is < was).then_some((weaker, is)));
            }
            screen.caps.push(caps);
        }
        screen
    }

    fn caps(&self, code: u8) -> Option<&Caps> {
        self.caps.get(usize::from(code))
    }

    /// Whether edges have to be looked at.
    fn asks_for_edges(&self) -> bool {
        self.limits_differ || self.caps.iter().any(|caps| caps.glue.is_some() || !caps.fan.is_empty())
    }
}

/// Solves what the rules of `nodes` may solve differently than those of `before`, which made the partition, and says what
/// is different now.
///
/// **Cost**: a scan over all identifiers, and over all evidence where limits differ or caps were lowered; then see
/// [`resolve`].
pub(crate) fn resolve_rules(nodes: &Nodes, before: &Namespaces) -> Result<Resolution> {
    let reached: Vec<u32> = reach(nodes, before)?.into_iter().collect();
    let (resolution, _) = resolve(nodes, nodes, Dirty { nodes: &reached, ruled: &[] }, ROUNDS)?;
    Ok(resolution)
}

/// The identifiers whose regions may come out differently.
fn reach(nodes: &Nodes, before: &Namespaces) -> Result<BTreeSet<u32>> {
    let screen = Screen::new(before, &nodes.namespaces);
    let mut scan = Scan { nodes, screen: &screen, profiles: Vec::new(), codes: Vec::new(), reached: BTreeSet::new() };
    scan.identifiers()?;
    if screen.asks_for_edges() {
        scan.edges()?;
    }
    Ok(scan.reached)
}

struct Scan<'a> {
    nodes: &'a Nodes,
    screen: &'a Screen,
    /// The profile of each identifier; [`NONE`] where there is none.
    profiles: Vec<u32>,
    codes: Vec<u8>,
    reached: BTreeSet<u32>,
}

impl Scan<'_> {
    /// Finds shared identifiers that may be shared no more, and profiles that may hold more than the new limits allow.
    fn identifiers(&mut self) -> Result<()> {
        let Self { nodes, screen, profiles, codes, reached } = self;
        let count = nodes.len() as usize;
        profiles.reserve(count);
        codes.reserve(count);
        // How many each profile holds of each namespace with another limit.
        let mut held: Vec<(u8, usize, Vec<u32>)> =
            screen.limits.iter().map(|(code, limit)| (*code, *limit, vec![0; count])).collect();
        nodes.scan_states(&mut |node, code, state| {
            codes.push(code);
            let decides = screen.limits_differ || screen.caps(code).is_some_and(|caps| caps.raised);
            if decides && state.exists() && state.is_shared() {
                reached.insert(node);
            }
            let profile = if state.exists() { state.profile } else { NONE };
            profiles.push(profile);
            let Some((_, limit, held)) = held.iter_mut().find(|(of, ..)| *of == code) else { return };
            if let Some(count) = held.get_mut(profile as usize) {
                *count += 1;
                if *count as usize > *limit {
                    reached.insert(profile);
                }
            }
        })?;
        self.atoms();
        Ok(())
    }

    /// Atoms count once, but may hold shared identifiers besides: their profiles are looked at if any limit differs.
    fn atoms(&mut self) {
        if self.screen.limits.is_empty() {
            return;
        }
        let atoms = self.nodes.stated.iter().filter(|(_, stated)| stated.ruling.joins());
        let ends = atoms.flat_map(|((a, b), _)| [a, b]);
        let profiles = ends.filter_map(|node| self.profiles.get(node as usize)).filter(|profile| **profile != NONE);
        self.reached.extend(profiles);
    }

    /// Finds edges that were refused, and identifiers with more neighbors than a lowered cap. Layers may repeat an edge:
    /// too many at worst.
    fn edges(&mut self) -> Result<()> {
        let screen = self.screen;
        let mut weaker: AHashMap<(u32, u8), usize> = AHashMap::new();
        let mut stronger: AHashMap<u32, usize> = AHashMap::new();
        let (profiles, codes, reached) = (&self.profiles, &self.codes, &mut self.reached);
        let of = |node: u32| {
            let at = node as usize;
            (profiles.get(at).copied().unwrap_or(NONE), codes.get(at).copied().unwrap_or(u8::MAX))
        };
        self.nodes.scan_edges(&mut |Edge { node, neighbor, key }| {
            let ((own, code), (other, neighbor)) = (of(node), of(neighbor));
            if screen.limits_differ && own != NONE && other != NONE && own != other {
                reached.insert(node);
            }
            let Some(caps) = screen.caps(code).filter(|_| key.certain() && own != NONE) else { return };
            if let Some((_, cap)) = caps.fan.iter().find(|(of, _)| *of == neighbor) {
                let count = weaker.entry((node, neighbor)).or_default();
                *count += 1;
                if *count > *cap {
                    reached.insert(node);
                }
            }
            if caps.glue.is_some() && neighbor < code && other != NONE {
                *stronger.entry(node).or_default() += 1;
            }
        })?;
        for (node, count) in stronger {
            let glue = self.screen.caps(of(node).1).and_then(|caps| caps.glue).unwrap_or(usize::MAX);
            if count > glue && may_be_more(self.nodes, &people(self.nodes, node)?, glue)? {
                self.reached.insert(node);
            }
        }
        Ok(())
    }
}

/// What became of everybody between two partitions of the same identifiers, by their numbers.
///
/// **Cost**: a scan over all identifiers; then the members of the profiles that differ, sorted.
pub(crate) fn changes_between(before: &Nodes, after: &Nodes) -> Result<Vec<Change>> {
    let mut touched: AHashSet<u32> = AHashSet::new();
    let seen = |state: NodeState| (state.profile, state.is_shared(), state.exists());
    for node in 0..after.len() {
        let (old, new) = (before.state(node)?, after.state(node)?);
        if seen(old) != seen(new) {
            touched.extend([old.profile, new.profile, node]);
        }
    }
    touched.remove(&NONE);
    let mut moments = Vec::new();
    for node in 0..after.len() {
        let (old, new) = (before.state(node)?, after.state(node)?);
        if [old.profile, new.profile, node].iter().any(|row| touched.contains(row)) {
            let code = after.namespace_of(node)?;
            let age = (Timestamp::from_millisecond(new.first), code, 0);
            let (_, value) = after.identifier(node)?;
            moments.push(((after.namespaces.name(code), value), Moment { node, age, old, new }));
        }
    }
    moments.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
    let mut moments: Vec<Moment> = moments.into_iter().map(|(_, moment)| moment).collect();
    for (place, moment) in (0u32..).zip(&mut moments) {
        moment.age.2 = place;
    }
    Ok(changes(&moments))
}

/// The stronger neighbors of an identifier that somebody owns, each with its profile.
fn people(nodes: &Nodes, node: u32) -> Result<Vec<(u32, u32)>> {
    let code = nodes.namespace_of(node)?;
    let mut people = Vec::new();
    for (neighbor, key) in nodes.neighbors(node)? {
        let state = nodes.state(neighbor)?;
        if key.certain() && state.exists() && !state.is_shared() && nodes.namespace_of(neighbor)? < code {
            people.push((state.profile, neighbor));
        }
    }
    people.sort_unstable();
    Ok(people)
}

/// Whether these stronger neighbors, each with its profile, may have been more people than `glue` when the identifier was
/// decided. Those of one profile that have an edge to the first were one by then: it was tried before, and not refused.
fn may_be_more(graph: &impl Graph, people: &[(u32, u32)], glue: usize) -> Result<bool> {
    let Some(((profile, first), others)) = people.split_first().filter(|_| people.len() > glue) else {
        return Ok(false);
    };
    let one = glue > 0 && others.iter().all(|(of, _)| of == profile);
    let others: Vec<u32> = others.iter().map(|(_, node)| *node).collect();
    Ok(!(one && linked(graph, *first, &others)?))
}
