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
use super::rulebook::{Rule, Rulebook};
use super::solve::{Buckets, Neighbors, Region, RegionEdge, RegionNode, RegionRuling, Rejected, solve};
use crate::base::Timestamp;
use crate::base::bytes::row32;

/// Who is who in a region: what [`solve`] says, without the way that it went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Partition {
    /// For each node the eldest member of its profile; [`NONE`] for a shared one.
    pub(crate) profile: Vec<u32>,
    /// By edge.
    pub(crate) rejected: Vec<Rejected>,
}

/// Solves a region.
pub(crate) fn partition(region: &Region, rulebook: &Rulebook) -> Partition {
    let mut whole = Whole::of(region, rulebook);
    let refused = whole.infeasible(rulebook.limits());
    let mut partition = Partition { profile: whole.profiles(), rejected: Vec::new() };
    if !refused.is_empty() {
        let (nodes, solved) = whole.beside(&refused);
        let (part, nodes_of, edges_of) = cut(region, &nodes);
        let solution = solve(&part, rulebook);
        for (node, profile) in nodes_of.iter().zip(&solution.profile).filter(|(node, _)| solved[**node as usize]) {
            partition.profile[*node as usize] = nodes_of.get(*profile as usize).copied().unwrap_or(NONE);
        }
        let rejected = solution.rejected.iter().map(|of| Rejected { edge: edges_of[of.edge as usize], ..*of });
        // Of those who are only known, not all is known.
        partition.rejected.extend(rejected.filter(|of| solved[region.edges[of.edge as usize].a as usize]));
    }
    partition
}

/// Union-find by size, path halving: for each node its parent and, at roots, how many it stands for.
struct Forest(Vec<(u32, u32)>);

impl Forest {
    fn new(count: usize) -> Self {
        Self((0..row32(count)).map(|node| (node, 1)).collect())
    }

    #[inline]
    fn find(&mut self, node: u32) -> u32 {
        let Self(nodes) = self;
        let mut node = node as usize;
        while nodes[node].0 as usize != node {
            nodes[node].0 = nodes[nodes[node].0 as usize].0;
            node = nodes[node].0 as usize;
        }
        row32(node)
    }

    fn size(&self, root: u32) -> u32 {
        self.0[root as usize].1
    }

    /// Joins two nodes; the root that stays and the one that goes, if they were two.
    #[inline]
    fn join(&mut self, a: u32, b: u32) -> Option<(u32, u32)> {
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return None;
        }
        let (keep, gone) = if self.size(a) >= self.size(b) { (a, b) } else { (b, a) };
        self.0[keep as usize].1 += self.size(gone);
        self.0[gone as usize].0 = keep;
        Some((keep, gone))
    }
}

/// What is known of a node on the way; of its component, if it is a root.
#[derive(Clone, Copy)]
struct Node {
    /// The root of its atom.
    atom: u32,
    /// Of a component: the last node that counted it among its people.
    counted_by: u32,
    /// Of a component: its eldest member, once all is joined.
    eldest: u32,
    /// Of a component: whether it holds a person's identifier.
    person: bool,
    shared: bool,
}

/// A region in which every edge between identifiers that are not shared was taken.
struct Whole<'a> {
    region: &'a Region,
    forest: Forest,
    nodes: Vec<Node>,
}

impl<'a> Whole<'a> {
    fn of(region: &'a Region, rulebook: &Rulebook) -> Self {
        let rules = rulebook.all();
        let node = |(at, of): (u32, &RegionNode)| {
            let person = rules[usize::from(of.namespace)].person;
            Node { atom: at, counted_by: NONE, eldest: NONE, person, shared: of.pinned_shared }
        };
        let nodes = (0u32..).zip(&region.nodes).map(node).collect();
        let mut whole = Self { region, forest: Forest::new(region.nodes.len()), nodes };
        whole.join_aliases();
        let neighbors = Neighbors::new(region);
        let (edges, nodes) = (by_rank(region, rules.len()), nodes_by_rank(region, rules.len()));
        for (code, rule) in rules.iter().enumerate() {
            for node in nodes.of(code) {
                whole.nodes[*node as usize].shared = whole.is_shared(*node, rule, &neighbors);
            }
            edges.of(code).iter().for_each(|edge| whole.take(*edge));
        }
        edges.of(rules.len()).iter().for_each(|edge| whole.take(*edge));
        whole
    }

