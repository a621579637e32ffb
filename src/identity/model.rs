//! A graph in memory, for tests: tables of the executable specification kept as a store would keep them.

use super::append::{News, resolve_within};
use super::change::Change;
use super::evidence::{EdgeKey, NONE, Ruling};
use super::graph::{Graph, NodeState};
use super::region::{Dirty, Resolution, resolve};
use super::rulebook::Rulebook;
use super::spec::{Ident, Live, Rule, Rules, SpecFact, live};
use crate::Result;
use crate::base::Timestamp;
use crate::base::bytes::row32;
use crate::base::namespaces::Namespaces;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

pub(super) fn spec_rules(namespaces: &Namespaces, profile_size: u32) -> Rules {
    let rule = |rule: &crate::base::NamespaceRule| Rule {
        rank: rule.rank.into(),
        limit: rule.limit,
        window: rule.window.map(|span| span.as_millisecond()),
        glue: rule.glue,
        fan: rule.fan.clone(),
        ttl: rule.ttl.map(|span| span.as_millisecond()),
        person: rule.person,
    };
    let namespaces = namespaces.iter().map(|(_, of)| (of.name.clone(), rule(&of.rule))).collect();
    Rules { namespaces, profile_size: profile_size as usize, identifiers_per_event: 3, blocked: BTreeSet::new() }
}

#[derive(Clone)]
pub(super) struct Model {
    pub(super) namespaces: Namespaces,
    pub(super) rulebook: Rulebook,
    pub(super) rules: Rules,
    pub(super) facts: Vec<SpecFact>,
    pub(super) live: Live,
    pub(super) idents: Vec<Ident>,
    pub(super) nodes: BTreeMap<Ident, u32>,
    pub(super) states: Vec<NodeState>,
    /// Every piece of evidence, as if each lay in a layer of its own.
    pub(super) edges: Vec<BTreeMap<u32, BTreeSet<EdgeKey>>>,
    pub(super) rulings: Vec<BTreeMap<u32, Ruling>>,
    /// Names of the profiles, as the change feed tells.
    pub(super) told: BTreeSet<u32>,
    /// How many newcomers took the fast way.
    pub(super) appended: usize,
    /// How often a region is solved before it is closed the careful way.
    pub(super) rounds: usize,
    pub(super) visited: std::cell::Cell<usize>,
}

impl Model {
    pub(super) fn new(namespaces: Namespaces, profile_size: u32) -> Self {
        let rules = spec_rules(&namespaces, profile_size);
        Self {
            rulebook: Rulebook::new(&namespaces, profile_size),
            namespaces,
            rules,
            facts: Vec::new(),
            live: Live::default(),
            idents: Vec::new(),
            nodes: BTreeMap::new(),
            states: Vec::new(),
            edges: Vec::new(),
            rulings: Vec::new(),
            told: BTreeSet::new(),
            appended: 0,
            rounds: 3,
            visited: std::cell::Cell::new(0),
        }
    }

    /// Adds facts, brings the tables up to date and resolves what changed.
    pub(super) fn add(&mut self, facts: &[SpecFact]) -> Resolution {
        self.facts.extend_from_slice(facts);
        let now = live(&self.rules, &self.facts);
        let known: Vec<Ident> = now.first.keys().cloned().collect();
        for n in known {
            self.node(&n);
        }
        let (mut dated, mut pairs, mut ruled) = (BTreeSet::new(), Vec::new(), BTreeSet::new());
        for (node, n) in (0u32..).zip(&self.idents) {
            let state = &mut self.states[node as usize];
            let at = |table: &BTreeMap<Ident, i64>| table.get(n).copied().unwrap_or(i64::MAX);
            let (first, first_verified) = (at(&now.first), at(&now.first_verified));
            if (state.first, state.first_verified) != (first, first_verified) {
                dated.insert(node);
            }
            (state.first, state.first_verified) = (first, first_verified);
        }
        let (edges, rulings) = self.tables(&now);
        for node in 0..self.idents.len() {
            let (old, new) = (&self.edges[node], &edges[node]);
            let best = |keys: Option<&BTreeSet<EdgeKey>>| keys.and_then(|keys| keys.first().copied());
            let changed = old.keys().chain(new.keys()).filter(|other| best(old.get(other)) != best(new.get(other)));
            pairs.extend(changed.map(|other| (row32(node), *other)));
            let (old, new) = (&self.rulings[node], &rulings[node]);
            let changed = old.keys().chain(new.keys()).find(|other| old.get(other) != new.get(other));
            ruled.extend(changed.map(|_| row32(node)));
        }
        (self.edges, self.rulings, self.live) = (edges, rulings, now);
        let ruled: Vec<u32> = ruled.into_iter().collect();
        let news = News { dated: &dated, pairs: &pairs, ruled: &ruled };
        let resolution = resolve_within(self, news, self.rounds).unwrap();
        self.appended += resolution.appended;
        self.apply(&resolution);
        resolution
    }

    pub(super) fn resolve(&mut self, dirty: Dirty<'_>) -> Resolution {
        self.visited.set(0);
        let (resolution, _) = resolve(self, self, dirty, self.rounds).unwrap();
        self.apply(&resolution);
        resolution
    }

