//! The thread that syncs every so often, for [`Durability::Interval`](super::Durability::Interval).

use super::catalog::Catalog;
use super::sync::Gate;
use crate::Result;
use crate::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

/// Runs as long as this lives. It holds neither the store nor its lock, so a store is closed when it is closed.
pub(super) struct Syncer {
    /// Dropping it wakes the thread, which ends.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Syncer {
    /// Starts to make what was logged durable every `period`.
    pub(super) fn start(gate: &Arc<Gate>, catalog: &Arc<Catalog>, period: Duration) -> Result<Self> {
        let (gate, catalog) = (Arc::clone(gate), Arc::clone(catalog));
        let (stop, stopped) = channel::<()>();
        let work = move || {
            while stopped.recv_timeout(period) == Err(RecvTimeoutError::Timeout) {
                // A failure poisons the store; the next call tells.
                if gate.make_all_durable().is_ok() {
                    gate.prove(catalog.vfs.as_ref(), catalog.generation());
                }
            }
        };
        let thread = std::thread::Builder::new().name("regulars-sync".to_owned()).spawn(work);
        let thread = thread.map_err(|error| Error::io("start a thread for", Path::new("regulars-sync"), error))?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
