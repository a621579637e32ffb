//! The identity graph of a snapshot, whichever layer holds a piece of it.
//!
//! Identifiers and evidence lie in parts (oldest first) and tails; states are read from the overlay of what changed
//! since its node was sealed, else from the node's part.

use super::evidence::{EdgeKey, NONE, Ruling};
use super::graph::{Graph, NodeState, PROFILE_SIZE};
use super::part::{Edge, NodePart};
use super::public_id::IdIndex;
use super::rulebook::Rulebook;
use super::stated::Statements;
use super::tail::NodeTailView;
use super::tomb::Tombs;
use crate::Result;
use crate::base::ProfileId;
use crate::base::namespaces::Namespaces;
use crate::column::cow::CowMap;
use crate::error::Error;
use parking_lot::Mutex;
use std::borrow::Cow;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::Arc;

/// A member ring longer than this is not one: profiles hold at most 1,000 identifiers.
const RING_MAX: usize = 100_000;

/// The identity graph; see the module. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Nodes {
    pub(crate) namespaces: Arc<Namespaces>,
    /// What `namespaces` ask of the solver; see [`Nodes::follow`].
    pub(crate) rulebook: Arc<Rulebook>,
    pub(crate) parts: Arc<Vec<Arc<NodePart>>>,
    pub(crate) tails: Vec<NodeTailView>,
    pub(crate) overlay: CowMap<NodeState>,
    pub(crate) stated: Statements,
    pub(crate) tombs: Arc<Tombs>,
    /// Shared by all snapshots.
    pub(crate) by_id: Arc<Mutex<IdIndex>>,
    pub(crate) key: Arc<[u8; 32]>,
}

fn rulebook(namespaces: &Namespaces) -> Arc<Rulebook> {
    Arc::new(Rulebook::new(namespaces, PROFILE_SIZE))
}

impl Default for NodeState {
    fn default() -> Self {
        Self::UNKNOWN
    }
}

impl Nodes {
    /// The graph of a store without facts.
    pub(crate) fn new(namespaces: Arc<Namespaces>, key: [u8; 32], tail: NodeTailView) -> Self {
        Self {
            rulebook: rulebook(&namespaces),
            namespaces,
            parts: Arc::default(),
            tails: vec![tail],
            overlay: CowMap::default(),
            stated: Statements::default(),
            tombs: Arc::default(),
            by_id: Arc::default(),
            key: Arc::new(key),
        }
    }

    /// Puts rules in force, for what is solved from now on.
    pub(crate) fn follow(&mut self, namespaces: Arc<Namespaces>) {
        self.rulebook = rulebook(&namespaces);
        self.namespaces = namespaces;
    }

    /// Number of identifiers ever seen.
    pub(crate) fn len(&self) -> u32 {
        let tail = self.tails.last().map(|tail| tail.base() + tail.len());
        tail.or_else(|| self.parts.last().map(|part| part.base() + part.len())).unwrap_or(0)
    }

    /// The node of a normalized identifier.
    pub(crate) fn find(&self, namespace: u8, value: &str) -> Result<Option<u32>> {
        match self.find_in_tails(namespace, value) {
            Some(node) => Ok(Some(node)),
            None => NodePart::find_in(&self.parts, namespace, value),
        }
    }

    /// The same, among those that are not sealed.
    pub(crate) fn find_in_tails(&self, namespace: u8, value: &str) -> Option<u32> {
        self.tails.iter().rev().find_map(|tail| tail.find(namespace, value))
    }

    fn part_of(&self, node: u32) -> Option<&NodePart> {
        let after = self.parts.partition_point(|part| part.base() <= node);
        let part = self.parts.get(after.checked_sub(1)?)?;
        (node - part.base() < part.len()).then_some(part)
    }

    /// Namespace code and value of a node.
    pub(crate) fn identifier(&self, node: u32) -> Result<(u8, Cow<'_, str>)> {
        if let Some((namespace, value)) = self.tails.iter().rev().find_map(|tail| tail.identifier(node)) {
            return Ok((namespace, Cow::Borrowed(value)));
        }
        self.part_of(node).ok_or_else(unknown_node)?.identifier(node)
    }

    /// Whether that is the identifier of a node.
    pub(crate) fn is_identifier(&self, node: u32, namespace: u8, value: &str) -> Result<bool> {
        if let Some(known) = self.tails.iter().rev().find_map(|tail| tail.identifier(node)) {
            return Ok(known == (namespace, value));
        }
        self.part_of(node).map_or(Ok(false), |part| part.is_identifier(node, namespace, value))
    }

