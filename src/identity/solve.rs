//! The strata: which identifiers of one region are one person, which are shared, and which edges found no place.
//!
//! Pure and batch: a region goes in, the partition comes out, whatever was there before. Nodes are dense local
//! indices in (namespace name, value) order, so every tie that the definition breaks by (namespace, value) is broken
//! by comparing indices.
//!
//! ```text
//! S3 atoms        operator aliases, oldest statement first
//! S4 rank by rank (a) which identifiers of the rank are shared  (b) their certain edges, best key first
//! S5 matches      the same test, best key first
//! ```
//! **Cost**: O(e log e) for the sort of the edges, then near-linear: each union moves the smaller side's sums, each
//! refused one looks at the smaller side's.
#![expect(clippy::indexing_slicing, reason = "local indices are dense: each is below the number of nodes")]

use super::component::{Breaks, Component};
use super::evidence::{EdgeKey, NONE, Ruling};
use super::rulebook::{Rule, Rulebook};
use crate::base::Timestamp;
use crate::base::bytes::row32;
use std::mem;

/// An identifier of a region.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegionNode {
    /// Namespace code; smaller is stronger.
    pub(crate) namespace: u8,
    pub(crate) first: Timestamp,
    /// The first verified fact that names it; windows read this one.
    pub(crate) first_verified: Option<Timestamp>,
    /// Known to be shared, whatever the region says: its neighbors outside are not here.
    pub(crate) pinned_shared: bool,
}

/// A pair with evidence. `a < b`; each pair once, with the smallest key over all its evidence.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegionEdge {
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) key: EdgeKey,
}

/// A pair of which operators spoke. `a < b`; each pair once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegionRuling {
    pub(crate) a: u32,
    pub(crate) b: u32,
    pub(crate) ruling: Ruling,
}

/// A part of the identity graph that can be solved alone.
#[derive(Clone, Debug, Default)]
pub(crate) struct Region {
    /// Sorted by (namespace name, value), as bytes.
    pub(crate) nodes: Vec<RegionNode>,
    pub(crate) edges: Vec<RegionEdge>,
    pub(crate) rulings: Vec<RegionRuling>,
}

/// What joined two components: the index of a ruling or of an edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Link {
    Alias(u32),
    Edge(u32),
}

/// An edge between two profiles that cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Rejected {
    /// Index into the region's edges.
    pub(crate) edge: u32,
    pub(crate) breaks: Breaks,
}

/// Who is who in a region.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Solution {
    /// For each node the eldest member of its profile; [`NONE`] for a shared one.
    pub(crate) profile: Vec<u32>,
    /// Some member of the node's component, the same for all of them; components include shared members of atoms.
    pub(crate) component: Vec<u32>,
    /// What joined, in the order of joining: a spanning forest of the components.
    pub(crate) joins: Vec<Link>,
    /// By edge.
    pub(crate) rejected: Vec<Rejected>,
}

impl Solution {
    pub(crate) fn is_shared(&self, node: u32) -> bool {
        self.profile.get(node as usize).is_none_or(|profile| *profile == NONE)
    }
}

/// Solves a region: strata S3 to S5.
pub(crate) fn solve(region: &Region, rulebook: &Rulebook) -> Solution {
    let mut solver = Solver::new(region, rulebook);
    solver.join_aliases();
    solver.count_atoms();
    let order = region.edges_in_key_order();
    let certain = order.partition_point(|at| region.edges[*at as usize].key.certain());
    let (mut certain, matches) = order.split_at(certain);
    let by_rank = region.unpinned_by_namespace(rulebook.all().len());
    for (code, nodes) in (0u8..).zip(&by_rank) {
        for node in nodes {
            solver.shared[*node as usize] = solver.is_shared(*node);
        }
        let here = certain.partition_point(|at| region.weaker(*at) <= code);
        let (now, later) = certain.split_at(here);
        now.iter().for_each(|edge| solver.try_edge(*edge));
        certain = later;
    }
    matches.iter().for_each(|edge| solver.try_edge(*edge));
    solver.solution()
}

impl Region {
    /// The namespace code of the weaker end of an edge.
    fn weaker(&self, edge: u32) -> u8 {
        let edge = &self.edges[edge as usize];
        self.nodes[edge.a as usize].namespace.max(self.nodes[edge.b as usize].namespace)
    }

