//! What the host said of pairs of identifiers, and the evidence that counts in spite of what was taken back.
//!
//! Statements are few, so they live in memory beside the layers of the graph, at both of their ends, shared by
//! snapshots as states are. Layers only gather evidence; where a revocation or an erasure takes some away, the best of
//! what is left is *amended* here, and the layers are not asked for that pair any more.

use super::evidence::{EdgeKey, Ruling};
use crate::base::Timestamp;
use crate::base::bytes::Reader;
use crate::column::cow::CowMap;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Everything that is known of a pair beside the evidence in the layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stated {
    /// The latest live alias after the revocation, and the latest live deny.
    pub(crate) ruling: Ruling,
    /// Evidence and aliases up to here count no longer; `Timestamp::MIN`: nothing was revoked.
    pub(crate) revoked: Timestamp,
    /// The best evidence that counts, in place of what the layers say.
    pub(crate) amended: Option<Option<EdgeKey>>,
}

impl Stated {
    /// What is known of a pair of which nobody spoke.
    pub(crate) const NOTHING: Self = Self { ruling: Ruling::NONE, revoked: Timestamp::MIN, amended: None };
}

/// What is stated of one identifier and others, by the other.
type Others = Arc<Vec<(u32, Stated)>>;

/// The statements; see the module. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Statements {
    by_node: CowMap<Option<Others>>,
    nodes: Arc<BTreeSet<u32>>,
}

impl Statements {
    pub(crate) fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Everything stated of a node and others, ascending by the other; `None` for nothing.
    pub(crate) fn of(&self, node: u32) -> Option<Others> {
        if self.is_empty() { None } else { self.by_node.get(node).flatten() }
    }

    /// What is stated of a pair.
    pub(crate) fn of_pair(&self, (a, b): (u32, u32)) -> Option<Stated> {
        let others = self.of(a)?;
        let at = others.binary_search_by_key(&b, |(other, _)| *other).ok()?;
        others.get(at).map(|(_, stated)| *stated)
    }

    /// Replaces what is stated of a pair.
    pub(crate) fn set(&mut self, (a, b): (u32, u32), stated: Stated) {
        for (node, other) in [(a, b), (b, a)] {
            let mut others = self.by_node.get(node).flatten().unwrap_or_default();
            let list = Arc::make_mut(&mut others);
            let place = list.binary_search_by_key(&other, |(known, _)| *known);
            match (place, stated == Stated::NOTHING) {
                (Ok(at), true) => drop(list.remove(at)),
                (Ok(at), false) => list.iter_mut().skip(at).take(1).for_each(|slot| slot.1 = stated),
                (Err(_), true) => {}
                (Err(at), false) => list.insert(at, (other, stated)),
            }
            let empty = list.is_empty();
            if empty == self.nodes.contains(&node) {
                let nodes = Arc::make_mut(&mut self.nodes);
                if empty {
                    nodes.remove(&node)
                } else {
                    nodes.insert(node)
                };
            }
            if empty {
                self.by_node.remove(node);
            } else {
                self.by_node.set(node, Some(others));
            }
        }
    }

    /// Every pair, the smaller node first, ascending.
    pub(crate) fn iter(&self) -> impl Iterator<Item = ((u32, u32), Stated)> + '_ {
        self.nodes.iter().flat_map(|node| {
            let others = self.of(*node).unwrap_or_default();
            let after: Vec<_> = others.iter().filter(|(other, _)| node < other).copied().collect();
            after.into_iter().map(|(other, stated)| ((*node, other), stated))
        })
    }

    /// As a file keeps them.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for ((a, b), stated) in self.iter() {
            out.extend(a.to_le_bytes());
            out.extend(b.to_le_bytes());
            let (tag, (class, doubt, ts)) = match stated.amended {
                None => (0, (0, 0, Timestamp::MIN)),
                Some(None) => (1, (0, 0, Timestamp::MIN)),
                Some(Some(key)) => (2, key.parts()),
            };
            out.extend([tag, class, doubt, 0, 0, 0, 0, 0]);
            for instant in [stated.ruling.alias, stated.ruling.deny, stated.revoked, ts] {
                out.extend(instant.as_millisecond().to_le_bytes());
            }
        }
        out
    }

    /// What [`Statements::encode`] wrote; `None` for anything else.
    pub(crate) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        let mut all = Self::default();
        while !reader.is_empty() {
            let pair = (reader.u32()?, reader.u32()?);
            let [tag, class, doubt, ..] = reader.array::<8>()?;
            let mut instant = || reader.i64().map(Timestamp::from_millisecond);
            let (ruling, revoked) = (Ruling { alias: instant()?, deny: instant()? }, instant()?);
            let key = EdgeKey::from_parts(class, doubt, instant()?);
            let amended = match tag {
                0 => None,
                1 => Some(None),
                2 => Some(Some(key)),
                _ => return None,
            };
            all.set(pair, Stated { ruling, revoked, amended });
        }
        Some(all)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn stated() -> impl Strategy<Value = Stated> {
        let ts = || prop_oneof![2 => Just(Timestamp::MIN), 1 => (0i64..9).prop_map(Timestamp::from_millisecond)];
        let key =
            (any::<bool>(), 0i64..9).prop_map(|(strong, ts)| EdgeKey::event(strong, Timestamp::from_millisecond(ts)));
        (ts(), ts(), ts(), prop::option::of(prop::option::of(key))).prop_map(|(alias, deny, revoked, amended)| Stated {
            ruling: Ruling { alias, deny },
            revoked,
            amended,
        })
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn both_ends_tell_the_same_and_files_read_back(
            steps in prop::collection::vec(((0u32..6, 0u32..40), stated()), 0..60)
        ) {
            let (mut all, mut model) = (Statements::default(), BTreeMap::new());
            for ((a, b), stated) in steps.into_iter().filter(|((a, b), _)| a != b) {
                all.set((a, b), stated);
                model.insert((a.min(b), a.max(b)), stated);
                model.retain(|_, stated| *stated != Stated::NOTHING);
            }
            prop_assert_eq!(all.iter().collect::<BTreeMap<_, _>>(), model.clone());
            prop_assert_eq!(all.is_empty(), model.is_empty());
            let back = Statements::decode(&all.encode()).expect("reads back");
            for ((a, b), stated) in model {
                prop_assert_eq!((all.of_pair((a, b)), all.of_pair((b, a))), (Some(stated), Some(stated)));
                prop_assert_eq!(back.of_pair((b, a)), Some(stated));
            }
        }
    }
}
