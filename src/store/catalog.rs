//! Which files the store consists of: the manifest, kept in step by whoever makes or drops a file.

use crate::Result;
use crate::base::Config;
use crate::base::ident::parse_hex;
use crate::error::Error;
use crate::storage::StoreId;
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
    /// The identity key, hexadecimal.
    key: String,
}

impl Charter {
    pub(super) fn new(config: Config, key: [u8; 32]) -> Self {
        Self { config, key: key.iter().map(|byte| format!("{byte:02x}")).collect() }
    }

    pub(super) fn key(&self) -> Option<[u8; 32]> {
        parse_hex(&self.key)?.try_into().ok()
    }
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

/// The catalog; see the module. One change at a time, each durable when the call returns.
pub(super) struct Catalog {
    pub(super) vfs: Arc<dyn Vfs>,
    manifest: Mutex<Manifest>,
    next_number: AtomicU64,
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
        manifest.clean_up(vfs.as_ref())?;
        let last = manifest.files.iter().filter_map(|file| number_of(file.name())).max().unwrap_or(0);
        Ok(Self { vfs, manifest: Mutex::new(manifest), next_number: AtomicU64::new(last + 1) })
    }

    /// The catalog of a new store: its first manifest is on disk when this returns.
    pub(super) fn create(vfs: Arc<dyn Vfs>, store_id: StoreId, charter: &Charter) -> Result<Self> {
        let mut manifest = Manifest::new(store_id);
        manifest.payload = serde_json::to_vec(charter).map_err(|_| Error::invalid("the options cannot be stored"))?;
        manifest.write(vfs.as_ref())?;
        Ok(Self { vfs, manifest: Mutex::new(manifest), next_number: AtomicU64::new(1) })
    }

    pub(super) fn charter(&self) -> Result<Charter> {
        let unreadable = || Error::corrupt(Path::new("manifest"), 0, "the stored options cannot be read");
        serde_json::from_slice(&self.manifest.lock().payload).map_err(|_| unreadable())
    }

    pub(super) fn store_id(&self) -> StoreId {
        self.manifest.lock().store_id
    }

    /// The highest sequence that is in sealed parts.
    pub(super) fn sealed_sequence(&self) -> u64 {
        self.manifest.lock().durable_sequence
    }

    /// A number that no file of this store has.
    pub(super) fn new_number(&self) -> u64 {
        self.next_number.fetch_add(1, Ordering::Relaxed)
    }

    /// The numbers of the live logs, oldest first.
    pub(super) fn logs(&self) -> Vec<u64> {
        let manifest = self.manifest.lock();
        let logs = manifest.files.iter().filter(|file| file.role() == Role::Log);
        let mut numbers: Vec<u64> = logs.filter_map(|file| number_of(file.name())).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The live sealed files of a kind, oldest first.
    pub(super) fn sealed(&self, kind: u8) -> Vec<Sealed> {
        let manifest = self.manifest.lock();
        manifest.files.iter().filter(|file| file.role() == Role::Part(kind)).map(Listed::sealed).collect()
    }

    /// Writes the manifest that `change` makes, then removes the files that it no longer lists.
    fn update(&self, change: impl FnOnce(&mut Manifest)) -> Result<()> {
        let mut current = self.manifest.lock();
        let mut next = current.clone();
        change(&mut next);
        next.generation += 1;
        next.write(self.vfs.as_ref())?;
        let live = |name: &str| next.files.iter().any(|file| file.name() == name);
        let dropped: Vec<String> =
            current.files.iter().map(|file| file.name().to_owned()).filter(|name| !live(name)).collect();
        *current = next;
        // The source is deleted last; whatever a crash leaves here is removed at the next open.
        dropped.iter().try_for_each(|name| self.vfs.remove(name))
    }

    /// Lists a log that was just created.
    pub(super) fn add_log(&self, number: u64) -> Result<()> {
        self.update(|manifest| manifest.files.push(Listed::log(&log_name(number))))
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