    fn edges_in_key_order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..row32(self.edges.len())).collect();
        order.sort_unstable_by_key(|at| {
            let edge = &self.edges[*at as usize];
            let (a, b) = (self.nodes[edge.a as usize].namespace, self.nodes[edge.b as usize].namespace);
            (!edge.key.certain(), a.max(b), a.min(b), edge.key, edge.a, edge.b)
        });
        order
    }

    fn unpinned_by_namespace(&self, namespaces: usize) -> Vec<Vec<u32>> {
        let mut by_rank = vec![Vec::new(); namespaces];
        for (node, of) in (0u32..).zip(&self.nodes) {
            if !of.pinned_shared {
                by_rank[usize::from(of.namespace)].push(node);
            }
        }
        by_rank
    }
}

/// Things by small numbers, back to back in one piece of memory.
pub(super) struct Buckets {
    /// For each bucket where its things start, and where the last one's end; then the things.
    lists: Vec<u32>,
}

impl Buckets {
    /// `all` gives the things, each with its bucket, below `count`; the same ones whenever it is asked.
    pub(super) fn new(count: usize, all: impl Iterator<Item = (usize, u32)> + Clone) -> Self {
        let mut lists = vec![0u32; count + 1];
        all.clone().for_each(|(bucket, _)| lists[bucket] += 1);
        let mut end = row32(lists.len());
        for slot in &mut lists {
            end += *slot;
            *slot = end;
        }
        lists.resize(end as usize, 0);
        for (bucket, thing) in all {
            lists[bucket] -= 1;
            let at = lists[bucket];
            lists[at as usize] = thing;
        }
        Self { lists }
    }

    pub(super) fn of(&self, bucket: usize) -> &[u32] {
        &self.lists[self.lists[bucket] as usize..self.lists[bucket + 1] as usize]
    }
}

/// Certain neighbors of every node.
pub(super) struct Neighbors(Buckets);

impl Neighbors {
    pub(super) fn new(region: &Region) -> Self {
        let certain = region.edges.iter().filter(|edge| edge.key.certain());
        let ends = certain.flat_map(|edge| [(edge.a as usize, edge.b), (edge.b as usize, edge.a)]);
        Self(Buckets::new(region.nodes.len(), ends))
    }

    pub(super) fn of(&self, node: u32) -> &[u32] {
        self.0.of(node as usize)
    }

    /// Whether a node has more neighbors of some weaker namespace than its rule allows. Those of one atom count once.
    pub(super) fn exceed_fan(&self, node: u32, rule: &Rule, region: &Region, atom: impl Fn(u32) -> u32) -> bool {
        let neighbors = self.of(node);
        if neighbors.len() <= rule.least_cap {
            return false;
        }
        let of = |neighbor: &u32| (region.nodes[*neighbor as usize].namespace, atom(*neighbor));
        let mut atoms: Vec<(u8, u32)> = neighbors.iter().map(of).collect();
        atoms.sort_unstable();
        atoms.dedup();
        rule.fan.iter().any(|(weaker, cap)| {
            let from = atoms.partition_point(|(namespace, _)| namespace < weaker);
            let to = atoms.partition_point(|(namespace, _)| namespace <= weaker);
            to - from > *cap
        })
    }
}

struct Solver<'a> {
    region: &'a Region,
    rulebook: &'a Rulebook,
    neighbors: Neighbors,
    /// Union-find: link by size, path halving.
    parent: Vec<u32>,
    /// At roots: the sums of the component.
    components: Vec<Component>,
    /// For each node the root of its atom, as of the end of S3.
    atom: Vec<u32>,
    shared: Vec<bool>,
    /// For each root the last node that counted it among its people.
    counted_by: Vec<u32>,
    joins: Vec<Link>,
    rejected: Vec<Rejected>,
}

