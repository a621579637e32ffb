//! A set of profile rows that many snapshots share: roaring bitmaps of 65,536 rows each, copied on write.

use roaring::RoaringBitmap;
use std::sync::Arc;

const CHUNK_BITS: u32 = 16;

/// A persistent set of `u32` rows. Cloning costs a reference count; a change copies at most one 8 KiB chunk.
#[derive(Clone, Default)]
pub(crate) struct RowSet {
    chunks: Arc<Vec<Arc<RoaringBitmap>>>,
}

/// The same rows: a chunk that is empty by now is like one that never was.
impl PartialEq for RowSet {
    fn eq(&self, other: &Self) -> bool {
        let same = |at: usize| match (self.chunks.get(at), other.chunks.get(at)) {
            (Some(own), Some(others)) => Arc::ptr_eq(own, others) || own == others,
            (own, others) => own.or(others).is_none_or(|chunk| chunk.is_empty()),
        };
        (0..self.chunks.len().max(other.chunks.len())).all(same)
    }
}

impl RowSet {
    fn at(row: u32) -> usize {
        (row >> CHUNK_BITS) as usize
    }

    pub(crate) fn contains(&self, row: u32) -> bool {
        self.chunks.get(Self::at(row)).is_some_and(|chunk| chunk.contains(row))
    }

    /// Adds `row`; true if it was not in.
    pub(crate) fn insert(&mut self, row: u32) -> bool {
        if self.contains(row) {
            return false;
        }
        let chunks = Arc::make_mut(&mut self.chunks);
        if chunks.len() <= Self::at(row) {
            chunks.resize_with(Self::at(row) + 1, Arc::default);
        }
        chunks.get_mut(Self::at(row)).is_some_and(|chunk| Arc::make_mut(chunk).insert(row))
    }

    /// Removes `row`; true if it was in.
    pub(crate) fn remove(&mut self, row: u32) -> bool {
        if !self.contains(row) {
            return false;
        }
        Arc::make_mut(&mut self.chunks).get_mut(Self::at(row)).is_some_and(|chunk| Arc::make_mut(chunk).remove(row))
    }

    /// Puts `row` in or out; true if that changed anything.
    pub(crate) fn put(&mut self, row: u32, member: bool) -> bool {
        if member { self.insert(row) } else { self.remove(row) }
    }

    /// Whether nothing was ever put in.
    pub(crate) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    pub(crate) fn len(&self) -> u64 {
        self.chunks.iter().map(|chunk| chunk.len()).sum()
    }

    /// The set as one roaring bitmap. Cost: its containers are copied.
    pub(crate) fn to_bitmap(&self) -> RoaringBitmap {
        let mut all = RoaringBitmap::new();
        for chunk in self.chunks.iter() {
            all |= chunk.as_ref();
        }
        all
    }
}

impl From<&RoaringBitmap> for RowSet {
    fn from(bitmap: &RoaringBitmap) -> Self {
        let mut chunks: Vec<Arc<RoaringBitmap>> = Vec::new();
        let mut rows = bitmap.iter().peekable();
        while let Some(first) = rows.peek().copied() {
            let at = Self::at(first);
            let of_chunk = std::iter::from_fn(|| rows.next_if(|row| Self::at(*row) == at));
            // Sorted rows go in without a search; a set given as a bitmap cannot be unsorted.
            let chunk = RoaringBitmap::from_sorted_iter(of_chunk).unwrap_or_default();
            chunks.resize_with(at + 1, Arc::default);
            if let Some(slot) = chunks.get_mut(at) {
                *slot = Arc::new(chunk);
            }
        }
        Self { chunks: Arc::new(chunks) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(crate::base::cases::cases(256))]

        #[test]
        fn it_is_a_set(rows in prop::collection::vec((0u32..200_000, any::<bool>()), 0..200)) {
            let (mut set, mut model) = (RowSet::default(), RoaringBitmap::new());
            for (row, member) in rows {
                let changed = if member { model.insert(row) } else { model.remove(row) };
                prop_assert_eq!(set.put(row, member), changed);
            }
            prop_assert_eq!(set.len(), model.len());
            prop_assert_eq!(set.to_bitmap(), model.clone());
            prop_assert!(RowSet::from(&model).to_bitmap() == model);
            prop_assert!(RowSet::from(&model) == set && set == RowSet::from(&model));
        }
    }
}
