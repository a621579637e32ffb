//! The fast way through the strata: whoever is feasible as a whole is one profile, in whatever order edges are tried.
//!
//! All edges are taken at first, rank by rank, as if nothing were refused: only `glue` and fan caps make an identifier
//! shared. A component that is feasible then is what the strata make of it: every union on the way is a part of it, and
//! so feasible too; none was refused, and none of its identifiers had people who cannot be one. Only where a component
//! is not feasible, it and all that edges connect to it are solved by the strata.
//!
//! **Cost**: near-linear in the edges, without a sort; what is not feasible costs what [`solve`] costs.
#![expect(clippy::indexing_slicing, reason = "local indices are dense: each is below the number of nodes")]

use super::component::{Component, Limits};
use super::evidence::NONE;
use super::solve::{Neighbors, Region, RegionEdge, RegionRuling, Rejected, Rules, solve};
use crate::base::Timestamp;
use crate::base::bytes::row32;
use crate::base::config::Namespaces;

/// Who is who in a region: what [`solve`] says, without the way that it went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Partition {
    /// For each node the eldest member of its profile; [`NONE`] for a shared one.
    pub(crate) profile: Vec<u32>,
    /// By edge.
    pub(crate) rejected: Vec<Rejected>,
}

/// Solves a region.
pub(crate) fn partition(region: &Region, namespaces: &Namespaces) -> Partition {
    let limits = Limits::new(namespaces, region.profile_size);
    let mut whole = Whole::of(region, namespaces);
    let refused = whole.infeasible(&limits);
    let mut partition = Partition { profile: whole.profiles(), rejected: Vec::new() };
    if !refused.is_empty() {
        let (nodes, solved) = whole.beside(&refused);
        let (part, nodes_of, edges_of) = cut(region, &nodes);
        let solution = solve(&part, namespaces);
        for (node, profile) in nodes_of.iter().zip(&solution.profile).filter(|(node, _)| solved[**node as usize]) {
            partition.profile[*node as usize] = nodes_of.get(*profile as usize).copied().unwrap_or(NONE);
        }
        let rejected = solution.rejected.iter().map(|of| Rejected { edge: edges_of[of.edge as usize], ..*of });
        // Of those who are only known, not all is known.
        partition.rejected.extend(rejected.filter(|of| solved[region.edges[of.edge as usize].a as usize]));
    }
    partition
}

/// Union-find by size, path halving.
struct Forest {
    parent: Vec<u32>,
    size: Vec<u32>,
}

impl Forest {
    fn new(count: usize) -> Self {
        Self { parent: (0..row32(count)).collect(), size: vec![1; count] }
    }

    #[inline]
    fn find(&mut self, node: u32) -> u32 {
        let mut node = node as usize;
        while self.parent[node] as usize != node {
            self.parent[node] = self.parent[self.parent[node] as usize];
            node = self.parent[node] as usize;
        }
        row32(node)
    }

    /// Joins two nodes; the root that stays and the one that goes, if they were two.
    #[inline]
    fn join(&mut self, a: u32, b: u32) -> Option<(u32, u32)> {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return None;
        }
        let (keep, gone) = if self.size[a as usize] >= self.size[b as usize] { (a, b) } else { (b, a) };
        self.parent[gone as usize] = keep;
        self.size[keep as usize] += self.size[gone as usize];
        Some((keep, gone))
    }
}

/// A region in which every edge between identifiers that are not shared was taken.
struct Whole<'a> {
    region: &'a Region,
    forest: Forest,
    /// Whether a component, by its root, holds a person's identifier.
    person: Vec<bool>,
    /// For each node the root of its atom.
    atom: Vec<u32>,
    shared: Vec<bool>,
    /// By component, the last node that counted it among its people.
    counted_by: Vec<u32>,
}

impl<'a> Whole<'a> {
    fn of(region: &'a Region, namespaces: &Namespaces) -> Self {
        let count = region.nodes.len();
        let rules = Rules::new(namespaces);
        let person = region.nodes.iter().map(|node| rules.of(node.namespace).person);
        let shared = region.nodes.iter().map(|node| node.pinned_shared);
        let mut whole = Self {
            region,
            forest: Forest::new(count),
            person: person.collect(),
            atom: (0..row32(count)).collect(),
            shared: shared.collect(),
            counted_by: vec![NONE; count],
        };
        whole.join_aliases();
        let neighbors = Neighbors::new(region);
        let edges = by_rank(region, namespaces.len());
        let nodes = nodes_by_rank(region, namespaces.len());
        for code in 0..namespaces.len() {
            for node in nodes.of(code) {
                whole.shared[*node as usize] |= whole.is_shared(*node, &rules, &neighbors);
            }
            edges.of(code).iter().for_each(|edge| whole.take(*edge));
        }
        edges.of(namespaces.len()).iter().for_each(|edge| whole.take(*edge));
        whole
    }

