//! A disk that fails, forgets and fills up, for tests: what is written lies in the memory of a system that may die.
//!
//! It keeps apart what a running system sees of a directory (all writes and names so far) and what would be there after
//! a power cut: what was synced, and any part of what was written and named since. A sync that fails gives up on what
//! it was asked for, as kernels do: the bytes stay visible, and no later sync brings them to the disk.

use super::map::Bytes;
use super::vfs::{LOCK_NAME, Lock, Vfs, VfsFile, VfsSlots, VfsSync, check_plain};
use crate::{Error, Result};
use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Handles of one disk; clones are the same.
#[derive(Clone, Default)]
pub(crate) struct FaultyVfs(Arc<Mutex<Disk>>);

#[derive(Default)]
struct Disk {
    files: Vec<Content>,
    /// Which file a name means to whoever looks now.
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// What was done to names since they were synced.
    renaming: Vec<Renaming>,
    operations: u64,
    plan: Plan,
    /// Bytes that can still be written.
    room: Option<usize>,
    locked: bool,
    /// Faults that happened.
    faults: u64,
    lie: Lie,
}

/// What a disk says it did and did not do: planted, to see that the tests notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Lie {
    #[default]
    Honest,
    /// Syncing data does nothing.
    Data,
    /// Syncing names does nothing.
    Names,
}

/// When and how the disk fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Plan {
    #[default]
    Works,
    /// Nothing has an effect from this operation on: the process is dead.
    DeadFrom(u64),
    /// This operation fails, and no other.
    FailsAt(u64, Fault),
    /// This operation and all after it fail.
    FailsFrom(u64, Fault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    Broken,
    Full,
    /// Half of what is written gets there.
    Short,
}

impl Fault {
    fn error(self) -> io::Error {
        match self {
            Self::Broken | Self::Short => io::Error::other("the disk is broken"),
            Self::Full => io::ErrorKind::StorageFull.into(),
        }
    }
}

#[derive(Clone, Default)]
struct Content {
    now: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Write>,
}

#[derive(Clone)]
enum Write {
    At(usize, Vec<u8>),
    Cut(usize),
}

impl Write {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::At(offset, new) => {
                bytes.resize(bytes.len().max(offset + new.len()), 0);
                bytes[*offset..offset + new.len()].copy_from_slice(new);
            }
            Self::Cut(len) => bytes.resize(*len, 0),
        }
    }
}

#[derive(Clone)]
enum Renaming {
    Named(String, usize),
    Removed(String),
    Renamed(String, String, usize),
}

impl Renaming {
    fn apply(&self, names: &mut BTreeMap<String, usize>) {
        match self {
            Self::Named(name, file) => _ = names.insert(name.clone(), *file),
            Self::Removed(name) => _ = names.remove(name),
            Self::Renamed(from, to, file) => {
                names.remove(from);
                names.insert(to.clone(), *file);
            }
        }
    }
}

/// What a power cut leaves of what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// All of it: the system went down in order.
    Everything,
    Nothing,
    /// The first so many changes of names, and any part of the writes.
    InOrder(u64),
    /// Any changes of names, and any part of the writes.
    AnyOrder(u64),
}

/// Numbers that look random, the same ones for the same seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_mul(0x5851_f42d_4c95_7f2d).wrapping_add(0x1405_7b7e_f767_814f);
        usize::try_from((self.0 >> 33) % (below.max(1) as u64)).unwrap()
    }
}

impl FaultyVfs {
    /// Operations that changed anything so far.
    pub(crate) fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    /// Faults that happened so far.
    pub(crate) fn faults(&self) -> u64 {
        self.0.lock().faults
    }

    pub(crate) fn plan(&self, plan: Plan) {
        self.0.lock().plan = plan;
    }

    pub(crate) fn lie(&self, lie: Lie) {
        self.0.lock().lie = lie;
    }

    pub(crate) fn set_room(&self, room: Option<usize>) {
        self.0.lock().room = room;
    }

    /// The process is dead and the system lives: another may open the directory and finds what was written.
    pub(crate) fn killed(&self) {
        let mut disk = self.0.lock();
        (disk.locked, disk.plan) = (false, Plan::Works);
    }

    /// Another disk, as a power cut may leave this one now.
    pub(crate) fn after_power_cut(&self, cut: Cut) -> Self {
        let disk = self.0.lock();
        let mut dice = Dice(match cut {
            Cut::Everything | Cut::Nothing => 0,
            Cut::InOrder(seed) | Cut::AnyOrder(seed) => seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        });
        let mut names = disk.durable_names.clone();
        let first = dice.roll(disk.renaming.len() + 1);
        for (at, renaming) in disk.renaming.iter().enumerate() {
            let kept = match cut {
                Cut::Everything => true,
                Cut::Nothing => false,
                Cut::InOrder(_) => at < first,
                Cut::AnyOrder(_) => dice.roll(2) == 0,
            };
            if kept {
                renaming.apply(&mut names);
            }
        }
        let files = disk.files.iter().map(|content| content.after(cut, &mut dice)).collect();
        let durable_names = names.clone();
        Self(Arc::new(Mutex::new(Disk { files, names, durable_names, ..Disk::default() })))
    }

