//! Columns of values of one fixed size, little-endian, read in place.

use crate::Result;
use crate::storage::part::Section;
use crate::storage::part_writer::PartWriter;
use std::marker::PhantomData;
use std::ops::Range;

/// A value that a fixed column can hold. Where its size divides the block size, no value straddles two blocks.
pub(crate) trait Value: Copy {
    /// Bytes of one value.
    const BYTES: usize;

    /// The value of the first `BYTES` bytes.
    fn read(bytes: &[u8]) -> Option<Self>;

    /// Appends the value's bytes.
    fn put(self, out: &mut Vec<u8>);
}

macro_rules! little_endian {
    ($($number:ty),*) => {$(
        impl Value for $number {
            const BYTES: usize = size_of::<$number>();

            #[inline]
            fn read(bytes: &[u8]) -> Option<Self> {
                bytes.first_chunk().map(|chunk| <$number>::from_le_bytes(*chunk))
            }

            fn put(self, out: &mut Vec<u8>) {
                out.extend_from_slice(&self.to_le_bytes());
            }
        }
    )*};
}

little_endian!(u8, u16, u32, u64, i32, i64);

impl Value for [u8; 16] {
    const BYTES: usize = 16;

    #[inline]
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.first_chunk().copied()
    }

    fn put(self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self);
    }
}

/// A read-only column of `T`.
#[derive(Clone)]
pub(crate) struct Fixed<T> {
    section: Section,
    len: usize,
    value: PhantomData<fn() -> T>,
}

pub(crate) type U8s = Fixed<u8>;
pub(crate) type U16s = Fixed<u16>;
pub(crate) type U32s = Fixed<u32>;
pub(crate) type U64s = Fixed<u64>;
pub(crate) type I64s = Fixed<i64>;
/// Ids and hashes of 16 bytes.
pub(crate) type Fixed16 = Fixed<[u8; 16]>;

impl<T: Value> Fixed<T> {
    /// The column in a section.
    ///
    /// # Errors
    ///
    /// `Corrupt` when the section is not a whole number of values.
    pub(crate) fn new(section: Section) -> Result<Self> {
        if !section.len().is_multiple_of(T::BYTES) {
            return Err(section.corrupt(section.len(), "the column ends within a value"));
        }
        let len = section.len() / T::BYTES;
        Ok(Self { section, len, value: PhantomData })
    }

    /// How many values there are.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// What they take.
    pub(crate) fn size_bytes(&self) -> u64 {
        self.section.len() as u64
    }

    /// The value at `index`.
    ///
    /// # Errors
    ///
    /// `Corrupt` when its block is damaged or there is no such value: indices come from the same part.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Result<T> {
        let start = index.saturating_mul(T::BYTES);
        let bytes = self.section.get(start..start.saturating_add(T::BYTES))?;
        T::read(bytes).ok_or_else(|| self.section.corrupt(start, "a value is cut"))
    }

    /// The values of a range of indices, verified once for all.
    ///
    /// # Errors
    ///
    /// As [`Fixed::get`].
    #[inline]
    pub(crate) fn range(&self, range: Range<usize>) -> Result<View<'_, T>> {
        let (start, end) = (range.start.saturating_mul(T::BYTES), range.end.saturating_mul(T::BYTES));
        Ok(View { bytes: self.section.get(start..end)?, value: PhantomData })
    }

    /// All values.
    ///
    /// # Errors
    ///
    /// As [`Fixed::get`].
    pub(crate) fn all(&self) -> Result<View<'_, T>> {
        self.range(0..self.len)
    }

    /// The first index within `range` whose value is not `before`; the end where all are. The values must be parted so:
    /// first all that are, then all that are not.
    ///
    /// **Cost**: log2 of the range, and only the blocks touched are verified.
    ///
    /// # Errors
    ///
    /// As [`Fixed::get`].
    pub(crate) fn partition_point(&self, range: Range<usize>, mut before: impl FnMut(T) -> bool) -> Result<usize> {
        let (mut low, mut high) = (range.start, range.end.max(range.start));
        while low < high {
            let middle = low + (high - low) / 2;
            if before(self.get(middle)?) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(low)
    }

    /// The first index of `range` whose value is not below `value`, in a sorted column, looking near `guess` first.
    ///
    /// **Cost**: the logarithm of how far off the guess is, in neighboring cache lines if it is good.
    ///
    /// # Errors
    ///
    /// As [`Fixed::get`].
    pub(crate) fn lower_bound_near(&self, range: Range<usize>, guess: usize, value: T) -> Result<usize>
    where
        T: Ord,
    {
        if range.is_empty() {
            return Ok(range.start);
        }
        let guess = guess.clamp(range.start, range.end - 1);
        let (mut low, mut high);
        let mut step = 1;
        if self.get(guess)? < value {
            low = guess + 1;
            while low < range.end && self.get((low + step - 1).min(range.end - 1))? < value {
                low = (low + step).min(range.end);
                step *= 2;
            }
            high = (low + step).min(range.end);
        } else {
            high = guess;
            while high > range.start && self.get(high.saturating_sub(step).max(range.start))? >= value {
                high = high.saturating_sub(step).max(range.start);
                step *= 2;
            }
            low = high.saturating_sub(step).max(range.start);
        }
        self.partition_point(low..high, |known| known < value)
    }

    /// An error at the value `index`, for those who find it impossible.
    pub(crate) fn corrupt(&self, index: usize, what: &str) -> crate::Error {
        self.section.corrupt(index.saturating_mul(T::BYTES), what)
    }
}

