//! Records in compressed groups: for what is read one person at a time, not scanned.
//!
//! A group holds about 64 KiB of records, compressed with LZ4 (a profile page has no time for more). A [`BlockCache`]
//! holds the group read last, so that neighbors cost one decompression.

use super::fixed::{Fixed16, write_fixed};
use crate::base::bytes::{Reader, put_varint, row32};
use crate::storage::part::{Part, Section};
use crate::storage::part_writer::PartWriter;
use crate::{Error, Result};
use lz4_flex::block::{compress_into, decompress_into, get_maximum_output_size};
use std::ops::Range;

/// A group is closed when it holds this many bytes.
const GROUP_BYTES: usize = 64 * 1024;

/// The longest record.
pub(crate) const MAX_RECORD_BYTES: usize = 64 << 20;

/// What a group can hold at most: almost the target, then one record and its length.
const MAX_GROUP_BYTES: usize = GROUP_BYTES + MAX_RECORD_BYTES + 10;

/// LZ4 cannot expand more than this; what claims to is not believed, and no memory is taken for it.
const MAX_EXPANSION: usize = 255;

/// A directory entry: the first record of a group, its raw length, and where its compressed bytes start. One more entry
/// closes the last group.
#[derive(Clone, Copy)]
struct Group {
    first: u32,
    raw_len: u32,
    offset: u64,
}

impl Group {
    fn to_bytes(self) -> [u8; 16] {
        let fill = crate::storage::layout::Fill::new().put(self.first.to_le_bytes()).put(self.raw_len.to_le_bytes());
        fill.put(self.offset.to_le_bytes()).bytes()
    }

    fn from_bytes(bytes: [u8; 16]) -> Self {
        let mut reader = Reader::new(&bytes);
        let (first, raw_len) = (reader.u32().unwrap_or_default(), reader.u32().unwrap_or_default());
        Self { first, raw_len, offset: reader.u64().unwrap_or_default() }
    }
}

/// A read-only column of compressed records.
#[derive(Clone)]
pub(crate) struct Blocks {
    data: Section,
    groups: Fixed16,
    len: usize,
}

/// The group read last, of whatever column; reuses its memory.
#[derive(Default)]
pub(crate) struct BlockCache {
    /// Whose group it is (part, section) and which.
    held: Option<((u64, u64), usize)>,
    /// The number of the group's first record.
    first: usize,
    raw: Vec<u8>,
    /// Where each record lies in `raw`.
    places: Vec<Range<u32>>,
}

impl BlockCache {
    fn record(&self, index: usize) -> Option<&[u8]> {
        let place = self.places.get(index.checked_sub(self.first)?)?;
        self.raw.get(place.start as usize..place.end as usize)
    }

    /// Finds the records in `raw`; `None` where these are not exactly `count`.
    fn index(&mut self, count: usize) -> Option<()> {
        self.places.clear();
        let mut reader = Reader::new(&self.raw);
        while !reader.is_empty() {
            let record = reader.bytes()?;
            let end = self.raw.len() - reader.rest().len();
            self.places.push(u32::try_from(end - record.len()).ok()?..u32::try_from(end).ok()?);
        }
        (self.places.len() == count).then_some(())
    }
}

impl Blocks {
    /// The column whose groups and directory are in these sections.
    ///
    /// # Errors
    ///
    /// `Corrupt` where a section is missing or the directory does not end with the data.
    pub(crate) fn new(part: &Part, data: u16, directory: u16) -> Result<Self> {
        let (data, groups) = (part.section(data)?, Fixed16::new(part.section(directory)?)?);
        let Some(last) = groups.len().checked_sub(1) else {
            return Err(groups.corrupt(0, "the directory of records is empty"));
        };
        let end = Group::from_bytes(groups.get(last)?);
        if end.offset != data.len() as u64 {
            return Err(groups.corrupt(last, "the directory of records does not end with the records"));
        }
        Ok(Self { data, groups, len: end.first as usize })
    }

