//! Which of many nodes a part has something about: a sorted column of node numbers.
//!
//! Nodes of the part's own range stand nearly dense at its end, older ones sparse before them, younger ones never. So a
//! guess by interpolation is close, and most parts are ruled out by two comparisons.

use super::fixed::U32s;
use crate::Result;

/// The sorted nodes of a part; see the module.
pub(crate) struct SparseNodes {
    nodes: U32s,
    first: u32,
    last: u32,
    /// The first node of the part's own range, and where those begin.
    base: u32,
    own: usize,
}

impl SparseNodes {
    pub(crate) fn open(nodes: U32s, base: u32) -> Result<Self> {
        let own = nodes.partition_point(0..nodes.len(), |node| node < base)?;
        let (first, last) = match nodes.len() {
            0 => (u32::MAX, 0),
            len => (nodes.get(0)?, nodes.get(len - 1)?),
        };
        Ok(Self { nodes, first, last, base, own })
    }

    /// What they take.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.nodes.size_bytes()
    }

    /// All of them, ascending.
    pub(crate) fn all(&self) -> Result<impl Iterator<Item = u32> + '_> {
        Ok(self.nodes.range(0..self.nodes.len())?.iter())
    }

    /// Where a node stands, if it does.
    pub(crate) fn find(&self, node: u32) -> Result<Option<usize>> {
        if node < self.first || node > self.last {
            return Ok(None);
        }
        let (range, low, high) = if node >= self.base {
            (self.own..self.nodes.len(), self.base, self.last)
        } else {
            (0..self.own, self.first, self.base)
        };
        // Products of two u32 fit a u64.
        let share = u64::from(node - low.min(node)) * range.len() as u64 / (u64::from(high.saturating_sub(low)) + 1);
        let guess = range.start + usize::try_from(share).unwrap_or(0);
        let at = self.nodes.lower_bound_near(range.clone(), guess, node)?;
        Ok((at < range.end && self.nodes.get(at)? == node).then_some(at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::column::fixed::write_fixed;
    use crate::column::testing::part;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn finds_what_is_there_and_nothing_else(
            older in prop::collection::btree_set(0u32..1000, 0..40),
            own in prop::collection::btree_set(1000u32..1100, 0..90),
            asked in prop::collection::vec(0u32..1200, 0..60),
        ) {
            let all: BTreeSet<u32> = older.union(&own).copied().collect();
            let part = part(|out| write_fixed(out, 1, all.iter().copied()));
            let nodes = SparseNodes::open(U32s::new(part.section(1).unwrap()).unwrap(), 1000).unwrap();
            for node in asked.into_iter().chain(all.iter().copied()) {
                prop_assert_eq!(nodes.find(node).unwrap(), all.iter().position(|known| *known == node));
            }
        }
    }
}