/// Verified values, one after the other.
#[derive(Clone, Copy)]
pub(crate) struct View<'a, T> {
    bytes: &'a [u8],
    value: PhantomData<fn() -> T>,
}

impl<'a, T: Value> View<'a, T> {
    #[inline]
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.bytes.len() / T::BYTES
    }

    #[inline]
    #[cfg(test)]
    pub(crate) fn get(&self, index: usize) -> Option<T> {
        self.bytes.get(index.checked_mul(T::BYTES)?..).and_then(T::read)
    }

    #[inline]
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = T> + ExactSizeIterator + Clone + use<'a, T> {
        // A chunk always holds a value: the fallback is never taken, and is compiled away.
        self.bytes.chunks_exact(T::BYTES).map(|chunk| match T::read(chunk) {
            Some(value) => value,
            None => unreachable!("a chunk has the size of a value"),
        })
    }

    /// As `slice::partition_point`.
    #[cfg(test)]
    pub(crate) fn partition_point(&self, mut before: impl FnMut(T) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if self.get(middle).is_some_and(&mut before) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }
}

/// Writes a column as the section `id`, in constant memory.
///
/// # Errors
///
/// As [`PartWriter::begin`] and [`PartWriter::write`].
pub(crate) fn write_fixed<T: Value>(part: &mut PartWriter, id: u16, values: impl IntoIterator<Item = T>) -> Result<()> {
    const CHUNK_BYTES: usize = 16 * 1024;
    part.begin(id)?;
    let mut chunk = Vec::with_capacity(CHUNK_BYTES);
    for value in values {
        value.put(&mut chunk);
        if chunk.len() >= CHUNK_BYTES {
            part.write(&chunk)?;
            chunk.clear();
        }
    }
    part.write(&chunk)?;
    part.end();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::column::testing::part;
    use proptest::prelude::*;

    fn column<T: Value>(values: &[T]) -> Fixed<T> {
        let part = part(|writer| write_fixed(writer, 1, values.iter().copied()));
        Fixed::new(part.section(1).unwrap()).unwrap()
    }

    #[test]
    fn the_bytes_are_little_endian() {
        let part = part(|writer| {
            write_fixed(writer, 1, [0x0102_0304_u32, 5])?;
            write_fixed(writer, 2, [-2i64])
        });
        assert_eq!(part.section(1).unwrap().all().unwrap(), [4, 3, 2, 1, 5, 0, 0, 0]);
        assert_eq!(I64s::new(part.section(2).unwrap()).unwrap().get(0).unwrap(), -2);
        assert_eq!(U64s::new(part.section(1).unwrap()).unwrap().get(0).unwrap(), 0x05_0102_0304);
        assert_eq!(Fixed16::new(part.section(2).unwrap()).err().unwrap().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn outside_is_corrupt() {
        let column = column(&[1u16, 2, 3]);
        for index in [3, 4, usize::MAX, usize::MAX / 2] {
            assert_eq!(column.get(index).unwrap_err().kind(), ErrorKind::Corrupt);
            assert!(column.range(0..index.max(4)).is_err());
        }
        assert_eq!(column.all().unwrap().get(3), None);
        assert_eq!(column.range(1..1).unwrap().len(), 0);
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(32))]

        #[test]
        fn columns_agree_with_slices(mut values in prop::collection::vec(any::<u64>(), 0..6000), probe: u64, cut: u16) {
            values.sort_unstable();
            let column = column(&values);
            prop_assert_eq!(column.len(), values.len());
            prop_assert!(column.all().unwrap().iter().eq(values.iter().copied()));
            let cut = usize::from(cut).min(values.len());
            prop_assert!(column.range(cut..values.len()).unwrap().iter().rev().eq(values[cut..].iter().rev().copied()));
            let wanted = values.partition_point(|&v| v < probe);
            prop_assert_eq!(column.partition_point(0..values.len(), |v| v < probe).unwrap(), wanted);
            prop_assert_eq!(column.all().unwrap().partition_point(|v| v < probe), wanted);
        }

        #[test]
        fn every_type_round_trips(bytes: Vec<u8>, ids in prop::collection::vec(any::<[u8; 16]>(), 0..50), ints: Vec<i32>) {
            prop_assert!(column(&bytes).all().unwrap().iter().eq(bytes));
            prop_assert!(column(&ids).all().unwrap().iter().eq(ids));
            prop_assert!(column(&ints).all().unwrap().iter().eq(ints));
        }
    }
}