    fn join_aliases(&mut self) {
        let mut any = false;
        for pair in self.region.rulings.iter().filter(|pair| pair.ruling.joins()) {
            self.join(pair.a, pair.b);
            any = true;
        }
        if any {
            for node in 0..row32(self.nodes.len()) {
                self.nodes[node as usize].atom = self.forest.find(node);
            }
        }
    }

    fn join(&mut self, a: u32, b: u32) {
        if let Some((keep, gone)) = self.forest.join(a, b) {
            self.nodes[keep as usize].person |= self.nodes[gone as usize].person;
        }
    }

    fn take(&mut self, edge: u32) {
        let RegionEdge { a, b, .. } = self.region.edges[edge as usize];
        if !self.nodes[a as usize].shared && !self.nodes[b as usize].shared {
            self.join(a, b);
        }
    }

    /// Seen with too many people, or with too many weaker identifiers.
    fn is_shared(&mut self, node: u32, rule: &Rule, neighbors: &Neighbors) -> bool {
        let (code, own) = (self.region.nodes[node as usize].namespace, self.forest.find(node));
        let mut people = 0usize;
        for neighbor in neighbors.of(node) {
            if self.region.nodes[*neighbor as usize].namespace >= code || self.nodes[*neighbor as usize].shared {
                continue;
            }
            let root = self.forest.find(*neighbor);
            let of = &mut self.nodes[root as usize];
            let known = std::mem::replace(&mut of.counted_by, node) == node;
            people += usize::from(root != own && of.person && !known);
            if people > rule.glue {
                return true;
            }
        }
        neighbors.exceed_fan(node, rule, self.region, |node| self.nodes[node as usize].atom)
    }

