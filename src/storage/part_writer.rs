//! Writes a part: sections one after the other, streamed; the directory of block checksums and the footer at the end.

use super::layout::align8;
use super::layout::{FORMAT_VERSION, StoreId};
use super::part::{BLOCK_BYTES, Entry, FOOTER_BYTES, Footer, HEADER_BYTES, MAGIC, Sealed, checksum, header};
use super::vfs::{Vfs, VfsFile};
use crate::base::bytes::low32;
use crate::{Error, Result};
use std::io::IoSlice;
use xxhash_rust::xxh3::xxh3_64;

/// Bytes go to the file in pieces of this many, each at a multiple of it: systems with huge pages keep such a piece in
/// one, and whoever looks into the mapped part here and there spends half the time.
const PIECE_BYTES: usize = 2 << 20;

/// A part being written. Dropped before [`PartWriter::finish`] it leaves a file that no manifest lists, which the next
/// open removes.
pub(crate) struct PartWriter {
    file: Box<dyn VfsFile>,
    name: String,
    store_id: StoreId,
    /// Not yet in the file; its last `pending` bytes are an unfinished block.
    buffer: Vec<u8>,
    pending: usize,
    /// The length of the part so far, buffer included.
    len: usize,
    entries: Vec<Entry>,
    checksums: Vec<u8>,
    in_section: bool,
}

impl PartWriter {
    /// A new file; an error when the name is taken.
    pub(crate) fn create(vfs: &dyn Vfs, name: &str, store_id: StoreId) -> Result<Self> {
        let file = vfs.create(name)?;
        let mut buffer = Vec::with_capacity(PIECE_BYTES + BLOCK_BYTES);
        buffer.extend_from_slice(&header(store_id));
        let (name, len) = (name.to_owned(), HEADER_BYTES);
        let (entries, checksums) = (Vec::new(), Vec::new());
        Ok(Self { file, name, store_id, buffer, pending: 0, len, entries, checksums, in_section: false })
    }

    /// Starts the section of that number, and ends the one before.
    ///
    /// # Errors
    ///
    /// `Invalid` when the part has that section already; `Io` when the disk refuses.
    pub(crate) fn begin(&mut self, id: u16) -> Result<()> {
        self.end();
        if self.entries.iter().any(|entry| entry.id == id) {
            return Err(Error::invalid(format!("a part has only one section {id}")));
        }
        let aligned = align8(self.len);
        self.buffer.resize(self.buffer.len() + aligned - self.len, 0);
        self.len = aligned;
        self.entries.push(Entry { id, offset: aligned, len: 0, first_block: self.checksums.len() / 8 });
        self.in_section = true;
        Ok(())
    }

    /// Appends to the section begun last.
    ///
    /// # Errors
    ///
    /// `Invalid` without a section begun; `Io` when the disk refuses, and the part is lost.
    pub(crate) fn write(&mut self, mut bytes: &[u8]) -> Result<()> {
        let section = self.entries.last_mut().filter(|_| self.in_section);
        let section = section.ok_or_else(|| Error::invalid("a section must begin before its bytes"))?;
        section.len += bytes.len();
        self.len += bytes.len();
        while !bytes.is_empty() {
            let fill;
            (fill, bytes) = bytes.split_at(bytes.len().min(BLOCK_BYTES - self.pending));
            self.buffer.extend_from_slice(fill);
            self.pending += fill.len();
            if self.pending == BLOCK_BYTES {
                self.seal_block();
                self.flush()?;
            }
        }
        Ok(())
    }

    /// Ends the section begun last; [`PartWriter::begin`] and [`PartWriter::finish`] do so by themselves.
    pub(crate) fn end(&mut self) {
        if self.pending > 0 {
            self.seal_block();
        }
        self.in_section = false;
    }

    /// A whole section at once.
    ///
    /// # Errors
    ///
    /// As [`PartWriter::begin`] and [`PartWriter::write`].
    pub(crate) fn put_section(&mut self, id: u16, bytes: &[u8]) -> Result<()> {
        self.begin(id)?;
        self.write(bytes)?;
        self.end();
        Ok(())
    }