    /// The namespace code of a node.
    pub(crate) fn namespace_of(&self, node: u32) -> Result<u8> {
        if let Some((namespace, _)) = self.tails.iter().rev().find_map(|tail| tail.identifier(node)) {
            return Ok(namespace);
        }
        self.part_of(node).ok_or_else(unknown_node)?.namespace(node)
    }

    pub(crate) fn state(&self, node: u32) -> Result<NodeState> {
        if let Some(state) = self.overlay.get(node) {
            return Ok(state);
        }
        self.part_of(node).map_or(Ok(NodeState::UNKNOWN), |part| part.state(node))
    }

    /// The profile that a node belongs to; `None` while it is shared.
    pub(crate) fn profile(&self, node: u32) -> Result<Option<u32>> {
        let profile = self.state(node)?.profile;
        Ok((profile != NONE).then_some(profile))
    }

    /// The identifiers of a profile, in no order that means anything.
    pub(crate) fn members(&self, profile: u32) -> Result<Vec<u32>> {
        let mut members = vec![profile];
        let mut at = self.state(profile)?.next;
        while at != profile && at != NONE {
            if members.len() > RING_MAX {
                return Err(Error::corrupt(
                    Path::new("identity"),
                    u64::from(profile),
                    "the ring of a profile does not close",
                ));
            }
            members.push(at);
            at = self.state(at)?.next;
        }
        Ok(members)
    }

    /// The public id of the profile whose eldest identifier is this node.
    pub(crate) fn profile_id(&self, profile: u32) -> Result<ProfileId> {
        self.profile_id_before(profile, &self.tombs)
    }

    /// The same, when no more than `tombs` was erased.
    pub(crate) fn profile_id_before(&self, profile: u32, tombs: &Tombs) -> Result<ProfileId> {
        self.profile_id_of(profile, self.generation_before(profile, tombs)?)
    }

    /// The same, when the identifier was erased so often.
    pub(crate) fn profile_id_of(&self, node: u32, generation: u32) -> Result<ProfileId> {
        let (namespace, value) = self.identifier(node)?;
        Ok(super::public_id::profile_id(&self.key, self.namespaces.name(namespace), &value, generation))
    }

    /// The identifier that a public id names, as long as it was not erased since.
    ///
    /// **Cost**: one look-up; the first one, a keyed hash for every identifier that came since the last.
    pub(crate) fn node_of_profile_id(&self, id: ProfileId) -> Result<Option<u32>> {
        let candidates = self.by_id.lock().find(self.len(), |node| self.profile_id_of(node, 0), id)?;
        let erased = self.tombs.identifiers.values().filter_map(|tomb| tomb.node);
        for node in candidates.into_iter().chain(erased).filter(|node| *node < self.len()) {
            if self.profile_id(node)? == id {
                return Ok(Some(node));
            }
        }
        Ok(None)
    }

    /// How often an identifier was erased.
    pub(crate) fn generation(&self, node: u32) -> Result<u32> {
        self.generation_before(node, &self.tombs)
    }

    /// The same, when no more than `tombs` was erased.
    pub(crate) fn generation_before(&self, node: u32, tombs: &Tombs) -> Result<u32> {
        if tombs.is_empty() {
            return Ok(0);
        }
        let (namespace, value) = self.identifier(node)?;
        Ok(tombs.generation(&self.key, self.namespaces.name(namespace), &value))
    }