    /// How many records there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The record at `index`, in the cache's memory.
    ///
    /// **Cost**: log2 of the groups and one decompression; next to nothing when the cache holds the group.
    ///
    /// # Errors
    ///
    /// `Corrupt` when its group is damaged or there is no such record: indices come from the same part.
    pub(crate) fn get<'c>(&self, index: usize, cache: &'c mut BlockCache) -> Result<&'c [u8]> {
        let held = cache.held.is_some_and(|(owner, _)| owner == self.data.identity());
        if !held || cache.record(index).is_none() {
            if index >= self.len {
                return Err(self.data.corrupt(0, "a record is pointed at that is not there"));
            }
            let wanted = row32(index);
            let starts = 0..self.groups.len();
            let behind = self.groups.partition_point(starts, |entry| Group::from_bytes(entry).first <= wanted)?;
            self.load(behind.saturating_sub(1), cache)?;
        }
        cache.record(index).ok_or_else(|| self.data.corrupt(0, "the directory of records contradicts itself"))
    }

    /// Reads the records from `first` on, in order, each group once.
    #[cfg(test)]
    pub(crate) fn cursor(&self, first: usize) -> Cursor<'_> {
        Cursor { column: self, next: first, cache: BlockCache::default() }
    }

    /// Decompresses a group into the cache. The cache holds nothing when that fails.
    fn load(&self, group: usize, cache: &mut BlockCache) -> Result<()> {
        let owner = self.data.identity();
        if cache.held == Some((owner, group)) {
            return Ok(());
        }
        cache.held = None;
        cache.places.clear();
        let this = Group::from_bytes(self.groups.get(group)?);
        let next = Group::from_bytes(self.groups.get(group.saturating_add(1))?);
        let bad = || self.groups.corrupt(group, "a group of records does not fit its directory entry");
        let (start, end) = (usize::try_from(this.offset), usize::try_from(next.offset));
        let packed = self.data.get(start.map_err(|_| bad())?..end.map_err(|_| bad())?)?;
        let count = next.first.checked_sub(this.first).ok_or_else(bad)?;
        unpack(packed, this.raw_len as usize, &mut cache.raw).ok_or_else(bad)?;
        cache.index(count as usize).ok_or_else(bad)?;
        cache.first = this.first as usize;
        cache.held = Some((owner, group));
        Ok(())
    }
}

/// Decompresses into `raw`, which becomes exactly `raw_len` long.
fn unpack(packed: &[u8], raw_len: usize, raw: &mut Vec<u8>) -> Option<()> {
    if raw_len > MAX_GROUP_BYTES || raw_len > packed.len().saturating_mul(MAX_EXPANSION) {
        return None;
    }
    if packed.len() == raw_len {
        raw.clear();
        raw.extend_from_slice(packed);
        return Some(());
    }
    raw.resize(raw_len, 0);
    (decompress_into(packed, raw).ok()? == raw_len).then_some(())
}

/// Reads records in order.
#[cfg(test)]
pub(crate) struct Cursor<'a> {
    column: &'a Blocks,
    next: usize,
    cache: BlockCache,
}

#[cfg(test)]
impl Cursor<'_> {
    /// The next record; `None` behind the last one.
    ///
    /// # Errors
    ///
    /// As [`Blocks::get`].
    pub(crate) fn next(&mut self) -> Result<Option<&[u8]>> {
        if self.next >= self.column.len() {
            return Ok(None);
        }
        self.next += 1;
        self.column.get(self.next - 1, &mut self.cache).map(Some)
    }
}

/// Writes a column of compressed records, group by group; the directory when it is finished.
///
/// Between begin and finish the part takes no other section.
pub(crate) struct BlocksWriter {
    raw: Vec<u8>,
    packed: Vec<u8>,
    groups: Vec<Group>,
    first: u32,
    next: u32,
    offset: u64,
}

impl BlocksWriter {
    /// Begins the section of the groups.
    ///
    /// # Errors
    ///
    /// As [`PartWriter::begin`].
    pub(crate) fn begin(part: &mut PartWriter, data: u16) -> Result<Self> {
        part.begin(data)?;
        let (raw, packed, groups) = (Vec::with_capacity(2 * GROUP_BYTES), Vec::new(), Vec::new());
        Ok(Self { raw, packed, groups, first: 0, next: 0, offset: 0 })
    }

    /// Appends a record; returns its index.
    ///
    /// # Errors
    ///
    /// `Invalid` for a record of more than 64 MiB or one too many for a part; `Io` when the disk refuses.
    pub(crate) fn push(&mut self, part: &mut PartWriter, record: &[u8]) -> Result<u32> {
        let index = self.next;
        if record.len() > MAX_RECORD_BYTES || index == u32::MAX {
            return Err(Error::invalid("a record of a part is at most 64 MiB, and a part has less than 2^32 of them"));
        }
        put_varint(&mut self.raw, record.len() as u64);
        self.raw.extend_from_slice(record);
        self.next += 1;
        if self.raw.len() >= GROUP_BYTES {
            self.close(part)?;
        }
        Ok(index)
    }

    /// Writes the last group, and the directory as the section `directory`.
    ///
    /// # Errors
    ///
    /// `Io` when the disk refuses.
    pub(crate) fn finish(mut self, part: &mut PartWriter, directory: u16) -> Result<()> {
        if !self.raw.is_empty() {
            self.close(part)?;
        }
        self.groups.push(Group { first: self.next, raw_len: 0, offset: self.offset });
        write_fixed(part, directory, self.groups.iter().map(|group| group.to_bytes()))
    }

