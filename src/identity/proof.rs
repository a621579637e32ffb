//! Cheap proofs that an identifier is shared, from a partition that is right up to its rank.
//!
//! Without them every kiosk cookie would drag everybody who ever used it into every region.
//!
//! - **fan**: more weaker neighbors than the cap, each an atom of its own;
//! - **glue**: stronger `person` neighbors in more profiles than the cap. Components only grow from stratum to stratum,
//!   so who is not one person at the end was not when the identifier was decided;
//! - **limit**: people who hold too many values of one namespace together: neighbors themselves, or neighbors of these
//!   over an edge that was decided before. Such an edge inside one profile was not rejected, so its ends were one
//!   component by then.

use super::evidence::EdgeKey;
use super::graph::{Graph, aliased};
use super::rulebook::Rule;
use crate::Result;
use ahash::{AHashMap, AHashSet};
use std::ops::ControlFlow;

/// How many neighbors of one person are looked at for values that clash.
const LOOK_AROUND: usize = 64;

/// The identifiers that prove `node` to be shared (none for a proof by edges alone), or `None` without a proof.
///
/// `profile` tells the profile of an identifier that may be a witness.
pub(crate) fn stays_shared<G: Graph>(
    graph: &G,
    node: u32,
    profile: impl Fn(u32) -> Result<Option<u32>>,
) -> Result<Option<Vec<u32>>> {
    let code = graph.namespace(node)?;
    let Some(rule) = graph.rulebook().get(code) else { return Ok(None) };
    let mut search = Search {
        graph,
        profile,
        code,
        rule,
        weaker: AHashMap::new(),
        people: AHashMap::new(),
        met: AHashSet::new(),
        held: AHashMap::new(),
    };
    if let Some(proof) = visit(graph, node, |neighbor, key| search.neighbor(neighbor, key))? {
        return Ok(Some(proof));
    }
    search.look_around()
}

/// Visits neighbors until `step` finds something.
fn visit<T>(
    graph: &impl Graph,
    node: u32,
    mut step: impl FnMut(u32, EdgeKey) -> Result<Option<T>>,
) -> Result<Option<T>> {
    let mut found = Ok(None);
    graph.visit_neighbors(node, &mut |neighbor, key| {
        found = step(neighbor, key);
        if matches!(found, Ok(None)) { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    })?;
    found
}

struct Search<'a, G, F> {
    graph: &'a G,
    profile: F,
    code: u8,
    rule: &'a Rule,
    /// Weaker neighbors that are atoms of their own, by namespace.
    weaker: AHashMap<u8, AHashSet<u32>>,
    /// Profile -> a neighbor in it.
    people: AHashMap<u32, u32>,
    /// Stronger `person` neighbors.
    met: AHashSet<u32>,
    /// Values that the people hold, by limited namespace: (value, the neighbor that leads to it).
    held: AHashMap<u8, AHashMap<u32, u32>>,
}

impl<G: Graph, F: Fn(u32) -> Result<Option<u32>>> Search<'_, G, F> {
    fn neighbor(&mut self, neighbor: u32, key: EdgeKey) -> Result<Option<Vec<u32>>> {
        if !key.certain() {
            return Ok(None);
        }
        let namespace = self.graph.namespace(neighbor)?;
        if namespace >= self.code {
            return self.fan(neighbor, namespace);
        }
        if !self.graph.rulebook().get(namespace).is_some_and(|rule| rule.person) || !self.met.insert(neighbor) {
            return Ok(None);
        }
        let Some(profile) = (self.profile)(neighbor)? else { return Ok(None) };
        self.people.insert(profile, neighbor);
        if self.people.len() > self.rule.glue {
            return Ok(Some(self.people.values().copied().collect()));
        }
        self.hold(neighbor, namespace, neighbor)
    }

    fn fan(&mut self, neighbor: u32, namespace: u8) -> Result<Option<Vec<u32>>> {
        let Some(cap) = self.rule.fan.iter().find(|(weaker, _)| *weaker == namespace).map(|(_, cap)| *cap) else {
            return Ok(None);
        };
        let counted = self.weaker.entry(namespace).or_default();
        if !counted.contains(&neighbor) && aliased(self.graph, neighbor)?.is_empty() {
            counted.insert(neighbor);
        }
        Ok((counted.len() > cap).then(Vec::new))
    }

    /// Counts a value that one of the people holds; `by` is the neighbor that leads there.
    fn hold(&mut self, value: u32, namespace: u8, by: u32) -> Result<Option<Vec<u32>>> {
        let Some(limit) = self.graph.rulebook().limits().whenever(namespace) else { return Ok(None) };
        let held = self.held.entry(namespace).or_default();
        if !held.contains_key(&value) && aliased(self.graph, value)?.is_empty() {
            held.insert(value, by);
        }
        Ok((held.len() > limit).then(|| held.iter().flat_map(|(value, by)| [*value, *by]).collect()))
    }

    /// Looks for clashing values one step beyond the neighbors, one neighbor a person.
    fn look_around(&mut self) -> Result<Option<Vec<u32>>> {
        if self.people.len() < 2 {
            return Ok(None);
        }
        let mut people: Vec<(u32, u32)> = self.people.iter().map(|(profile, by)| (*profile, *by)).collect();
        people.sort_unstable();
        for (profile, by) in people {
            let mut left = LOOK_AROUND;
            let graph = self.graph;
            let found = visit(graph, by, |value, key| {
                left = left.saturating_sub(1);
                if left == 0 {
                    Ok(Some(None))
                } else {
                    self.beyond(profile, by, value, key).map(|proof| proof.map(Some))
                }
            })?;
            if let Some(Some(proof)) = found {
                return Ok(Some(proof));
            }
        }
        Ok(None)
    }

    fn beyond(&mut self, profile: u32, by: u32, value: u32, key: EdgeKey) -> Result<Option<Vec<u32>>> {
        let namespace = self.graph.namespace(value)?;
        if !key.certain() || namespace >= self.code || (self.profile)(value)? != Some(profile) {
            return Ok(None);
        }
        self.hold(value, namespace, by)
    }
}