    /// The roots of components that some rule forbids.
    fn infeasible(&mut self, limits: &Limits) -> Vec<u32> {
        let mut suspects = self.crowded(limits);
        for node in 0..row32(self.nodes.len()) {
            if self.forest.size(node) > limits.profile_size() && self.forest.find(node) == node {
                suspects.push(node);
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

    /// The roots of components with more identifiers of some namespace than its limit.
    fn crowded(&mut self, limits: &Limits) -> Vec<u32> {
        let mut suspects = Vec::new();
        let mut held: Vec<u32> = Vec::new();
        for (code, limit) in limits.all() {
            let of_code = |of: &&RegionNode| of.namespace == code;
            // What the whole region does not hold, no component does.
            if self.region.nodes.iter().filter(of_code).count() <= limit {
                continue;
            }
            held.clear();
            held.resize(self.nodes.len(), 0);
            for (node, _) in (0u32..).zip(&self.region.nodes).filter(|(_, of)| of_code(of)) {
                let root = self.forest.find(node);
                let count = &mut held[root as usize];
                *count += 1;
                if *count as usize > limit {
                    suspects.push(root);
                }
            }
        }
        suspects
    }

    /// Holds what seems to be over a limit against it: atoms count once, and windows pass.
    fn confirm(&mut self, suspects: &[u32], limits: &Limits, refused: &mut Vec<u32>) {
        let mut values: Vec<(u32, u32, u8, Timestamp)> = Vec::new();
        for (node, of) in (0u32..).zip(&self.region.nodes) {
            let root = self.forest.find(node);
            if suspects.binary_search(&root).is_ok() {
                let seen = of.first_verified.unwrap_or(Timestamp::MAX);
                values.push((root, self.nodes[node as usize].atom, of.namespace, seen));
            }
        }
        values.sort_unstable();
        values.dedup_by_key(|(root, atom, namespace, _)| (*root, *atom, *namespace));
        for of_root in values.chunk_by(|one, next| one.0 == next.0) {
            let Some((root, ..)) = of_root.first() else { continue };
            let mut component = Component::single();
            component.size = self.forest.size(*root);
            for (_, _, namespace, seen) in of_root {
                component.count(limits, *namespace, (*seen < Timestamp::MAX).then_some(*seen));
            }
            refused.extend(limits.broken(&[&component]).map(|_| *root));
        }
    }

    /// The eldest of each node's component.
    fn profiles(&mut self) -> Vec<u32> {
        let age = |node: u32| {
            let of = &self.region.nodes[node as usize];
            (of.first, of.namespace, node)
        };
        for node in 0..row32(self.nodes.len()) {
            let root = self.forest.find(node) as usize;
            let eldest = self.nodes[root].eldest;
            if !self.nodes[node as usize].shared && (eldest == NONE || age(node) < age(eldest)) {
                self.nodes[root].eldest = node;
            }
        }
        let label = |node: u32| match self.nodes[node as usize].shared {
            true => NONE,
            false => self.nodes[self.forest.find(node) as usize].eldest,
        };
        (0..row32(self.nodes.len())).map(label).collect()
    }

    /// Which nodes have to be known to solve these components by the strata, and which of them are solved so: all that
    /// edges connect, but over pinned identifiers, which join nobody. Those, and whom they are the same as, are only
    /// known.
    fn beside(&mut self, refused: &[u32]) -> (Vec<bool>, Vec<bool>) {
        let count = self.nodes.len();
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
                atoms[self.nodes[*a as usize].atom as usize] = true;
                atoms[self.nodes[*b as usize].atom as usize] = true;
            }
        }
        let known = self.nodes.iter().zip(&solved).map(|(of, solved)| *solved || atoms[of.atom as usize]);
        (known.collect(), solved)
    }
}

/// The part of a region between some of its nodes; for each node and edge of it, which one that is in the whole.
fn cut(region: &Region, nodes: &[bool]) -> (Region, Vec<u32>, Vec<u32>) {
    let nodes_of: Vec<u32> = (0u32..).zip(nodes).filter(|(_, of)| **of).map(|(node, _)| node).collect();
    let mut local = vec![NONE; nodes.len()];
    (0u32..).zip(&nodes_of).for_each(|(at, node)| local[*node as usize] = at);
    let inside = |a: u32, b: u32| nodes[a as usize] && nodes[b as usize];
    let mut part = Region::default();
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

/// Certain edges by the rank of their weaker end, then those that are not.
fn by_rank(region: &Region, ranks: usize) -> Buckets {
    let of = |edge: &RegionEdge| {
        let [a, b] = [edge.a, edge.b].map(|node| usize::from(region.nodes[node as usize].namespace));
        if edge.key.certain() { a.max(b) } else { ranks }
    };
    Buckets::new(ranks + 1, (0u32..).zip(&region.edges).map(|(at, edge)| (of(edge), at)))
}

/// Nodes that are not pinned by their ranks.
fn nodes_by_rank(region: &Region, ranks: usize) -> Buckets {
    let open = (0u32..).zip(&region.nodes).filter(|(_, of)| !of.pinned_shared);
    Buckets::new(ranks, open.map(|(node, of)| (usize::from(of.namespace), node)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::namespaces::Namespaces;
    use crate::identity::evidence::EdgeKey;
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
        Region { nodes: nodes.iter().map(node).collect(), edges, rulings: Vec::new() }
    }

    #[test]
    #[ignore = "a measurement: it means something in a release build on a quiet machine"]
    fn an_edge_costs_little_in_small_and_large_regions() {
        let namespaces = Namespaces::new(&BTreeMap::new()).unwrap();
        let rulebook = Rulebook::new(&namespaces, 1000);
        // One visitor's news; a small commit; an import.
        for count in [1, 4, 100, 10_000] {
            let region = people(count, &namespaces);
            let rounds = 20_000 / count + 5;
            let mut times: Vec<u128> = (0..rounds)
                .map(|_| {
                    let start = Instant::now();
                    assert_eq!(partition(&region, &rulebook).profile.len(), region.nodes.len());
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