    /// The names of the logs, oldest first.
    pub(crate) fn logs(&self) -> Vec<String> {
        self.0.lock().names.keys().filter(|name| name.ends_with(".log")).cloned().collect()
    }

    /// The bytes of a file, to damage them on a copy of the disk.
    pub(crate) fn damaged(&self, name: &str, damage: impl FnOnce(&mut Vec<u8>)) -> Self {
        let copy = self.after_power_cut(Cut::Everything);
        let mut disk = copy.0.lock();
        let file = disk.names[name];
        let content = &mut disk.files[file];
        damage(&mut content.now);
        content.durable = content.now.clone();
        drop(disk);
        copy
    }

    /// A copy of the disk without a file, or with another one under its name.
    pub(crate) fn exchanged(&self, name: &str, other: Option<Vec<u8>>) -> Self {
        let copy = self.after_power_cut(Cut::Everything);
        let mut disk = copy.0.lock();
        match other {
            None => _ = disk.names.remove(name),
            Some(now) => {
                let file = disk.files.len();
                disk.files.push(Content { durable: now.clone(), now, pending: Vec::new() });
                disk.names.insert(name.to_owned(), file);
            }
        }
        disk.durable_names = disk.names.clone();
        drop(disk);
        copy
    }

    fn missing(&self, doing: &str, name: &str) -> Error {
        Error::io(doing, &self.path(name), io::ErrorKind::NotFound.into())
    }

    fn find(&self, name: &str) -> Result<usize> {
        check_plain(name)?;
        self.0.lock().names.get(name).copied().ok_or_else(|| self.missing("open", name))
    }

    fn handle(&self, name: &str, file: usize) -> FaultyFile {
        FaultyFile { disk: self.clone(), path: self.path(name), file }
    }

    /// Counts an operation; an error if it is one that fails.
    fn step(&self, doing: &str, name: &str) -> Result<()> {
        self.0.lock().step().map_err(|fault| Error::io(doing, &self.path(name), fault.error()))
    }
}

impl Disk {
    fn step(&mut self) -> std::result::Result<(), Fault> {
        let fault = match self.plan {
            Plan::DeadFrom(from) if self.operations >= from => return Err(Fault::Broken),
            Plan::FailsAt(at, fault) if self.operations == at => Some(fault),
            Plan::FailsFrom(from, fault) if self.operations >= from => Some(fault),
            _ => None,
        };
        self.operations += 1;
        self.faults += u64::from(fault.is_some());
        fault.map_or(Ok(()), Err)
    }

    fn dead(&self) -> bool {
        matches!(self.plan, Plan::DeadFrom(from) if self.operations >= from)
    }

    fn rename(&mut self, renaming: Renaming) {
        renaming.apply(&mut self.names);
        self.renaming.push(renaming);
    }
}

impl Content {
    fn write(&mut self, write: Write) {
        write.apply(&mut self.now);
        self.pending.push(write);
    }

    fn after(&self, cut: Cut, dice: &mut Dice) -> Self {
        let mut durable = self.durable.clone();
        for write in &self.pending {
            match (cut, write) {
                (Cut::Everything, write) => write.apply(&mut durable),
                (Cut::Nothing, _) => {}
                (_, Write::Cut(len)) => {
                    if dice.roll(2) == 0 {
                        Write::Cut(*len).apply(&mut durable);
                    }
                }
                (_, Write::At(offset, bytes)) => torn(*offset, bytes, dice, &mut durable),
            }
        }
        Self { now: durable.clone(), durable, pending: Vec::new() }
    }
}

/// A write of which any part got there: none, all, its begin, its end, its length alone.
fn torn(offset: usize, bytes: &[u8], dice: &mut Dice, durable: &mut Vec<u8>) {
    let part = dice.roll(bytes.len() + 1);
    match dice.roll(6) {
        0 | 1 => Write::At(offset, bytes.to_vec()).apply(durable),
        2 => Write::At(offset, bytes[..part].to_vec()).apply(durable),
        3 => Write::At(offset + part, bytes[part..].to_vec()).apply(durable),
        4 => durable.resize(durable.len().max(offset + bytes.len()), 0),
        _ => {}
    }
}