    fn close(&mut self, part: &mut PartWriter) -> Result<()> {
        self.packed.resize(get_maximum_output_size(self.raw.len()), 0);
        let len = compress_into(&self.raw, &mut self.packed).unwrap_or(usize::MAX);
        // What does not shrink is stored as it is: equal lengths say so.
        let packed = self.packed.get(..len).filter(|packed| packed.len() < self.raw.len()).unwrap_or(&self.raw);
        part.write(packed)?;
        self.groups.push(Group { first: self.first, raw_len: row32(self.raw.len()), offset: self.offset });
        self.offset += packed.len() as u64;
        self.first = self.next;
        self.raw.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::base::bytes::low8;
    use crate::column::testing::part;
    use proptest::prelude::*;

    fn blocks(records: &[Vec<u8>]) -> Blocks {
        let part = part(|writer| {
            let mut blocks = BlocksWriter::begin(writer, 1)?;
            for (index, record) in records.iter().enumerate() {
                assert_eq!(blocks.push(writer, record)? as usize, index);
            }
            blocks.finish(writer, 2)
        });
        Blocks::new(&part, 1, 2).unwrap()
    }

    /// A column with one group of made-up bytes and what a directory says of them.
    fn made_up(packed: &[u8], raw_len: u32, count: u32) -> Blocks {
        let entries = [(0, raw_len, 0), (count, 0, packed.len() as u64)];
        let entries = entries.map(|(first, raw_len, offset)| Group { first, raw_len, offset }.to_bytes());
        let part = part(|writer| {
            writer.put_section(1, packed)?;
            write_fixed(writer, 2, entries)
        });
        Blocks::new(&part, 1, 2).unwrap()
    }

    #[test]
    fn reads_a_block_of_the_lz4_specification() {
        // Token 0x1a: one literal, a match of 10 + 4 at distance 1; then five literals, as a last sequence must have.
        let packed = [0x1a, 14 + 4 + 1, 1, 0, 0x50, b'x', b'x', b'x', b'x', b'x'];
        let raw = [vec![19; 15], vec![b'x'; 5]].concat();
        let column = made_up(&packed, 20, 1);
        assert_eq!(column.get(0, &mut BlockCache::default()).unwrap(), &raw[1..]);
    }

    #[test]
    fn lengths_that_lie_cost_no_memory() {
        for (raw_len, count) in [(u32::MAX, 1), (11, 2), (11, 0), (64 << 20, 1), (12, 1), (9, 1), (0, 1)] {
            let mut cache = BlockCache::default();
            let column = made_up(&[10, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10], raw_len, count);
            assert_eq!(column.get(0, &mut cache).unwrap_err().kind(), ErrorKind::Corrupt, "{raw_len} {count}");
            assert!(cache.raw.capacity() < 10_000);
        }
        assert!(made_up(&[1, 7], 2, 1).get(0, &mut BlockCache::default()).is_ok());
    }

    #[test]
    fn one_cache_serves_two_columns() {
        let (one, two) = (blocks(&[vec![1], vec![2]]), blocks(&[vec![3]]));
        let mut cache = BlockCache::default();
        assert_eq!(one.get(0, &mut cache).unwrap(), [1]);
        assert_eq!(two.get(0, &mut cache).unwrap(), [3]);
        assert!(two.get(1, &mut cache).is_err());
        assert_eq!(one.get(1, &mut cache).unwrap(), [2]);
        assert_eq!(blocks(&[]).len(), 0);
        assert!(blocks(&[]).get(0, &mut cache).is_err());
    }

    #[test]
    fn alike_records_shrink_and_noise_does_not_grow() {
        let alike = blocks(&vec![b"utm_source=newsletter".to_vec(); 10_000]);
        assert!(alike.data.len() < 10_000 * 21 / 10);
        let noise: Vec<Vec<u8>> =
            (0..1000u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes().to_vec()).collect();
        assert!(blocks(&noise).data.len() <= 9 * 1000);
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(32))]

        #[test]
        fn blocks_agree_with_vectors(
            lens in prop::collection::vec(prop_oneof![0usize..300, 15_000usize..40_000], 0..200),
            probes in prop::collection::vec(any::<prop::sample::Index>(), 1..50),
        ) {
            let records: Vec<Vec<u8>> = lens.iter().enumerate()
                .map(|(n, &len)| (0..len).map(|at| low8((at * at + n * 7) as u64)).collect()).collect();
            let column = blocks(&records);
            prop_assert_eq!(column.len(), records.len());
            let mut cursor = column.cursor(0);
            for record in &records {
                prop_assert_eq!(cursor.next().unwrap(), Some(&record[..]));
            }
            prop_assert_eq!(cursor.next().unwrap(), None);
            let mut cache = BlockCache::default();
            for probe in probes.iter().filter(|_| !records.is_empty()) {
                let index = probe.index(records.len());
                prop_assert_eq!(column.get(index, &mut cache).unwrap(), &records[index][..]);
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(packed in prop::collection::vec(any::<u8>(), 0..200), raw_len in 0u32..3000, count in 0u32..20) {
            let column = made_up(&packed, raw_len, count);
            let _ = column.get(0, &mut BlockCache::default());
        }
    }
}
