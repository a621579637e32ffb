//! Values of any length: all their bytes in one section, where each starts in another.

use super::fixed::{Fixed, U32s, U64s, write_fixed};
use crate::Result;
use crate::storage::part::{Part, Section};
use crate::storage::part_writer::PartWriter;
use std::ops::Range;

/// A read-only column of byte strings.
#[derive(Clone)]
pub(crate) struct Heap {
    bytes: Section,
    offsets: Offsets,
}

/// Narrow unless the values' bytes are too many: their count decides, so nothing has to say which.
#[derive(Clone)]
enum Offsets {
    Narrow(U32s),
    Wide(U64s),
}

impl Heap {
    /// The column whose values' bytes and offsets are in these sections.
    ///
    /// # Errors
    ///
    /// `Corrupt` where a section is missing or the two do not fit each other.
    pub(crate) fn new(part: &Part, bytes: u16, offsets: u16) -> Result<Self> {
        let (bytes, offsets) = (part.section(bytes)?, part.section(offsets)?);
        let offsets = if u32::try_from(bytes.len()).is_ok() {
            Offsets::Narrow(Fixed::new(offsets)?)
        } else {
            Offsets::Wide(Fixed::new(offsets)?)
        };
        let heap = Self { bytes, offsets };
        if heap.offset_count() == 0 {
            return Err(heap.bytes.corrupt(0, "the values have no offsets"));
        }
        Ok(heap)
    }

    /// How many values there are.
    #[inline]
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.offset_count() - 1
    }

    /// What they take, with their offsets.
    pub(crate) fn size_bytes(&self) -> u64 {
        let offsets = match &self.offsets {
            Offsets::Narrow(offsets) => offsets.size_bytes(),
            Offsets::Wide(offsets) => offsets.size_bytes(),
        };
        self.bytes.len() as u64 + offsets
    }

    /// The value at `index`.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is damaged or there is none: indices come from the same part.
    #[inline]
    pub(crate) fn get(&self, index: usize) -> Result<&[u8]> {
        let Range { start, end } = match &self.offsets {
            Offsets::Narrow(offsets) => (offsets.get(index)? as usize)..(offsets.get(index + 1)? as usize),
            Offsets::Wide(offsets) => self.wide(offsets.get(index)?)?..self.wide(offsets.get(index + 1)?)?,
        };
        self.bytes.get(start..end)
    }

    /// The first index whose value is not `before`, as in [`Fixed::partition_point`].
    ///
    /// # Errors
    ///
    /// As [`Heap::get`].
    #[cfg(test)]
    pub(crate) fn partition_point(&self, mut before: impl FnMut(&[u8]) -> bool) -> Result<usize> {
        let (mut low, mut high) = (0, self.len());
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

    fn wide(&self, offset: u64) -> Result<usize> {
        usize::try_from(offset).map_err(|_| self.bytes.corrupt(0, "a value lies outside its section"))
    }

    #[inline]
    fn offset_count(&self) -> usize {
        match &self.offsets {
            Offsets::Narrow(offsets) => offsets.len(),
            Offsets::Wide(offsets) => offsets.len(),
        }
    }
}

/// Writes a heap: the values' bytes as they come, the offsets when it is finished.
///
/// **Cost**: holds 8 bytes a value. Between the two calls the part takes no other section.
pub(crate) struct HeapWriter {
    ends: Vec<u64>,
}

impl HeapWriter {
    /// Begins the section of the values' bytes.
    ///
    /// # Errors
    ///
    /// As [`PartWriter::begin`].
    pub(crate) fn begin(part: &mut PartWriter, bytes: u16) -> Result<Self> {
        part.begin(bytes)?;
        Ok(Self { ends: vec![0] })
    }

    /// Appends a value; returns its index.
    ///
    /// # Errors
    ///
    /// As [`PartWriter::write`].
    pub(crate) fn push(&mut self, part: &mut PartWriter, value: &[u8]) -> Result<usize> {
        part.write(value)?;
        self.ends.push(self.total() + value.len() as u64);
        Ok(self.ends.len() - 2)
    }

    /// Writes the offsets as the section `offsets`.
    ///
    /// # Errors
    ///
    /// As [`write_fixed`].
    pub(crate) fn finish(self, part: &mut PartWriter, offsets: u16) -> Result<()> {
        part.end();
        if u32::try_from(self.total()).is_ok() {
            return write_fixed(part, offsets, self.ends.into_iter().map(crate::base::bytes::low32));
        }
        write_fixed(part, offsets, self.ends)
    }

    fn total(&self) -> u64 {
        self.ends.last().copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::column::testing::part;
    use proptest::prelude::*;

    fn heap(values: &[Vec<u8>]) -> Heap {
        let part = part(|writer| {
            let mut heap = HeapWriter::begin(writer, 1)?;
            for (index, value) in values.iter().enumerate() {
                assert_eq!(heap.push(writer, value)?, index);
            }
            heap.finish(writer, 2)
        });
        Heap::new(&part, 1, 2).unwrap()
    }

    #[test]
    fn offsets_that_lead_outside_are_corrupt() {
        for offsets in [vec![0u32, 9], vec![2, 1], vec![u32::MAX, 0], vec![0, u32::MAX]] {
            let part = part(|writer| {
                writer.put_section(1, b"abc")?;
                write_fixed(writer, 2, offsets)
            });
            assert_eq!(Heap::new(&part, 1, 2).unwrap().get(0).unwrap_err().kind(), ErrorKind::Corrupt);
        }
        let part = part(|writer| {
            writer.put_section(1, b"abc")?;
            writer.put_section(2, b"")
        });
        assert!(Heap::new(&part, 1, 2).is_err());
        assert!(heap(&[]).get(0).is_err() && heap(&[]).get(usize::MAX - 1).is_err());
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(32))]

        #[test]
        fn heaps_agree_with_vectors(mut values in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..300)) {
            values.sort();
            let heap = heap(&values);
            prop_assert_eq!(heap.len(), values.len());
            for (index, value) in values.iter().enumerate() {
                prop_assert_eq!(heap.get(index).unwrap(), &value[..]);
                let wanted = values.partition_point(|other| other < value);
                prop_assert_eq!(heap.partition_point(|other| other < &value[..]).unwrap(), wanted);
            }
        }
    }
}
