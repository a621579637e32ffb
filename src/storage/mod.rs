//! The bytes on disk: one seam for all file access, the log, sealed parts, the manifest; `FORMAT.md` draws them.
//!
//! Nothing above this folder touches a file of the store, and nothing in here knows what the bytes mean. Every byte
//! that is relied on is under a checksum, and no length from a file is believed before it is held against the file.

pub(crate) mod disk;
#[cfg(test)]
pub(crate) mod faulty;
pub(crate) mod layout;
pub(crate) mod manifest;
pub(crate) mod map;
pub(crate) mod memory;
pub(crate) mod part;
pub(crate) mod part_writer;
pub(crate) mod proof;
pub(crate) mod replay;
pub(crate) mod vfs;
pub(crate) mod wal;

/// The identity of a store, drawn at random when it is created; every file of it carries it.
pub(crate) type StoreId = [u8; 16];

/// The version of every file format in this folder; the manifest of a store decides, the others repeat it.
pub(crate) const FORMAT_VERSION: u32 = 1;
