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
use super::evidence::EdgeKey;
use super::graph::{Graph, aliased};
use super::solve::{fan_caps, glue};
use crate::Result;
use crate::base::config::Namespaces;
use ahash::AHashMap;
use std::ops::ControlFlow;

/// What to look for.
struct Screen {
    /// Limits differ: refused edges and shared identifiers are looked at again.
    limits_differ: bool,
    /// The limits that profiles are held against, by namespace code.
    limits: Vec<(u8, usize)>,
    /// By namespace code, what differs of its caps.
    caps: Vec<Caps>,
}

#[derive(Default)]
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

    fn asks_for_neighbors(&self, code: u8) -> bool {
        self.limits_differ || self.caps(code).is_some_and(|caps| caps.glue.is_some() || !caps.fan.is_empty())
    }
}

/// The identifiers whose regions the rules of `graph` may solve differently than those of `before`, ascending.
///
/// **Cost**: a scan over all identifiers, and over their edges where limits differ or caps were lowered.
pub(crate) fn reach(graph: &impl Graph, count: u32, before: &Namespaces) -> Result<Vec<u32>> {
    let screen = Screen::new(before, graph.namespaces());
    let mut reached = Vec::new();
    for node in 0..count {
        let state = graph.state(node)?;
        if !state.exists() {
            continue;
        }
        let code = graph.namespace(node)?;
        let touched = if state.is_shared() {
            screen.limits_differ || screen.caps(code).is_some_and(|caps| caps.raised)
        } else {
            (state.profile == node && holds_too_much(graph, &screen, node)?)
                || (screen.asks_for_neighbors(code) && has_news_around(graph, &screen, node, code)?)
        };
        if touched {
            reached.push(node);
        }
    }
    Ok(reached)
}

/// Whether a profile may hold more than the new limits allow. Atoms count once, but they may hold shared identifiers
/// besides, so profiles with aliases are looked at again anyhow.
fn holds_too_much(graph: &impl Graph, screen: &Screen, profile: u32) -> Result<bool> {
    if screen.limits.is_empty() {
        return Ok(false);
    }
    let mut held: Vec<usize> = vec![0; screen.limits.len()];
    let mut member = profile;
    loop {
        if !aliased(graph, member)?.is_empty() {
            return Ok(true);
        }
        let code = graph.namespace(member)?;
        for ((of, limit), held) in screen.limits.iter().zip(&mut held) {
            *held += usize::from(*of == code);
            if *held > *limit {
                return Ok(true);
            }
        }
        member = graph.state(member)?.next;
        if member == profile {
            return Ok(false);
        }
    }
}

/// Whether an identifier has an edge that was refused, or more neighbors than a lowered cap.
fn has_news_around(graph: &impl Graph, screen: &Screen, node: u32, code: u8) -> Result<bool> {
    let Some(caps) = screen.caps(code) else { return Ok(false) };
    let profile = graph.state(node)?.profile;
    let around =
        Around { code, profile, refusals: screen.limits_differ, caps, people: Vec::new(), weaker: AHashMap::new() };
    around.has_news(graph, node)
}

/// An identifier and its neighbors. Layers may repeat a neighbor: too many at worst.
struct Around<'a> {
    code: u8,
    profile: u32,
    /// Whether edges that were refused matter.
    refusals: bool,
    caps: &'a Caps,
    /// Stronger neighbors, each with its profile.
    people: Vec<(u32, u32)>,
    /// How many neighbors there are, by namespace.
    weaker: AHashMap<u8, usize>,
}

impl Around<'_> {
    fn has_news(mut self, graph: &impl Graph, node: u32) -> Result<bool> {
        let mut found = Ok(false);
        graph.visit_neighbors(node, &mut |neighbor, key| {
            found = self.meet(graph, neighbor, key);
            if matches!(found, Ok(false)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        })?;
        Ok(found? || self.caps.glue.map_or(Ok(false), |glue| may_be_more(graph, self.people, glue))?)
    }

    fn meet(&mut self, graph: &impl Graph, neighbor: u32, key: EdgeKey) -> Result<bool> {
        let (state, code) = (graph.state(neighbor)?, graph.namespace(neighbor)?);
        let owned = state.exists() && !state.is_shared();
        if self.refusals && owned && state.profile != self.profile {
            return Ok(true);
        }
        if !key.certain() {
            return Ok(false);
        }
        if code < self.code && owned && self.caps.glue.is_some() {
            self.people.push((state.profile, neighbor));
        }
        let count = self.weaker.entry(code).or_default();
        *count += 1;
        Ok(self.caps.fan.iter().any(|(weaker, cap)| *weaker == code && *count > *cap))
    }
}

/// Whether these stronger neighbors, each with its profile, may have been more people than `glue` when the identifier was
/// decided. Those of one profile that have an edge to the first were one by then: it was tried before, and not refused.
fn may_be_more(graph: &impl Graph, mut people: Vec<(u32, u32)>, glue: usize) -> Result<bool> {
    people.sort_unstable();
    people.dedup();
    let Some(((profile, first), others)) = people.split_first().filter(|_| people.len() > glue) else {
        return Ok(false);
    };
    let one = glue > 0 && others.iter().all(|(of, _)| of == profile);
    let others: Vec<u32> = others.iter().map(|(_, node)| *node).collect();
    Ok(!(one && linked(graph, *first, &others)?))
}