    /// Writes directory and footer and makes the file's data durable. Its name becomes durable with the manifest.
    ///
    /// # Errors
    ///
    /// `Io` when the disk refuses: the file is worthless then, and must not be listed.
    pub(crate) fn finish(mut self) -> Result<Sealed> {
        self.end();
        let aligned = align8(self.len);
        self.buffer.resize(self.buffer.len() + aligned - self.len, 0);
        let mut directory: Vec<u8> = self.entries.iter().flat_map(|entry| entry.to_bytes()).collect();
        directory.extend_from_slice(&self.checksums);
        let footer = Footer {
            store_id: self.store_id,
            directory_offset: aligned as u64,
            directory_len: directory.len() as u64,
            sections: low32(self.entries.len() as u64),
            block_bytes: low32(BLOCK_BYTES as u64),
            version: FORMAT_VERSION,
        }
        .summed();
        let checksum = checksum(&directory, &footer);
        let mut footer = footer.to_vec();
        footer.extend_from_slice(&checksum.to_le_bytes());
        footer.extend_from_slice(&MAGIC);
        self.file.append(&mut [&self.buffer, &directory, &footer].map(|piece| IoSlice::new(piece)))?;
        self.file.sync_data()?;
        let len = (aligned + directory.len() + FOOTER_BYTES) as u64;
        Ok(Sealed { name: self.name, len, checksum })
    }

    fn seal_block(&mut self) {
        let block = self.buffer.len().checked_sub(self.pending).and_then(|start| self.buffer.get(start..));
        self.checksums.extend_from_slice(&xxh3_64(block.unwrap_or_default()).to_le_bytes());
        self.pending = 0;
    }

    /// Writes the next piece, if the buffer holds it.
    fn flush(&mut self) -> Result<()> {
        if let Some(piece) = self.buffer.get(..PIECE_BYTES) {
            self.file.append(&mut [IoSlice::new(piece)])?;
            self.buffer.drain(..PIECE_BYTES);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::base::bytes::low8;
    use crate::storage::map::Bytes;
    use crate::storage::memory::MemoryVfs;
    use crate::storage::part::Part;
    use proptest::prelude::*;
    use std::path::Path;

    const STORE: StoreId = [9; 16];

    /// Writes the sections in pieces of `piece` bytes.
    fn write(vfs: &MemoryVfs, sections: &[(u16, Vec<u8>)], piece: usize) -> Sealed {
        let mut writer = PartWriter::create(vfs, "1.part", STORE).unwrap();
        for (id, bytes) in sections {
            writer.begin(*id).unwrap();
            bytes.chunks(piece).for_each(|chunk| writer.write(chunk).unwrap());
        }
        writer.finish().unwrap()
    }

    fn small() -> Vec<(u16, Vec<u8>)> {
        vec![(7, b"hello".to_vec()), (2, vec![]), (65535, (0..100).collect()), (0, vec![1])]
    }

    /// Reads all sections back; an error where anything is wrong.
    fn read(bytes: Vec<u8>, sealed: &Sealed, wanted: &[(u16, Vec<u8>)]) -> Result<Vec<(u16, Vec<u8>)>> {
        let part = Part::open(Bytes::from(bytes), Path::new("1.part"), sealed)?;
        wanted.iter().map(|(id, _)| Ok((*id, part.section(*id)?.all()?.to_vec()))).collect()
    }

    #[test]
    fn every_change_truncation_and_extension_gives_the_same_answer_or_a_typed_error() {
        let (vfs, wanted) = (MemoryVfs::default(), small());
        let sealed = write(&vfs, &wanted, 3);
        let good = vfs.read("1.part").unwrap().to_vec();
        assert_eq!(good.len() as u64, sealed.len);
        let check = |bytes: Vec<u8>, what: &str| match read(bytes, &sealed, &wanted) {
            Ok(found) => assert_eq!(found, wanted, "{what}"),
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Corrupt, "{what}");
                assert!(error.place().unwrap().1 <= sealed.len + 8, "{what}");
            }
        };
        for at in 0..good.len() {
            for flip in [1, 0x80, 0xff] {
                let mut bad = good.clone();
                bad[at] ^= flip;
                check(bad, &format!("byte {at}"));
            }
            check(good[..at].to_vec(), &format!("cut at {at}"));
        }
        check([good.clone(), vec![0]].concat(), "extended");
        check([vec![0; 8], good.clone()].concat(), "shifted");
        assert_eq!(read(good, &sealed, &wanted).unwrap(), wanted);
    }

