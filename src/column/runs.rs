//! Where the values of each of many nodes stand in a column: those of one node together, nodes ascending.
//!
//! Nearly all nodes of a part's own range have values there, so each of them has a start in its place: one look. Of
//! older ones few have some; they are listed, and a guess by interpolation is close. Younger ones have none, which takes
//! a comparison.

use super::fixed::U32s;
use crate::Result;
use crate::base::bytes::row32;
use crate::storage::part_writer::PartWriter;
use std::ops::Range;

/// The places of the values; see the module.
pub(crate) struct NodeRuns {
    older: U32s,
    /// Of the older nodes, then of the part's own from `base` on, as far as they have any; then the end of the last.
    starts: U32s,
    /// The first and the last of the older ones.
    first: u32,
    last: u32,
    base: u32,
    own: usize,
}

impl NodeRuns {
    /// # Errors
    ///
    /// `Corrupt` where there are fewer starts than nodes.
    pub(crate) fn open(older: U32s, starts: U32s, base: u32) -> Result<Self> {
        let own = starts.len().checked_sub(older.len() + 1);
        let own = own.ok_or_else(|| starts.corrupt(0, "there are fewer places than nodes"))?;
        let (first, last) = match older.len() {
            0 => (u32::MAX, 0),
            len => (older.get(0)?, older.get(len - 1)?),
        };
        Ok(Self { older, starts, first, last, base, own })
    }

    /// What they take.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.older.size_bytes() + self.starts.size_bytes()
    }

    /// Where the values of a node stand, if it has any.
    #[inline]
    pub(crate) fn find(&self, node: u32) -> Result<Range<usize>> {
        match node.checked_sub(self.base) {
            Some(local) if (local as usize) < self.own => self.run(self.older.len() + local as usize),
            Some(_) => Ok(0..0),
            None => self.find_older(node),
        }
    }

    fn find_older(&self, node: u32) -> Result<Range<usize>> {
        if node < self.first || node > self.last {
            return Ok(0..0);
        }
        let len = self.older.len();
        // Products of two u32 fit a u64.
        let share = u64::from(node - self.first) * len as u64 / (u64::from(self.last.saturating_sub(self.first)) + 1);
        let at = self.older.lower_bound_near(0..len, usize::try_from(share).unwrap_or(0), node)?;
        if at < len && self.older.get(at)? == node { self.run(at) } else { Ok(0..0) }
    }

    fn run(&self, at: usize) -> Result<Range<usize>> {
        let mut ends = self.starts.range(at..at + 2)?.iter();
        let (start, end) = (ends.next().unwrap_or(0), ends.next().unwrap_or(0));
        Ok(start as usize..end as usize)
    }

    /// Every node with how many values it has, ascending. **Cost**: two columns from end to end.
    pub(crate) fn counts(&self) -> Result<impl Iterator<Item = (u32, u32)> + '_> {
        let nodes = self.older.all()?.iter().chain(self.base..);
        let starts = self.starts.all()?.iter();
        Ok(nodes.zip(starts.clone().zip(starts.skip(1))).map(|(node, (start, end))| (node, end.saturating_sub(start))))
    }
}

/// Gathers the places, to be written behind the values.
pub(crate) struct NodeRunsWriter {
    base: u32,
    older: Vec<u8>,
    starts: Vec<u8>,
    /// The next of the part's own nodes without a start.
    next: u32,
}

impl NodeRunsWriter {
    /// For a part whose own nodes begin at `base`.
    pub(crate) fn new(base: u32) -> Self {
        Self { base, older: Vec::new(), starts: Vec::new(), next: base }
    }

    /// The values of a node begin where so many stand before them. Nodes ascend.
    pub(crate) fn push(&mut self, node: u32, before: usize) {
        let start = row32(before).to_le_bytes();
        if node < self.base {
            self.older.extend(node.to_le_bytes());
        } else {
            // Those between have none: their values end where they begin.
            (self.next..node).for_each(|_| self.starts.extend(start));
            self.next = node + 1;
        }
        self.starts.extend(start);
    }

    /// Writes the sections `older` and `starts`; `all` values there are.
    ///
    /// # Errors
    ///
    /// As [`PartWriter::put_section`].
    pub(crate) fn finish(mut self, all: usize, older: u16, starts: u16, out: &mut PartWriter) -> Result<()> {
        self.starts.extend(row32(all).to_le_bytes());
        out.put_section(older, &self.older)?;
        out.put_section(starts, &self.starts)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::column::testing::part;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn finds_what_is_there_and_nothing_else(
            older in prop::collection::btree_map(0u32..1000, 1usize..4, 0..40),
            own in prop::collection::btree_map(1000u32..1100, 1usize..4, 0..90),
            asked in prop::collection::vec(0u32..1200, 0..60),
        ) {
            let all: BTreeMap<u32, usize> = older.into_iter().chain(own).collect();
            let mut model = BTreeMap::new();
            let part = part(|out| {
                let (mut writer, mut before) = (NodeRunsWriter::new(1000), 0);
                for (node, count) in &all {
                    writer.push(*node, before);
                    model.insert(*node, before..before + count);
                    before += count;
                }
                writer.finish(before, 1, 2, out)
            });
            let column = |section| U32s::new(part.section(section).unwrap()).unwrap();
            let runs = NodeRuns::open(column(1), column(2), 1000).unwrap();
            for node in asked.into_iter().chain(all.keys().copied()) {
                let found = Some(runs.find(node).unwrap()).filter(|run| !run.is_empty());
                prop_assert_eq!(found, model.get(&node).cloned());
            }
            let counts = runs.counts().unwrap().filter(|(_, count)| *count > 0);
            prop_assert!(counts.eq(all.iter().map(|(node, count)| (*node, row32(*count)))));
        }
    }

    #[test]
    fn fewer_places_than_nodes_are_corrupt() {
        let part = part(|out| {
            out.put_section(1, &[1, 0, 0, 0])?;
            out.put_section(2, &[0, 0, 0, 0])?;
            out.put_section(3, &[])
        });
        let column = |section| U32s::new(part.section(section).unwrap()).unwrap();
        for (older, starts) in [(1, 2), (1, 3), (3, 3)] {
            assert_eq!(NodeRuns::open(column(older), column(starts), 5).err().unwrap().kind(), ErrorKind::Corrupt);
        }
        assert!(NodeRuns::open(column(3), column(2), 5).unwrap().find(5).unwrap().is_empty());
    }
}
