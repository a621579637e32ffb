//! The identity graph as [`region`](super::region) sees it: the trait that the store implements over its layers.

use super::evidence::{EdgeKey, NONE, Ruling};
use super::rulebook::Rulebook;
use crate::Result;
use crate::base::namespaces::Namespaces;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// How many identifiers a profile may hold.
pub(crate) const PROFILE_SIZE: u32 = 1000;

/// What is kept of an identifier.
///
/// `first` and `first_verified` follow the facts and are set by whoever applies them, before
/// [`resolve_news`](super::append::resolve_news); `profile` and `next` are what that said last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct NodeState {
    /// Milliseconds; `i64::MAX`: no live fact dates it, so it does not exist.
    pub(crate) first: i64,
    /// The same over verified facts; `i64::MAX`: none.
    pub(crate) first_verified: i64,
    /// The eldest identifier of its profile; [`NONE`] for a shared identifier and for one that does not exist.
    pub(crate) profile: u32,
    /// The next member of its profile, round in a ring; a shared identifier points at itself, and [`NONE`] means that
    /// it was in no partition yet.
    pub(crate) next: u32,
}

impl NodeState {
    /// An identifier of which nothing is known yet.
    pub(crate) const UNKNOWN: Self = Self { first: i64::MAX, first_verified: i64::MAX, profile: NONE, next: NONE };

    /// Whether a live fact dates it.
    pub(crate) fn exists(self) -> bool {
        self.first != i64::MAX
    }

    /// Whether the last partition held it as shared.
    pub(crate) fn is_shared(self) -> bool {
        self.profile == NONE && self.next != NONE
    }
}

/// The identity graph as it is kept: evidence after all live facts, states as of the last partition.
pub(crate) trait Graph {
    fn namespaces(&self) -> &Namespaces;

    /// What the rules of the namespaces ask of the solver.
    fn rulebook(&self) -> &Rulebook;

    /// The namespace code of an identifier.
    fn namespace(&self, node: u32) -> Result<u8>;

    /// The normalized value of an identifier that exists.
    fn value(&self, node: u32) -> Result<Cow<'_, str>>;

    fn state(&self, node: u32) -> Result<NodeState>;

    /// Every neighbor with its evidence; one that several layers know comes several times, and the smallest key counts.
    fn visit_neighbors(&self, node: u32, visit: &mut dyn FnMut(u32, EdgeKey) -> ControlFlow<()>) -> Result<()>;

    /// Every identifier that an operator spoke of together with this one; several times for several layers.
    fn visit_rulings(&self, node: u32, visit: &mut dyn FnMut(u32, Ruling) -> ControlFlow<()>) -> Result<()>;

    /// `false` promises that no operator ever spoke of any pair, and saves looking.
    fn has_rulings(&self) -> bool {
        true
    }
}

/// Identifiers that operators say are the same as this one, each once.
pub(crate) fn aliased(graph: &impl Graph, node: u32) -> Result<Vec<u32>> {
    let mut all: Vec<(u32, Ruling)> = Vec::new();
    if graph.has_rulings() {
        graph.visit_rulings(node, &mut |other, ruling| {
            all.push((other, ruling));
            ControlFlow::Continue(())
        })?;
    }
    all.sort_unstable_by_key(|(other, _)| *other);
    all.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 = kept.1.and(next.1);
        }
        same
    });
    Ok(all.into_iter().filter(|(_, ruling)| ruling.joins()).map(|(other, _)| other).collect())
}
