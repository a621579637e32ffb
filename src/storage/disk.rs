//! The real disk: a private directory, regular files only, the operating system's lock.

use super::map::Bytes;
use super::vfs::{LOCK_NAME, Lock, Vfs, VfsFile, VfsSlots, VfsSync, check_plain};
use crate::{Error, Result};
use std::fs::{self, File, Metadata, OpenOptions, TryLockError};
use std::io::{self, IoSlice, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A store directory on disk.
pub(crate) struct DiskVfs {
    dir: PathBuf,
    no_mmap: bool,
}

impl DiskVfs {
    /// The directory at `dir`, made (mode 0700) where nothing is there and `create` allows it; its parent must exist.
    ///
    /// With `no_mmap` sealed files are read instead of mapped.
    ///
    /// # Errors
    ///
    /// `NotFound` without `create`; `Io` where something that is no directory is in the way: a link is refused too,
    /// since whoever may change it decides where the customers' data goes.
    pub(crate) fn open(dir: &Path, create: bool, no_mmap: bool) -> Result<Self> {
        match fs::symlink_metadata(dir) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(refused("open", dir, "is not a directory")),
            Err(error) if error.kind() == io::ErrorKind::NotFound && create => create_dir(dir)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Error::not_found(format!("there is no store at {}", dir.display())));
            }
            Err(error) => return Err(Error::io("open", dir, error)),
        }
        let vfs = Self { dir: dir.to_path_buf(), no_mmap };
        if create && vfs.list()?.is_empty() {
            make_private(dir)?;
        }
        Ok(vfs)
    }

    /// The path of a file of ours, if it is a regular file; `None` where nothing is there.
    fn regular(&self, name: &str) -> Result<Option<(PathBuf, Metadata)>> {
        check_plain(name)?;
        let path = self.path(name);
        match fs::symlink_metadata(&path) {
            Ok(found) if found.file_type().is_file() => Ok(Some((path, found))),
            Ok(_) => Err(refused("open", &path, "is a link, a pipe or a device, not a regular file")),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Error::io("look at", &path, error)),
        }
    }

    /// Opens an existing regular file. Looked at before (opening a pipe would hang) and after (what was opened is what
    /// was looked at).
    fn open_existing(&self, name: &str, options: &OpenOptions) -> Result<(PathBuf, File, u64)> {
        let Some((path, before)) = self.regular(name)? else {
            return Err(Error::io("open", &self.path(name), io::ErrorKind::NotFound.into()));
        };
        let file = options.open(&path).map_err(|e| Error::io("open", &path, e))?;
        let after = file.metadata().map_err(|e| Error::io("look at", &path, e))?;
        if !after.is_file() || !same_file(&before, &after) {
            return Err(refused("open", &path, "was exchanged while it was opened"));
        }
        Ok((path, file, after.len()))
    }
}

