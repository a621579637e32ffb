//! Which files the store consists of: the manifest, kept in step by whoever makes or drops a file.

use crate::Result;
use crate::base::Config;
use crate::base::ident::parse_hex;
use crate::error::Error;
use crate::storage::layout::StoreId;
use crate::storage::manifest::{Listed, Manifest, Role};
use crate::storage::part::Sealed;
use crate::storage::vfs::Vfs;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Kinds of sealed files in the manifest.
pub(super) const DATA: u8 = 0;
pub(super) const STATE: u8 = 1;

/// What is decided when a store is created; the manifest carries it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Charter {
    pub(super) config: Config,
    #[serde(flatten)]
    key: Key,
}

/// The identity key, as the manifest has it.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Key {
    /// Hexadecimal; empty where the host keeps it.
    key: String,
    /// What tells the host's key from others and does not tell the key.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    key_check: String,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

impl Key {
    /// A key that lies in the store.
    pub(super) fn stored(key: [u8; 32]) -> Self {
        Self { key: hex(&key), key_check: String::new() }
    }

    /// A key that the host gives at every open.
    pub(super) fn of_host(key: &[u8; 32]) -> Self {
        Self { key: String::new(), key_check: Self::check(key) }
    }

    fn check(key: &[u8; 32]) -> String {
        hex(&blake3::derive_key("regulars 2026-12-01 check of the identity key", key))
    }
}

impl Charter {
    pub(super) fn new(config: Config, key: Key) -> Self {
        Self { config, key }
    }

    /// The identity key, from the store or from the host, wherever it is kept.
    ///
    /// # Errors
    /// `Invalid` where the host does not give the key that it keeps, or gives one that is not kept by it.
    pub(super) fn key(&self, of_host: Option<[u8; 32]>) -> Result<[u8; 32]> {
        let kept_here = self.key.key_check.is_empty();
        match of_host {
            None if kept_here => {
                let bytes = parse_hex(&self.key.key).and_then(|bytes| bytes.try_into().ok());
                bytes.ok_or_else(|| Error::invalid("the stored identity key is no key"))
            }
            None => Err(Error::invalid("the key of this store is kept by the host: give it with Options::host_key")),
            Some(_) if kept_here => Err(Error::invalid("this store keeps its key itself: open it without host_key")),
            Some(key) if Key::check(&key) == self.key.key_check => Ok(key),
            Some(_) => Err(Error::invalid("this is not the key that the store was created with")),
        }
    }

