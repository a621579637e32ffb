//! A directory without a disk, for stores that live in memory and for tests.
//!
//! Nothing is ever lost here and syncing does nothing; a simulated disk that loses things is built beside it.

use super::map::Bytes;
use super::vfs::{LOCK_NAME, Lock, Vfs, VfsFile, VfsSlots, VfsSync, check_plain};
use crate::{Error, Result};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A store directory in memory. Clones are the same directory, as two handles on one path are.
#[derive(Clone, Default)]
pub(crate) struct MemoryVfs {
    files: Arc<Mutex<BTreeMap<String, Arc<Mutex<Content>>>>>,
    locked: Arc<AtomicBool>,
}

/// What a file holds. It is frozen when first read, so that holding a sealed file costs its bytes once.
enum Content {
    Growing(Vec<u8>),
    Frozen(Bytes),
}

impl Content {
    fn len(&self) -> usize {
        match self {
            Self::Growing(bytes) => bytes.len(),
            Self::Frozen(bytes) => bytes.len(),
        }
    }

    fn growing(&mut self) -> &mut Vec<u8> {
        if let Self::Frozen(bytes) = self {
            *self = Self::Growing(bytes.to_vec());
        }
        match self {
            Self::Growing(bytes) => bytes,
            Self::Frozen(_) => unreachable!("thawed above"),
        }
    }

    fn frozen(&mut self) -> Bytes {
        if let Self::Growing(bytes) = self {
            *self = Self::Frozen(Bytes::from(std::mem::take(bytes)));
        }
        match self {
            Self::Frozen(bytes) => bytes.clone(),
            Self::Growing(_) => unreachable!("frozen above"),
        }
    }
}

impl MemoryVfs {
    fn find(&self, name: &str) -> Result<Arc<Mutex<Content>>> {
        check_plain(name)?;
        self.files.lock().get(name).cloned().ok_or_else(|| self.missing("open", name))
    }

    fn missing(&self, doing: &str, name: &str) -> Error {
        Error::io(doing, &self.path(name), io::ErrorKind::NotFound.into())
    }

    fn file(&self, name: &str, content: Arc<Mutex<Content>>) -> Box<dyn VfsFile> {
        Box::new(MemoryFile { path: self.path(name), content })
    }
}

impl Vfs for MemoryVfs {
    fn path(&self, name: &str) -> PathBuf {
        Path::new("memory:").join(name)
    }

    fn list(&self) -> Result<Vec<String>> {
        Ok(self.files.lock().keys().cloned().collect())
    }

    fn len(&self, name: &str) -> Result<Option<u64>> {
        check_plain(name)?;
        Ok(self.files.lock().get(name).map(|content| content.lock().len() as u64))
    }

    fn create(&self, name: &str) -> Result<Box<dyn VfsFile>> {
        check_plain(name)?;
        let mut files = self.files.lock();
        if files.contains_key(name) {
            return Err(Error::io("create", &self.path(name), io::ErrorKind::AlreadyExists.into()));
        }
        let content = Arc::new(Mutex::new(Content::Growing(Vec::new())));
        files.insert(name.to_owned(), Arc::clone(&content));
        Ok(self.file(name, content))
    }

    fn open_append(&self, name: &str) -> Result<Box<dyn VfsFile>> {
        let content = self.find(name)?;
        Ok(self.file(name, content))
    }

    fn read(&self, name: &str) -> Result<Bytes> {
        Ok(self.find(name)?.lock().frozen())
    }

    fn map(&self, name: &str) -> Result<Bytes> {
        self.read(name)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        check_plain(from)?;
        check_plain(to)?;
        let mut files = self.files.lock();
        let content = files.remove(from).ok_or_else(|| self.missing("rename", from))?;
        files.insert(to.to_owned(), content);
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        check_plain(name)?;
        self.files.lock().remove(name).map(drop).ok_or_else(|| self.missing("remove", name))
    }

    fn sync_dir(&self) -> Result<()> {
        Ok(())
    }

    fn sync_parent(&self) -> Result<()> {
        Ok(())
    }

    fn open_slots(&self, name: &str) -> Result<Box<dyn VfsSlots>> {
        check_plain(name)?;
        let content = || Arc::new(Mutex::new(Content::Growing(Vec::new())));
        let content = Arc::clone(self.files.lock().entry(name.to_owned()).or_insert_with(content));
        Ok(Box::new(MemorySlots { path: self.path(name), content }))
    }

    fn lock(&self) -> Result<Lock> {
        if self.locked.swap(true, Ordering::AcqRel) {
            return Err(Error::locked(Path::new("memory:")));
        }
        let content = || Arc::new(Mutex::new(Content::Growing(Vec::new())));
        self.files.lock().entry(LOCK_NAME.to_owned()).or_insert_with(content);
        Ok(Lock::new(Held(Arc::clone(&self.locked))))
    }
}

struct Held(Arc<AtomicBool>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

struct MemoryFile {
    path: PathBuf,
    content: Arc<Mutex<Content>>,
}

impl VfsFile for MemoryFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let mut content = self.content.lock();
        let bytes = content.growing();
        let before = bytes.len();
        bytes.try_reserve(pieces.iter().map(|piece| piece.len()).sum()).map_err(|_| io::ErrorKind::OutOfMemory)?;
        pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
        Ok(bytes.len() - before)
    }

    fn len(&self) -> Result<u64> {
        Ok(self.content.lock().len() as u64)
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        let len =
            usize::try_from(len).map_err(|_| Error::io("truncate", &self.path, io::ErrorKind::FileTooLarge.into()))?;
        self.content.lock().growing().resize(len, 0);
        Ok(())
    }

    fn sync_handle(&self) -> Arc<dyn VfsSync> {
        Arc::new(Nothing)
    }
}

struct MemorySlots {
    path: PathBuf,
    content: Arc<Mutex<Content>>,
}

impl VfsSlots for MemorySlots {
    fn put(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let too_large = || Error::io("write to", &self.path, io::ErrorKind::FileTooLarge.into());
        let start = usize::try_from(offset).map_err(|_| too_large())?;
        let end = start.checked_add(bytes.len()).ok_or_else(too_large)?;
        let mut content = self.content.lock();
        let all = content.growing();
        all.resize(all.len().max(end), 0);
        all.get_mut(start..end).ok_or_else(too_large)?.copy_from_slice(bytes);
        Ok(())
    }
}

/// Memory has nothing to sync.
struct Nothing;

impl VfsSync for Nothing {
    fn sync_data(&self) -> Result<()> {
        Ok(())
    }
}