    #[test]
    fn another_part_under_the_same_name_is_not_taken() {
        let (one, two) = (MemoryVfs::default(), MemoryVfs::default());
        let sealed = write(&one, &[(1, b"one".to_vec())], 9);
        write(&two, &[(1, b"two".to_vec())], 9);
        assert!(Part::open_listed(&one, &sealed).is_ok());
        assert_eq!(Part::open_listed(&two, &sealed).err().unwrap().kind(), ErrorKind::Corrupt);
        assert_eq!(Part::open_listed(&MemoryVfs::default(), &sealed).err().unwrap().kind(), ErrorKind::Corrupt);
    }

    #[test]
    fn damage_is_found_where_it_is_and_only_when_it_is_touched() {
        let vfs = MemoryVfs::default();
        let sealed = write(&vfs, &[(1, vec![5; 3 * BLOCK_BYTES + 100])], 1000);
        let mut bytes = vfs.read("1.part").unwrap().to_vec();
        let at = HEADER_BYTES + BLOCK_BYTES + 17;
        bytes[at] = 6;
        let part = Part::open(Bytes::from(bytes), Path::new("1.part"), &sealed).unwrap();
        let section = part.section(1).unwrap();
        assert_eq!(section.get(0..BLOCK_BYTES).unwrap(), [5; BLOCK_BYTES]);
        assert_eq!(section.get(3 * BLOCK_BYTES..section.len()).unwrap(), [5; 100]);
        for range in [BLOCK_BYTES - 1..BLOCK_BYTES + 1, at..at + 1, 0..section.len()] {
            let error = section.get(range).unwrap_err();
            assert_eq!(error.place().unwrap().1, (HEADER_BYTES + BLOCK_BYTES) as u64);
        }
        assert!(part.verify().is_err());
        assert_eq!(section.get(BLOCK_BYTES..BLOCK_BYTES).unwrap(), b"");
        assert!(section.get(0..section.len() + 1).is_err() && section.get(usize::MAX..usize::MAX).is_err());
        assert!(part.section(2).is_err() && part.find(2).is_none());
    }

    #[test]
    fn misuse_is_refused() {
        let mut writer = PartWriter::create(&MemoryVfs::default(), "1.part", STORE).unwrap();
        assert_eq!(writer.write(b"x").unwrap_err().kind(), ErrorKind::Invalid);
        writer.put_section(1, b"x").unwrap();
        assert_eq!(writer.write(b"x").unwrap_err().kind(), ErrorKind::Invalid);
        assert_eq!(writer.begin(1).unwrap_err().kind(), ErrorKind::Invalid);
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(64))]

        #[test]
        fn parts_round_trip_however_they_are_streamed(
            lens in prop::collection::vec(prop_oneof![0usize..100, 16_000usize..50_000, 300_000usize..400_000], 0..5),
            piece in prop_oneof![1usize..50, 10_000usize..40_000, Just(1_000_000)],
        ) {
            let sections: Vec<(u16, Vec<u8>)> = lens.iter().enumerate()
                .map(|(n, &len)| (u16::try_from(n).unwrap() * 3, (0..len).map(|at| low8((at * 31 + n) as u64)).collect())).collect();
            let (vfs, whole) = (MemoryVfs::default(), MemoryVfs::default());
            let sealed = write(&vfs, &sections, piece);
            prop_assert_eq!(&sealed, &write(&whole, &sections, 1 << 30), "pieces leave no trace");
            let part = Part::open_listed(&vfs, &sealed).unwrap();
            part.verify().unwrap();
            for (id, bytes) in &sections {
                let section = part.section(*id).unwrap();
                prop_assert_eq!(section.all().unwrap(), &bytes[..]);
                prop_assert!(bytes.is_empty() || section.all().unwrap().as_ptr().addr().is_multiple_of(8));
            }
        }
    }
}
