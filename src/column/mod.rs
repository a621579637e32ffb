//! Columns, one file per encoding: typed values over the sections of parts, and over memory that snapshots share.
//!
//! What a column is told by its part (offsets, counts) is believed only as far as the section's bytes reach: anything
//! else is `Corrupt` and names the file.

pub(crate) mod fixed;
pub(crate) mod heap;
pub(crate) mod blocks;
pub(crate) mod slots;
pub(crate) mod runs;
pub(crate) mod filter;
pub(crate) mod recent;
pub(crate) mod rows;
pub(crate) mod cow;
pub(crate) mod log;

#[cfg(test)]
pub(crate) mod testing {
    //! One part in memory, for tests of columns.

    use crate::Result;
    use crate::storage::memory::MemoryVfs;
    use crate::storage::part::Part;
    use crate::storage::part_writer::PartWriter;

    /// The part that `write` writes.
    pub(crate) fn part(write: impl FnOnce(&mut PartWriter) -> Result<()>) -> Part {
        let vfs = MemoryVfs::default();
        let mut writer = PartWriter::create(&vfs, "1.part", [1; 16]).unwrap();
        write(&mut writer).unwrap();
        Part::open_listed(&vfs, &writer.finish().unwrap()).unwrap()
    }
}