impl Vfs for FaultyVfs {
    fn path(&self, name: &str) -> PathBuf {
        PathBuf::from("faulty").join(name)
    }

    fn list(&self) -> Result<Vec<String>> {
        Ok(self.0.lock().names.keys().cloned().collect())
    }

    fn len(&self, name: &str) -> Result<Option<u64>> {
        check_plain(name)?;
        let disk = self.0.lock();
        Ok(disk.names.get(name).map(|file| disk.files[*file].now.len() as u64))
    }

    fn create(&self, name: &str) -> Result<Box<dyn VfsFile>> {
        check_plain(name)?;
        self.step("create", name)?;
        let mut disk = self.0.lock();
        if disk.names.contains_key(name) {
            return Err(Error::io("create", &self.path(name), io::ErrorKind::AlreadyExists.into()));
        }
        let file = disk.files.len();
        disk.files.push(Content::default());
        disk.rename(Renaming::Named(name.to_owned(), file));
        drop(disk);
        Ok(Box::new(self.handle(name, file)))
    }

    fn open_append(&self, name: &str) -> Result<Box<dyn VfsFile>> {
        Ok(Box::new(self.handle(name, self.find(name)?)))
    }

    fn read(&self, name: &str) -> Result<Bytes> {
        let file = self.find(name)?;
        Ok(Bytes::from(self.0.lock().files[file].now.clone()))
    }

    fn map(&self, name: &str) -> Result<Bytes> {
        self.read(name)
    }

    fn rename(&self, from: &str, to: &str) -> Result<()> {
        let file = self.find(from)?;
        check_plain(to)?;
        self.step("rename", from)?;
        self.0.lock().rename(Renaming::Renamed(from.to_owned(), to.to_owned(), file));
        Ok(())
    }

    fn remove(&self, name: &str) -> Result<()> {
        self.find(name)?;
        self.step("remove", name)?;
        self.0.lock().rename(Renaming::Removed(name.to_owned()));
        Ok(())
    }

    fn sync_dir(&self) -> Result<()> {
        let stepped = self.step("sync", ".");
        let mut disk = self.0.lock();
        if disk.dead() || disk.lie == Lie::Names {
            return stepped;
        }
        let renaming = std::mem::take(&mut disk.renaming);
        if stepped.is_ok() {
            renaming.iter().for_each(|renaming| renaming.apply(&mut disk.durable_names));
        }
        stepped
    }

    fn sync_parent(&self) -> Result<()> {
        self.step("sync", "..")
    }

    fn open_slots(&self, name: &str) -> Result<Box<dyn VfsSlots>> {
        if self.find(name).is_err() {
            drop(self.create(name)?);
        }
        Ok(Box::new(self.handle(name, self.find(name)?)))
    }

    fn lock(&self) -> Result<Lock> {
        let mut disk = self.0.lock();
        if std::mem::replace(&mut disk.locked, true) {
            return Err(Error::locked(Path::new("faulty")));
        }
        if !disk.names.contains_key(LOCK_NAME) {
            let file = disk.files.len();
            disk.files.push(Content::default());
            disk.rename(Renaming::Named(LOCK_NAME.to_owned(), file));
        }
        Ok(Lock::new(Held(self.clone())))
    }
}

struct Held(FaultyVfs);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.0.lock().locked = false;
    }
}

#[derive(Clone)]
struct FaultyFile {
    disk: FaultyVfs,
    path: PathBuf,
    file: usize,
}

impl FaultyFile {
    /// Writes what the disk takes; how many bytes that was.
    fn write_at(&self, offset: Option<usize>, bytes: &[u8]) -> io::Result<usize> {
        let mut disk = self.disk.0.lock();
        let fault = disk.step();
        if fault.is_err() && disk.dead() {
            return Err(Fault::Broken.error());
        }
        let room = disk.room.unwrap_or(usize::MAX);
        let taken = match fault {
            Err(Fault::Short) => bytes.len() / 2,
            Err(fault) => return Err(fault.error()),
            Ok(()) if !bytes.is_empty() && room == 0 => {
                disk.faults += 1;
                return Err(Fault::Full.error());
            }
            Ok(()) => bytes.len().min(room),
        };
        disk.room = disk.room.map(|room| room.saturating_sub(taken));
        let content = &mut disk.files[self.file];
        let offset = offset.unwrap_or(content.now.len());
        content.write(Write::At(offset, bytes[..taken].to_vec()));
        match fault {
            Err(fault) => Err(fault.error()),
            Ok(()) => Ok(taken),
        }
    }
}

impl VfsFile for FaultyFile {
    fn path(&self) -> &Path {
        &self.path
    }