    /// Refuses another key than the one that lies in the store.
    pub(super) fn agree_on_key(&self, given: Option<[u8; 32]>) -> Result<()> {
        if given.is_some_and(|key| hex(&key) != self.key.key) {
            return Err(Error::invalid("the store was created with another identity key; open it without one"));
        }
        Ok(())
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Where a tail ends.
#[derive(Clone, Copy)]
pub(super) struct TailEnd {
    /// Its log, and those before it, are not needed any more.
    pub(super) log: u64,
    pub(super) sequence: u64,
    /// Its part takes the place of all that there are.
    pub(super) anew: bool,
}

/// What the store consists of.
struct Files {
    manifest: Manifest,
    /// Logs that the list on disk names and a copy has replaced: until the next list, which names the copy.
    replaced: Vec<String>,
}

/// The catalog; see the module. One change at a time, each durable when the call returns.
pub(super) struct Catalog {
    pub(super) vfs: Arc<dyn Vfs>,
    files: Mutex<Files>,
    next_number: AtomicU64,
    /// Files of ours that no manifest lists any more: kept until the store is known to be whole.
    leftovers: Mutex<Vec<String>>,
}

pub(super) fn log_name(number: u64) -> String {
    format!("{number:010}.log")
}

pub(super) fn part_name(number: u64) -> String {
    format!("{number:010}.part")
}

/// The number in a name of ours.
pub(super) fn number_of(name: &str) -> Option<u64> {
    name.split('.').next()?.parse().ok()
}

impl Catalog {
    /// The catalog of a manifest that is on disk.
    pub(super) fn open(vfs: Arc<dyn Vfs>, manifest: Manifest) -> Result<Self> {
        let leftovers = manifest.leftovers(vfs.as_ref())?;
        let names = manifest.files.iter().map(Listed::name).chain(leftovers.iter().map(String::as_str));
        let last = names.filter_map(number_of).max().unwrap_or(0);
        let next_number =
            last.checked_add(1).ok_or_else(|| Error::invalid("a file of the store has too high a number"))?;
        Ok(Self {
            vfs,
            files: Mutex::new(Files { manifest, replaced: Vec::new() }),
            next_number: AtomicU64::new(next_number),
            leftovers: Mutex::new(leftovers),
        })
    }

    /// The catalog of a new store: its first manifest is on disk when this returns.
    pub(super) fn create(vfs: Arc<dyn Vfs>, store_id: StoreId, charter: &Charter) -> Result<Self> {
        let mut manifest = Manifest::new(store_id);
        manifest.payload = serde_json::to_vec(charter).map_err(|_| Error::invalid("the options cannot be stored"))?;
        vfs.sync_parent()?;
        manifest.write(vfs.as_ref())?;
        Self::open(vfs, manifest)
    }

    pub(super) fn charter(&self) -> Result<Charter> {
        let unreadable = || Error::corrupt(Path::new("manifest"), 0, "the stored options cannot be read");
        serde_json::from_slice(&self.files.lock().manifest.payload).map_err(|_| unreadable())
    }

    pub(super) fn store_id(&self) -> StoreId {
        self.files.lock().manifest.store_id
    }

    /// How often the list was changed: the list of this number is on disk.
    pub(super) fn generation(&self) -> u64 {
        self.files.lock().manifest.generation
    }

    /// The highest sequence that is in sealed parts.
    pub(super) fn sealed_sequence(&self) -> u64 {
        self.files.lock().manifest.durable_sequence
    }

    /// A number that no file of this store has.
    pub(super) fn new_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// The numbers of the live logs, oldest first.
    pub(super) fn logs(&self) -> Vec<u64> {
        let mut numbers: Vec<u64> = self.files.lock().manifest.logs().filter_map(number_of).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The live sealed files of a kind, oldest first.
    pub(super) fn sealed(&self, kind: u8) -> Vec<Sealed> {
        let manifest = &self.files.lock().manifest;
        manifest.files.iter().filter(|file| file.role() == Role::Part(kind)).map(Listed::sealed).collect()
    }

    /// Writes the manifest that `change` makes, then removes the files that it no longer lists.
    ///
    /// # Errors
    /// `Poisoned` when it is unknown which list the disk has; after any other error it is the one before.
    fn update(&self, change: impl FnOnce(&mut Manifest)) -> Result<()> {
        let mut current = self.files.lock();
        let mut next = current.manifest.clone();
        change(&mut next);
        next.generation += 1;
        next.write(self.vfs.as_ref())?;
        let mut dropped = std::mem::take(&mut current.replaced);
        dropped.extend(current.manifest.files.iter().map(|file| file.name().to_owned()));
        dropped.retain(|name| next.files.iter().all(|file| file.name() != name));
        current.manifest = next;
        drop(current);
        // The source is deleted last.
        self.remove(dropped);
        Ok(())
    }

    /// Removes files that are not part of the store any more. What cannot be removed takes room and does no harm.
    fn remove(&self, names: Vec<String>) {
        self.leftovers.lock().extend(names.into_iter().filter(|name| self.vfs.remove(name).is_err()));
    }

    /// Files of ours that are not part of the store: what a crash left half made, or did not get to remove.
    pub(super) fn leftovers(&self) -> Vec<String> {
        self.leftovers.lock().clone()
    }

    /// Removes what is not part of the store. Only once everything that is part of it was found and read.
    pub(super) fn tidy(&self) -> Result<()> {
        // The lock is not held over the disk: whoever asks for numbers does not wait for it.
        let found = self.leftovers();
        if found.is_empty() {
            return Ok(());
        }
        let stays = |name: &String| self.vfs.len(name).is_ok_and(|len| len.is_some()) && self.vfs.remove(name).is_err();
        let gone: Vec<String> = found.into_iter().filter(|name| !stays(name)).collect();
        self.leftovers.lock().retain(|name| !gone.contains(name));
        self.vfs.sync_dir()
    }

    /// Removes a file that was made and never listed.
    pub(super) fn abandon(&self, name: &str) {
        if self.vfs.len(name).is_ok_and(|len| len.is_some()) && self.vfs.remove(name).is_err() {
            self.leftovers.lock().push(name.to_owned());
        }
    }

    /// Lists a log that was just created.
    pub(super) fn add_log(&self, number: u64) -> Result<()> {
        self.update(|manifest| manifest.files.push(Listed::log(&log_name(number))))
    }

    /// Puts one log in the place of all that there are.
    ///
    /// # Errors
    /// As [`Manifest::write`].
    pub(super) fn replace_logs(&self, number: u64) -> Result<()> {
        self.update(|manifest| {
            manifest.files.retain(|file| file.role() != Role::Log);
            manifest.files.push(Listed::log(&log_name(number)));
        })
    }

    /// Goes on in a copy of all live logs, whose name is durable, without a new list: whoever follows the one that is on
    /// disk finds the copy beside the logs that it names (see [`super::relog`]). They stay until the next list, which
    /// names the copy.
    pub(super) fn follow_copy(&self, number: u64) {
        self.leftovers.lock().retain(|name| *name != log_name(number));
        let mut files = self.files.lock();
        let old: Vec<String> = files.manifest.logs().map(str::to_owned).collect();
        files.manifest.files.retain(|file| file.role() != Role::Log);
        files.manifest.files.push(Listed::log(&log_name(number)));
        if files.replaced.is_empty() {
            files.replaced = old;
            return;
        }
        drop(files);
        // A copy of which this one is a copy: the list on disk does not name it.
        self.remove(old);
    }

    /// Takes in a sealed tail: its part and the state as of its end replace its log and the state before, and all parts
    /// where it was founded anew.
    pub(super) fn add_part(&self, part: Sealed, state: Sealed, end: TailEnd) -> Result<()> {
        self.update(|manifest| {
            let stale = |file: &Listed| match file.role() {
                Role::Log => number_of(file.name()).is_some_and(|number| number <= end.log),
                Role::Part(kind) => kind == STATE || end.anew,
            };
            manifest.files.retain(|file| !stale(file));
            manifest.files.push(Listed::part(part, DATA));
            manifest.files.push(Listed::part(state, STATE));
            manifest.durable_sequence = manifest.durable_sequence.max(end.sequence);
        })
    }

    /// Puts one part in the place of several adjacent ones.
    pub(super) fn merge(&self, old: &[Sealed], new: Sealed) -> Result<()> {
        self.update(|manifest| {
            let is_old = |file: &Listed| old.iter().any(|old| old.name == file.name());
            let place = manifest.files.iter().position(is_old).unwrap_or(manifest.files.len());
            manifest.files.insert(place, Listed::part(new, DATA));
            manifest.files.retain(|file| !is_old(file));
        })
    }
}