    fn join_aliases(&mut self) {
        let mut any = false;
        for pair in self.region.rulings.iter().filter(|pair| pair.ruling.joins()) {
            self.join(pair.a, pair.b);
            any = true;
        }
        if any {
            self.atom = (0..row32(self.atom.len())).map(|node| self.forest.find(node)).collect();
        }
    }

    fn join(&mut self, a: u32, b: u32) {
        if let Some((keep, gone)) = self.forest.join(a, b) {
            self.person[keep as usize] |= self.person[gone as usize];
        }
    }

    fn take(&mut self, edge: u32) {
        let RegionEdge { a, b, .. } = self.region.edges[edge as usize];
        if !self.shared[a as usize] && !self.shared[b as usize] {
            self.join(a, b);
        }
    }

    /// Seen with too many people, or with too many weaker identifiers.
    fn is_shared(&mut self, node: u32, rules: &Rules, neighbors: &Neighbors) -> bool {
        let code = self.region.nodes[node as usize].namespace;
        let (rule, own) = (rules.of(code), self.forest.find(node));
        let mut people = 0usize;
        for neighbor in neighbors.of(node) {
            if self.region.nodes[*neighbor as usize].namespace >= code || self.shared[*neighbor as usize] {
                continue;
            }
            let root = self.forest.find(*neighbor);
            let known = std::mem::replace(&mut self.counted_by[root as usize], node) == node;
            people += usize::from(root != own && self.person[root as usize] && !known);
            if people > rule.glue {
                return true;
            }
        }
        neighbors.exceed_fan(node, rule, self.region, &self.atom)
    }

    /// The roots of components that some rule forbids.
    fn infeasible(&mut self, limits: &Limits) -> Vec<u32> {
        let width = limits.len();
        let mut held = vec![0usize; self.atom.len() * width];
        let mut suspects: Vec<u32> = Vec::new();
        for (node, of) in (0u32..).zip(&self.region.nodes) {
            let root = self.forest.find(node);
            if let Some((at, limit)) = limits.place(of.namespace) {
                let count = &mut held[root as usize * width + at];
                *count += 1;
                if *count > limit {
                    suspects.push(root);
                }
            }
            if root == node && self.forest.size[root as usize] > limits.profile_size() {
                suspects.push(root);
            }
        }
        let mut refused: Vec<u32> = Vec::new();
        for pair in self.region.rulings.iter().filter(|pair| pair.ruling.denies()) {
            let root = self.forest.find(pair.a);
            refused.extend((root == self.forest.find(pair.b)).then_some(root));
        }
        suspects.sort_unstable();
        suspects.dedup();
        if !suspects.is_empty() {
            self.confirm(&suspects, limits, &mut refused);
        }
        refused
    }

    /// Holds what seems to be over a limit against it: atoms count once, and windows pass.
    fn confirm(&mut self, suspects: &[u32], limits: &Limits, refused: &mut Vec<u32>) {
        let mut values: Vec<(u32, u32, u8, Timestamp)> = Vec::new();
        for (node, of) in (0u32..).zip(&self.region.nodes) {
            let root = self.forest.find(node);
            if suspects.binary_search(&root).is_ok() {
                let seen = of.first_verified.unwrap_or(Timestamp::MAX);
                values.push((root, self.atom[node as usize], of.namespace, seen));
            }
        }
        values.sort_unstable();
        values.dedup_by_key(|(root, atom, namespace, _)| (*root, *atom, *namespace));
        for of_root in values.chunk_by(|one, next| one.0 == next.0) {
            let Some((root, ..)) = of_root.first() else { continue };
            let mut component = Component::single();
            component.size = self.forest.size[*root as usize];
            for (_, _, namespace, seen) in of_root {
                component.count(limits, *namespace, (*seen < Timestamp::MAX).then_some(*seen));
            }
            refused.extend(limits.broken(&[&component]).map(|_| *root));
        }
    }

