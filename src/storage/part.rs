//! A part: a sealed, immutable file of numbered sections, verified block by block as it is touched.
//!
//! Opening reads the footer and the directory only. [`Section::get`] checks the 16 KiB blocks it touches for the first
//! time and remembers them in a bitset, so that a later touch costs a load and a test.
//!
//! Block checksums have 64 bits: with 32, one damage in four billion would pass as data; the other half costs 0.02 %
//! of the file.

use super::layout::{FORMAT_VERSION, StoreId};
use super::layout::{Field, Fill, fills};
use super::map::Bytes;
use super::vfs::Vfs;
use crate::base::bytes::Reader;
use crate::{Error, Result};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

pub(super) const MAGIC: [u8; 8] = *b"RGLRSPRT";

/// What one checksum covers: 16 KiB, and a multiple of nearly every fixed value's size, so that few straddle two.
pub(crate) const BLOCK_BYTES: usize = 16 * 1024;

pub(super) const HEADER_BYTES: usize = 32;
pub(super) const HEADER_FIELDS: &[Field] =
    &[("magic", 0, 8), ("version", 8, 4), ("reserved", 12, 4), ("store_id", 16, 16)];
const _: () = assert!(fills(HEADER_FIELDS, HEADER_BYTES));

pub(super) const ENTRY_BYTES: usize = 32;
pub(super) const ENTRY_FIELDS: &[Field] = &[
    ("id", 0, 2),
    ("reserved", 2, 2),
    ("blocks", 4, 4),
    ("offset", 8, 8),
    ("length", 16, 8),
    ("first_checksum", 24, 8),
];
const _: () = assert!(fills(ENTRY_FIELDS, ENTRY_BYTES));

pub(super) const FOOTER_BYTES: usize = 64;
pub(super) const FOOTER_FIELDS: &[Field] = &[
    ("store_id", 0, 16),
    ("directory_offset", 16, 8),
    ("directory_length", 24, 8),
    ("sections", 32, 4),
    ("block_bytes", 36, 4),
    ("version", 40, 4),
    ("reserved", 44, 4),
    ("checksum", 48, 8),
    ("magic", 56, 8),
];
const _: () = assert!(fills(FOOTER_FIELDS, FOOTER_BYTES));

/// What the manifest knows of a sealed file. The checksum covers all block checksums, and so every byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sealed {
    pub(crate) name: String,
    pub(crate) len: u64,
    pub(crate) checksum: u64,
}

/// A sealed file, open for reading; clones share bytes and what is verified.
#[derive(Clone)]
pub(crate) struct Part {
    inner: Arc<Inner>,
    sections: Arc<[Entry]>,
}

struct Inner {
    bytes: Bytes,
    path: PathBuf,
    checksum: u64,
    /// Where the block checksums start in the file.
    checksums: usize,
    /// One bit a block: its bytes were found good. A bit publishes nothing, so relaxed order is enough.
    verified: Box<[AtomicU64]>,
}

/// Where a section is; sorted by id once read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) id: u16,
    pub(super) offset: usize,
    pub(super) len: usize,
    /// The number, within the file, of the section's first block.
    pub(super) first_block: usize,
}

impl Entry {
    pub(super) fn blocks(&self) -> usize {
        self.len.div_ceil(BLOCK_BYTES)
    }

    pub(super) fn to_bytes(self) -> [u8; ENTRY_BYTES] {
        let blocks = crate::base::bytes::low32(self.blocks() as u64);
        let fill = Fill::new().put(self.id.to_le_bytes()).put([0; 2]).put(blocks.to_le_bytes());
        let fill = fill.put((self.offset as u64).to_le_bytes()).put((self.len as u64).to_le_bytes());
        fill.put((self.first_block as u64).to_le_bytes()).bytes()
    }
}

/// The footer's numbers, in the order of [`FOOTER_FIELDS`].
pub(super) struct Footer {
    pub(super) store_id: StoreId,
    pub(super) directory_offset: u64,
    pub(super) directory_len: u64,
    pub(super) sections: u32,
    pub(super) block_bytes: u32,
    pub(super) version: u32,
}

impl Footer {
    /// The footer's bytes up to the checksum.
    pub(super) fn summed(&self) -> [u8; 48] {
        let fill = Fill::new().put(self.store_id).put(self.directory_offset.to_le_bytes());
        let fill = fill.put(self.directory_len.to_le_bytes()).put(self.sections.to_le_bytes());
        fill.put(self.block_bytes.to_le_bytes()).put(self.version.to_le_bytes()).put([0; 4]).bytes()
    }