impl<'a> Solver<'a> {
    fn new(region: &'a Region, rulebook: &'a Rulebook) -> Self {
        let count = row32(region.nodes.len());
        let mut components: Vec<Component> = (0..count).map(|_| Component::single()).collect();
        for pair in region.rulings.iter().filter(|pair| pair.ruling.denies()) {
            components[pair.a as usize].denied.push(pair.b);
            components[pair.b as usize].denied.push(pair.a);
        }
        Self {
            region,
            rulebook,
            neighbors: Neighbors::new(region),
            parent: (0..count).collect(),
            components,
            atom: Vec::new(),
            shared: region.nodes.iter().map(|node| node.pinned_shared).collect(),
            counted_by: vec![NONE; region.nodes.len()],
            joins: Vec::new(),
            rejected: Vec::new(),
        }
    }

    /// S3: atoms. Nothing is counted yet, so only size and denied pairs can be in the way.
    fn join_aliases(&mut self) {
        let rulings = &self.region.rulings;
        let mut order: Vec<u32> = (0..row32(rulings.len())).filter(|at| rulings[*at as usize].ruling.joins()).collect();
        order.sort_unstable_by_key(|at| {
            let pair = &rulings[*at as usize];
            (pair.ruling.alias, pair.a, pair.b)
        });
        for at in order {
            let pair = &rulings[at as usize];
            let (a, b) = (self.find(pair.a), self.find(pair.b));
            if a != b && self.broken(&[a, b]).is_none() {
                self.join(a, b, Link::Alias(at));
            }
        }
        self.atom = (0..row32(self.parent.len())).map(|node| self.find(node)).collect();
    }

    /// Gives every atom its sums: one per namespace, seen when its earliest member there was.
    fn count_atoms(&mut self) {
        let seen = |node: u32| self.region.nodes[node as usize].first_verified.unwrap_or(Timestamp::MAX);
        let mut values: Vec<(u32, u8, Timestamp)> = (0u32..)
            .zip(&self.region.nodes)
            .map(|(node, of)| (self.atom[node as usize], of.namespace, seen(node)))
            .collect();
        values.sort_unstable();
        values.dedup_by_key(|(atom, namespace, _)| (*atom, *namespace));
        for (atom, namespace, seen) in values {
            let person = self.rule(namespace).person;
            let component = &mut self.components[atom as usize];
            component.person |= person;
            component.count(self.rulebook.limits(), namespace, (seen < Timestamp::MAX).then_some(seen));
        }
    }

    /// S4 (a): seen with too many people, with people who cannot be one, or with too many weaker identifiers.
    fn is_shared(&mut self, node: u32) -> bool {
        let code = self.region.nodes[node as usize].namespace;
        let own = self.find(node);
        let mut people: Vec<u32> = Vec::new();
        let mut size = 0u64;
        for at in 0..self.neighbors.of(node).len() {
            let neighbor = self.neighbors.of(node)[at];
            if self.region.nodes[neighbor as usize].namespace >= code || self.shared[neighbor as usize] {
                continue;
            }
            let root = self.find(neighbor);
            if root == own || !self.components[root as usize].person || self.counted_by[root as usize] == node {
                continue;
            }
            self.counted_by[root as usize] = node;
            people.push(root);
            size += u64::from(self.components[root as usize].size);
            if people.len() > self.rule(code).glue || size > u64::from(self.rulebook.limits().profile_size()) {
                return true;
            }
        }
        let fan = self.neighbors.exceed_fan(node, self.rule(code), self.region, |node| self.atom[node as usize]);
        fan || self.broken(&people).is_some()
    }