    /// The eldest of each node's component.
    fn profiles(&mut self) -> Vec<u32> {
        let mut eldest = vec![NONE; self.atom.len()];
        let age = |node: u32| {
            let of = &self.region.nodes[node as usize];
            (of.first, of.namespace, node)
        };
        for node in 0..row32(self.atom.len()) {
            let best = &mut eldest[self.forest.find(node) as usize];
            if !self.shared[node as usize] && (*best == NONE || age(node) < age(*best)) {
                *best = node;
            }
        }
        let label = |node: u32| match self.shared[node as usize] {
            true => NONE,
            false => eldest[self.forest.find(node) as usize],
        };
        (0..row32(self.atom.len())).map(label).collect()
    }

    /// Which nodes have to be known to solve these components by the strata, and which of them are solved so: all that
    /// edges connect, but over pinned identifiers, which join nobody. Those, and whom they are the same as, are only
    /// known.
    fn beside(&mut self, refused: &[u32]) -> (Vec<bool>, Vec<bool>) {
        let count = self.atom.len();
        let pinned = |node: u32| self.region.nodes[node as usize].pinned_shared;
        let mut connected = Forest::new(count);
        for node in 0..row32(count) {
            connected.join(node, self.forest.find(node));
        }
        for RegionEdge { a, b, .. } in &self.region.edges {
            if !pinned(*a) && !pinned(*b) {
                connected.join(*a, *b);
            }
        }
        let mut marked = vec![false; count];
        refused.iter().for_each(|root| marked[connected.find(*root) as usize] = true);
        let solved: Vec<bool> = (0..row32(count)).map(|node| marked[connected.find(node) as usize]).collect();
        let mut atoms = vec![false; count];
        for RegionEdge { a, b, .. } in &self.region.edges {
            if solved[*a as usize] || solved[*b as usize] {
                atoms[self.atom[*a as usize] as usize] = true;
                atoms[self.atom[*b as usize] as usize] = true;
            }
        }
        let known = self.atom.iter().zip(&solved).map(|(atom, solved)| *solved || atoms[*atom as usize]);
        (known.collect(), solved)
    }
}

/// The part of a region between some of its nodes; for each node and edge of it, which one that is in the whole.
fn cut(region: &Region, nodes: &[bool]) -> (Region, Vec<u32>, Vec<u32>) {
    let nodes_of: Vec<u32> = (0u32..).zip(nodes).filter(|(_, of)| **of).map(|(node, _)| node).collect();
    let mut local = vec![NONE; nodes.len()];
    (0u32..).zip(&nodes_of).for_each(|(at, node)| local[*node as usize] = at);
    let inside = |a: u32, b: u32| nodes[a as usize] && nodes[b as usize];
    let mut part = Region { profile_size: region.profile_size, ..Region::default() };
    part.nodes.extend(nodes_of.iter().map(|node| region.nodes[*node as usize]));
    let mut edges_of = Vec::new();
    for (at, edge) in (0u32..).zip(&region.edges).filter(|(_, edge)| inside(edge.a, edge.b)) {
        part.edges.push(RegionEdge { a: local[edge.a as usize], b: local[edge.b as usize], ..*edge });
        edges_of.push(at);
    }
    let rulings = region.rulings.iter().filter(|pair| inside(pair.a, pair.b));
    let moved = |pair: &RegionRuling| RegionRuling { a: local[pair.a as usize], b: local[pair.b as usize], ..*pair };
    part.rulings.extend(rulings.map(moved));
    (part, nodes_of, edges_of)
}

/// Things by small numbers, back to back.
struct Buckets {
    start: Vec<u32>,
    all: Vec<u32>,
}

impl Buckets {
    fn new(count: usize, of: impl Iterator<Item = Option<usize>> + Clone) -> Self {
        let mut start = vec![0u32; count + 1];
        of.clone().flatten().for_each(|bucket| start[bucket] += 1);
        let mut sum = 0;
        for slot in &mut start {
            sum += *slot;
            *slot = sum;
        }
        let mut all = vec![0u32; sum as usize];
        for (thing, bucket) in (0u32..).zip(of) {
            if let Some(bucket) = bucket {
                start[bucket] -= 1;
                all[start[bucket] as usize] = thing;
            }
        }
        Self { start, all }
    }

    fn of(&self, bucket: usize) -> &[u32] {
        &self.all[self.start[bucket] as usize..self.start[bucket + 1] as usize]
    }
}

