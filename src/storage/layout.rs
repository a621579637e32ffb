//! Fixed structs as bytes: fields in order, offsets asserted at compile time and held against `FORMAT.md` by a test.

/// A field of a fixed struct: name, offset, size.
pub(crate) type Field = (&'static str, usize, usize);

/// Whether the fields follow each other without a gap, overlap or misaligned number, and fill `total` bytes.
#[expect(clippy::indexing_slicing, reason = "runs at compile time only, where a panic is a compile error")]
pub(crate) const fn fills(fields: &[Field], total: usize) -> bool {
    let (mut at, mut index) = (0, 0);
    while index < fields.len() {
        let (_, offset, size) = fields[index];
        let align = if size > 8 { 8 } else { size };
        if offset != at || offset % align != 0 {
            return false;
        }
        at += size;
        index += 1;
    }
    at == total
}

/// Fills a fixed struct front to back, without allocating.
pub(crate) struct Fill<const N: usize> {
    bytes: [u8; N],
    at: usize,
}

impl<const N: usize> Fill<N> {
    pub(crate) const fn new() -> Self {
        Self { bytes: [0; N], at: 0 }
    }

    /// Appends a field. What does not fit is a mistake in a layout of ours, which the tests of that layout see.
    pub(crate) fn put<const M: usize>(mut self, field: [u8; M]) -> Self {
        if let Some(room) = self.bytes.get_mut(self.at..).and_then(|rest| rest.first_chunk_mut::<M>()) {
            *room = field;
        }
        self.at += M;
        debug_assert!(self.at <= N, "fields must fit the struct");
        self
    }

    /// What has been filled so far.
    pub(crate) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.at).unwrap_or(&self.bytes)
    }

    /// The struct; fields not put are zero.
    pub(crate) fn bytes(self) -> [u8; N] {
        self.bytes
    }
}

/// The identity of a store, drawn at random when it is created; every file of it carries it.
pub(crate) type StoreId = [u8; 16];

/// The version of every file format in this folder; the manifest of a store decides, the others repeat it.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// The next multiple of 8: where numbers start in every file of ours.
pub(crate) const fn align8(len: usize) -> usize {
    len.next_multiple_of(8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_published_one() {
        // XXH3_64bits of nothing with seed 0, from the xxHash reference implementation's self-test.
        assert_eq!(xxhash_rust::xxh3::xxh3_64(b""), 0x2d06_8005_38d3_94c2);
    }

    #[test]
    fn gaps_and_overlaps_are_seen() {
        assert!(fills(&[("a", 0, 8), ("b", 8, 4), ("c", 12, 4)], 16));
        assert!(!fills(&[("a", 0, 8), ("b", 9, 4)], 13));
        assert!(!fills(&[("a", 0, 4), ("b", 4, 8)], 12), "b is misaligned");
        assert!(!fills(&[("a", 0, 8)], 16));
    }
}