    fn write(&mut self, pieces: &[IoSlice<'_>]) -> io::Result<usize> {
        let all: Vec<u8> = pieces.iter().flat_map(|piece| piece.iter().copied()).collect();
        self.write_at(None, &all)
    }

    fn len(&self) -> Result<u64> {
        Ok(self.disk.0.lock().files[self.file].now.len() as u64)
    }

    fn truncate(&mut self, len: u64) -> Result<()> {
        let len = usize::try_from(len).unwrap();
        let mut disk = self.disk.0.lock();
        disk.step().map_err(|fault| Error::io("truncate", &self.path, fault.error()))?;
        let given_back = disk.files[self.file].now.len().saturating_sub(len);
        disk.room = disk.room.map(|room| room + given_back);
        disk.files[self.file].write(Write::Cut(len));
        Ok(())
    }

    fn sync_handle(&self) -> Arc<dyn VfsSync> {
        Arc::new(self.clone())
    }
}

impl VfsSync for FaultyFile {
    fn sync_data(&self) -> Result<()> {
        let mut disk = self.disk.0.lock();
        let stepped = disk.step();
        if stepped.is_err() && disk.dead() {
            return Err(Error::io("sync", &self.path, Fault::Broken.error()));
        }
        if disk.lie == Lie::Data {
            return Ok(());
        }
        let content = &mut disk.files[self.file];
        let pending = std::mem::take(&mut content.pending);
        if stepped.is_ok() {
            pending.iter().for_each(|write| write.apply(&mut content.durable));
        }
        stepped.map_err(|fault| Error::io("sync", &self.path, fault.error()))
    }
}

impl VfsSlots for FaultyFile {
    fn put(&mut self, offset: u64, bytes: &[u8]) -> Result<()> {
        let written = self.write_at(Some(usize::try_from(offset).unwrap()), bytes);
        written.map(drop).map_err(|error| Error::io("write to", &self.path, error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(file: &mut dyn VfsFile, bytes: &[u8]) -> Result<()> {
        file.append(&mut [IoSlice::new(bytes)])
    }

    fn content(vfs: &FaultyVfs, name: &str) -> Option<Vec<u8>> {
        vfs.read(name).ok().map(|bytes| bytes.to_vec())
    }

    #[test]
    fn a_power_cut_takes_what_was_not_synced() {
        let vfs = FaultyVfs::default();
        let mut file = vfs.create("a").unwrap();
        append(file.as_mut(), b"one").unwrap();
        file.sync_data().unwrap();
        assert_eq!(content(&vfs.after_power_cut(Cut::Nothing), "a"), None, "its name was not synced");
        vfs.sync_dir().unwrap();
        append(file.as_mut(), b"two").unwrap();
        vfs.rename("a", "b").unwrap();
        let nothing = vfs.after_power_cut(Cut::Nothing);
        assert_eq!((content(&nothing, "a"), content(&nothing, "b")), (Some(b"one".to_vec()), None));
        let all = vfs.after_power_cut(Cut::Everything);
        assert_eq!((content(&all, "a"), content(&all, "b")), (None, Some(b"onetwo".to_vec())));
    }

    #[test]
    fn a_sync_that_failed_gave_up_on_what_it_was_asked_for() {
        let vfs = FaultyVfs::default();
        let mut file = vfs.create("a").unwrap();
        vfs.sync_dir().unwrap();
        append(file.as_mut(), b"one").unwrap();
        vfs.plan(Plan::FailsAt(vfs.operations(), Fault::Broken));
        assert!(file.sync_data().is_err());
        append(file.as_mut(), b"two").unwrap();
        file.sync_data().unwrap();
        assert_eq!(content(&vfs, "a"), Some(b"onetwo".to_vec()), "whoever looks sees all of it");
        assert_eq!(content(&vfs.after_power_cut(Cut::Nothing), "a"), Some(b"\0\0\0two".to_vec()));
        assert_eq!(vfs.faults(), 1);
    }

    #[test]
    fn the_dead_do_nothing_and_the_full_take_what_fits() {
        let vfs = FaultyVfs::default();
        let mut file = vfs.create("a").unwrap();
        vfs.set_room(Some(4));
        assert!(append(file.as_mut(), b"sixsix").unwrap_err().is_out_of_space());
        assert_eq!(content(&vfs, "a"), Some(b"sixs".to_vec()));
        file.truncate(1).unwrap();
        append(file.as_mut(), b"ay").unwrap();
        vfs.set_room(None);
        vfs.plan(Plan::DeadFrom(vfs.operations()));
        assert!(append(file.as_mut(), b"!").is_err() && vfs.remove("a").is_err() && file.sync_data().is_err());
        vfs.killed();
        assert_eq!(content(&vfs, "a"), Some(b"say".to_vec()));
    }
}