/// Certain edges by the rank of their weaker end, then those that are not.
fn by_rank(region: &Region, ranks: usize) -> Buckets {
    let of = |edge: &RegionEdge| {
        let [a, b] = [edge.a, edge.b].map(|node| usize::from(region.nodes[node as usize].namespace));
        Some(if edge.key.certain() { a.max(b) } else { ranks })
    };
    Buckets::new(ranks + 1, region.edges.iter().map(of))
}

/// Nodes that are not pinned by their ranks.
fn nodes_by_rank(region: &Region, ranks: usize) -> Buckets {
    let nodes = region.nodes.iter();
    Buckets::new(ranks, nodes.map(|node| (!node.pinned_shared).then_some(usize::from(node.namespace))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::evidence::EdgeKey;
    use crate::identity::solve::RegionNode;
    use std::collections::{BTreeMap, BTreeSet};
    use std::time::Instant;

    /// An identifier of the made-up shop.
    type Name = (&'static str, String);

    /// A shop's people: every second one with an account and an e-mail, every fifth with a phone, up to four cookies, and
    /// every hundredth cookie seen with the next person too.
    fn people(count: usize, namespaces: &Namespaces) -> Region {
        let mut nodes = BTreeSet::new();
        let mut pairs = Vec::new();
        for person in 0..count {
            let id = |namespace: &'static str, nth: usize| (namespace, format!("{person}-{nth}"));
            let mut strong = Vec::new();
            if person % 2 == 0 {
                strong.extend([id("user_id", 0), id("email", 0)]);
            }
            if person % 5 == 0 {
                strong.push(id("phone", 0));
            }
            let cookies: Vec<_> = (0..1 + person % 4).map(|nth| id("anonymous_id", nth)).collect();
            for cookie in &cookies {
                pairs.extend(strong.iter().map(|strong| (cookie.clone(), strong.clone())));
            }
            for (at, a) in strong.iter().enumerate() {
                pairs.extend(strong.iter().skip(at + 1).map(|b| (a.clone(), b.clone())));
            }
            if person % 100 == 0 {
                pairs.push((id("anonymous_id", 0), ("user_id", format!("{}-0", person + 2))));
            }
            nodes.extend(strong.into_iter().chain(cookies));
            nodes.insert(("user_id", format!("{}-0", person / 2 * 2)));
        }
        nodes.extend(pairs.iter().flat_map(|(a, b)| [a.clone(), b.clone()]));
        let place: BTreeMap<_, u32> = nodes.iter().cloned().zip(0..).collect();
        let node = |(namespace, _): &(&str, String)| RegionNode {
            namespace: namespaces.code(namespace).unwrap(),
            first: Timestamp::from_millisecond(5),
            first_verified: Some(Timestamp::from_millisecond(5)),
            pinned_shared: false,
        };
        let edge = |(at, (a, b)): (i64, &(Name, Name))| {
            let (a, b) = (place[a], place[b]);
            // Scattered, as evidence of many visits is.
            let ts = Timestamp::from_millisecond(at.wrapping_mul(0x9e37_79b9) & 0xffff_ffff);
            RegionEdge { a: a.min(b), b: a.max(b), key: EdgeKey::event(at % 3 == 0, ts) }
        };
        let mut edges: Vec<RegionEdge> = (0..).zip(&pairs).map(edge).collect();
        edges.sort_unstable_by_key(|edge| (edge.a, edge.b));
        Region { nodes: nodes.iter().map(node).collect(), edges, rulings: Vec::new(), profile_size: 1000 }
    }

    #[test]
    #[ignore = "a measurement: it means something in a release build on a quiet machine"]
    fn an_edge_costs_little_in_small_and_large_regions() {
        let namespaces = Namespaces::new(&BTreeMap::new()).unwrap();
        // One visitor's news; a small commit; an import.
        for count in [1, 4, 100, 10_000] {
            let region = people(count, &namespaces);
            let rounds = 20_000 / count + 5;
            let mut times: Vec<u128> = (0..rounds)
                .map(|_| {
                    let start = Instant::now();
                    assert_eq!(partition(&region, &namespaces).profile.len(), region.nodes.len());
                    start.elapsed().as_nanos()
                })
                .collect();
            times.sort_unstable();
            let (nodes, edges) = (region.nodes.len(), region.edges.len());
            let each = times[times.len() / 2] / edges.max(1) as u128;
            assert!(each <= 150, "{count} people, {nodes} identifiers, {edges} edges: {each} ns an edge");
        }
    }
}