    /// Whether any of these identifiers makes its profile a known person.
    pub(crate) fn any_person(&self, members: &[u32]) -> Result<bool> {
        for member in members {
            if self.namespaces.is_person(self.namespace_of(*member)?) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The best evidence between two identifiers.
    pub(crate) fn edge_between(&self, a: u32, b: u32) -> Result<Option<EdgeKey>> {
        match self.stated.of_pair((a, b)).and_then(|stated| stated.amended) {
            Some(amended) => Ok(amended),
            None => self.edge_in_layers(a, b),
        }
    }

    /// The best evidence that any layer ever gathered between two identifiers, taken back or not.
    pub(crate) fn edge_in_layers(&self, a: u32, b: u32) -> Result<Option<EdgeKey>> {
        let mut best: Option<EdgeKey> = None;
        let mut consider = |key: Option<EdgeKey>| best = [best, key].into_iter().flatten().min();
        for tail in &self.tails {
            consider(tail.edge_between(a, b));
        }
        for part in self.parts.iter() {
            consider(part.edge_between(a.max(b), a.min(b))?);
        }
        Ok(best)
    }

    /// The distinct neighbors of a node, each with its best evidence, by node.
    pub(crate) fn neighbors(&self, node: u32) -> Result<Vec<(u32, EdgeKey)>> {
        let mut all = Vec::new();
        self.visit_neighbors(node, &mut |neighbor, key| {
            all.push((neighbor, key));
            ControlFlow::Continue(())
        })?;
        all.sort_unstable();
        all.dedup_by_key(|(neighbor, _)| *neighbor);
        Ok(all)
    }
}

impl Graph for Nodes {
    fn namespaces(&self) -> &Namespaces {
        &self.namespaces
    }

    fn rulebook(&self) -> &Rulebook {
        &self.rulebook
    }

    fn namespace(&self, node: u32) -> Result<u8> {
        self.namespace_of(node)
    }

    fn value(&self, node: u32) -> Result<Cow<'_, str>> {
        self.identifier(node).map(|(_, value)| value)
    }

    fn state(&self, node: u32) -> Result<NodeState> {
        Nodes::state(self, node)
    }

    fn visit_neighbors(&self, node: u32, visit: &mut dyn FnMut(u32, EdgeKey) -> ControlFlow<()>) -> Result<()> {
        let Some(others) = self.stated.of(node) else { return self.visit_layers(node, visit) };
        let is_amended = |other: u32| {
            let place = others.binary_search_by_key(&other, |(known, _)| *known);
            place.is_ok_and(|at| others.get(at).is_some_and(|(_, stated)| stated.amended.is_some()))
        };
        for (other, stated) in others.iter() {
            if let Some(Some(key)) = stated.amended
                && visit(*other, key).is_break()
            {
                return Ok(());
            }
        }
        self.visit_layers(node, &mut |other, key| {
            if is_amended(other) { ControlFlow::Continue(()) } else { visit(other, key) }
        })
    }

    fn visit_rulings(&self, node: u32, visit: &mut dyn FnMut(u32, Ruling) -> ControlFlow<()>) -> Result<()> {
        for (other, stated) in self.stated.of(node).unwrap_or_default().iter() {
            if stated.ruling != Ruling::NONE && visit(*other, stated.ruling).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn has_rulings(&self) -> bool {
        !self.stated.is_empty()
    }
}

impl Nodes {
    /// Every piece of evidence that there is, from both ends, and some that was taken back, in the order in which it lies
    /// in the layers.
    pub(crate) fn scan_edges(&self, visit: &mut dyn FnMut(Edge)) -> Result<()> {
        for part in self.parts.iter() {
            part.edges()?.for_each(&mut *visit);
        }
        for tail in &self.tails {
            for node in tail.nodes_with_edges() {
                tail.edges_of(node).for_each(|(neighbor, key)| visit(Edge { node, neighbor, key }));
            }
        }
        for ((a, b), stated) in self.stated.iter() {
            if let Some(Some(key)) = stated.amended {
                visit(Edge { node: a, neighbor: b, key });
                visit(Edge { node: b, neighbor: a, key });
            }
        }
        Ok(())
    }

    /// Every identifier with its namespace and state, in order.
    pub(crate) fn scan_states(&self, visit: &mut dyn FnMut(u32, u8, NodeState)) -> Result<()> {
        let mut changed = self.overlay.iter().peekable();
        let mut newest = |node: u32, sealed: NodeState| {
            while changed.next_if(|(other, _)| *other < node).is_some() {}
            changed.next_if(|(other, _)| *other == node).map_or(sealed, |(_, state)| state)
        };
        for part in self.parts.iter() {
            part.scan_states(&mut |node, namespace, state| visit(node, namespace, newest(node, state)))?;
        }
        for tail in &self.tails {
            for node in tail.base()..tail.base() + tail.len() {
                let (namespace, _) = tail.identifier(node).ok_or_else(unknown_node)?;
                visit(node, namespace, newest(node, NodeState::UNKNOWN));
            }
        }
        Ok(())
    }

    /// Every piece of evidence that the layers gathered at a node.
    fn visit_layers(&self, node: u32, visit: &mut dyn FnMut(u32, EdgeKey) -> ControlFlow<()>) -> Result<()> {
        for tail in &self.tails {
            for (neighbor, key) in tail.edges_of(node) {
                if visit(neighbor, key).is_break() {
                    return Ok(());
                }
            }
        }
        for part in self.parts.iter() {
            for edge in part.edges_of(node)? {
                let (neighbor, key) = edge?;
                if visit(neighbor, key).is_break() {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

fn unknown_node() -> Error {
    Error::corrupt(Path::new("identity"), 0, "an identifier that the index names is not there")
}