    fn read(bytes: &[u8]) -> Option<(Self, u64, [u8; 8])> {
        let mut reader = Reader::new(bytes);
        let footer = Self {
            store_id: reader.array()?,
            directory_offset: reader.u64()?,
            directory_len: reader.u64()?,
            sections: reader.u32()?,
            block_bytes: reader.u32()?,
            version: reader.u32()?,
        };
        reader.u32()?;
        Some((footer, reader.u64()?, reader.array()?))
    }
}

/// The checksum of a whole part: over its directory and the footer before the checksum.
pub(super) fn checksum(directory: &[u8], footer: &[u8]) -> u64 {
    let mut hasher = Xxh3::new();
    hasher.update(directory);
    hasher.update(footer);
    hasher.digest()
}

pub(super) fn header(store_id: StoreId) -> [u8; HEADER_BYTES] {
    Fill::new().put(MAGIC).put(FORMAT_VERSION.to_le_bytes()).put([0; 4]).put(store_id).bytes()
}

impl Part {
    /// Opens the part that the manifest lists, mapped where the directory allows it.
    ///
    /// # Errors
    ///
    /// `Corrupt` where it is missing, has another length or checksum, or its directory is damaged.
    pub(crate) fn open_listed(vfs: &dyn Vfs, expected: &Sealed) -> Result<Self> {
        let path = vfs.path(&expected.name);
        match vfs.len(&expected.name)? {
            Some(len) if len == expected.len => Self::open(vfs.map(&expected.name)?, &path, expected),
            Some(len) => {
                Err(Error::corrupt(&path, len.min(expected.len), "the file has another length than was sealed"))
            }
            None => Err(Error::corrupt(&path, 0, "the file is missing")),
        }
    }

    /// Opens a part over its bytes.
    ///
    /// **Cost**: the directory, 32 bytes a section and 8 a block.
    ///
    /// # Errors
    ///
    /// `Corrupt` when it is not the expected file or its directory is damaged, `Version` for another format.
    pub(crate) fn open(bytes: Bytes, path: &Path, expected: &Sealed) -> Result<Self> {
        let corrupt = |at: usize, what: &str| Error::corrupt(path, at as u64, what);
        if bytes.len() as u64 != expected.len {
            return Err(corrupt(bytes.len(), "the file has another length than was sealed"));
        }
        let at = bytes.len().saturating_sub(FOOTER_BYTES);
        let read = bytes.get(at..).and_then(Footer::read);
        let (footer, told, magic) = read.ok_or_else(|| corrupt(at, "the file is too short for a part"))?;
        if magic != MAGIC || told != expected.checksum {
            return Err(corrupt(at, "this is not the part that was sealed under this name"));
        }
        let directory =
            usize::try_from(footer.directory_offset).ok().and_then(|start| Some((start, bytes.get(start..at)?)));
        let (start, directory) = directory.ok_or_else(|| corrupt(at, "the directory is not in the file"))?;
        if checksum(directory, &footer.summed()) != told || directory.len() as u64 != footer.directory_len {
            return Err(corrupt(start, "the directory is damaged"));
        }
        if footer.version != FORMAT_VERSION || footer.block_bytes as usize != BLOCK_BYTES {
            let hint = "was written in another format; open the store with the version that wrote it";
            return Err(Error::version(format!("{} {hint}", path.display())));
        }
        if bytes.first_chunk() != Some(&header(footer.store_id)) {
            return Err(corrupt(0, "the header is damaged"));
        }
        let read = read_directory(directory, footer.sections, start);
        let (sections, checksums, blocks) = read.ok_or_else(|| corrupt(start, "the directory contradicts itself"))?;
        let verified = std::iter::repeat_with(AtomicU64::default).take(blocks.div_ceil(64)).collect();
        let (path, checksum, checksums) = (path.to_path_buf(), told, start + checksums);
        Ok(Self { inner: Arc::new(Inner { bytes, path, checksum, checksums, verified }), sections: sections.into() })
    }

    /// The section of that number.
    ///
    /// # Errors
    ///
    /// `Corrupt` where the part has none: whoever asks knows that it was written.
    pub(crate) fn section(&self, id: u16) -> Result<Section> {
        self.find(id).ok_or_else(|| self.corrupt(&format!("the part has no section {id}")))
    }

    /// The section of that number, where there is one.
    pub(crate) fn find(&self, id: u16) -> Option<Section> {
        let index = self.sections.binary_search_by_key(&id, |entry| entry.id).ok()?;
        let entry = *self.sections.get(index)?;
        Some(Section { part: Arc::clone(&self.inner), entry })
    }

    /// Verifies every block, touched or not.
    ///
    /// **Cost**: reads the whole file.
    ///
    /// # Errors
    ///
    /// `Corrupt` at the first bad block.
    pub(crate) fn verify(&self) -> Result<()> {
        let mut sections = self.sections.iter().map(|&entry| Section { part: Arc::clone(&self.inner), entry });
        sections.try_for_each(|section| section.all().map(drop))
    }