    fn apply(&mut self, resolution: &Resolution) {
        for (node, state) in &resolution.states {
            self.states[*node as usize] = *state;
        }
        // Names that go, then names that come: a name may pass from one profile to another in one commit.
        for change in &resolution.changes {
            match change {
                Change::Merged { from: gone, .. }
                | Change::Renamed { old: gone, .. }
                | Change::Removed { profile: gone } => {
                    assert!(self.told.remove(gone), "{change:?}");
                }
                _ => {}
            }
        }
        for change in &resolution.changes {
            match change {
                Change::Created { profile: new } | Change::Split { into: new, .. } | Change::Renamed { new, .. } => {
                    assert!(self.told.insert(*new), "{change:?}");
                }
                _ => {}
            }
        }
    }

    pub(super) fn node(&mut self, n: &Ident) -> u32 {
        if let Some(node) = self.nodes.get(n) {
            return *node;
        }
        let node = row32(self.idents.len());
        self.nodes.insert(n.clone(), node);
        self.idents.push(n.clone());
        self.states.push(NodeState::UNKNOWN);
        self.edges.push(BTreeMap::new());
        self.rulings.push(BTreeMap::new());
        node
    }

    /// Adds one certain edge without facts; for tests of large graphs.
    pub(super) fn link(&mut self, a: u32, b: u32, ts: i64) {
        for (from, to) in [(a, b), (b, a)] {
            let state = &mut self.states[from as usize];
            (state.first, state.first_verified) = (state.first.min(ts), state.first_verified.min(ts));
            let key = EdgeKey::event(false, Timestamp::from_millisecond(ts));
            self.edges[from as usize].entry(to).or_default().insert(key);
        }
    }

    #[expect(clippy::type_complexity, reason = "the two tables of the struct")]
    fn tables(&self, live: &Live) -> (Vec<BTreeMap<u32, BTreeSet<EdgeKey>>>, Vec<BTreeMap<u32, Ruling>>) {
        let mut edges = vec![BTreeMap::<u32, BTreeSet<EdgeKey>>::new(); self.idents.len()];
        let mut rulings = vec![BTreeMap::new(); self.idents.len()];
        let ms = Timestamp::from_millisecond;
        for ((a, b), keys) in &live.evidence {
            let (a, b) = (self.nodes[a], self.nodes[b]);
            let keys: BTreeSet<EdgeKey> = keys.iter().map(|key| EdgeKey::from_parts(key.3, key.4, ms(key.5))).collect();
            edges[a as usize].insert(b, keys.clone());
            edges[b as usize].insert(a, keys);
        }
        for (a, b) in live.alias.keys().chain(live.deny.keys()) {
            let at = |table: &BTreeMap<_, i64>| table.get(&(a.clone(), b.clone())).map_or(Timestamp::MIN, |ts| ms(*ts));
            let ruling = Ruling { alias: at(&live.alias), deny: at(&live.deny) };
            let (a, b) = (self.nodes[a], self.nodes[b]);
            rulings[a as usize].insert(b, ruling);
            rulings[b as usize].insert(a, ruling);
        }
        (edges, rulings)
    }
}

impl Graph for Model {
    fn namespaces(&self) -> &Namespaces {
        &self.namespaces
    }

    fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    fn namespace(&self, node: u32) -> Result<u8> {
        Ok(self.namespaces.code(&self.idents[node as usize].0).unwrap())
    }

    fn value(&self, node: u32) -> Result<Cow<'_, str>> {
        Ok(Cow::Borrowed(&self.idents[node as usize].1))
    }

    fn state(&self, node: u32) -> Result<NodeState> {
        Ok(self.states[node as usize])
    }

    fn visit_neighbors(&self, node: u32, visit: &mut dyn FnMut(u32, EdgeKey) -> ControlFlow<()>) -> Result<()> {
        // Worst evidence first: the engine must not rely on the order of layers.
        for (neighbor, keys) in &self.edges[node as usize] {
            for key in keys.iter().rev() {
                self.visited.set(self.visited.get() + 1);
                if visit(*neighbor, *key).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn visit_rulings(&self, node: u32, visit: &mut dyn FnMut(u32, Ruling) -> ControlFlow<()>) -> Result<()> {
        for (other, ruling) in &self.rulings[node as usize] {
            let (alias, deny) =
                (Ruling { alias: ruling.alias, ..Ruling::NONE }, Ruling { deny: ruling.deny, ..Ruling::NONE });
            if visit(*other, alias).is_break() || visit(*other, deny).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }
}

/// The profile of each identifier that exists; `NONE` for a shared one.
pub(super) fn profiles(model: &Model) -> BTreeMap<Ident, Option<Ident>> {
    let existing = (0u32..).zip(&model.idents).filter(|(node, _)| model.states[*node as usize].exists());
    let of = |node: u32| match model.states[node as usize].profile {
        NONE => None,
        profile => Some(model.idents[profile as usize].clone()),
    };
    existing.map(|(node, n)| (n.clone(), of(node))).collect()
}
