//! The one seam for all file access: a store directory whose files have plain names.
//!
//! [`DiskVfs`](super::disk::DiskVfs) is the real one, [`MemoryVfs`](super::memory::MemoryVfs) the one without a disk;
//! a faulty or simulated disk implements the same two traits. Writing is given raw (short writes and interruptions
//! show), because what to do about them belongs above the seam, where it is tested.

use super::map::Bytes;
use crate::{Error, Result};
use std::any::Any;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The file whose lock keeps a second process out.
pub(crate) const LOCK_NAME: &str = "lock";

/// One store directory.
pub(crate) trait Vfs: Send + Sync {
    /// Where a file is, for error texts.
    fn path(&self, name: &str) -> PathBuf;

    /// The names of everything in the directory, sorted, whatever it is.
    fn list(&self) -> Result<Vec<String>>;

    /// The length of a file in bytes; `None` where there is no such file.
    fn len(&self, name: &str) -> Result<Option<u64>>;

    /// A new empty file for appending; an error when the name is taken.
    fn create(&self, name: &str) -> Result<Box<dyn VfsFile>>;

    /// An existing file for appending.
    fn open_append(&self, name: &str) -> Result<Box<dyn VfsFile>>;

    /// The bytes of a file as they are now, in memory.
    fn read(&self, name: &str) -> Result<Bytes>;

    /// The bytes of a sealed file, mapped where possible. Never for a file that is still written.
    fn map(&self, name: &str) -> Result<Bytes>;

    /// Renames a file, replacing the target atomically.
    fn rename(&self, from: &str, to: &str) -> Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> Result<()>;

    /// Makes creations, renames and removals so far durable.
    fn sync_dir(&self) -> Result<()>;

    /// Makes the directory's own name durable: for whoever creates a store in it.
    fn sync_parent(&self) -> Result<()>;

    /// A file whose bytes are overwritten in place, made where there is none.
    fn open_slots(&self, name: &str) -> Result<Box<dyn VfsSlots>>;

    /// Takes the directory for this handle, or fails with `Locked` at once.
    fn lock(&self) -> Result<Lock>;
}

/// A file open for appending, by one writer.
pub(crate) trait VfsFile: Send {
    /// Where the file is, for error texts.
    fn path(&self) -> &Path;

    /// Appends some of the pieces, in order, and says how many bytes; may be short or interrupted like `writev`.
    fn write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize>;

    /// The length in bytes.
    #[cfg_attr(not(test), expect(dead_code, reason = "the tests of the seam hold every implementation to it"))]
    fn len(&self) -> Result<u64>;

    /// Cuts the file to `len` bytes; appending goes on from there.
    fn truncate(&mut self, len: u64) -> Result<()>;

    /// A handle with which any thread can make durable what has been appended, without holding the writer.
    fn sync_handle(&self) -> Arc<dyn VfsSync>;

    /// Makes durable what has been appended.
    fn sync_data(&self) -> Result<()> {
        self.sync_handle().sync_data()
    }

    /// Appends all the pieces in as few calls as the file takes; after an error any prefix of them may be there.
    fn append(&mut self, mut pieces: &mut [IoSlice<'_>]) -> Result<()> {
        IoSlice::advance_slices(&mut pieces, 0);
        while !pieces.is_empty() {
            match self.write(pieces) {
                Ok(0) => return Err(Error::io("write to", self.path(), io::ErrorKind::WriteZero.into())),
                Ok(count) => IoSlice::advance_slices(&mut pieces, count),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(Error::io("write to", self.path(), error)),
            }
        }
        Ok(())
    }
}

/// A file that is overwritten in place: only for what may be lost or torn without harm.
pub(crate) trait VfsSlots: Send {
    /// Overwrites the bytes from `offset` on, beyond the end of the file too. Nothing makes them durable.
    fn put(&mut self, offset: u64, bytes: &[u8]) -> Result<()>;
}

/// Makes a file's data durable.
pub(crate) trait VfsSync: Send + Sync {
    /// Makes durable everything appended before the call. An error is final: what the file holds is unknown from then
    /// on, and asking again would lie (the kernel drops the failed pages and reports success), so never retry.
    fn sync_data(&self) -> Result<()>;
}

/// The directory is ours while this lives.
pub(crate) struct Lock {
    _held: Box<dyn Any + Send + Sync>,
}

impl Lock {
    /// A lock that is released when `held` is dropped.
    pub(crate) fn new(held: impl Any + Send + Sync) -> Self {
        Self { _held: Box::new(held) }
    }
}

/// Whether a name is one that this crate could have given: no separators, nothing hidden, nothing to be interpreted.
///
/// Held against every name before it becomes a path, because names also come out of files.
pub(crate) fn is_plain(name: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    (1..=255).contains(&name.len()) && !name.starts_with('.') && name.bytes().all(plain)
}

/// The same as an error of the caller.
pub(crate) fn check_plain(name: &str) -> Result<()> {
    if is_plain(name) {
        return Ok(());
    }
    Err(Error::invalid("a file name of the store has letters, digits, '.', '-' and '_' only"))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Stubborn {
        taken: Vec<u8>,
        calls: usize,
        full_at: usize,
    }

    impl VfsFile for Stubborn {
        fn path(&self) -> &Path {
            Path::new("stubborn")
        }
        fn write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
            self.calls += 1;
            if self.calls.is_multiple_of(2) {
                return Err(io::ErrorKind::Interrupted.into());
            }
            if self.taken.len() >= self.full_at {
                return Err(io::ErrorKind::StorageFull.into());
            }
            let all: Vec<u8> = pieces.iter().flat_map(|p| p.iter().copied()).take(3).collect();
            self.taken.extend(&all);
            Ok(all.len())
        }
        fn len(&self) -> Result<u64> {
            Ok(self.taken.len() as u64)
        }
        fn truncate(&mut self, _: u64) -> Result<()> {
            Ok(())
        }
        fn sync_handle(&self) -> Arc<dyn VfsSync> {
            unreachable!("not asked for")
        }
    }

    #[test]
    fn short_and_interrupted_writes_are_carried_on() {
        let mut file = Stubborn { taken: Vec::new(), calls: 0, full_at: 1000 };
        let mut pieces = [IoSlice::new(b""), IoSlice::new(b"abcd"), IoSlice::new(b""), IoSlice::new(b"efghi")];
        file.append(&mut pieces).unwrap();
        assert_eq!(file.taken, b"abcdefghi");
        file.append(&mut [IoSlice::new(b"")]).unwrap();
        file.full_at = 12;
        assert_eq!(file.append(&mut [IoSlice::new(b"jklmnop")]).unwrap_err().kind(), crate::ErrorKind::Io);
    }

    #[test]
    fn only_plain_names_pass() {
        for good in ["manifest", "00000001.part", "a-b_c.tmp"] {
            assert!(is_plain(good), "{good}");
        }
        for bad in ["", ".", "..", "a/b", "/etc/passwd", "a\\b", "a\0", ".hidden", "ä", &"a".repeat(256)] {
            assert!(!is_plain(bad), "{bad:?}");
        }
    }
}