impl Vfs for DiskVfs {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn list(&self) -> Result<Vec<String>> {
        let failed = |e| Error::io("list", &self.dir, e);
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.dir).map_err(failed)? {
            names.push(entry.map_err(failed)?.file_name().to_string_lossy().into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    fn len(&self, name: &str) -> Result<Option<u64>> {
        Ok(self.regular(name)?.map(|(_, found)| found.len()))
    }

    fn create(&self, name: &str) -> Result<Box<dyn VfsFile>> {
        check_plain(name)?;
        let path = self.path(name);
        let file = private().append(true).create_new(true).open(&path).map_err(|e| Error::io("create", &path, e))?;
        Ok(Box::new(DiskFile(Arc::new(Open { path, file }))))
    }

    fn open_append(&self, name: &str) -> Result<Box<dyn VfsFile>> {
        let (path, file, _) = self.open_existing(name, OpenOptions::new().append(true))?;
        Ok(Box::new(DiskFile(Arc::new(Open { path, file }))))
    }

    fn read(&self, name: &str) -> Result<Bytes> {
        let (path, file, len) = self.open_existing(name, OpenOptions::new().read(true))?;
        let failed = |e| Error::io("read", &path, e);
        let len = usize::try_from(len).map_err(|_| failed(io::ErrorKind::FileTooLarge.into()))?;
        Bytes::read(&file, len).map_err(failed)
    }

    fn map(&self, name: &str) -> Result<Bytes> {
        if self.no_mmap {
            return self.read(name);
        }
        let (path, file, _) = self.open_existing(name, OpenOptions::new().read(true))?;
        Bytes::map(&file).map_err(|e| Error::io("map", &path, e))
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        check_plain(from)?;
        check_plain(to)?;
        let path = self.path(from);
        fs::rename(&path, self.path(to)).map_err(|e| Error::io("rename", &path, e))
    }

    fn remove(&self, name: &str) -> Result<()> {
        check_plain(name)?;
        let path = self.path(name);
        fs::remove_file(&path).map_err(|e| Error::io("remove", &path, e))
    }

    fn sync_dir(&self) -> Result<()> {
        sync_dir(&self.dir)
    }

    fn sync_parent(&self) -> Result<()> {
        let whole = fs::canonicalize(&self.dir).map_err(|e| Error::io("look at", &self.dir, e))?;
        match whole.parent().map(sync_dir) {
            // Whose directory it is has made it, and its name is theirs to keep.
            Some(Err(error)) if error.is_denied() => Ok(()),
            Some(synced) => synced,
            None => Ok(()),
        }
    }

    fn open_slots(&self, name: &str) -> Result<Box<dyn VfsSlots>> {
        if self.regular(name)?.is_some() {
            let (path, file, _) = self.open_existing(name, OpenOptions::new().write(true))?;
            return Ok(Box::new(DiskSlots(Open { path, file })));
        }
        let path = self.path(name);
        let file = private().write(true).create_new(true).open(&path).map_err(|e| Error::io("create", &path, e))?;
        Ok(Box::new(DiskSlots(Open { path, file })))
    }

    fn lock(&self) -> Result<Lock> {
        if let Some((path, _)) = self.regular(LOCK_NAME)? {
            return lock(&path, OpenOptions::new().read(true).write(true));
        }
        lock(&self.path(LOCK_NAME), private().read(true).write(true).create(true))
    }
}

/// Locks the file at `path`. The operating system releases it when the process ends, however it ends.
fn lock(path: &Path, options: &OpenOptions) -> Result<Lock> {
    let file = options.open(path).map_err(|e| Error::io("open", path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(Lock::new(Locked(file))),
        Err(TryLockError::WouldBlock) => Err(Error::locked(path.parent().unwrap_or(path))),
        Err(TryLockError::Error(error)) => Err(Error::io("lock", path, error)),
    }
}

/// A lock belongs to the open file, of which a process that the host has just started holds a copy until it runs its own
/// program: closing ours would not be enough for the next to open.
struct Locked(File);

impl Drop for Locked {
    fn drop(&mut self) {
        // Closing the file unlocks it, too, if only later.
        let _ = self.0.unlock();
    }
}

struct Open {
    path: PathBuf,
    file: File,
}

impl VfsSync for Open {
    fn sync_data(&self) -> Result<()> {
        self.file.sync_data().map_err(|e| Error::io("sync", &self.path, e))
    }
}

/// The file is opened for appending, so that the position follows a truncation by itself.
struct DiskFile(Arc<Open>);

impl VfsFile for DiskFile {
    fn path(&self) -> &Path {
        &self.0.path
    }

    fn write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        (&self.0.file).write_vectored(pieces)
    }

    fn len(&self) -> Result<u64> {
        self.0.file.metadata().map(|found| found.len()).map_err(|e| Error::io("look at", &self.0.path, e))
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        self.0.file.set_len(len).map_err(|e| Error::io("truncate", &self.0.path, e))
    }

    fn sync_handle(&self) -> Arc<dyn VfsSync> {
        Arc::clone(&self.0) as _
    }
}

struct DiskSlots(Open);

impl VfsSlots for DiskSlots {
    fn put(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        write_at(&self.0.file, offset, bytes).map_err(|e| Error::io("write to", &self.0.path, e))
    }
}

fn refused(doing: &str, path: &Path, why: &str) -> Error {
    Error::io(doing, path, io::Error::new(io::ErrorKind::InvalidInput, format!("it {why}")))
}

/// Makes the directory. Its name becomes durable when a store is created in it: by whichever process gets that far.
fn create_dir(dir: &Path) -> Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(dir).map_err(|e| Error::io("create", dir, e))
}

fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

#[cfg(unix)]
fn make_private(dir: &Path) -> Result<()> {
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    fs::set_permissions(dir, mode).map_err(|e| Error::io("make private", dir, e))
}

#[cfg(not(unix))]
fn make_private(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn sync_dir(dir: &Path) -> Result<()> {
    File::open(dir).and_then(|file| file.sync_all()).map_err(|e| Error::io("sync", dir, e))
}

/// Directories cannot be opened for syncing here; names are journaled by the file system.
#[cfg(not(unix))]
fn sync_dir(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(unix)]
fn write_at(file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(not(unix))]
fn write_at(mut file: &File, offset: u64, bytes: &[u8]) -> io::Result<()> {
    io::Seek::seek(&mut file, io::SeekFrom::Start(offset))?;
    file.write_all(bytes)
}

#[cfg(unix)]
fn same_file(one: &Metadata, other: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (one.dev(), one.ino()) == (other.dev(), other.ino())
}

#[cfg(not(unix))]
fn same_file(_: &Metadata, _: &Metadata) -> bool {
    true
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;
    use crate::storage::memory::MemoryVfs;
    use proptest::prelude::*;
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    /// A directory of its own for one test, removed with it.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Self {
            let dir = std::env::temp_dir().join(format!("regulars-disk-{}-{name}", std::process::id()));
            let _ = fs::remove_dir_all(&dir);
            Self(dir)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).map_or(0, |found| found.permissions().mode() & 0o777)
    }