    fn rule(&self, code: u8) -> &'a Rule {
        &self.rulebook.all()[usize::from(code)]
    }

    /// S4 (b) and S5: joins the components of an edge's ends, or says what is in the way.
    fn try_edge(&mut self, at: u32) {
        let RegionEdge { a, b, .. } = self.region.edges[at as usize];
        if self.shared[a as usize] || self.shared[b as usize] {
            return;
        }
        let (a, b) = (self.find(a), self.find(b));
        if a == b {
            return;
        }
        match self.broken(&[a, b]) {
            None => self.join(a, b, Link::Edge(at)),
            Some(breaks) => self.rejected.push(Rejected { edge: at, breaks }),
        }
    }

    /// The rule that the union of the components with these roots breaks.
    fn broken(&mut self, roots: &[u32]) -> Option<Breaks> {
        let parts: Vec<&Component> = roots.iter().map(|root| &self.components[*root as usize]).collect();
        let broken = self.rulebook.limits().broken(&parts);
        broken.or_else(|| self.holds_denied(roots).then_some(Breaks::Denied))
    }

    /// Whether a denied pair lies across two of the roots. Both ends know of the pair, so the longest list is left out.
    fn holds_denied(&mut self, roots: &[u32]) -> bool {
        let longest = roots.iter().copied().max_by_key(|root| self.components[*root as usize].denied.len());
        for root in roots.iter().copied().filter(|root| Some(*root) != longest) {
            let denied = mem::take(&mut self.components[root as usize].denied);
            let across = denied.iter().any(|other| {
                let other = self.find(*other);
                other != root && roots.contains(&other)
            });
            self.components[root as usize].denied = denied;
            if across {
                return true;
            }
        }
        false
    }

    fn find(&mut self, node: u32) -> u32 {
        let mut node = node as usize;
        while self.parent[node] as usize != node {
            self.parent[node] = self.parent[self.parent[node] as usize];
            node = self.parent[node] as usize;
        }
        row32(node)
    }

    fn join(&mut self, a: u32, b: u32, link: Link) {
        let a_larger = self.components[a as usize].size >= self.components[b as usize].size;
        let (keep, gone) = if a_larger { (a, b) } else { (b, a) };
        self.parent[gone as usize] = keep;
        let moved = mem::take(&mut self.components[gone as usize]);
        self.components[keep as usize].absorb(moved);
        self.joins.push(link);
    }

    fn solution(mut self) -> Solution {
        let component: Vec<u32> = (0..row32(self.parent.len())).map(|node| self.find(node)).collect();
        let mut eldest = vec![NONE; component.len()];
        let age = |node: u32| {
            let of = &self.region.nodes[node as usize];
            (of.first, of.namespace, node)
        };
        for (node, root) in (0u32..).zip(&component) {
            let best = &mut eldest[*root as usize];
            if !self.shared[node as usize] && (*best == NONE || age(node) < age(*best)) {
                *best = node;
            }
        }
        let label = |(root, shared): (&u32, &bool)| if *shared { NONE } else { eldest[*root as usize] };
        let profile = component.iter().zip(&self.shared).map(label).collect();
        self.rejected.sort_unstable();
        Solution { profile, component, joins: self.joins, rejected: self.rejected }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::namespaces::Namespaces;
    use std::collections::BTreeMap;

    fn chain(count: u32, namespace: u8) -> Region {
        let node = |ts: u32| RegionNode {
            namespace,
            first: Timestamp::from_millisecond(i64::from(ts)),
            first_verified: Some(Timestamp::from_millisecond(i64::from(ts))),
            pinned_shared: false,
        };
        let edge =
            |a: u32| RegionEdge { a, b: a + 1, key: EdgeKey::event(true, Timestamp::from_millisecond(i64::from(a))) };
        Region { nodes: (0..count).map(node).collect(), edges: (0..count - 1).map(edge).collect(), rulings: Vec::new() }
    }

    fn rulebook() -> Rulebook {
        Rulebook::new(&Namespaces::new(&BTreeMap::new()).unwrap(), 1000)
    }

    #[test]
    fn a_long_chain_is_cut_at_the_profile_size_in_no_time() {
        let rulebook = rulebook();
        let start = std::time::Instant::now();
        let solution = solve(&chain(20_000, 5), &rulebook);
        assert_eq!(solution.rejected.len(), 19);
        assert_eq!(solution.profile[..1000], [0; 1000]);
        assert_eq!(solution.profile[1000], 1000);
        assert!(start.elapsed().as_millis() < 1000, "{:?}", start.elapsed());
    }

    #[test]
    fn a_star_of_cookies_fills_its_window_without_going_quadratic() {
        let rulebook = rulebook();
        let mut region = chain(100_001, 6);
        region.nodes[100_000].namespace = 5;
        for (at, edge) in region.edges.iter_mut().enumerate() {
            *edge = RegionEdge { a: row32(at), b: 100_000, ..*edge };
        }
        let start = std::time::Instant::now();
        let solution = solve(&region, &rulebook);
        assert_eq!(solution.rejected.len(), 100_000 - 20);
        assert_eq!(solution.rejected[0], Rejected { edge: 20, breaks: Breaks::Window(6) });
        assert!(start.elapsed().as_millis() < 2000, "{:?}", start.elapsed());
    }
}