    /// The part's file, for error texts of those who read in it.
    pub(crate) fn path(&self) -> &Path {
        &self.inner.path
    }

    fn corrupt(&self, what: &str) -> Error {
        Error::corrupt(&self.inner.path, self.inner.checksums as u64, what)
    }
}

/// The sections sorted by id, where the block checksums start in the directory, and the number of blocks.
///
/// The directory is what was written, by its checksum; what it says is held against the file all the same.
fn read_directory(directory: &[u8], count: u32, data_end: usize) -> Option<(Vec<Entry>, usize, usize)> {
    let table = usize::try_from(count).ok()?.checked_mul(ENTRY_BYTES)?;
    let (mut reader, checksums) = (Reader::new(directory.get(..table)?), directory.get(table..)?);
    let mut sections = Vec::with_capacity(table / ENTRY_BYTES);
    let (mut end, mut blocks) = (HEADER_BYTES, 0);
    while !reader.is_empty() {
        let id = u16::from_le_bytes(reader.array()?);
        reader.array::<2>()?;
        let told_blocks = usize::try_from(reader.u32()?).ok()?;
        let (offset, len) = (usize::try_from(reader.u64()?).ok()?, usize::try_from(reader.u64()?).ok()?);
        let first_block = usize::try_from(reader.u64()?).ok()?;
        let entry = Entry { id, offset, len, first_block };
        if first_block != blocks || entry.blocks() != told_blocks || offset < end || !offset.is_multiple_of(8) {
            return None;
        }
        end = offset.checked_add(len).filter(|&end| end <= data_end)?;
        blocks = blocks.checked_add(told_blocks)?;
        sections.push(entry);
    }
    sections.sort_unstable_by_key(|entry| entry.id);
    let unique = sections.is_sorted_by(|one, next| one.id < next.id);
    (unique && Some(checksums.len()) == blocks.checked_mul(8)).then_some((sections, table, blocks))
}

/// The bytes of one section; verified as they are touched.
#[derive(Clone)]
pub(crate) struct Section {
    part: Arc<Inner>,
    entry: Entry,
}

impl Section {
    /// The length in bytes.
    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.entry.len
    }

    /// The bytes of a range.
    ///
    /// **Cost**: a load and a test for each 16 KiB block touched; a checksum of the block at its first touch.
    ///
    /// # Errors
    ///
    /// `Corrupt` when a touched block is damaged, or the range (which comes from the part itself) is not within.
    #[inline]
    pub(crate) fn get(&self, range: Range<usize>) -> Result<&[u8]> {
        if range.start > range.end || range.end > self.entry.len {
            return Err(self.corrupt(range.start, "a place outside the section is pointed at"));
        }
        if range.start < range.end {
            for block in range.start / BLOCK_BYTES..=(range.end - 1) / BLOCK_BYTES {
                if !self.is_verified(block) {
                    self.verify(block)?;
                }
            }
        }
        let start = self.entry.offset;
        let found = self.part.bytes.get(start + range.start..start + range.end);
        found.ok_or_else(|| self.corrupt(range.start, "the section is not within the file"))
    }

    /// All bytes of the section.
    ///
    /// # Errors
    ///
    /// As [`Section::get`].
    pub(crate) fn all(&self) -> Result<&[u8]> {
        self.get(0..self.entry.len)
    }

    /// An error that names this file and a byte of this section.
    #[cold]
    pub(crate) fn corrupt(&self, at: usize, what: &str) -> Error {
        Error::corrupt(&self.part.path, self.entry.offset.saturating_add(at) as u64, what)
    }

    /// What tells this section's content from any other's: for caches.
    pub(crate) fn identity(&self) -> (u64, u64) {
        (self.part.checksum, self.entry.offset as u64)
    }

    #[inline]
    fn is_verified(&self, block: usize) -> bool {
        let number = self.entry.first_block + block;
        self.part.verified.get(number / 64).is_some_and(|word| word.load(Ordering::Relaxed) >> (number % 64) & 1 == 1)
    }

    #[cold]
    fn verify(&self, block: usize) -> Result<()> {
        let number = self.entry.first_block + block;
        let start = block * BLOCK_BYTES;
        let end = self.entry.len.min(start + BLOCK_BYTES);
        let bytes = self.part.bytes.get(self.entry.offset + start..self.entry.offset + end);
        let told = self.part.bytes.get(self.part.checksums + number * 8..).and_then(|rest| Reader::new(rest).u64());
        if bytes.map(xxh3_64).is_none_or(|sum| Some(sum) != told) {
            return Err(self.corrupt(start, "a block of the part is damaged"));
        }
        if let Some(word) = self.part.verified.get(number / 64) {
            word.fetch_or(1 << (number % 64), Ordering::Relaxed);
        }
        Ok(())
    }
}
