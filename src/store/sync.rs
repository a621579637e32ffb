//! Group commit: writers append under the store's lock, and wait for the disk outside it, together.

use super::state::State;
use crate::Result;
use crate::error::Error;
use crate::storage::proof::{Proof, Prover};
use crate::storage::vfs::{Vfs, VfsSync};
use parking_lot::{Mutex, RwLock};
use std::io::ErrorKind;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// What has been logged and what of it is on disk.
pub(super) struct Gate {
    /// The newest state that is logged, and the file it is logged in.
    logged: Mutex<Logged>,
    /// Held by the one that waits for the disk; whoever comes meanwhile finds its work done.
    disk: Mutex<()>,
    durable: AtomicU64,
    published: RwLock<Arc<State>>,
    poison: OnceLock<String>,
    prover: Mutex<Prover>,
}

struct Logged {
    state: Arc<State>,
    /// `None` until there is room for a log.
    log: Option<LogFile>,
}

/// The log that commits go to.
#[derive(Clone)]
pub(super) struct LogFile {
    pub(super) file: Arc<dyn VfsSync>,
    pub(super) number: u64,
}

impl Gate {
    pub(super) fn new(state: Arc<State>, log: Option<LogFile>, durable: u64, prover: Prover) -> Self {
        Self {
            logged: Mutex::new(Logged { state: Arc::clone(&state), log }),
            disk: Mutex::new(()),
            durable: AtomicU64::new(durable),
            published: RwLock::new(state),
            poison: OnceLock::new(),
            prover: Mutex::new(prover),
        }
    }

    /// The highest sequence known to be on disk.
    pub(super) fn durable(&self) -> u64 {
        self.durable.load(Ordering::Acquire)
    }

    /// What readers see.
    pub(super) fn published(&self) -> Arc<State> {
        Arc::clone(&self.published.read())
    }

    /// Notes a state that is applied and logged, in the order of commits: called under the writer's lock.
    pub(super) fn log(&self, state: Arc<State>) {
        self.logged.lock().state = state;
    }

    /// From here on the log goes on in another file; everything in the one before is on disk.
    pub(super) fn switch(&self, log: LogFile, durable: u64) {
        self.logged.lock().log = Some(log);
        self.durable.fetch_max(durable, Ordering::AcqRel);
    }

    /// Lets readers see everything logged so far without waiting for the disk.
    pub(super) fn publish(&self) {
        let state = Arc::clone(&self.logged.lock().state);
        self.show(state);
    }

    /// Lets readers see the newest state where all of it is on disk. What is not, whoever waits for the disk shows.
    pub(super) fn publish_durable(&self) {
        let state = Arc::clone(&self.logged.lock().state);
        if state.sequence <= self.durable() {
            self.show(state);
        }
    }

    /// Makes everything logged so far durable.
    pub(super) fn make_all_durable(&self) -> Result<()> {
        let sequence = self.logged.lock().state.sequence;
        self.make_durable(sequence)
    }

    /// Notes beside the log what of it is on disk, so that the next open misses what is missing.
    ///
    /// `generation` is that of a list of files that was made durable before the call. An error would change nothing: what
    /// was promised is on disk, and the next open only copies more.
    pub(super) fn prove(&self, vfs: &dyn Vfs, generation: u64) {
        let number = self.logged.lock().log.as_ref().map(|log| log.number);
        if let (Some(log), None) = (number, self.poisoned()) {
            let _ = self.prover.lock().note(vfs, Proof { generation, sequence: self.durable(), log });
        }
    }

    /// As [`Gate::prove`], where the list of files is newer than what was noted last.
    pub(super) fn prove_list(&self, vfs: &dyn Vfs, generation: u64) {
        if generation > self.prover.lock().proven().generation {
            self.prove(vfs, generation);
        }
    }

    fn show(&self, state: Arc<State>) {
        let mut published = self.published.write();
        // Two waiters may come out of the disk in either order; readers only go forward.
        if state.sequence >= published.sequence {
            let before = std::mem::replace(&mut *published, state);
            // Readers need not wait until the last one to hold a tail has freed it.
            drop(published);
            drop(before);
        }
    }

    /// Waits until `sequence` is on disk, then lets readers see it. Whoever gets to the disk first takes along
    /// everything logged meanwhile.
    pub(super) fn make_durable(&self, sequence: u64) -> Result<()> {
        let _disk = self.disk.lock();
        self.check()?;
        if self.durable() >= sequence && self.published.read().sequence >= sequence {
            return Ok(());
        }
        let (state, log) = {
            let logged = self.logged.lock();
            (Arc::clone(&logged.state), logged.log.clone())
        };
        if self.durable() < state.sequence {
            let log = log.ok_or_else(|| Error::io("log to", Path::new("the store"), ErrorKind::StorageFull.into()))?;
            log.file.sync_data().map_err(|error| self.poison(error))?;
            self.durable.fetch_max(state.sequence, Ordering::AcqRel);
        }
        self.show(state);
        Ok(())
    }

    /// Stops all writing: after a failed sync nobody knows what is on disk, and asking again would lie.
    pub(super) fn poison(&self, error: Error) -> Error {
        let _ = self.poison.set(error.to_string());
        error
    }

    /// Stops all writing if that is what the error says, and passes it on.
    pub(super) fn stopped_by(&self, error: Error) -> Error {
        if error.kind() == crate::ErrorKind::Poisoned { self.poison(error) } else { error }
    }

    /// Why writing stopped.
    pub(super) fn poisoned(&self) -> Option<&str> {
        self.poison.get().map(String::as_str)
    }

    pub(super) fn check(&self) -> Result<()> {
        self.poisoned().map_or(Ok(()), |cause| Err(Error::poisoned(cause)))
    }
}
