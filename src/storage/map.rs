//! Memory from the system: the bytes of a file, cheap to clone and to hold (mapped where the file is sealed, owned
//! everywhere else), and large tables.
//!
//! The only place of this folder with `unsafe`.

use memmap2::{Mmap, MmapMut};
use std::fs::File;
use std::io::{self, Read as _};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// A whole file, read-only and shared.
#[derive(Clone)]
pub(crate) enum Bytes {
    /// A sealed file, paged in by the operating system as it is touched.
    Mapped(Arc<Mmap>),
    /// Bytes of our own.
    Owned(Arc<[u8]>),
}

impl Bytes {
    /// Maps a sealed file. The caller vouches for what the SAFETY comment asks for.
    ///
    /// An empty file cannot be mapped and needs not to be: it is read.
    #[expect(unsafe_code, reason = "a file mapping has no safe constructor; this is the one place that makes one")]
    pub(crate) fn map(file: &File) -> io::Result<Self> {
        if file.metadata()?.len() == 0 {
            return Ok(Self::default());
        }
        // SAFETY: a mapping is sound while nobody changes the file beneath it. Only sealed files come here: written
        // once under a new name, synced, and never opened for writing again by this crate. They lie in a directory of
        // mode 0700 as files of mode 0600, and the lock file keeps a second process of ours out. The mapping is
        // read-only, and a file that is removed while mapped keeps its pages until the last clone is dropped.
        let map = unsafe { Mmap::map(file)? };
        Ok(Self::Mapped(Arc::new(map)))
    }

    /// Reads a file of `len` bytes, allocating exactly that once. A file that is shorter by now is an error.
    pub(crate) fn read(mut file: &File, len: usize) -> io::Result<Self> {
        let mut bytes: Arc<[u8]> = std::iter::repeat_n(0, len).collect();
        if let Some(buffer) = Arc::get_mut(&mut bytes) {
            file.read_exact(buffer)?;
        }
        Ok(Self::Owned(bytes))
    }
}

impl Default for Bytes {
    fn default() -> Self {
        Self::Owned(Arc::from([]))
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Owned(bytes.into())
    }
}

impl Deref for Bytes {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

/// From so many bytes on a table lies in memory of its own: one huge page.
const HUGE_BYTES: usize = 2 << 20;

/// Bytes of a table that is asked here and there, all zero at first. Each look into a large one costs a wait for the
/// page's address beside the wait for its bytes; where the system has huge pages, their addresses are always at hand.
pub(crate) enum Table {
    Mapped(MmapMut),
    Owned(Vec<u8>),
}

impl Table {
    pub(crate) fn zeroed(bytes: usize) -> Self {
        let mapped = (bytes >= HUGE_BYTES).then(|| MmapMut::map_anon(bytes).ok()).flatten();
        let Some(map) = mapped else { return Self::Owned(vec![0; bytes]) };
        // A wish: small pages do, too.
        #[cfg(target_os = "linux")]
        let _ = map.advise(memmap2::Advice::HugePage);
        Self::Mapped(map)
    }
}

impl Deref for Table {
    type Target = [u8];

    #[inline]
    fn deref(&self) -> &[u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

impl DerefMut for Table {
    #[inline]
    fn deref_mut(&mut self) -> &mut [u8] {
        match self {
            Self::Mapped(map) => map,
            Self::Owned(bytes) => bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_of_any_size_are_zero_and_can_be_written() {
        for bytes in [0, 1, 4096, HUGE_BYTES - 1, HUGE_BYTES, 2 * HUGE_BYTES + 5] {
            let mut table = Table::zeroed(bytes);
            assert_eq!((table.len(), table.iter().any(|byte| *byte != 0)), (bytes, false));
            table.iter_mut().for_each(|byte| *byte = 7);
            assert!(table.iter().all(|byte| *byte == 7));
        }
    }

    #[test]
    fn owned_bytes_are_aligned_for_words() {
        let bytes = Bytes::from(vec![7; 100]);
        assert_eq!(bytes.as_ptr().addr() % 8, 0);
        assert_eq!(bytes.len(), 100);
        assert!(Bytes::default().is_empty());
    }
}