    #[test]
    fn what_is_made_is_private() {
        let scratch = Scratch::new("private");
        assert_eq!(DiskVfs::open(&scratch.0, false, false).err().unwrap().kind(), ErrorKind::NotFound);
        let vfs = DiskVfs::open(&scratch.0, true, false).unwrap();
        vfs.create("1.log").unwrap();
        let lock = vfs.lock().unwrap();
        assert_eq!([mode(&scratch.0), mode(&vfs.path("1.log")), mode(&vfs.path("lock"))], [0o700, 0o600, 0o600]);
        assert_eq!(DiskVfs::open(&scratch.0, true, false).unwrap().lock().err().unwrap().kind(), ErrorKind::Locked);
        drop(lock);
        assert!(vfs.lock().is_ok());
        fs::remove_dir_all(&scratch.0).unwrap();
        fs::create_dir(&scratch.0).unwrap();
        DiskVfs::open(&scratch.0, true, false).unwrap();
        assert_eq!(mode(&scratch.0), 0o700, "an empty directory that becomes a store");
    }

    #[test]
    fn links_pipes_and_directories_are_refused() {
        let scratch = Scratch::new("refused");
        let vfs = DiskVfs::open(&scratch.0, true, false).unwrap();
        vfs.create("real").unwrap();
        symlink(vfs.path("real"), vfs.path("link")).unwrap();
        symlink("/dev/zero", vfs.path("device")).unwrap();
        fs::create_dir(vfs.path("dir")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(vfs.path("pipe")).status();
        let pipe = made.is_ok_and(|status| status.success()).then_some("pipe");
        for name in ["link", "device", "dir"].into_iter().chain(pipe) {
            for error in [vfs.read(name).err(), vfs.map(name).err(), vfs.open_append(name).err(), vfs.len(name).err()] {
                assert_eq!(error.map(|e| e.kind()), Some(ErrorKind::Io), "{name}");
            }
            assert!(vfs.create(name).is_err(), "{name}");
        }
        fs::rename(vfs.path("link"), vfs.path("lock")).unwrap();
        assert_eq!(vfs.lock().err().unwrap().kind(), ErrorKind::Io);
        let alias = Scratch::new("alias");
        symlink(&scratch.0, &alias.0).unwrap();
        assert_eq!(DiskVfs::open(&alias.0, true, false).err().unwrap().kind(), ErrorKind::Io);
        fs::remove_file(&alias.0).unwrap();
    }

    #[test]
    fn mapped_and_read_bytes_are_the_same_and_outlive_the_name() {
        let scratch = Scratch::new("map");
        let vfs = DiskVfs::open(&scratch.0, true, false).unwrap();
        vfs.create("a").unwrap().append(&mut [IoSlice::new(b"abc")]).unwrap();
        vfs.create("empty").unwrap();
        let reading = DiskVfs::open(&scratch.0, false, true).unwrap();
        let (mapped, read) = (vfs.map("a").unwrap(), reading.map("a").unwrap());
        assert!(matches!((&mapped, &read), (Bytes::Mapped(_), Bytes::Owned(_))));
        vfs.remove("a").unwrap();
        assert_eq!((&mapped[..], &read[..]), (&b"abc"[..], &b"abc"[..]));
        assert!(vfs.map("empty").unwrap().is_empty());
    }

    #[test]
    fn another_thread_syncs_while_the_writer_goes_on() {
        let scratch = Scratch::new("sync");
        let vfs = DiskVfs::open(&scratch.0, true, false).unwrap();
        let mut file = vfs.create("1.log").unwrap();
        let sync = file.sync_handle();
        std::thread::scope(|scope| {
            let syncing = scope.spawn(move || (0..5).try_for_each(|_| sync.sync_data()));
            (0..100).for_each(|_| file.append(&mut [IoSlice::new(b"record"), IoSlice::new(b"!")]).unwrap());
            syncing.join().unwrap().unwrap();
        });
        file.truncate(7).unwrap();
        file.append(&mut [IoSlice::new(b"x")]).unwrap();
        assert_eq!(&vfs.read("1.log").unwrap()[..], b"record!x");
    }

    /// What one step of a script shows: an outcome, without the texts that differ.
    fn step(vfs: &dyn Vfs, op: u8, one: &str, other: &str, byte: u8) -> Option<String> {
        match op {
            0 => vfs.create(one).map(|_| String::new()).ok(),
            1 => vfs
                .open_append(one)
                .and_then(|mut f| f.append(&mut [IoSlice::new(&[byte; 3])]))
                .map(|()| String::new())
                .ok(),
            2 => vfs
                .open_append(one)
                .and_then(|mut f| f.truncate(u64::from(byte % 5)).and(f.len()))
                .map(|n| n.to_string())
                .ok(),
            3 => vfs.rename(one, other).map(|()| String::new()).ok(),
            4 => vfs.remove(one).map(|()| String::new()).ok(),
            5 => vfs.read(one).map(|bytes| format!("{:?}", &bytes[..])).ok(),
            _ => vfs.list().map(|names| names.join(" ")).ok(),
        }
    }

    proptest! {
        #![proptest_config(crate::base::cases::cases(32))]

        #[test]
        fn memory_behaves_like_the_disk(script in prop::collection::vec((0u8..7, 0usize..3, 0usize..3, any::<u8>()), 0..40)) {
            let scratch = Scratch::new("script");
            let disk = DiskVfs::open(&scratch.0, true, false).unwrap();
            let memory = MemoryVfs::default();
            let names = ["a.log", "b.part", "c.tmp"];
            for (op, one, other, byte) in script {
                let [real, kept] = [&disk as &dyn Vfs, &memory].map(|vfs| step(vfs, op, names[one], names[other], byte));
                prop_assert_eq!(real, kept);
            }
        }
    }
}
